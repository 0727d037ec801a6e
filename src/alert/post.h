/* One POST, or several at once, each with its own deadline. */
#ifndef LW_ALERT_POST_H
#define LW_ALERT_POST_H

#include "alert/receiver.h"
#include "base/buf.h"

#define LW_POST_HEADERS_MAX 32

struct lw_post_request {
    char url[LW_URL_MAX + 32];
    char ca_file[LW_ALERT_PATH_MAX];
    size_t nheaders;
    char *header[LW_POST_HEADERS_MAX]; /* "Name: value", owned */
    struct lw_buf body;
    int64_t timeout_ms;
};
void lw_post_request_fini(struct lw_post_request *req); /* wipes and frees */

enum lw_post_verdict {
    LW_POST_DELIVERED, /* 2xx */
    LW_POST_RETRY,     /* no answer, 408, 425, 429, 5xx: a retry may succeed */
    LW_POST_REFUSED    /* any other answer: a retry does not help */
};

#define LW_POST_ANSWER_MAX 120

struct lw_post_result {
    enum lw_post_verdict verdict;
    int status;             /* 0: no answer */
    int64_t retry_after_ms; /* what the receiver asked for, at most an hour; 0: nothing */
    int64_t took_ms;
    char answer[LW_POST_ANSWER_MAX]; /* its beginning, printable ASCII; may repeat what
                                        was sent */
    char reason[240]; /* in words, without secrets: for the log and the audit */
};
/* Certificates are verified, redirects are not followed, only http and https are allowed,
 * at most 64 KiB of the answer are read, and req->timeout_ms limits the whole exchange.
 * Call lw_curl_init (net/curl.h) once before threads start. */
void lw_post(const struct lw_post_request *req, struct lw_post_result *out);
/* n requests (<= LW_RECEIVERS_MAX) in parallel: takes as long as the slowest. */
void lw_post_many(const struct lw_post_request *const *req, size_t n,
                  struct lw_post_result *out);

#endif
