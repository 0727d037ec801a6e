/* Flushes state from memory to Redis. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/time.h"
#include "engine/worker_private.h"

#define RECLAIM_MS 3000 /* after being fenced: a rebalance arrives first */

/* Loads the models that a flush returned, and tracks predictions as it said, before the
 * next event is scored. */
static int adopt_models(struct lw_worker *w, struct lw_partition_state *s,
                        int32_t partition, const struct lw_active_versions *active,
                        struct lw_err *err) {
    bool same = active->champion == s->active.champion &&
                active->nshadows == s->active.nshadows &&
                memcmp(active->shadow, s->active.shadow,
                       active->nshadows * sizeof *active->shadow) == 0;
    if (!atomic_load(&w->engine->holds_tracking))
        lw_partition_track(s->progress, &active->tracking);
    s->active.tracking = active->tracking;
    if (same)
        return 0;
    if (lw_model_cache_load(w->models, w->redis, active, &s->models, err))
        return -1;
    if (active->champion != s->active.champion)
        lw_log(model_adopted, w->owner, partition, active->champion, s->next_offset);
    s->active = *active;
    return 0;
}

void lw__worker_fence(struct lw_worker *w, int32_t partition, const struct lw_err *err) {
    struct lw_partition_state *s = &w->state[partition];
    lw_log(fenced, w->owner, partition, LW_QUOTE(err->msg));
    lw__worker_partition_drop(s);
    s->phase = LW_PARTITION_WAITS;
    s->claim_at_ms = lw_mono_ms() + RECLAIM_MS;
}

/* The round trip itself, counted and timed. */
static int write_flush(struct lw_worker *w, struct lw_partition_state *s,
                       const struct lw_flush *flush, struct lw_active_versions *active,
                       struct lw_err *err) {
    int64_t began = lw_mono_us();
    int rc = lw_state_flush(w->redis, w->spec, flush, s->progress, active, err);
    atomic_fetch_add_explicit(
        &w->counter[rc ? LW_PROCESS_FLUSH_FAILURES : LW_PROCESS_FLUSHES], 1,
        memory_order_relaxed);
    atomic_fetch_add_explicit(&w->counter[LW_PROCESS_FLUSH_US],
                              (uint64_t)(lw_mono_us() - began), memory_order_relaxed);
    return rc;
}

int lw__worker_flush_partition(struct lw_worker *w, int32_t partition,
                               struct lw_err *err) {
    struct lw_partition_state *s = &w->state[partition];
    struct lw_active_versions active = s->active;
    int64_t low, end;
    lw_consumer_watermarks(w->consumer, partition, &low, &end);
    struct lw_record_fingerprint last = lw_consumer_last(w->consumer, partition);
    if (last.offset >= 0 && last.offset < s->next_offset)
        s->last = last;
    struct lw_flush flush = {.topic = w->config->source.topic,
                             .partition = partition,
                             .epoch = s->epoch,
                             .base_offset = s->base_offset,
                             .next_offset = s->next_offset,
                             .last_offset = s->last.offset,
                             .last_id = s->last.id,
                             .end_offset = end,
                             .unsure = s->unsure,
                             .idle = s->idle,
                             .now_ms = lw_wall_ms()};
    /* Dead letters and predictions must be acknowledged before the offset passes
     * them. */
    if (lw__worker_out_await_acks(w, err))
        return -1;
    s->unsure = true;
    if (write_flush(w, s, &flush, &active, err))
        return -1;
    s->unsure = false;
    s->base_offset = s->next_offset;
    s->changed = false;
    s->flushed_ms = lw_mono_ms();
    if (s->next_offset >= 0)
        lw_consumer_commit(w->consumer, partition, s->next_offset);
    if (adopt_models(w, s, partition, &active, err) == 0)
        return 0;
    /* Redis says that the new models score from here on, but they cannot be loaded:
     * no event may be scored by the old ones. A later claim loads them. */
    lw__worker_partition_drop(s);
    s->phase = LW_PARTITION_WAITS;
    s->claim_at_ms = lw_mono_ms() + LW_RETRY_MS;
    return -1;
}

