/* What is in memory, to Redis. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/time.h"
#include "engine/worker_private.h"

#define RECLAIM_MS                                                                       \
    3000 /* after being fenced: long enough to hear of a rebalance first                 \
          */

/* After a flush that told of other models: have them before the next event is scored. */
static int adopt(struct lw_worker *w, struct lw_slot *s, int32_t partition,
                 const struct lw_force *force, struct lw_err *err) {
    bool same =
        force->champion == s->force.champion && force->nshadows == s->force.nshadows &&
        memcmp(force->shadow, s->force.shadow, force->nshadows * sizeof *force->shadow) ==
            0;
    if (same)
        return 0;
    if (lw_model_cache_line_up(w->models, w->redis, force, &s->lineup, err))
        return -1;
    if (force->champion != s->force.champion)
        lw_log(LW_INFO, "model_adopted",
               "worker=%s partition=%d version=%u offset=%" PRId64, w->owner, partition,
               force->champion, s->next_offset);
    s->force = *force;
    return 0;
}

void lw__slot_fence(struct lw_worker *w, int32_t partition, const struct lw_err *err) {
    struct lw_slot *s = &w->slot[partition];
    lw__worker_warn(w, "fenced", partition, err);
    lw__slot_drop(s);
    s->state = SLOT_WAITS;
    s->claim_at_ms = lw_mono_ms() + RECLAIM_MS;
}

/* The round trip itself, counted and timed. */
static int write_flush(struct lw_worker *w, struct lw_slot *s,
                       const struct lw_flush *flush, struct lw_force *force,
                       struct lw_err *err) {
    int64_t began = lw_mono_us();
    int rc = lw_state_flush(w->redis, w->spec, flush, s->progress, force, err);
    atomic_fetch_add_explicit(
        &w->counter[rc ? LW_PROCESS_FLUSH_FAILURES : LW_PROCESS_FLUSHES], 1,
        memory_order_relaxed);
    atomic_fetch_add_explicit(&w->counter[LW_PROCESS_FLUSH_US],
                              (uint64_t)(lw_mono_us() - began), memory_order_relaxed);
    return rc;
}

int lw__slot_flush(struct lw_worker *w, int32_t partition, struct lw_err *err) {
    struct lw_slot *s = &w->slot[partition];
    struct lw_force force = s->force;
    int64_t low, end;
    lw_consumer_watermarks(w->consumer, partition, &low, &end);
    struct lw_mark last = lw_consumer_last(w->consumer, partition);
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
                             .idle = s->idle,
                             .now_ms = lw_wall_ms()};
    /* Letters and predictions must be safe before the offset moves past their message. */
    if (lw__out_settle(w, err))
        return -1;
    if (write_flush(w, s, &flush, &force, err))
        return -1;
    s->base_offset = s->next_offset;
    s->changed = false;
    s->flushed_ms = lw_mono_ms();
    if (s->next_offset >= 0)
        lw_consumer_commit(w->consumer, partition, s->next_offset);
    if (adopt(w, s, partition, &force, err) == 0)
        return 0;
    /* Redis says that the new models score from here on, and they are not to be had: no
     * event may be scored by the old ones. A claim brings them later. */
    lw__slot_drop(s);
    s->state = SLOT_WAITS;
    s->claim_at_ms = lw_mono_ms() + LW_RETRY_MS;
    return -1;
}

void lw__worker_pause(struct lw_worker *w, bool paused, const struct lw_err *why) {
    if (paused)
        lw__word_say(w, LW_HINDERED_STALLED, why);
    if (w->paused == paused)
        return;
    if (!paused)
        lw__word_over(w, LW_HINDERED_STALLED);
    w->paused = paused;
    atomic_store(&w->stalled, paused);
    lw_consumer_pause(w->consumer, paused);
    if (paused)
        lw__worker_warn(w, "stalled", -1, why);
    else
        lw_log(LW_INFO, "resumed", "worker=%s", w->owner);
}

void lw__redis_away(struct lw_worker *w, const struct lw_err *why) {
    if (why->code == LW_EAGAIN)
        w->try_at_ms = lw_mono_ms() + LW_RETRY_MS;
}

bool lw__redis_is_away(const struct lw_worker *w) {
    return lw_mono_ms() < w->try_at_ms;
}

/* Kafka will not have something that it must have before the offsets move: everything
 * since the last flush is dropped and read again, which sends it again. */
static void start_again(struct lw_worker *w, const struct lw_err *why) {
    lw__worker_warn(w, "refused", -1, why);
    lw__worker_pause(w, true, why);
    int64_t at = lw_mono_ms() + lw__out_forget(w, why);
    w->held_until_ms = at;
    for (int32_t p = 0; p < w->nslots; p++) {
        struct lw_slot *s = &w->slot[p];
        if (s->state != SLOT_RUNS || !s->changed)
            continue;
        lw__slot_drop(s);
        s->state = SLOT_WAITS;
        s->claim_at_ms = at;
    }
}

/* A partition at rest is flushed too, from time to time, with nothing new: so a Redis
 * that was emptied or put back to an older state is noticed, and the leader sees that
 * what was said of it still holds. */
static bool due(const struct lw_worker *w, const struct lw_slot *s) {
    return s->state == SLOT_RUNS &&
           (s->changed || w->flushed_ms - s->flushed_ms >= LW_VERIFY_MS);
}

/* 0; or -1: the rest has to wait. */
static int flush_one(struct lw_worker *w, int32_t partition) {
    struct lw_slot *s = &w->slot[partition];
    struct lw_err err = {0};
    if (!due(w, s) || lw__slot_flush(w, partition, &err) == 0)
        return 0;
    if (err.code == LW_EFENCED ||
        err.code == LW_EINPUT) { /* or a key is of another type */
        lw__slot_fence(w, partition, &err);
        return 0;
    }
    lw__redis_away(w, &err);
    lw__worker_pause(w, true, &err);
    return -1;
}

void lw__worker_flush(struct lw_worker *w) {
    struct lw_err err = {0};
    int64_t began = w->flushed_ms = lw_mono_ms();
    w->since_flush = 0;
    if (lw__redis_is_away(w))
        return;
    if (lw__out_settle(w, &err)) {
        if (err.code != LW_EAGAIN)
            start_again(w, &err);
        else
            lw__worker_pause(w, true, &err);
        return;
    }
    lw__out_tend(w, began);
    int32_t from = w->flush_from < w->nslots ? w->flush_from : 0;
    w->flush_from = 0;
    for (int32_t i = 0; i < w->nslots; i++) {
        int32_t p = (from + i) % w->nslots;
        if (flush_one(w, p))
            return;
        if (i + 1 < w->nslots && lw_mono_ms() - began >= LW_SPELL_MS) {
            w->flush_from = (p + 1) % w->nslots; /* a slow Redis: poll, then the others */
            w->flushed_ms = began - w->config->source.flush_interval_ms;
            return;
        }
    }
    if (lw_mono_ms() >= w->held_until_ms)
        lw__worker_pause(w, false, NULL);
    atomic_store(&w->settled, w->flow);
}
