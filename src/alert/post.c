/* One POST, or several in parallel, each with its own deadline.
 *
 * libcurl's multi interface drives all of them from the calling thread, so a receiver
 * that hangs does not delay the others. A receiver is trusted little: its certificate is
 * verified, redirects are not followed (a message could get lost, and its signature is
 * for one address), only http and https are allowed, there are no cookies, netrc or
 * compression, and at most 64 KiB of the answer are read.
 *
 * The verdict follows from the status line once the headers are complete. 2xx is
 * delivered even if the body then stops, because the message was accepted and a retry
 * would send it twice. Incomplete headers, 408, 425, 429 and 5xx are retried; any other
 * answer would not change on a retry. `Retry-After` (seconds or a date) is honoured up to
 * an hour.
 *
 * One limit covers the whole exchange (CURLOPT_TIMEOUT_MS), including name resolution:
 * Debian's libcurl resolves in a thread. A proxy from the environment is used, as by
 * other programs. */
#include "alert/post.h"

#include <curl/curl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"

#define ANSWER_MAX  ((size_t)64 * 1024)
#define CONNECT_MAX (5 * LW_SECOND)
#define TLS_MIN     CURL_SSLVERSION_TLSv1_2

/* One exchange under way. */
struct exchange {
    CURL *curl;
    struct curl_slist *headers;
    struct lw_post_result *out;
    size_t header_bytes, body_bytes;
    bool complete; /* the final header block has ended */
    CURLcode code;
    char answer[LW_POST_ANSWER_MAX]; /* the answer's beginning, printable */
    char error[CURL_ERROR_SIZE];
};

int lw_post_init(struct lw_err *err) {
    if (curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK)
        return 0;
    return lw_fail(err, LW_ESTOP, "libcurl cannot start; is its TLS library intact?");
}

static size_t on_header(char *data, size_t size, size_t count, void *arg) {
    struct exchange *x = arg;
    size_t len = size * count;
    x->header_bytes += len;
    if (x->header_bytes > ANSWER_MAX)
        return 0;
    long status = 0;
    curl_easy_getinfo(x->curl, CURLINFO_RESPONSE_CODE, &status);
    bool blank = len <= 2 && (data[0] == '\r' || data[0] == '\n');
    if (blank && status >= 200)
        x->complete = true;
    return len;
}

static size_t on_body(char *data, size_t size, size_t count, void *arg) {
    struct exchange *x = arg;
    size_t len = size * count, used = strlen(x->answer);
    for (size_t i = 0; i < len && used + 1 < sizeof x->answer; i++) {
        bool shown = data[i] > ' ' && data[i] <= '~';
        if (shown || (used > 0 && x->answer[used - 1] != ' '))
            x->answer[used++] = shown ? data[i] : ' ';
    }
    x->body_bytes += len;
    return x->body_bytes > ANSWER_MAX ? 0 : len;
}

static void set_peer(CURL *curl, const struct lw_post_request *req) {
    int64_t timeout = req->timeout_ms > 0 ? req->timeout_ms : 1;
    int64_t connect = timeout < CONNECT_MAX ? timeout : CONNECT_MAX;
    curl_easy_setopt(curl, CURLOPT_URL, req->url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)timeout);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)connect);
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)TLS_MIN);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(curl, CURLOPT_HTTP09_ALLOWED, 0L);
    curl_easy_setopt(curl, CURLOPT_FORBID_REUSE, 1L);
    if (req->ca_file[0] != '\0')
        curl_easy_setopt(curl, CURLOPT_CAINFO, req->ca_file);
}

static void set_request(struct exchange *x, const struct lw_post_request *req) {
    for (size_t i = 0; i < req->nheaders; i++) {
        struct curl_slist *more = curl_slist_append(x->headers, req->header[i]);
        lw_assert(more != NULL);
        x->headers = more;
    }
    struct curl_slist *more = curl_slist_append(x->headers, "Expect:");
    lw_assert(more != NULL);
    x->headers = more;
    curl_easy_setopt(x->curl, CURLOPT_HTTPHEADER, x->headers);
    curl_easy_setopt(x->curl, CURLOPT_POST, 1L);
    curl_easy_setopt(x->curl, CURLOPT_POSTFIELDS,
                     req->body.data != NULL ? (const char *)req->body.data : "");
    curl_easy_setopt(x->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)req->body.len);
}

