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

static void fenced(struct lw_worker *w, int32_t partition, const struct lw_err *err) {
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
    atomic_fetch_add_explicit(rc ? &w->flush_failures : &w->flushes, 1,
                              memory_order_relaxed);
    atomic_fetch_add_explicit(&w->flush_us, (uint64_t)(lw_mono_us() - began),
                              memory_order_relaxed);
    return rc;
}

int lw__slot_flush(struct lw_worker *w, int32_t partition, struct lw_err *err) {
    struct lw_slot *s = &w->slot[partition];
    struct lw_force force = s->force;
    int64_t low, end;
    lw_consumer_watermarks(w->consumer, partition, &low, &end);
    struct lw_flush flush = {.topic = w->config->source.topic,
                             .partition = partition,
                             .epoch = s->epoch,
                             .base_offset = s->base_offset,
                             .next_offset = s->next_offset,
                             .end_offset = end,
                             .idle = s->idle,
                             .now_ms = lw_wall_ms()};
    /* A letter must be safe before the offset moves past its message. */
    if (w->dead_pending) {
        if (lw_producer_flush(w->dead, LW_LETTER_MS, err))
            return -1;
        w->dead_pending = false;
    }
    if (write_flush(w, s, &flush, &force, err))
        return -1;
    s->base_offset = s->next_offset;
    s->changed = false;
    if (s->next_offset >= 0)
        lw_consumer_commit(w->consumer, partition, s->next_offset);
    return adopt(w, s, partition, &force, err);
}

static void lw__worker_pause(struct lw_worker *w, bool paused, const struct lw_err *why) {
    if (w->paused == paused)
        return;
    w->paused = paused;
    atomic_store(&w->stalled, paused);
    lw_consumer_pause(w->consumer, paused);
    if (paused)
        lw__worker_warn(w, "stalled", -1, why);
    else
        lw_log(LW_INFO, "resumed", "worker=%s", w->owner);
}

void lw__worker_flush(struct lw_worker *w) {
    struct lw_err err = {0};
    w->flushed_ms = lw_mono_ms();
    w->since_flush = 0;
    for (int32_t p = 0; p < w->nslots; p++) {
        if (w->slot[p].state != SLOT_RUNS || !w->slot[p].changed)
            continue;
        if (lw__slot_flush(w, p, &err) == 0)
            continue;
        if (err.code == LW_EFENCED) {
            fenced(w, p, &err);
            lw_err_clear(&err);
            continue;
        }
        w->slot[p].changed = true; /* also when only the models could not be had */
        lw__worker_pause(w, true, &err);
        return;
    }
    lw__worker_pause(w, false, NULL);
    atomic_store(&w->settled, w->flow);
}
