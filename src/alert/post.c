/* One POST, or several in parallel, each with its own deadline.
 *
 * libcurl's multi interface drives all of them from the calling thread, so a receiver
 * that hangs costs the others nothing. At most 64 KiB of an answer are read.
 *
 * The status line decides once the header block is complete: 2xx is delivered even if the
 * body then stops, because the message was accepted and a retry would send it twice. No
 * complete header, 408, 425, 429 and 5xx are tried again; any other answer will not change
 * by itself. `Retry-After` (seconds or a date) is honoured up to an hour. */
#include "alert/post.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/secret.h"
#include "base/text.h"
#include "base/time.h"
#include "net/curl.h"

#define ANSWER_MAX ((size_t)64 * 1024)

/* One exchange under way. */
struct exchange {
    struct lw_curl curl;
    struct lw_post_result *out;
    bool complete; /* the final header block has ended */
    CURLcode code;
    char answer[LW_POST_ANSWER_MAX]; /* the answer's beginning, printable */
};

static size_t on_header(char *data, size_t size, size_t count, void *arg) {
    struct exchange *x = arg;
    size_t len = size * count;
    if (!lw_curl_take_header(&x->curl, len))
        return 0;
    long status = 0;
    curl_easy_getinfo(x->curl.easy, CURLINFO_RESPONSE_CODE, &status);
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
    return lw_curl_take_body(&x->curl, len) ? len : 0;
}

static void exchange_begin(struct exchange *x, const struct lw_post_request *req,
                           struct lw_post_result *out) {
    memset(x, 0, sizeof *x);
    memset(out, 0, sizeof *out);
    x->out = out;
    x->code = CURLE_OPERATION_TIMEDOUT; /* until libcurl says otherwise */
    lw_curl_open(&x->curl, req->ca_file, req->timeout_ms, ANSWER_MAX, ANSWER_MAX);
    for (size_t i = 0; i < req->nheaders; i++)
        lw_curl_header(&x->curl, req->header[i]);
    lw_curl_header(&x->curl, "Expect:");
    CURL *curl = x->curl.easy;
    curl_easy_setopt(curl, CURLOPT_URL, req->url);
    curl_easy_setopt(curl, CURLOPT_FORBID_REUSE, 1L);
    curl_easy_setopt(curl, CURLOPT_POST, 1L);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS,
                     req->body.data != NULL ? (const char *)req->body.data : "");
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)req->body.len);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, x);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, x);
    curl_easy_setopt(curl, CURLOPT_PRIVATE, x);
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
    const char *why = lw_curl_reason(&x->curl, x->code);
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
    curl_off_t took = 0;
    if (x->complete)
        curl_easy_getinfo(x->curl.easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(x->curl.easy, CURLINFO_TOTAL_TIME_T, &took);
    out->status = (int)status;
    out->verdict = status_verdict(out->status);
    out->took_ms = (int64_t)took / 1000;
    if (out->verdict == LW_POST_RETRY && out->status != 0)
        out->retry_after_ms = lw_curl_retry_after_ms(&x->curl);
    lw_copy(out->answer, sizeof out->answer, x->answer);
    result_explain(x, lw_receiver_url_shown(shown, sizeof shown, req->url));
    lw_curl_close(&x->curl);
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
        curl_multi_add_handle(multi, x[i].curl.easy);
    }
    while (running > 0) { /* each handle's own limit ends this loop */
        if (curl_multi_perform(multi, &running) != CURLM_OK)
            break;
        if (running > 0 && curl_multi_poll(multi, NULL, 0, 1000, NULL) != CURLM_OK)
            break;
    }
    exchanges_collect(multi);
    for (size_t i = 0; i < n; i++) {
        curl_multi_remove_handle(multi, x[i].curl.easy);
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
        lw_secret_free(req->header[i], strlen(req->header[i]));
    }
    lw_buf_wipe(&req->body);
    lw_secret_wipe(req, sizeof *req);
}
