/* A notifier: brings one receiver's part of the outbox to it. One thread a receiver, so
 * that a slow one delays nobody else. An entry leaves the outbox only when its delivery
 * was confirmed (or refused for good); a crash in between delivers again under the same
 * id. What cannot go through the outbox it sends from memory (itself.c). */
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
    struct lw_next_step next = lw_notifier_next(receiver, d->id, result, d->attempts + 1,
                                                d->put_ms, lw_wall_ms());
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
    struct lw_delivery tried = *d;
    tried.attempts++;
    tried.reason = result->reason;
    if (delivered)
        lw_outbox_done(redis, &config->spec, lease, d->entry, &err);
    else
        lw_outbox_park(redis, &config->spec, lease, &tried, lw_wall_ms(), &err);
}

/* The entry to send now: due, and no older one of its incident still waits; NULL: none.
 */
static const struct lw_delivery *next_due(const struct lw_delivery *d, size_t count) {
    struct lw_waiting waiting[READ_MAX];
    size_t chosen;
    for (size_t i = 0; i < count; i++)
        waiting[i] =
            (struct lw_waiting){.id = d[i].id, .not_before_ms = d[i].not_before_ms};
    return lw_notifier_due(waiting, count, lw_wall_ms(), &chosen, 1) ? &d[chosen] : NULL;
}

/* Sends the entry that is due; true when there may be another at once. */
static bool deliver_one(struct lw_notifier *n, struct lw_redis *redis,
                        const struct lw_lease *lease) {
    const struct lw_config *config = n->engine->config;
    struct lw_delivery *d = lw_calloc(READ_MAX, sizeof *d);
    struct lw_err err = {0};
    size_t count = 0;
    struct lw_reply *reply = lw_outbox_read(
        redis, &config->spec,
        (struct lw_outbox_of){config->receiver[n->receiver].name, READ_MAX}, d, &count,
        &err);
    const struct lw_delivery *due = NULL;
    if (reply) {
        atomic_store(&n->engine->outbox[n->receiver], count);
        due = next_due(d, count);
    }
    if (due) {
        struct lw_http_result result = {0};
        lw_alert_send(&config->receiver[n->receiver], due->json, due->len, lw_wall_ms(),
                      &result);
        settle(n, redis, lease, due, &result);
    }
    lw_reply_free(reply);
    free(d);
    return due != NULL;
}

void *lw__notifier_main(void *arg) {
    struct lw_notifier *n = arg;
    struct lw_err err = {0};
    struct lw_redis *redis = lw_redis_new(&n->engine->config->redis, &err);
    if (!redis)
        lw__engine_fail(n->engine, &err);
    while (redis && lw__engine_sleep(n->engine, IDLE_MS)) {
        struct lw_lease lease = lw__engine_lease(n->engine);
        lw__itself_deliver(n);
        while (lease.token && !atomic_load(&n->engine->stop) &&
               deliver_one(n, redis, &lease))
            lease = lw__engine_lease(n->engine);
    }
    lw_redis_free(redis);
    free(n);
    return NULL;
}
