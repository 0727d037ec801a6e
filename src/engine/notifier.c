/* A notifier: brings one receiver's part of the outbox to it. One thread a receiver, so
 * that a slow one delays nobody else. An entry leaves the outbox only when its delivery
 * was confirmed (or refused for good); a crash in between delivers again under the same
 * id. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/time.h"
#include "engine/engine_private.h"

#define READ_MAX 128
#define IDLE_MS  200

static void settle(struct lw_notifier *n, struct lw_redis *redis,
                   const struct lw_lease *lease, const struct lw_delivery *d,
                   const struct lw_http_result *result) {
    const struct lw_config *config = n->engine->config;
    const struct lw_receiver *receiver = &config->receiver[n->receiver];
    struct lw_err err = {0};
    char quoted[600];
    struct lw_next_step next =
        lw_notifier_next(receiver, d->id, result, d->attempts + 1,
                         lw_alert_raised_ms(d->json, d->len), lw_wall_ms());
    if (next.what == LW_NEXT_RETRY) {
        lw_log(LW_WARN, "delivery_waits", "receiver=%s id=%s attempts=%llu reason=%s",
               receiver->name, d->id, (unsigned long long)d->attempts + 1,
               lw_log_quote(quoted, sizeof quoted, result->reason));
        struct lw_delivery later = *d;
        later.attempts++;
        later.not_before_ms = next.not_before_ms;
        lw_outbox_retry(redis, &config->spec, lease, &later, &err);
        return;
    }
    bool delivered = result->verdict == LW_DELIVERED;
    lw_log(delivered ? LW_INFO : LW_ERROR, delivered ? "delivered" : "undeliverable",
           "receiver=%s id=%s status=%d took_ms=%lld reason=%s", receiver->name, d->id,
           result->status, (long long)result->took_ms,
           lw_log_quote(quoted, sizeof quoted, result->reason));
    if (!delivered)
        lw_audit(redis, &config->spec, "undeliverable", receiver->name, result->reason,
                 lw_wall_ms(), &err);
    lw_err_clear(&err);
    lw_outbox_done(redis, &config->spec, lease, d->entry, &err);
}

static void deliver_due(struct lw_notifier *n, struct lw_redis *redis,
                        const struct lw_lease *lease) {
    const struct lw_config *config = n->engine->config;
    struct lw_delivery *d = lw_calloc(READ_MAX, sizeof *d);
    struct lw_err err = {0};
    size_t count = 0;
    struct lw_reply *reply =
        lw_outbox_read(redis, &config->spec, READ_MAX, d, &count, &err);
    for (size_t i = 0; reply && i < count && !atomic_load(&n->engine->stop); i++) {
        int receiver = lw_receiver_find(config->receiver, config->nreceivers, d[i].id);
        if (receiver != n->receiver || d[i].not_before_ms > lw_wall_ms())
            continue;
        struct lw_http_result result = {0};
        lw_alert_send(&config->receiver[receiver], d[i].json, d[i].len, lw_wall_ms(),
                      &result);
        settle(n, redis, lease, &d[i], &result);
    }
    if (reply)
        atomic_store(&n->engine->outbox, count);
    lw_reply_free(reply);
    free(d);
}

void *lw__notifier_main(void *arg) {
    struct lw_notifier *n = arg;
    struct lw_err err = {0};
    struct lw_redis *redis = lw_redis_new(&n->engine->config->redis, &err);
    if (!redis)
        lw__engine_fail(n->engine, &err);
    while (redis && lw__engine_sleep(n->engine, IDLE_MS)) {
        struct lw_lease lease = lw__engine_lease(n->engine);
        if (lease.token)
            deliver_due(n, redis, &lease);
    }
    lw_redis_free(redis);
    free(n);
    return NULL;
}
