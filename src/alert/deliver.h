/* Delivery of one message from the outbox: load secrets, render, sign, post.
 *
 *   lw_alert --lw_alert_json_write--> outbox --lw_render_request--> lw_post_request
 *            --lw_post--> lw_post_result
 *
 * core decides that an alert fires or resolves (struct lw_alert), the store keeps one
 * outbox entry for each (alert, receiver) until it is delivered, and the engine's notifier
 * thread calls this layer. The layer keeps no state between calls, so any thread may call
 * it. */
#ifndef LW_ALERT_DELIVER_H
#define LW_ALERT_DELIVER_H

#include "alert/post.h"

/* A failure before the network (a missing secret, an invalid template) is LW_POST_RETRY
 * with the reason: it may be fixed while the message waits. */
void lw_deliver(const struct lw_receiver *r, const char *json, size_t len, int64_t now_ms,
                struct lw_post_result *out);

/* Several messages in parallel, each to its own receiver; fills every result. */
struct lw_envelope {
    const struct lw_receiver *receiver;
    const char *json;
    size_t len;
    struct lw_post_result *result;
};
void lw_deliver_many(const struct lw_envelope *e, size_t n, int64_t now_ms);

#endif
