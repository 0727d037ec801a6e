/* Access: which requests may read, and which may change something.
 *
 * A foreign web page that a user opens can send requests to addresses that only this user
 * reaches. Two checks keep it out. A name that was made to point here (DNS rebinding)
 * arrives as `Host`, which must be one of this server's names. And a change needs a
 * bearer token, which a foreign page does not know and may not send without a preflight,
 * which this server never grants. An IP address, or a name without a dot, cannot be made
 * to point elsewhere, so these are accepted wherever other machines may connect. A
 * browser that logs in by Basic authentication sends the token automatically, so Basic
 * allows reading only. */
#include <arpa/inet.h>
#include <openssl/evp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/secret.h"
#include "base/text.h"
#include "http/private.h"

int lw_guard_init(struct lw_server *s, struct lw_err *err) {
    const struct lw_config_http *http = &s->config->http;
    lw_token_file_init(&s->tokens, http->token_file, LW_SCOPE_ALL);
    lw_token_file_init(&s->read_tokens, http->read_token_file, LW_SCOPE_READ);
    if (gethostname(s->hostname, sizeof s->hostname - 1))
        return lw_fail(err, LW_ESTOP, "cannot read the name of this machine");
    return 0;
}

void lw_guard_refuse(struct lw_call *c, enum lw_refused why, unsigned status,
                     const char *fmt, ...) {
    char text[600];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    atomic_fetch_add_explicit(&c->server->refused[why], 1, memory_order_relaxed);
    lw_call_fail(c, status, "%s", text);
}

static const char *call_header(const struct lw_call *c, const char *name) {
    return MHD_lookup_connection_value(c->connection, MHD_HEADER_KIND, name);
}

/* ---- names ---- */

static bool is_address(const char *host) {
    struct in_addr v4;
    struct in6_addr v6;
    char bare[INET6_ADDRSTRLEN];
    size_t len = strlen(host);
    if (host[0] != '[')
        return inet_pton(AF_INET, host, &v4) == 1;
    if (len - 2 >= sizeof bare)
        return false;
    memcpy(bare, host + 1, len - 2);
    bare[len - 2] = '\0';
    return inet_pton(AF_INET6, bare, &v6) == 1;
}

static int port_of(const struct lw_config_origin *o, bool tls) {
    int standard = tls ? 443 : 80;
    return o->port ? o->port : standard;
}

static bool is_public(const struct lw_config_origin *public,
                      const struct lw_config_origin *host) {
    return public->host[0] && strcasecmp(host->host, public->host) == 0 &&
           port_of(host, public->tls) == public->port;
}

static bool host_is_own(const struct lw_server *s, const struct lw_config_origin *host) {
    static const char *const names[] = {"localhost", "127.0.0.1", "[::1]"};
    if (is_public(&s->config->http.public, host))
        return true;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcasecmp(host->host, names[i]) == 0)
            return true;
    if (host->host[0] && strcasecmp(host->host, s->config->http.host) == 0)
        return true;
    return host->host[0] && !s->loopback &&
           (is_address(host->host) || !strchr(host->host, '.') ||
            strcasecmp(host->host, s->hostname) == 0);
}

bool lw_guard_host(struct lw_call *c) {
    const char *text = call_header(c, "Host");
    struct lw_config_origin host;
    if (!text) /* HTTP/1.0; browsers do not use it */
        return true;
    if (lw_config_authority(text, &host) && host_is_own(c->server, &host))
        return true;
    lw_guard_refuse(c, LW_REFUSED_HOST, MHD_HTTP_MISDIRECTED_REQUEST,
                    "unknown host \"%.100s\": set http.public_url to the address, with "
                    "scheme and port, under which clients reach this server",
                    text);
    return false;
}

static bool same_origin(const struct lw_config_origin *a,
                        const struct lw_config_origin *b) {
    return a->host[0] && a->tls == b->tls && a->port == b->port &&
           strcasecmp(a->host, b->host) == 0;
}

