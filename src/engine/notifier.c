/* A notifier delivers one receiver's entries of the outbox. Each receiver has its own
 * thread, so a slow one delays no other. An entry leaves the outbox only when it was
 * delivered or given up; after a crash it is sent again under the same id. Alerts
 * that bypass the outbox are sent from memory (self_alert.c). */
#include <stdlib.h>
#include <string.h>

#include "alert/deliver.h"
#include "alert/notifier.h"
#include "alert/post.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/time.h"
#include "engine/notifier.h"
#include "engine/self_alert.h"
#include "store/outbox.h"

#define READ_MAX 128
#define IDLE_MS  200
/* Longest back-off of writing an outcome to Redis, and from which back-off on it is
 * logged. */
#define BACKOFF_MAX_MS 10000
#define LOG_MS         800

/* Outcome of one delivery, until it is written to Redis. */
struct outcome {
    struct lw_delivery tried;
    struct lw_notifier_step next;
    bool delivered;
};

void lw__notifier_log_attempt(const char *receiver, const char *id, uint64_t attempts,
                              const struct lw_notifier_step *next,
                              const struct lw_post_result *result) {
    if (next->what == LW_NOTIFIER_RETRY)
        lw_log(delivery_retry, receiver, id, (unsigned long long)attempts,
               LW_QUOTE(result->reason));
    else if (result->verdict == LW_POST_DELIVERED)
        lw_log(delivered, receiver, id, result->status, (long long)result->took_ms,
               LW_QUOTE(result->reason));
    else
        lw_log(undeliverable, receiver, id, result->status, (long long)result->took_ms,
               LW_QUOTE(result->reason));
}

static struct outcome outcome_judge(const struct lw_notifier *n,
                                    const struct lw_delivery *d,
                                    const struct lw_post_result *result) {
    const struct lw_receiver *receiver = &n->engine->config->receiver[n->receiver];
    struct outcome o = {.tried = *d, .delivered = result->verdict == LW_POST_DELIVERED};
    o.next = lw_notifier_next(receiver, d->id, result, d->attempts + 1, d->put_ms,
                              lw_wall_ms());
    o.tried.attempts++;
    o.tried.reason = result->reason;
    o.tried.not_before_ms = o.next.not_before_ms;
    lw__notifier_log_attempt(receiver->name, d->id, o.tried.attempts, &o.next, result);
    return o;
}

static int outcome_write(const struct lw_notifier *n, struct lw_redis *redis,
                         const struct lw_lease *lease, const struct outcome *o,
                         struct lw_err *err) {
    const struct lw_spec *spec = &n->engine->config->spec;
    if (o->next.what == LW_NOTIFIER_RETRY)
        return lw_outbox_retry(redis, spec, lease, &o->tried, err);
    if (o->delivered)
        return lw_outbox_done(redis, spec, lease, o->tried.entry, err);
    return lw_outbox_park(redis, spec, lease, &o->tried, lw_wall_ms(), err);
}

/* The outcome must be written before anything else is sent, or the entry would be
 * sent again at once. Retries with growing back-off while Redis is unreachable; a new
 * leader sends the entry once more under the same id. */
static void outcome_record(struct lw_notifier *n, struct lw_redis *redis,
                           struct lw_lease lease, const struct outcome *o) {
    for (int64_t wait = IDLE_MS; lease.token; lease = lw__engine_lease(n->engine)) {
        struct lw_err err = {0};
        if (outcome_write(n, redis, &lease, o, &err) == 0 || err.code == LW_EFENCED)
            return;
        if (wait >= LOG_MS)
            lw_log(delivery_record_retry, n->engine->config->receiver[n->receiver].name,
                   o->tried.id, LW_QUOTE(err.msg));
        if (!lw__engine_sleep(n->engine, wait))
            return;
        wait = 2 * wait < BACKOFF_MAX_MS ? 2 * wait : BACKOFF_MAX_MS;
    }
}

/* The entry to send now: due, and no older one of its alert still waits; NULL: none.
 */
static const struct lw_delivery *next_due(const struct lw_delivery *d, size_t count) {
    struct lw_notifier_entry waiting[READ_MAX];
    size_t chosen;
    for (size_t i = 0; i < count; i++)
        waiting[i] = (struct lw_notifier_entry){d[i].id, d[i].alert, d[i].not_before_ms};
    return lw_notifier_due(waiting, count, lw_wall_ms(), &chosen, 1) ? &d[chosen] : NULL;
}

/* Sends the entry that is due; true: another may be due. */
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
        struct lw_post_result result = {0};
        lw_deliver(&config->receiver[n->receiver], due->json, due->len, lw_wall_ms(),
                   &result);
        struct outcome o = outcome_judge(n, due, &result);
        outcome_record(n, redis, *lease, &o);
    }
    lw_reply_free(reply);
    free(d);
    return due != NULL;
}

void *lw__notifier_main(void *notifier) {
    struct lw_notifier *n = notifier;
    struct lw_err err = {0};
    struct lw_redis *redis = lw_redis_new(&n->engine->config->redis, &err);
    if (!redis)
        lw__engine_request_shutdown(n->engine, &err);
    while (redis && lw__engine_sleep(n->engine, IDLE_MS)) {
        struct lw_lease lease = lw__engine_lease(n->engine);
        lw__self_alert_deliver(n);
        while (lease.token && !atomic_load(&n->engine->stop) &&
               deliver_one(n, redis, &lease))
            lease = lw__engine_lease(n->engine);
    }
    lw_redis_free(redis);
    free(n);
    return NULL;
}
