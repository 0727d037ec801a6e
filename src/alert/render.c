/* From leeway's JSON to a receiver's request: the table of formats, headers, signature.
 *
 * A format is a body function, a content type and, for an API with a fixed path, a suffix
 * of the base address. All formats have the same headers: content type, user agent,
 * authorisation, the receiver's own lines, and the three of Standard Webhooks if there is
 * a key. A receiver's line cannot replace a header that leeway sets, and all text from
 * outside is checked before it goes into a header. */
#include "alert/render.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "alert/format_body.h"
#include "base/mem.h"
#include "base/secret.h"
#include "base/text.h"
#include "json/json.h"

/* leeway's JSON, with the time of this attempt added. */
static int body_json(const struct lw_receiver *r, const struct lw_secrets *secrets,
                     const struct lw_message *m, struct lw_buf *out, struct lw_err *err) {
    (void)r, (void)secrets, (void)err;
    lw_json_set_time(m->root, "sent_at", m->now_ms);
    lw_json_dump(json_incref(m->root), LW_MESSAGE_DIGITS, out);
    return 0;
}

static const struct {
    lw__format_fn *body;
    const char *suffix; /* of the URL */
    bool bearer;        /* the token goes into Authorization */
} format[LW_FORMATS] = {
    [LW_FORMAT_JSON] = {body_json, "", true},
    [LW_FORMAT_ALERTMANAGER_WEBHOOK] = {lw__format_alertmanager_webhook, "", true},
    [LW_FORMAT_ALERTMANAGER] = {lw__format_alertmanager, "/api/v2/alerts", true},
    [LW_FORMAT_SLACK] = {lw__format_slack, "", true},
    [LW_FORMAT_PAGERDUTY] = {lw__format_pagerduty, "", false},
    [LW_FORMAT_TEAMS] = {lw__format_teams, "", true},
    [LW_FORMAT_TEMPLATE] = {lw__format_template, "", true},
};

static int format_body(const struct lw_receiver *r, const struct lw_secrets *secrets,
                       const struct lw_message *m, struct lw_buf *out,
                       struct lw_err *err) {
    lw_assert((unsigned)r->format < LW_FORMATS);
    return format[r->format].body(r, secrets, m, out, err);
}

int lw_render_body(const struct lw_receiver *r, const struct lw_secrets *secrets,
                   const struct lw_render_input *in, struct lw_buf *out,
                   struct lw_err *err) {
    struct lw_message m;
    if (lw__message_read(&m, in->json, in->len, in->now_ms, err) < 0)
        return -1;
    int rc = format_body(r, secrets, &m, out, err);
    lw__message_fini(&m);
    return rc;
}

static void add_header(struct lw_post_request *req, const char *name, const char *value) {
    size_t size = strlen(name) + strlen(value) + 3;
    char *line = lw_malloc(size);
    lw_assert(req->nheaders < LW_POST_HEADERS_MAX);
    snprintf(line, size, "%s: %s", name, value);
    req->header[req->nheaders++] = line;
}

static bool header_reserved(const char *line) {
    static const char *const name[] = {
        "Content-Type:", "Content-Length:", "Transfer-Encoding:", "Host:",
        "User-Agent:",   "Webhook-Id:",     "Webhook-Timestamp:", "Webhook-Signature:",
        "Connection:",   "Expect:",
    };
    for (size_t i = 0; i < sizeof name / sizeof name[0]; i++)
        if (strncasecmp(line, name[i], strlen(name[i])) == 0)
            return true;
    return false;
}

/* Is it "Name: value" of printable ASCII, and not a header that leeway sets? */
static bool is_header(const char *line) {
    size_t name = 0;
    while (lw_receiver_name_char(line[name]))
        name++;
    if (name == 0 || line[name] != ':' || header_reserved(line))
        return false;
    for (const char *p = line; *p != '\0'; p++)
        if (((unsigned char)*p < ' ' && *p != '\t') || (unsigned char)*p > '~')
            return false;
    return true;
}