static void exchange_begin(struct exchange *x, const struct lw_post_request *req,
                           struct lw_post_result *out) {
    memset(x, 0, sizeof *x);
    memset(out, 0, sizeof *out);
    x->out = out;
    x->code = CURLE_OPERATION_TIMEDOUT; /* until libcurl says otherwise */
    x->curl = curl_easy_init();
    lw_assert(x->curl != NULL);
    set_peer(x->curl, req);
    set_request(x, req);
    curl_easy_setopt(x->curl, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(x->curl, CURLOPT_HEADERDATA, x);
    curl_easy_setopt(x->curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(x->curl, CURLOPT_WRITEDATA, x);
    curl_easy_setopt(x->curl, CURLOPT_ERRORBUFFER, x->error);
    curl_easy_setopt(x->curl, CURLOPT_PRIVATE, x);
}

static enum lw_post_verdict status_verdict(int status) {
    if (status >= 200 && status < 300)
        return LW_POST_DELIVERED;
    bool again =
        status == 0 || status == 408 || status == 425 || status == 429 || status >= 500;
    return again ? LW_POST_RETRY : LW_POST_REFUSED;
}

static void result_explain(const struct exchange *x, const char *shown) {
    struct lw_post_result *out = x->out;
    const char *why = x->error[0] != '\0' ? x->error : curl_easy_strerror(x->code);
    if (out->status == 0)
        snprintf(out->reason, sizeof out->reason, "no answer from %.100s: %.110s", shown,
                 why);
    else if (out->status >= 300 && out->status < 400)
        snprintf(out->reason, sizeof out->reason,
                 "%.100s answered %d, a redirect, which is not followed: correct the url",
                 shown, out->status);
    else
        snprintf(out->reason, sizeof out->reason, "%.100s answered %d", shown,
                 out->status);
}

static void exchange_end(struct exchange *x, const struct lw_post_request *req) {
    struct lw_post_result *out = x->out;
    char shown[300];
    long status = 0;
    curl_off_t wait = 0, took = 0;
    if (x->complete)
        curl_easy_getinfo(x->curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(x->curl, CURLINFO_RETRY_AFTER, &wait);
    curl_easy_getinfo(x->curl, CURLINFO_TOTAL_TIME_T, &took);
    out->status = (int)status;
    out->verdict = status_verdict(out->status);
    out->took_ms = (int64_t)took / 1000;
    if (out->verdict == LW_POST_RETRY && out->status != 0 && wait > 0)
        out->retry_after_ms = wait < 3600 ? (int64_t)wait * 1000 : LW_HOUR;
    lw_copy(out->answer, sizeof out->answer, x->answer);
    result_explain(x, lw_receiver_url_shown(shown, sizeof shown, req->url));
    curl_easy_cleanup(x->curl);
    for (struct curl_slist *h = x->headers; h != NULL; h = h->next)
        explicit_bzero(h->data, strlen(h->data)); /* one of them contains the token */
    curl_slist_free_all(x->headers);
}

static void exchanges_collect(CURLM *multi) {
    int left;
    struct CURLMsg *msg;
    while ((msg = curl_multi_info_read(multi, &left)) != NULL) {
        char *private = NULL;
        if (msg->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &private);
        struct exchange *x = (struct exchange *)(void *)private;
        x->code = msg->data.result;
    }
}

void lw_post_many(const struct lw_post_request *const *req, size_t n,
                  struct lw_post_result *out) {
    lw_assert(n <= LW_RECEIVERS_MAX);
    struct exchange *x = lw_calloc(n + 1, sizeof *x);
    CURLM *multi = curl_multi_init();
    int running = 1;
    lw_assert(multi != NULL);
    for (size_t i = 0; i < n; i++) {
        exchange_begin(&x[i], req[i], &out[i]);
        curl_multi_add_handle(multi, x[i].curl);
    }
    while (running > 0) { /* each handle's own limit ends this loop */
        if (curl_multi_perform(multi, &running) != CURLM_OK)
            break;
        if (running > 0 && curl_multi_poll(multi, NULL, 0, 1000, NULL) != CURLM_OK)
            break;
    }
    exchanges_collect(multi);
    for (size_t i = 0; i < n; i++) {
        curl_multi_remove_handle(multi, x[i].curl);
        exchange_end(&x[i], req[i]);
    }
    curl_multi_cleanup(multi);
    free(x);
}

void lw_post(const struct lw_post_request *req, struct lw_post_result *out) {
    lw_post_many(&req, 1, out);
}

void lw_post_request_fini(struct lw_post_request *req) {
    for (size_t i = 0; i < req->nheaders; i++) {
        lw_free_secret(req->header[i], strlen(req->header[i]));
    }
    lw_buf_wipe(&req->body);
    OPENSSL_cleanse(req, sizeof *req);
}
