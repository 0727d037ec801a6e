/* Routing, and what all answers share. */
#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "http/now.h"
#include "http/private.h"
#include "http/serve.h"

const struct lw_route lw_routes[] = {
    {"GET", "/healthz", NULL, lw_serve_health, LW_ROUTE_HEALTH | LW_ROUTE_OPEN, 0},
    {"GET", "/readyz", NULL, lw_serve_ready, LW_ROUTE_HEALTH | LW_ROUTE_OPEN, 0},
    {"GET", "/metrics", NULL, lw_serve_metrics, LW_ROUTE_HEALTH, 0},
    {"GET", "/api/v1/now", NULL, lw_serve_now, 0, 0},
    {"GET", "/api/v1/history", NULL, lw_serve_history, LW_ROUTE_REDIS, 0},
    {"GET", "/api/v1/heatmap", NULL, lw_serve_heatmap, LW_ROUTE_REDIS, 0},
    {"GET", "/api/v1/features/", "", lw_serve_feature, LW_ROUTE_REDIS | LW_ROUTE_TAIL, 0},
    {"GET", "/api/v1/alerts", NULL, lw_serve_alerts, LW_ROUTE_REDIS, 0},
    {"POST", "/api/v1/alerts/silence", NULL, lw_serve_silence, LW_ROUTE_REDIS,
     LW_SCOPE_SILENCE},
    {"DELETE", "/api/v1/alerts/silence/", "", lw_serve_unsilence,
     LW_ROUTE_REDIS | LW_ROUTE_TAIL, LW_SCOPE_SILENCE},
    {"GET", "/api/v1/models", NULL, lw_serve_models, LW_ROUTE_REDIS, 0},
    {"POST", "/api/v1/models/", "/promote", lw_serve_promote,
     LW_ROUTE_REDIS | LW_ROUTE_TAIL, LW_SCOPE_MODELS},
    {"GET", "/api/v1/models/", "", lw_serve_model, LW_ROUTE_REDIS | LW_ROUTE_TAIL, 0},
    {"GET", "/api/v1/audit", NULL, lw_serve_audit, LW_ROUTE_REDIS, 0},
    {"POST", "/api/v1/predict", NULL, lw_serve_predict, 0, 0},
    {"POST", "/api/v1/retrain", NULL, lw_serve_retrain, LW_ROUTE_REDIS, LW_SCOPE_MODELS},
    {"GET", "/api/v1/events", NULL, lw_serve_events, 0, 0},
};
const size_t lw_nroutes = sizeof lw_routes / sizeof *lw_routes;

/* ---- answers ---- */

static const char *word_of(unsigned status) {
    switch (status) {
    case MHD_HTTP_NOT_FOUND:
        return "not_found";
    case MHD_HTTP_UNAUTHORIZED:
    case MHD_HTTP_FORBIDDEN:
        return "unauthorized";
    case MHD_HTTP_CONTENT_TOO_LARGE:
        return "too_large";
    case MHD_HTTP_TOO_MANY_REQUESTS:
        return "too_many";
    case MHD_HTTP_SERVICE_UNAVAILABLE:
    case MHD_HTTP_INTERNAL_SERVER_ERROR:
        return "unavailable";
    default:
        return "bad_request";
    }
}

void lw_call_json(struct lw_call *c, json_t *value) {
    lw_buf_clear(&c->out);
    lw_json_dump(value, 12, &c->out);
    lw_buf_u8(&c->out, '\n');
    c->answered = true;
}

void lw_call_fail(struct lw_call *c, unsigned status, const char *fmt, ...) {
    char text[700];
    va_list ap;
    if (c->answered)
        return; /* the first refusal wins */
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    json_t *o = json_object();
    lw_json_set_text(o, "error", text);
    lw_json_set_text(o, "code", word_of(status));
    lw_call_json(c, o);
    c->status = status;
    c->type = "application/json";
}