static int add_own_lines(const struct lw_receiver *r, const char *text,
                         struct lw_post_request *req, struct lw_err *err) {
    int number = 0;
    while (*text != '\0') {
        size_t len = strcspn(text, "\n");
        size_t used = len > 0 && text[len - 1] == '\r' ? len - 1 : len;
        char *line = lw_strndup(text, used);
        text += len + (text[len] == '\n');
        number++;
        bool blank = line[0] == '\0' || line[0] == '#';
        if (!blank && is_header(line) && req->nheaders < LW_POST_HEADERS_MAX - 8) {
            req->header[req->nheaders++] = line;
            continue;
        }
        lw_secret_free(line, used);
        if (!blank)
            return lw_fail(err, LW_ECONFIG,
                           "receiver %s: `headers_file`: line %d is not \"Name: "
                           "value\", names a header that leeway sets, or exceeds the "
                           "limit",
                           r->name, number);
    }
    return 0;
}

static void add_signature(const struct lw_secrets *s, const char *id, int64_t now_ms,
                          struct lw_post_request *req) {
    char text[LW_SIGNATURE_MAX];
    int64_t timestamp = now_ms / 1000;
    add_header(req, "Webhook-Id", id);
    snprintf(text, sizeof text, "%lld", (long long)timestamp);
    add_header(req, "Webhook-Timestamp", text);
    if (s->nkeys == 0)
        return;
    lw_sign_message(s->key, s->nkeys,
                    &(struct lw_sign_input){id, timestamp, req->body.data, req->body.len},
                    text);
    add_header(req, "Webhook-Signature", text);
}

static int add_headers(const struct lw_receiver *r, const struct lw_secrets *s,
                       const char *id, int64_t now_ms, struct lw_post_request *req,
                       struct lw_err *err) {
    add_header(req, "Content-Type",
               r->content_type[0] != '\0' ? r->content_type : "application/json");
    add_header(req, "User-Agent", "leeway");
    if (s->token[0] != '\0' && format[r->format].bearer) {
        char value[sizeof s->token + 8];
        snprintf(value, sizeof value, "Bearer %s", s->token);
        add_header(req, "Authorization", value);
        lw_secret_wipe(value, sizeof value);
    }
    if (s->headers != NULL && add_own_lines(r, s->headers, req, err) < 0)
        return -1;
    add_signature(s, id, now_ms, req);
    return 0;
}

static int set_url(const struct lw_receiver *r, const struct lw_secrets *s,
                   struct lw_post_request *req, struct lw_err *err) {
    char shown[300];
    const char *suffix = format[r->format].suffix;
    if (strcmp(lw_receiver_url_shown(shown, sizeof shown, s->url), "?") == 0)
        return lw_fail(err, LW_ECONFIG,
                       "receiver %s: `url_file` does not contain an http:// or "
                       "https:// address",
                       r->name);
    size_t len = strlen(s->url), tail = strlen(suffix);
    while (tail > 0 && len > 0 && s->url[len - 1] == '/')
        len--;
    bool there = len >= tail && strncmp(s->url + len - tail, suffix, tail) == 0;
    snprintf(req->url, sizeof req->url, "%.*s%s", (int)len, s->url, there ? "" : suffix);
    return 0;
}

int lw_render_request(const struct lw_receiver *r, const struct lw_secrets *secrets,
                      const struct lw_render_input *in, struct lw_post_request *out,
                      struct lw_err *err) {
    struct lw_message m;
    memset(out, 0, sizeof *out);
    if (lw__message_read(&m, in->json, in->len, in->now_ms, err) < 0)
        return -1;
    out->timeout_ms = r->timeout_ms;
    lw_copy(out->ca_file, sizeof out->ca_file, r->ca_file);
    int rc = set_url(r, secrets, out, err);
    if (rc == 0)
        rc = format_body(r, secrets, &m, &out->body, err);
    if (rc == 0)
        rc = add_headers(r, secrets, m.id, in->now_ms, out, err);
    if (rc < 0)
        lw_post_request_fini(out);
    lw__message_fini(&m);
    return rc;
}