void lw__worker_pause(struct lw_worker *w, bool paused, const struct lw_err *why) {
    if (paused)
        lw__worker_trouble_report(w, LW_WORKER_TROUBLE_STALLED, why);
    if (w->paused == paused)
        return;
    if (!paused)
        lw__worker_trouble_clear(w, LW_WORKER_TROUBLE_STALLED);
    w->paused = paused;
    atomic_store(&w->stalled, paused);
    lw_consumer_pause(w->consumer, paused);
    if (paused)
        lw_log(stalled, w->owner, LW_QUOTE(why->msg));
    else
        lw_log(resumed, w->owner);
}

void lw__worker_redis_failed(struct lw_worker *w, const struct lw_err *why) {
    if (why->code == LW_EAGAIN)
        w->try_at_ms = lw_mono_ms() + LW_RETRY_MS;
}

bool lw__worker_redis_backoff(const struct lw_worker *w) {
    return lw_mono_ms() < w->try_at_ms;
}

/* Kafka rejected a record that must precede the offsets: everything since the last
 * flush is dropped, read again and sent again. */
static void replay_unflushed(struct lw_worker *w, const struct lw_err *why) {
    lw_log(refused, w->owner, LW_QUOTE(why->msg));
    lw__worker_pause(w, true, why);
    int64_t at = lw_mono_ms() + lw__worker_out_drop(w, why);
    w->backoff_until_ms = at;
    for (int32_t p = 0; p < w->nstates; p++) {
        struct lw_partition_state *s = &w->state[p];
        if (s->phase != LW_PARTITION_RUNS || !s->changed)
            continue;
        lw__worker_partition_drop(s);
        s->phase = LW_PARTITION_WAITS;
        s->claim_at_ms = at;
    }
}

/* An unchanged partition is also flushed every LW_VERIFY_MS: this detects a Redis
 * that was emptied or restored to an older state, and it is the owner's heartbeat. */
static bool flush_due(const struct lw_worker *w, const struct lw_partition_state *s) {
    return s->phase == LW_PARTITION_RUNS &&
           (s->changed || w->flushed_ms - s->flushed_ms >= LW_VERIFY_MS);
}

/* -1: the rest has to wait. */
static int flush_one(struct lw_worker *w, int32_t partition) {
    struct lw_partition_state *s = &w->state[partition];
    struct lw_err err = {0};
    if (!flush_due(w, s) || lw__worker_flush_partition(w, partition, &err) == 0)
        return 0;
    if (err.code == LW_EFENCED ||
        err.code == LW_EINPUT) { /* or a key is of another type */
        lw__worker_fence(w, partition, &err);
        return 0;
    }
    lw__worker_redis_failed(w, &err);
    lw__worker_pause(w, true, &err);
    return -1;
}

void lw__worker_flush(struct lw_worker *w) {
    struct lw_err err = {0};
    int64_t began = w->flushed_ms = lw_mono_ms();
    w->since_flush = 0;
    if (lw__worker_redis_backoff(w))
        return;
    if (lw__worker_out_await_acks(w, &err)) {
        if (err.code != LW_EAGAIN)
            replay_unflushed(w, &err);
        else
            lw__worker_pause(w, true, &err);
        return;
    }
    lw__worker_out_check(w, began);
    int32_t from = w->flush_from < w->nstates ? w->flush_from : 0;
    w->flush_from = 0;
    for (int32_t i = 0; i < w->nstates; i++) {
        int32_t p = (from + i) % w->nstates;
        if (flush_one(w, p))
            return;
        if (i + 1 < w->nstates && lw_mono_ms() - began >= LW_SPELL_MS) {
            w->flush_from = (p + 1) % w->nstates; /* Redis is slow: poll first */
            w->flushed_ms = began - w->config->source.flush_interval_ms;
            return;
        }
    }
    if (lw_mono_ms() >= w->backoff_until_ms)
        lw__worker_pause(w, false, NULL);
    bool waits = w->flow == LW_QUIET && atomic_load(&w->flow_flushed) != w->flow;
    atomic_store(&w->flow_flushed, w->flow);
    if (waits) /* the sender */
        lw__engine_wake_leader(w->engine);
}