/* A browser sends the origin of the page that makes the request; curl and others send
 * none. */
static bool from_our_page(struct lw_call *c) {
    const struct lw_config_http *http = &c->server->config->http;
    const char *text = call_header(c, "Origin"), *to = call_header(c, "Host");
    struct lw_config_origin from, own;
    if (!text)
        return true;
    if (lw_config_origin_parse(text, &from)) {
        if (same_origin(&from, &http->public))
            return true;
        if (to && lw_config_authority(to, &own) && !is_public(&http->public, &own)) {
            own.tls = http->tls.on;
            own.port = port_of(&own, own.tls);
            if (same_origin(&from, &own))
                return true;
        }
    }
    lw_guard_refuse(c, LW_REFUSED_ORIGIN, MHD_HTTP_FORBIDDEN,
                    "a page of another origin (\"%.100s\") may not change anything; set "
                    "http.public_url to the address of this page, with scheme and port",
                    text);
    return false;
}

/* ---- rates ---- */

bool lw_guard_rate(struct lw_call *c) {
    int rate = c->server->config->http.rate;
    if (rate == 0 || lw_address_rate(c->server, c->peer->address, rate))
        return true;
    c->retry_s = 1;
    lw_guard_refuse(c, LW_REFUSED_RATE, MHD_HTTP_TOO_MANY_REQUESTS,
                    "this address sent more than %d requests a second (http.rate)", rate);
    return false;
}

/* ---- tokens ---- */

enum given { GIVEN_NONE, GIVEN_BEARER, GIVEN_BASIC };

/* The password of Basic authentication; 0: there is none. */
static size_t password_of(const char *text, char *out, size_t size) {
    unsigned char plain[1024];
    size_t len = strlen(text);
    if (len > 1024 || len % 4)
        return 0;
    int n = EVP_DecodeBlock(plain, (const unsigned char *)text, (int)len);
    for (const char *at = text + len; n > 0 && at > text && at[-1] == '='; at--)
        n--;
    const unsigned char *colon = n > 0 ? memchr(plain, ':', (size_t)n) : NULL;
    size_t got = colon ? (size_t)(plain + n - colon) - 1 : 0;
    if (got >= size)
        got = 0;
    if (got)
        memcpy(out, colon + 1, got);
    lw_secret_wipe(plain, sizeof plain);
    return got;
}

static enum given token_given(const struct lw_call *c, unsigned char digest[LW_DIGEST]) {
    const char *text = call_header(c, "Authorization");
    char password[800];
    if (text && strncasecmp(text, "Bearer ", 7) == 0) {
        text += 7;
        lw_token_digest(text, strlen(text), digest);
        return GIVEN_BEARER;
    }
    if (!text || strncasecmp(text, "Basic ", 6) != 0)
        return GIVEN_NONE;
    size_t len = password_of(text + 6, password, sizeof password);
    lw_token_digest(password, len, digest);
    lw_secret_wipe(password, sizeof password);
    return GIVEN_BASIC;
}

/* A wrong token is logged and counted, and slows its address. */
static void token_wrong(struct lw_call *c, const unsigned char digest[LW_DIGEST],
                        const char *needs) {
    char who[80];
    int fails = lw_address_wrong(c->server, c->peer->address, digest);
    lw_address_text((const struct sockaddr *)&c->peer->from, who, sizeof who);
    lw_log(http_token_refused, who, c->route ? c->route->prefix : "page", fails);
    lw_guard_refuse(c, LW_REFUSED_TOKEN, MHD_HTTP_UNAUTHORIZED, "%s", needs);
}

static bool token_paused(struct lw_call *c, const unsigned char digest[LW_DIGEST]) {
    int64_t ms = lw_address_pause(c->server, c->peer->address, digest);
    if (ms == 0)
        return false;
    c->retry_s = (int)((ms + 999) / 1000);
    lw_guard_refuse(
        c, LW_REFUSED_SLOWED, MHD_HTTP_TOO_MANY_REQUESTS,
        "too many wrong tokens from this address: tokens are not checked for %d s",
        c->retry_s);
    return true;
}

