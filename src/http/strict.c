/* Byte-exact checks of a request's head.
 *
 * Proxies and servers that parse the same bytes differently can be played against each
 * other: one sees one request, the other two (request smuggling). So an ambiguous request
 * is refused and its connection closed, because the start of the next request is unknown.
 *
 * libmicrohttpd 1.0 checks most of this itself in its strict mode. Version 0.9.75 (Debian
 * 12) ends a line at a bare LF, joins folded lines, and returns C strings that end at an
 * embedded NUL. But it parses the head in place: method, target, version, names and
 * values are in one buffer, in order, with the original bytes between them. Where they do
 * not follow each other as in a strict head, the request contained something else. */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "http/private.h"
#include "http/strict.h"

/* By the version that runs, not the one built with: both have the same soname. */
bool lw_strict_in_place(void) {
    return strcmp(MHD_get_version(), "0.9.75") == 0;
}

static bool is_token(const char *text, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!isalnum((unsigned char)text[i]) && !strchr("!#$%&'*+-.^_`|~", text[i]))
            return false;
    return n > 0;
}

const char *lw_strict_target(const char *target) {
    if (!target || target[0] != '/')
        return "the target must be a path";
    for (const char *at = target; *at; at++) {
        unsigned char b = (unsigned char)*at;
        if (b <= ' ' || b == 0x7f || b == '#')
            return "the path contains a blank, a control character or a fragment";
        if (b != '%')
            continue;
        if (!isxdigit((unsigned char)at[1]) || !isxdigit((unsigned char)at[2]))
            return "a % in the path must be followed by two hexadecimal digits";
        if (at[1] == '0' && at[2] == '0')
            return "the path contains a NUL";
    }
    return NULL;
}

struct head {
    const char *fault;
    unsigned hosts, lengths, encodings, single;
    const char *host;
    const char *encoding;
    const char *end; /* of the head, in place */
};

/* Headers that may occur only once, because parsers disagree on which one counts. */
static void count_header(struct head *h, const char *name, const char *value) {
    static const char *const single[] = {"Authorization", "Content-Type", "Origin",
                                         "Expect"};
    if (strcasecmp(name, "Host") == 0) {
        h->hosts++;
        h->host = value;
    } else if (strcasecmp(name, "Content-Length") == 0) {
        h->lengths++;
        if (!*value || value[strspn(value, "0123456789")])
            h->fault = "Content-Length must be a number";
    } else if (strcasecmp(name, "Transfer-Encoding") == 0) {
        h->encodings++;
        h->encoding = value;
    }
    for (size_t i = 0; i < sizeof single / sizeof *single; i++)
        if (strcasecmp(name, single[i]) == 0) {
            if (h->single & 1u << i)
                h->fault = "a header that must be unique is repeated";
            h->single |= 1u << i;
        }
}

static enum MHD_Result on_header(void *arg, enum MHD_ValueKind kind, const char *name,
                                 size_t name_len, const char *value, size_t value_len) {
    struct head *h = arg;
    (void)kind;
    if (!is_token(name, name_len))
        h->fault = "a header's name contains an invalid character";
    for (size_t i = 0; value && i < value_len; i++)
        if (((unsigned char)value[i] < ' ' && value[i] != '\t') || value[i] == 0x7f)
            h->fault = "a header contains a control character";
    if (h->end && name != h->end + 2) /* CR and LF */
        h->fault = "a header is folded, or does not end with CR and LF";
    h->end = h->end && value ? value + value_len : NULL;
    if (!h->fault)
        count_header(h, name, value ? value : "");
    return h->fault ? MHD_NO : MHD_YES;
}

/* The empty line follows the last header and ends the head. */
static bool head_ends(const struct lw_call *c, const char *method, const char *last) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(c->connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    return info && last + 4 == method + info->header_size;
}

/* Method, target and version are separated by one blank each. */
static bool in_place(const struct lw_call *c, const char *method, const char *version) {
    return !lw_strict_in_place() || (method + strlen(method) + 1 == c->target &&
                                     c->target + c->target_len + 1 == version);
}

/* name, name:port, address or [address]:port, by its characters. */
static bool host_like(const char *host) {
    return host[strspn(
               host,
               "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._:[]")] ==
           '\0';
}

static const char *fault_of_framing(const struct head *h, bool http_1_0) {
    if (h->lengths > 1)
        return "Content-Length is repeated";
    if (h->encodings > 1 || (h->encodings && strcasecmp(h->encoding, "chunked") != 0))
        return "Transfer-Encoding must be chunked";
    if (h->encodings && h->lengths)
        return "Content-Length and Transfer-Encoding contradict each other";
    if (h->encodings && http_1_0)
        return "HTTP/1.0 does not allow Transfer-Encoding";
    if (h->hosts > 1)
        return "Host is repeated";
    if (h->hosts == 0 && !http_1_0)
        return "Host is missing";
    return h->host && !host_like(h->host) ? "Host is not a valid host name" : NULL;
}

bool lw_strict_head(struct lw_call *c, const char *method, const char *version) {
    bool http_1_0 = strcmp(version, "HTTP/1.0") == 0;
    struct head h = {.fault = c->fault};
    if (!h.fault && !is_token(method, strlen(method)))
        h.fault = "the method contains an invalid character";
    if (!h.fault && !http_1_0 && strcmp(version, "HTTP/1.1") != 0)
        h.fault = "the version must be HTTP/1.1 or HTTP/1.0";
    if (!h.fault && !in_place(c, method, version))
        h.fault = "the first line must be method, path and version, separated by one "
                  "blank each";
    if (!h.fault) {
        h.end = lw_strict_in_place() ? version + strlen(version) : NULL;
        MHD_get_connection_values_n(c->connection, MHD_HEADER_KIND, on_header, &h);
        if (!h.fault && h.end && !head_ends(c, method, h.end))
            h.fault = "the last header does not end with CR and LF";
    }
    if (!h.fault)
        h.fault = fault_of_framing(&h, http_1_0);
    c->target = NULL; /* libmicrohttpd reuses its buffer */
    if (!h.fault)
        return true;
    lw_guard_refuse(c, LW_REFUSED_MALFORMED, MHD_HTTP_BAD_REQUEST, "%s", h.fault);
    return false;
}
