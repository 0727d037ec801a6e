/* See curl.h. */
#include "net/curl.h"

#include <string.h>

#include "base/mem.h"
#include "base/secret.h"
#include "base/time.h"

#define CONNECT_MAX (5 * LW_SECOND)

int lw_curl_init(struct lw_err *err) {
    if (curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK)
        return 0;
    return lw_fail(err, LW_ESTOP, "libcurl does not start; is its TLS library intact?");
}

void lw_curl_open(struct lw_curl *c, const char *ca_file, int64_t timeout_ms,
                  size_t header_limit, size_t body_limit) {
    int64_t timeout = timeout_ms > 0 ? timeout_ms : 1;
    int64_t connect = timeout < CONNECT_MAX ? timeout : CONNECT_MAX;
    *c = (struct lw_curl){
        .easy = curl_easy_init(), .header_limit = header_limit, .body_limit = body_limit};
    lw_assert(c->easy);
    curl_easy_setopt(c->easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c->easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(c->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c->easy, CURLOPT_TIMEOUT_MS, (long)timeout);
    curl_easy_setopt(c->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)connect);
    curl_easy_setopt(c->easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(c->easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(c->easy, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(c->easy, CURLOPT_HTTP09_ALLOWED, 0L);
    curl_easy_setopt(c->easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_easy_setopt(c->easy, CURLOPT_ERRORBUFFER, c->error);
    if (*ca_file)
        curl_easy_setopt(c->easy, CURLOPT_CAINFO, ca_file);
}

void lw_curl_close(struct lw_curl *c) {
    if (c->easy)
        curl_easy_cleanup(c->easy);
    for (struct curl_slist *h = c->headers; h; h = h->next)
        lw_secret_wipe(h->data, strlen(h->data)); /* one may hold a token */
    curl_slist_free_all(c->headers);
    *c = (struct lw_curl){0};
}

void lw_curl_header(struct lw_curl *c, const char *line) {
    struct curl_slist *more = curl_slist_append(c->headers, line);
    lw_assert(more);
    c->headers = more;
    curl_easy_setopt(c->easy, CURLOPT_HTTPHEADER, c->headers);
}

void lw_curl_rewind(struct lw_curl *c) {
    c->header_bytes = c->body_bytes = 0;
    c->too_large = false;
    c->error[0] = '\0';
}

bool lw_curl_take_header(struct lw_curl *c, size_t len) {
    c->header_bytes += len;
    c->too_large |= c->header_bytes > c->header_limit;
    return !c->too_large;
}

bool lw_curl_take_body(struct lw_curl *c, size_t len) {
    c->body_bytes += len;
    c->too_large |= c->body_bytes > c->body_limit;
    return !c->too_large;
}

const char *lw_curl_reason(const struct lw_curl *c, CURLcode code) {
    return c->error[0] ? c->error : curl_easy_strerror(code);
}

int64_t lw_curl_retry_after_ms(const struct lw_curl *c) {
    curl_off_t wait = 0;
    curl_easy_getinfo(c->easy, CURLINFO_RETRY_AFTER, &wait);
    if (wait <= 0)
        return 0;
    return wait < 3600 ? (int64_t)wait * 1000 : LW_HOUR;
}

int lw_curl_reach(const char *url, const char *ca_file, int64_t timeout_ms,
                  struct lw_err *err) {
    struct lw_curl c;
    lw_curl_open(&c, ca_file, timeout_ms, 0, 0);
    curl_easy_setopt(c.easy, CURLOPT_URL, url);
    curl_easy_setopt(c.easy, CURLOPT_CONNECT_ONLY, 1L);
    CURLcode rc = curl_easy_perform(c.easy);
    if (rc != CURLE_OK)
        lw_fail(err, LW_EAGAIN, "%s", lw_curl_reason(&c, rc));
    lw_curl_close(&c);
    return rc == CURLE_OK ? 0 : -1;
}
