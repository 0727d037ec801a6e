/* One set-up of libcurl for all that ask other servers: receivers, the schema registry,
 * `leeway check`.
 *
 * What a server may do is small on purpose: its certificate is checked (TLS 1.2 at
 * least), only http and https are spoken, no redirect is followed (credentials and
 * signed bodies belong to one address), no cookie, netrc or compression, and the bytes
 * of its answer are limited. One limit on time covers the whole exchange, resolving the
 * name included: Debian's libcurl resolves in a thread. A proxy is used if the
 * environment names one. */
#ifndef LW_NET_CURL_H
#define LW_NET_CURL_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "leeway/err.h"

struct lw_curl {
    CURL *easy;
    struct curl_slist *headers;      /* of the request */
    size_t header_bytes, body_bytes; /* of the answer, so far */
    size_t header_limit, body_limit;
    bool too_large; /* the answer was cut off at a limit */
    char error[CURL_ERROR_SIZE];
};

/* Once before threads start; later calls do nothing. LW_ESTOP: libcurl is broken. */
int lw_curl_init(struct lw_err *err);

/* ca_file "": the system's authorities. The limits are in bytes of one answer. c must not
 * move until lw_curl_close. */
void lw_curl_open(struct lw_curl *c, const char *ca_file, int64_t timeout_ms,
                  size_t header_limit, size_t body_limit);
void lw_curl_close(struct lw_curl *c); /* wipes the headers */
/* Adds a request header, "Name: value". */
void lw_curl_header(struct lw_curl *c, const char *line);
/* Before each exchange of a handle that is used again: forgets the last answer. */
void lw_curl_rewind(struct lw_curl *c);

/* For the callbacks: counts len more bytes; false: they exceed the limit, so the exchange
 * must end. */
bool lw_curl_take_header(struct lw_curl *c, size_t len);
bool lw_curl_take_body(struct lw_curl *c, size_t len);

/* Why an exchange failed. */
const char *lw_curl_reason(const struct lw_curl *c, CURLcode code);
/* What the answer's Retry-After asks for, at most an hour; 0: nothing. */
int64_t lw_curl_retry_after_ms(const struct lw_curl *c);

/* Can the server of the URL be reached? Connects, with TLS for https://, and sends
 * nothing. LW_EAGAIN with curl's reason. Blocks for at most timeout_ms. */
int lw_curl_reach(const char *url, const char *ca_file, int64_t timeout_ms,
                  struct lw_err *err);

#endif
