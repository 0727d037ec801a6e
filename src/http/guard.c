/* Who may ask, and who may change something.
 *
 * A page of anybody's that a person on this machine opens can send requests to a loopback
 * address. Two things keep it out: a name that was made to point here (DNS rebinding)
 * arrives as `Host`, which must be one of ours; and what changes state needs a bearer
 * token, which a foreign page neither knows nor may send without a preflight that is
 * never answered. The token is read at each use, so that it can be replaced at any time.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/text.h"
#include "http/private.h"

/* "http://host:port/path" or "host:port" to host. */
static void host_of(const char *text, char *out, size_t size) {
    const char *at = strstr(text, "://");
    at = at ? at + 3 : text;
    size_t len =
        *at == '[' ? strcspn(at, "]") + (strchr(at, ']') != NULL) : strcspn(at, ":/?#");
    if (len >= size)
        len = 0; /* no host is so long */
    memcpy(out, at, len);
    out[len] = '\0';
}

void lw_guard_init(struct lw_server *s) {
    host_of(s->config->page_url, s->page_host, sizeof s->page_host);
}

static bool ours(const struct lw_server *s, const char *host) {
    static const char *const names[] = {"localhost", "127.0.0.1", "[::1]"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcasecmp(host, names[i]) == 0)
            return true;
    return (s->page_host[0] && strcasecmp(host, s->page_host) == 0) ||
           strcasecmp(host, s->config->http.host) == 0;
}

/* Behind another address than loopback any name may be the right one. */
bool lw_guard_host(struct lw_call *c) {
    char host[256];
    const char *header =
        MHD_lookup_connection_value(c->connection, MHD_HEADER_KIND, "Host");
    if (!c->server->loopback || !header)
        return true;
    host_of(header, host, sizeof host);
    if (ours(c->server, host))
        return true;
    lw_call_fail(c, MHD_HTTP_MISDIRECTED_REQUEST,
                 "this server answers on localhost, not as \"%.100s\" (alerts.page names "
                 "the address that a proxy in front of it has)",
                 header);
    return false;
}

/* A browser says where the page came from that asks; curl and others say nothing. */
static bool same_origin(struct lw_call *c) {
    char origin[256], host[256];
    const char *from =
        MHD_lookup_connection_value(c->connection, MHD_HEADER_KIND, "Origin");
    const char *to = MHD_lookup_connection_value(c->connection, MHD_HEADER_KIND, "Host");
    if (!from)
        return true;
    host_of(from, origin, sizeof origin);
    host_of(to ? to : "", host, sizeof host);
    return origin[0] && strcasecmp(origin, host) == 0;
}

/* Takes the same time wherever the two differ. */
static bool equal(const char *given, const char *wanted) {
    size_t n = strlen(given), m = strlen(wanted);
    unsigned diff = n != m;
    for (size_t i = 0; i < n; i++)
        diff |= (unsigned)(unsigned char)given[i] ^ (unsigned char)wanted[m ? i % m : 0];
    return diff == 0;
}

static char *read_token(struct lw_call *c, size_t *len) {
    struct lw_err err = {0};
    const char *path = c->server->config->http.token_file;
    if (!*path) {
        lw_call_fail(c, MHD_HTTP_FORBIDDEN,
                     "http.token_file is not set, so nothing can be changed over HTTP");
        return NULL;
    }
    char *text = lw_read_file(path, LW_TOKEN_MAX, len, &err);
    if (!text) {
        lw_call_fail(c, MHD_HTTP_FORBIDDEN, "http.token_file cannot be read");
        return NULL;
    }
    text[strcspn(text, "\r\n")] = '\0';
    if (strlen(text) >= LW_TOKEN_MIN)
        return text;
    lw_free_secret(text, *len);
    lw_call_fail(c, MHD_HTTP_FORBIDDEN,
                 "the first line of http.token_file must have at least %d characters",
                 LW_TOKEN_MIN);
    return NULL;
}

bool lw_guard_token(struct lw_call *c) {
    static const char scheme[] = "Bearer ";
    if (!same_origin(c)) {
        lw_call_fail(c, MHD_HTTP_FORBIDDEN,
                     "a page of another origin may change nothing");
        return false;
    }
    size_t len;
    char *token = read_token(c, &len);
    if (!token)
        return false;
    const char *given =
        MHD_lookup_connection_value(c->connection, MHD_HEADER_KIND, "Authorization");
    bool ok = given && strncasecmp(given, scheme, sizeof scheme - 1) == 0 &&
              equal(given + sizeof scheme - 1, token);
    lw_free_secret(token, len);
    if (!ok)
        lw_call_fail(c, MHD_HTTP_UNAUTHORIZED,
                     "this needs the header `Authorization: Bearer TOKEN` with the token "
                     "in http.token_file");
    return ok;
}