void lw_call_err(struct lw_call *c, const struct lw_err *err) {
    /* Damaged data in Redis is not the client's fault. */
    bool damaged =
        err->code == LW_EINPUT && c->redis && lw_redis_why(c->redis) == LW_REDIS_DAMAGED;
    unsigned status = err->code == LW_ENOTFOUND ? MHD_HTTP_NOT_FOUND
                      : damaged                 ? MHD_HTTP_INTERNAL_SERVER_ERROR
                      : err->code == LW_EINPUT || err->code == LW_ECONFIG
                          ? MHD_HTTP_BAD_REQUEST
                      : err->code == LW_EAGAIN || err->code == LW_EFENCED
                          ? MHD_HTTP_SERVICE_UNAVAILABLE
                          : MHD_HTTP_INTERNAL_SERVER_ERROR;
    lw_call_fail(c, status, "%s", err->msg);
}

/* The page may load only from this server, may not be framed, and browsers may not guess
 * types; answers of the API are not cached. */
void lw_call_headers(const struct lw_call *c, struct MHD_Response *r) {
    MHD_add_response_header(r, "Content-Type", c->type);
    MHD_add_response_header(r, "X-Content-Type-Options", "nosniff");
    MHD_add_response_header(
        r, "Content-Security-Policy",
        "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'");
    if (!MHD_get_response_header(r, "Cache-Control"))
        MHD_add_response_header(r, "Cache-Control", "no-store");
    char seconds[16];
    snprintf(seconds, sizeof seconds, "%d", c->retry_s ? c->retry_s : 2);
    if (c->retry_s || c->status == MHD_HTTP_SERVICE_UNAVAILABLE)
        MHD_add_response_header(r, "Retry-After", seconds);
    if (c->status == MHD_HTTP_UNAUTHORIZED)
        MHD_add_response_header(r, "WWW-Authenticate", "Bearer");
    if (c->status == MHD_HTTP_UNAUTHORIZED && c->login)
        MHD_add_response_header(r, "WWW-Authenticate", "Basic realm=\"leeway\"");
    if (c->closes)
        MHD_add_response_header(r, "Connection", "close");
    if (c->allow)
        MHD_add_response_header(r, "Allow", c->allow);
}

/* ---- arguments ---- */

const char *lw_call_arg(struct lw_call *c, const char *name) {
    return MHD_lookup_connection_value(c->connection, MHD_GET_ARGUMENT_KIND, name);
}

bool lw_call_int(struct lw_call *c, const char *name, int64_t lo, int64_t hi,
                 int64_t *out) {
    const char *text = lw_call_arg(c, name);
    int64_t v;
    if (!text || !*text)
        return true;
    if (lw_parse_i64(text, &v) && v >= lo && v <= hi) {
        *out = v;
        return true;
    }
    lw_call_fail(c, MHD_HTTP_BAD_REQUEST,
                 "%s must be a whole number from %lld to %lld (got \"%.60s\")", name,
                 (long long)lo, (long long)hi, text);
    return false;
}