/* Looks the token up in both files, always in both, so that the time is the same. */
static int token_find(struct lw_call *c, const unsigned char digest[LW_DIGEST],
                      bool reads, struct lw_token *out, struct lw_err *err) {
    struct lw_server *s = c->server;
    struct lw_token other;
    struct lw_err why = {0};
    int changes = *s->tokens.path ? lw_token_find(&s->tokens, digest, out, err) : 0;
    int read = reads && *s->read_tokens.path
                   ? lw_token_find(&s->read_tokens, digest, &other, &why)
                   : 0;
    if (changes <= 0 && read > 0)
        *out = other;
    if (reads && read < 0 && changes == 0)
        return lw_fail(err, why.code, "%s", why.msg);
    return changes > 0 || read > 0 ? 1 : changes;
}

/* The client learns only that the file is unusable, not what is wrong with it. */
static void tokens_unusable(struct lw_call *c, const char *key,
                            const struct lw_err *err) {
    lw_log(http_tokens_unusable, key, LW_QUOTE(err->msg));
    lw_call_fail(c, MHD_HTTP_FORBIDDEN,
                 "%s cannot be used: see the log and `leeway check` for the reason", key);
}

static void token_admit(struct lw_call *c, const struct lw_token *token,
                        const unsigned char digest[LW_DIGEST]) {
    lw_copy(c->token, sizeof c->token, token->name);
    lw_address_right(c->server, c->peer->address, digest);
}

bool lw_guard_change(struct lw_call *c) {
    static const char needs[] =
        "this needs the header `Authorization: Bearer TOKEN` with "
        "a token of http.token_file";
    unsigned char digest[LW_DIGEST];
    struct lw_token token;
    struct lw_err err = {0};
    if (!from_our_page(c))
        return false;
    if (!c->route->scope)
        return true;
    if (!lw_guard_host(c))
        return false;
    if (!*c->server->tokens.path) {
        lw_call_fail(c, MHD_HTTP_FORBIDDEN,
                     "http.token_file is not set, so nothing can be changed over HTTP");
        return false;
    }
    if (token_given(c, digest) != GIVEN_BEARER) {
        lw_guard_refuse(c, LW_REFUSED_TOKEN, MHD_HTTP_UNAUTHORIZED, "%s", needs);
        return false;
    }
    if (token_paused(c, digest))
        return false;
    int found = token_find(c, digest, false, &token, &err);
    if (found < 0) {
        tokens_unusable(c, "http.token_file", &err);
    } else if (found == 0 && !c->token[0] && !c->reads) {
        token_wrong(c, digest, needs);
    } else if (found == 0 || !(token.scopes & c->route->scope)) {
        lw_guard_refuse(c, LW_REFUSED_SCOPE, MHD_HTTP_FORBIDDEN,
                        "this needs a token with the scope %s",
                        lw_token_scope_name(c->route->scope));
    } else {
        token_admit(c, &token, digest);
        return true;
    }
    return false;
}

bool lw_guard_read(struct lw_call *c) {
    static const char needs[] =
        "this needs the header `Authorization: Bearer TOKEN` with "
        "a token of http.read_token_file or http.token_file";
    unsigned char digest[LW_DIGEST];
    struct lw_token token;
    struct lw_err err = {0};
    if (!*c->server->read_tokens.path)
        return true;
    enum given how = token_given(c, digest);
    c->login = true;
    if (how == GIVEN_NONE) /* a browser first asks without one */
        lw_call_fail(c, MHD_HTTP_UNAUTHORIZED, "%s", needs);
    if (how == GIVEN_NONE || token_paused(c, digest))
        return false;
    int found = token_find(c, digest, true, &token, &err);
    if (found > 0) {
        token_admit(c, &token, digest);
        c->reads = true;
        return true;
    }
    if (found < 0)
        tokens_unusable(c, "a token file", &err);
    else
        token_wrong(c, digest, needs);
    return false;
}
