/* Addresses of Redis servers:
 *
 *     redis://[user[:password]@]host[:port][,host:port ...][/db]
 *     rediss://...                                   the same over TLS
 *     unix:/path/to/socket
 *     sentinel://[user[:password]@]host[:port][,host:port ...]/master[/db]
 *     sentinels://...                                the same over TLS, to both
 *
 * Several hosts are tried in turn: any of them may answer (nodes of one cluster, or
 * one name per replica of a proxy). User and password may contain %XX escapes; a
 * password that must not be in the configuration comes from a file. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "store/conn.h"
#include "store/url.h"

static int url_fail(struct lw_err *err, const char *what) {
    return lw_fail(
        err, LW_ECONFIG,
        "redis url: %s; it looks like redis://[user:password@]host[:6379][/db], "
        "unix:/path or sentinel://host[:26379]/master",
        what);
}

static int hex_digit(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Copies with %XX decoded; false if it does not fit or an escape is invalid. */
static bool url_unescape(const char *text, size_t len, char *out, size_t size) {
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        int c = (unsigned char)text[i];
        if (c == '%') {
            int hi = i + 2 < len ? hex_digit(text[i + 1]) : -1;
            int lo = i + 2 < len ? hex_digit(text[i + 2]) : -1;
            if (hi < 0 || lo < 0)
                return false;
            c = hi * 16 + lo;
            i += 2;
        }
        if (n + 1 >= size || c == 0)
            return false;
        out[n++] = (char)c;
    }
    out[n] = '\0';
    return true;
}

static bool port_parse(const char *text, size_t len, int *out) {
    char digits[8], *rest;
    if (len == 0 || len >= sizeof digits)
        return false;
    memcpy(digits, text, len);
    digits[len] = '\0';
    long port = strtol(digits, &rest, 10);
    if (*rest || port < 1 || port > 65535)
        return false;
    *out = (int)port;
    return true;
}

bool lw_url_seed_parse(const char *text, size_t len, struct lw_url_seed *out) {
    const char *end = text + len, *colon = NULL;
    const char *host = text;
    size_t hlen = len;
    if (len > 0 && *text == '[') { /* IPv6 */
        const char *close = memchr(text, ']', len);
        if (!close)
            return false;
        host = text + 1;
        hlen = (size_t)(close - host);
        colon = close + 1 < end ? close + 1 : NULL;
        if (colon && *colon != ':')
            return false;
    } else {
        for (const char *p = text; p < end; p++)
            colon = *p == ':' ? p : colon; /* the last one: MOVED gives bare IPv6 */
        hlen = colon ? (size_t)(colon - host) : len;
    }
    if (hlen == 0 || hlen >= sizeof out->host)
        return false;
    int port = 0;
    if (colon && !port_parse(colon + 1, (size_t)(end - colon - 1), &port))
        return false;
    memcpy(out->host, host, hlen);
    out->host[hlen] = '\0';
    out->port = port;
    return true;
}

static int parse_credentials(const char *text, size_t len, struct lw_url *out,
                             struct lw_err *err) {
    const char *colon = memchr(text, ':', len);
    size_t ulen = colon ? (size_t)(colon - text) : len;
    if (!url_unescape(text, ulen, out->user, sizeof out->user))
        return url_fail(err, "the user is too long or has an invalid %XX escape");
    if (colon &&
        !url_unescape(colon + 1, len - ulen - 1, out->password, sizeof out->password))
        return url_fail(err, "the password is too long or has an invalid %XX escape");
    return 0;
}

static int parse_seeds(const char *text, size_t len, int default_port, struct lw_url *out,
                       struct lw_err *err) {
    const char *end = text + len;
    while (text <= end) {
        const char *comma = memchr(text, ',', (size_t)(end - text));
        size_t n = (size_t)((comma ? comma : end) - text);
        if (out->nseeds == LW_URL_SEEDS_MAX)
            return url_fail(err, "more than 8 hosts");
        struct lw_url_seed *seed = &out->seed[out->nseeds++];
        if (!lw_url_seed_parse(text, n, seed))
            return url_fail(err, "no host, or a port that is not 1 to 65535");
        seed->port = seed->port ? seed->port : default_port;
        text += n + 1;
    }
    return 0;
}

/* What follows the hosts: [/db], or /master[/db] for sentinel. */
static int parse_tail(const char *tail, struct lw_url *out, struct lw_err *err) {
    if (out->kind == LW_URL_SENTINEL) {
        size_t n = strcspn(tail, "/");
        if (n == 0 || n >= sizeof out->master)
            return url_fail(err,
                            "sentinel:// needs the name of the master after the hosts");
        memcpy(out->master, tail, n);
        out->master[n] = '\0';
        tail += tail[n] == '/' ? n + 1 : n;
    }
    int64_t db = 0;
    if (*tail && (!lw_parse_i64(tail, &db) || db < 0 || db > 65535))
        return url_fail(err, "the text after the hosts is not a database number");
    out->db = (int)db;
    return 0;
}

int lw_url_parse(const char *text, struct lw_url *out, struct lw_err *err) {
    *out = (struct lw_url){0};
    if (strncmp(text, "unix:", 5) == 0) {
        const char *path = strncmp(text + 5, "//", 2) == 0 ? text + 7 : text + 5;
        out->kind = LW_URL_UNIX;
        if (*path != '/' || strlen(path) >= sizeof out->path)
            return url_fail(err, "unix: needs an absolute path of at most 199 bytes");
        lw_copy(out->path, sizeof out->path, path);
        return 0;
    }
    const char *rest = strstr(text, "://");
    size_t scheme = rest ? (size_t)(rest - text) : 0;
    if (scheme == 8 && strncmp(text, "sentinel", 8) == 0)
        out->kind = LW_URL_SENTINEL;
    else if (scheme == 9 && strncmp(text, "sentinels", 9) == 0)
        out->kind = LW_URL_SENTINEL, out->tls = true;
    else if (scheme == 6 && strncmp(text, "rediss", 6) == 0)
        out->tls = true;
    else if (scheme != 5 || strncmp(text, "redis", 5) != 0)
        return url_fail(err, "unknown scheme");
    rest += 3;
    size_t len = strcspn(rest, "/"), host = 0;
    for (size_t i = 0; i < len; i++)
        host = rest[i] == '@' ? i + 1 : host;
    if (host && parse_credentials(rest, host - 1, out, err))
        return -1;
    int port = out->kind == LW_URL_SENTINEL ? 26379 : 6379;
    if (parse_seeds(rest + host, len - host, port, out, err))
        return -1;
    return parse_tail(rest[len] == '/' ? rest + len + 1 : rest + len, out, err);
}