const struct lw_window_spec *lw_call_window(struct lw_call *c) {
    const struct lw_spec *spec = c->server->spec;
    const char *name = lw_call_arg(c, "window"), *names[LW_WINDOWS_MAX];
    const struct lw_window_spec *longest = &spec->window[0];
    for (size_t i = 0; i < spec->nwindows; i++) {
        names[i] = spec->window[i].name;
        if (name && strcmp(name, names[i]) == 0)
            return &spec->window[i];
        if (spec->window[i].length_ms > longest->length_ms)
            longest = &spec->window[i];
    }
    if (!name || !*name)
        return longest;
    const char *near = lw_nearest(name, names, spec->nwindows);
    lw_call_fail(c, MHD_HTTP_BAD_REQUEST, "unknown window \"%.60s\"%s%s%s", name,
                 near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
    return NULL;
}

/* ---- routing ---- */

/* Does the path belong to the route? Copies the name in it to tail. */
static bool route_matches(const struct lw_route *r, const char *path, char *tail,
                          size_t size) {
    size_t prefix = strlen(r->prefix), len = strlen(path);
    if (!(r->flags & LW_ROUTE_TAIL))
        return strcmp(path, r->prefix) == 0;
    size_t suffix = strlen(r->suffix);
    if (len <= prefix + suffix || strncmp(path, r->prefix, prefix) != 0 ||
        strcmp(path + len - suffix, r->suffix) != 0)
        return false;
    size_t n = len - prefix - suffix;
    if (n >= size || memchr(path + prefix, '/', n))
        return false;
    memcpy(tail, path + prefix, n);
    tail[n] = '\0';
    return true;
}

static bool same_method(const struct lw_route *r, const char *method) {
    return strcmp(r->method, method) == 0 ||
           (strcmp(r->method, "GET") == 0 && strcmp(method, "HEAD") == 0);
}

/* Refuses a body that is too large by its Content-Length, before it is sent. */
static bool check_length(struct lw_call *c) {
    const char *text =
        MHD_lookup_connection_value(c->connection, MHD_HEADER_KIND, "Content-Length");
    int64_t n;
    bool taken = strcmp(c->route->method, "POST") == 0;
    if (!text ||
        (lw_parse_i64(text, &n) && n <= (taken ? c->server->config->http.body_max : 0)))
        return true;
    lw_call_fail(c, MHD_HTTP_CONTENT_TOO_LARGE,
                 taken ? "the body is larger than http.body_max (%lld bytes)"
                       : "a GET may not have a body (limit %lld bytes)",
                 taken ? (long long)c->server->config->http.body_max : 0LL);
    return false;
}

static bool find_route(struct lw_call *c, const char *path, const char *method) {
    c->counted_as = lw_nroutes + 1;
    for (size_t i = 0; i < lw_nroutes; i++) {
        if (!route_matches(&lw_routes[i], path, c->tail, sizeof c->tail))
            continue;
        c->counted_as = i;
        if (same_method(&lw_routes[i], method)) {
            c->route = &lw_routes[i];
            return true;
        }
        c->allow =
            strcmp(lw_routes[i].method, "GET") == 0 ? "GET, HEAD" : lw_routes[i].method;
    }
    if (c->allow) {
        lw_call_fail(c, MHD_HTTP_METHOD_NOT_ALLOWED,
                     "method %.20s is not allowed for "
                     "this path; use %s",
                     method, c->allow);
        return false;
    }
    if (lw_serve_asset(c, path)) {
        c->counted_as = lw_nroutes;
        if (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0)
            return false;
        MHD_destroy_response(c->response);
        c->response = NULL;
        c->answered = false;
        c->allow = "GET, HEAD";
        lw_call_fail(c, MHD_HTTP_METHOD_NOT_ALLOWED,
                     "method %.20s is not allowed for "
                     "this path; use %s",
                     method, c->allow);
        return false;
    }
    lw_call_fail(c, MHD_HTTP_NOT_FOUND, "not found: %.200s", path);
    return false;
}

/* The route of that path, for any method; NULL: another path. */
static const struct lw_route *route_of(const char *path) {
    char tail[2 * LW_NAME_MAX];
    for (size_t i = 0; i < lw_nroutes; i++)
        if (route_matches(&lw_routes[i], path, tail, sizeof tail))
            return &lw_routes[i];
    return NULL;
}

/* A client that sends a bearer token may use any host name: a browser does not send such
 * a token automatically, so the request was not forged. */
bool lw_call_route(struct lw_call *c, const char *path, const char *method) {
    const struct lw_route *r = route_of(path);
    if (!(r && r->flags & LW_ROUTE_OPEN) && !(lw_guard_rate(c) && lw_guard_read(c)))
        return false;
    return (c->reads || lw_guard_host(c)) && find_route(c, path, method) &&
           check_length(c) &&
           (strcmp(c->route->method, "GET") == 0 || lw_guard_change(c));
}
