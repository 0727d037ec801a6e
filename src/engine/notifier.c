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
#include "store/outbox.h"

#define READ_MAX 128
#define IDLE_MS  200
/* Between attempts to tell Redis what came of a delivery, and from when on the log has
 * it. */
#define SETTLE_MAX_MS 10000
#define TELL_MS       800

/* What came of one delivery, until Redis knows it. */
struct outcome {
    struct lw_delivery tried;
    struct lw_next_step next;
    bool delivered;
};

static struct outcome judge(const struct lw_notifier *n, const struct lw_delivery *d,
                            const struct lw_http_result *result) {
    const struct lw_receiver *receiver = &n->engine->config->receiver[n->receiver];
    struct outcome o = {.tried = *d, .delivered = result->verdict == LW_DELIVERED};
    char quoted[600];
    o.next = lw_notifier_next(receiver, d->id, result, d->attempts + 1, d->put_ms,
                              lw_wall_ms());
    o.tried.attempts++;
    o.tried.reason = result->reason;
    o.tried.not_before_ms = o.next.not_before_ms;
    lw_log_quote(quoted, sizeof quoted, result->reason);
    if (o.next.what == LW_NEXT_RETRY)
        lw_log(LW_WARN, "delivery_waits", "receiver=%s id=%s attempts=%llu reason=%s",
               receiver->name, d->id, (unsigned long long)o.tried.attempts, quoted);
    else
        lw_log(o.delivered ? LW_INFO : LW_ERROR,
               o.delivered ? "delivered" : "undeliverable",
               "receiver=%s id=%s status=%d took_ms=%lld reason=%s", receiver->name,
               d->id, result->status, (long long)result->took_ms, quoted);
    return o;
}

static int note(const struct lw_notifier *n, struct lw_redis *redis,
                const struct lw_lease *lease, const struct outcome *o,
                struct lw_err *err) {
    const struct lw_spec *spec = &n->engine->config->spec;
    if (o->next.what == LW_NEXT_RETRY)
        return lw_outbox_retry(redis, spec, lease, &o->tried, err);
    if (o->delivered)
        return lw_outbox_done(redis, spec, lease, o->tried.entry, err);
    return lw_outbox_park(redis, spec, lease, &o->tried, lw_wall_ms(), err);
}

/* Redis must know it before anything else is sent: an entry that stays would be sent
 * again at once, and again. While Redis refuses or is away, this waits, and longer each
 * time; whoever leads meanwhile sends it once more, under the same id. */
static void settle(struct lw_notifier *n, struct lw_redis *redis, struct lw_lease lease,
                   const struct outcome *o) {
    char quoted[600];
    for (int64_t wait = IDLE_MS; lease.token; lease = lw__engine_lease(n->engine)) {
        struct lw_err err = {0};
        if (note(n, redis, &lease, o, &err) == 0 || err.code == LW_EFENCED)
            return;
        if (wait >= TELL_MS)
            lw_log(LW_WARN, "delivery_unsettled", "receiver=%s id=%s error=%s",
                   n->engine->config->receiver[n->receiver].name, o->tried.id,
                   lw_log_quote(quoted, sizeof quoted, err.msg));
        if (!lw__engine_sleep(n->engine, wait))
            return;
        wait = 2 * wait < SETTLE_MAX_MS ? 2 * wait : SETTLE_MAX_MS;
    }
}

/* The entry to send now: due, and no older one of its alert still waits; NULL: none.
 */
static const struct lw_delivery *next_due(const struct lw_delivery *d, size_t count) {
    struct lw_waiting waiting[READ_MAX];
    size_t chosen;
    for (size_t i = 0; i < count; i++)
        waiting[i] = (struct lw_waiting){d[i].id, d[i].alert, d[i].not_before_ms};
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
        struct outcome o = judge(n, due, &result);
        settle(n, redis, *lease, &o);
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
