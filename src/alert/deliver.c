/* Delivers messages from the outbox: load the receiver's secrets, render, sign, post.
 *
 * Several receivers are posted to in parallel, so that one that hangs does not delay the
 * others. The start of a refusing receiver's answer is added to the reason
 * ("invalid_blocks" says more than "400"), unless it repeats a secret. No secret outlives
 * the call. */
#include "alert/deliver.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alert/render.h"
#include "base/mem.h"
#include "base/text.h"

#define SECRET_LEAST 4 /* shorter texts occur by chance */

static bool answer_holds(const char *answer, const char *secret, size_t len) {
    if (len < SECRET_LEAST)
        return false;
    for (const char *p = answer; *p != '\0'; p++)
        if (strncmp(p, secret, len) == 0)
            return true;
    return false;
}

/* Does the answer repeat part of the address, the token, or one of the receiver's own
 * headers? */
static bool answer_leaks(const char *answer, const struct lw_secrets *s,
                         const struct lw_post_request *req) {
    char shown[300];
    size_t skip = strlen(lw_receiver_url_shown(shown, sizeof shown, req->url));
    const char *path = strlen(req->url) > skip ? req->url + skip : "";
    for (const char *p = path; *p != '\0';) { /* segment by segment */
        size_t len = strcspn(p, "/?&=#");
        if (len >= 12 && answer_holds(answer, p, len))
            return true;
        p += len + (p[len] != '\0');
    }
    if (answer_holds(answer, s->token, strlen(s->token)))
        return true;
    for (size_t i = 0; i < req->nheaders; i++) {
        const char *value = strchr(req->header[i], ':') + 1;
        value += strspn(value, " \t");
        if (s->headers != NULL && strstr(s->headers, value) != NULL &&
            answer_holds(answer, value, strlen(value)))
            return true;
    }
    return false;
}

/* A local failure, before the network. */
static void not_sent(struct lw_post_result *out, const struct lw_err *err) {
    memset(out, 0, sizeof *out);
    out->verdict = LW_POST_RETRY;
    lw_copy(out->reason, sizeof out->reason, err->msg);
}

static void result_explain(struct lw_post_result *out, const struct lw_secrets *s,
                           const struct lw_post_request *req) {
    size_t used = strlen(out->reason);
    char answer[sizeof out->answer];
    if (out->verdict == LW_POST_DELIVERED || out->answer[0] == '\0')
        return;
    lw_copy(answer, sizeof answer, out->answer);
    if (answer[0] == '<' || answer_leaks(answer, s, req)) /* '<': an HTML page */
        out->answer[0] = '\0';
    else
        snprintf(out->reason + used, sizeof out->reason - used, ": %s", answer);
}

/* Secrets and request of one delivery. */
struct parcel {
    struct lw_secrets secrets;
    struct lw_post_request req;
    bool ready;
};

static void parcel_pack(struct parcel *p, const struct lw_envelope *e, int64_t now_ms) {
    struct lw_err err = {0};
    if (lw_secrets_load(e->receiver, &p->secrets, &err) < 0) {
        not_sent(e->result, &err);
        return;
    }
    p->ready = lw_render_request(e->receiver, &p->secrets,
                                 &(struct lw_render_input){e->json, e->len, now_ms},
                                 &p->req, &err) == 0;
    if (p->ready)
        return;
    not_sent(e->result, &err);
    if (err.code == LW_EINPUT) /* a damaged message stays damaged */
        e->result->verdict = LW_POST_REFUSED;
    lw_secrets_fini(&p->secrets);
}

static void parcel_unpack(struct parcel *p) {
    if (!p->ready)
        return;
    lw_post_request_fini(&p->req);
    lw_secrets_fini(&p->secrets);
}

void lw_deliver_many(const struct lw_envelope *e, size_t n, int64_t now_ms) {
    lw_assert(n <= LW_RECEIVERS_MAX);
    struct parcel *parcel = lw_calloc(n + 1, sizeof *parcel);
    const struct lw_post_request *req[LW_RECEIVERS_MAX];
    struct lw_post_result result[LW_RECEIVERS_MAX];
    size_t owner[LW_RECEIVERS_MAX], ready = 0;
    for (size_t i = 0; i < n; i++) {
        parcel_pack(&parcel[i], &e[i], now_ms);
        if (!parcel[i].ready)
            continue;
        owner[ready] = i;
        req[ready++] = &parcel[i].req;
    }
    if (ready > 0)
        lw_post_many(req, ready, result);
    for (size_t k = 0; k < ready; k++) {
        size_t i = owner[k];
        result_explain(&result[k], &parcel[i].secrets, &parcel[i].req);
        *e[i].result = result[k];
    }
    for (size_t i = 0; i < n; i++)
        parcel_unpack(&parcel[i]);
    free(parcel);
}

void lw_deliver(const struct lw_receiver *r, const char *json, size_t len, int64_t now_ms,
                struct lw_post_result *out) {
    struct lw_envelope e = {r, json, len, out};
    lw_deliver_many(&e, 1, now_ms);
}
