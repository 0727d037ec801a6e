/* A worker: one consumer of the group, from message to Redis.
 *
 * Everything in here happens in the worker's own thread, rebalances included. A
 * partition's state lives in memory between flushes; a flush moves it and its offset to
 * Redis in one step. While Redis is away the partitions are paused but polling goes on,
 * so the group never misses us, and nothing is lost: what is in memory is flushed later,
 * or replayed by whoever owns the partition then. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/time.h"
#include "engine/engine_private.h"
#include "engine/message.h"
#include "engine/scorer.h"

#define BATCH    2000
#define POLL_MS  50
#define RETRY_MS 500 /* between attempts while Redis is away */
#define RECLAIM_MS                                                                       \
    3000 /* after being fenced: long enough to hear of a rebalance first                 \
          */
#define DEAD_LETTER_MS 10000

enum slot_state { SLOT_FREE, SLOT_WAITS, SLOT_RUNS };

/* A partition that is assigned to us. */
struct slot {
    enum slot_state state;
    struct lw_partition *progress;
    uint64_t epoch;
    int64_t base_offset, next_offset; /* in Redis; in memory */
    int64_t claim_at_ms;              /* monotonic: when to try (again) */
    int64_t heard_ms;                 /* monotonic: last message */
    bool idle;                        /* idle as last flushed */
    bool changed;                     /* something to flush */
    struct lw_force force;
    struct lw_lineup lineup;
};

struct lw_worker {
    struct lw_engine *engine;
    const struct lw_config *config;
    const struct lw_spec *spec;
    char owner[128];
    struct lw_redis *redis;
    struct lw_consumer *consumer;
    struct lw_producer *dead; /* or NULL */
    bool dead_pending;        /* letters not yet acknowledged */
    struct lw_decoder *decoder;
    struct lw_model_cache *models;
    struct slot *slot; /* by partition */
    int32_t nslots;
    bool paused;
    int64_t flushed_ms;
    int64_t since_flush; /* events */
    rd_kafka_message_t *batch[BATCH];
    _Atomic uint64_t messages, scored, dead_letters;
    _Atomic uint64_t flushes, flush_failures, flush_us;
    _Atomic int64_t polled_ms;
    atomic_bool stalled;
    int flow;           /* as last heard; of enum lw_flow */
    atomic_int settled; /* ... and as all partitions have been flushed with */
};

static void warn(const struct lw_worker *w, const char *event, int32_t partition,
                 const struct lw_err *err) {
    char quoted[600];
    lw_log(LW_WARN, event, "worker=%s partition=%d error=%s", w->owner, partition,
           lw_log_quote(quoted, sizeof quoted, err->msg));
}

/* ---- claiming and giving up ---- */

static void drop(struct slot *s) {
    lw_partition_free(s->progress);
    *s = (struct slot){.state = SLOT_FREE};
}

/* Takes ownership and loads; on LW_EAGAIN the slot waits for the next try. */
static int claim(struct lw_worker *w, int32_t partition, struct lw_err *err) {
    struct slot *s = &w->slot[partition];
    struct lw_claim got;
    lw_partition_free(s->progress);
    s->progress = lw_partition_new(w->spec, partition);
    s->state = SLOT_WAITS;
    s->claim_at_ms = lw_mono_ms() + RETRY_MS;
    if (lw_state_claim(w->redis, w->spec, w->config->source.topic, w->owner, s->progress,
                       partition, &got, err) ||
        lw_model_cache_line_up(w->models, w->redis, &got.force, &s->lineup, err))
        return -1;
    s->epoch = got.epoch;
    s->base_offset = s->next_offset = got.next_offset;
    s->force = got.force;
    s->state = SLOT_RUNS;
    s->heard_ms = lw_mono_ms();
    s->changed = false;
    lw_log(LW_INFO, "partition_claimed",
           "worker=%s partition=%d epoch=%" PRIu64 " offset=%" PRId64 " champion=%u",
           w->owner, partition, s->epoch, s->next_offset, s->force.champion);
    return 0;
}

static int64_t start_offset(const struct slot *s) {
    return s->next_offset >= 0 ? s->next_offset : RD_KAFKA_OFFSET_INVALID;
}

static int64_t on_assigned(void *arg, int32_t partition, int *wait) {
    struct lw_worker *w = arg;
    struct lw_err err = {0};
    if (partition >= w->nslots) { /* the topic has grown */
        w->slot = lw_realloc(w->slot, (size_t)partition + 1, sizeof *w->slot);
        memset(w->slot + w->nslots, 0,
               (size_t)(partition + 1 - w->nslots) * sizeof *w->slot);
        w->nslots = partition + 1;
    }
    if (claim(w, partition, &err) == 0)
        return start_offset(&w->slot[partition]);
    warn(w, "claim_waits", partition, &err);
    *wait = 1;
    return -1;
}

static int flush_slot(struct lw_worker *w, int32_t partition, struct lw_err *err);

static void on_revoked(void *arg, int32_t partition) {
    struct lw_worker *w = arg;
    struct slot *s = &w->slot[partition];
    struct lw_err err = {0};
    if (s->state == SLOT_RUNS && s->changed && flush_slot(w, partition, &err))
        warn(w, "revoked_unflushed", partition, &err); /* its next owner replays */
    lw_log(LW_INFO, "partition_released", "worker=%s partition=%d", w->owner, partition);
    drop(s);
}

static void on_lost(void *arg, int32_t partition) {
    struct lw_worker *w = arg;
    lw_log(LW_WARN, "partition_lost", "worker=%s partition=%d", w->owner, partition);
    drop(&w->slot[partition]);
}

/* ---- one message ---- */

static void dead_letter(struct lw_worker *w, struct slot *s, const rd_kafka_message_t *m,
                        const char *stage, const struct lw_err *why) {
    struct lw_err err = {0};
    atomic_fetch_add(&w->dead_letters, 1);
    lw_partition_dead(s->progress);
    if (!w->dead)
        return;
    w->dead_pending = true;
    while (lw_dead_letter(w->dead, w->config->source.dead_letters, m, stage, why,
                          DEAD_LETTER_MS, &err) &&
           err.code == LW_EAGAIN && !atomic_load(&w->engine->stop)) {
        warn(w, "dead_letter_waits", m->partition, &err);
        lw_err_clear(&err);
    }
}

static void score_and_add(struct lw_worker *w, struct slot *s,
                          const rd_kafka_message_t *m, const struct lw_row *row,
                          int reason) {
    struct lw_cell watched[LW_FEATURES_MAX + 1];
    struct lw_scored scored[LW_VERSIONS_MAX];
    size_t n = reason == LW_GOOD ? s->lineup.n : 0;
    lw_spec_watch(w->spec, row, watched);
    for (size_t i = 0; i < n; i++) {
        scored[i].version = s->lineup.version[i];
        scored[i].prediction = lw_model_predict(s->lineup.model[i], row);
    }
    lw_partition_add(s->progress, m->offset, row, reason, watched, scored, n);
    if (n)
        atomic_fetch_add_explicit(&w->scored, 1, memory_order_relaxed);
}

static void handle(struct lw_worker *w, const rd_kafka_message_t *m) {
    struct lw_cell cells[LW_FIELDS_MAX];
    struct lw_row row;
    struct lw_err err = {0};
    struct slot *s = &w->slot[m->partition];
    if (s->state != SLOT_RUNS || m->offset < s->next_offset)
        return; /* given up, or delivered again after a seek */
    s->changed = true;
    s->next_offset = m->offset + 1;
    w->since_flush++;
    atomic_fetch_add_explicit(&w->messages, 1, memory_order_relaxed);
    if (lw_message_decode(w->config, w->decoder, m, cells, &err)) {
        dead_letter(w, s, m, "VALUE_CONVERTER", &err);
        return;
    }
    int reason = lw_event_row(&w->spec->event, cells, lw_message_time(m), &row, &err);
    if (reason < 0)
        dead_letter(w, s, m, "TRANSFORMATION", &err);
    else
        score_and_add(w, s, m, &row, reason);
}

/* ---- flushing ---- */

/* After a flush that told of other models: have them before the next event is scored. */
static int adopt(struct lw_worker *w, struct slot *s, int32_t partition,
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
    struct slot *s = &w->slot[partition];
    warn(w, "fenced", partition, err);
    drop(s);
    s->state = SLOT_WAITS;
    s->claim_at_ms = lw_mono_ms() + RECLAIM_MS;
}

/* The round trip itself, counted and timed. */
static int write_flush(struct lw_worker *w, struct slot *s, const struct lw_flush *flush,
                       struct lw_force *force, struct lw_err *err) {
    int64_t began = lw_mono_us();
    int rc = lw_state_flush(w->redis, w->spec, flush, s->progress, force, err);
    atomic_fetch_add_explicit(rc ? &w->flush_failures : &w->flushes, 1,
                              memory_order_relaxed);
    atomic_fetch_add_explicit(&w->flush_us, (uint64_t)(lw_mono_us() - began),
                              memory_order_relaxed);
    return rc;
}

static int flush_slot(struct lw_worker *w, int32_t partition, struct lw_err *err) {
    struct slot *s = &w->slot[partition];
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
        if (lw_producer_flush(w->dead, DEAD_LETTER_MS, err))
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

static void set_paused(struct lw_worker *w, bool paused, const struct lw_err *why) {
    if (w->paused == paused)
        return;
    w->paused = paused;
    atomic_store(&w->stalled, paused);
    lw_consumer_pause(w->consumer, paused);
    if (paused)
        warn(w, "stalled", -1, why);
    else
        lw_log(LW_INFO, "resumed", "worker=%s", w->owner);
}

static void flush_all(struct lw_worker *w) {
    struct lw_err err = {0};
    w->flushed_ms = lw_mono_ms();
    w->since_flush = 0;
    for (int32_t p = 0; p < w->nslots; p++) {
        if (w->slot[p].state != SLOT_RUNS || !w->slot[p].changed)
            continue;
        if (flush_slot(w, p, &err) == 0)
            continue;
        if (err.code == LW_EFENCED) {
            fenced(w, p, &err);
            lw_err_clear(&err);
            continue;
        }
        w->slot[p].changed = true; /* also when only the models could not be had */
        set_paused(w, true, &err);
        return;
    }
    set_paused(w, false, NULL);
    atomic_store(&w->settled, w->flow);
}

/* ---- the rounds between batches ---- */

static void retry_claims(struct lw_worker *w, int64_t now) {
    for (int32_t p = 0; p < w->nslots; p++) {
        struct lw_err err = {0};
        struct slot *s = &w->slot[p];
        if (s->state != SLOT_WAITS || now < s->claim_at_ms)
            continue;
        if (claim(w, p, &err) || lw_consumer_seek(w->consumer, p, start_offset(s), &err))
            warn(w, "claim_waits", p, &err);
    }
}

/* A partition at its end, where nothing has come for idle_timeout, must not hold back
 * sealing. */
static void watch_idle(struct lw_worker *w, int64_t now) {
    bool told = w->flow != LW_FLOWS;
    for (int32_t p = 0; p < w->nslots; p++) {
        struct slot *s = &w->slot[p];
        if (s->state != SLOT_RUNS)
            continue;
        bool idle = (told || now - s->heard_ms >= w->spec->idle_timeout_ms) &&
                    lw_consumer_at_end(w->consumer, p);
        s->changed |= idle != s->idle;
        s->idle = idle;
    }
}

static void sweep_models(struct lw_worker *w) {
    const struct lw_lineup **inuse = lw_calloc((size_t)w->nslots, sizeof *inuse);
    for (int32_t p = 0; p < w->nslots; p++)
        inuse[p] = &w->slot[p].lineup;
    lw_model_cache_sweep(w->models, inuse, (size_t)w->nslots);
    free(inuse);
}

static void consume(struct lw_worker *w) {
    struct lw_err err = {0};
    int n = lw_consumer_poll(w->consumer, w->batch, BATCH, POLL_MS, &err);
    int64_t now = lw_mono_ms();
    atomic_store(&w->polled_ms, now);
    if (n < 0 && err.code == LW_ESTOP)
        lw__engine_fail(w->engine, &err);
    for (int i = 0; i < n; i++) {
        rd_kafka_message_t *m = w->batch[i];
        if (m->partition < w->nslots && m->partition >= 0) {
            w->slot[m->partition].heard_ms = now;
            handle(w, m);
        }
        rd_kafka_message_destroy(m);
    }
}

/* The feeder has said something new: every partition is flushed with it, and so hears of
 * new models. */
static bool flow_changed(struct lw_worker *w) {
    int flow = atomic_load(&w->engine->flow);
    if (flow == w->flow)
        return false;
    w->flow = flow;
    for (int32_t p = 0; p < w->nslots; p++)
        w->slot[p].changed |= w->slot[p].state == SLOT_RUNS;
    return true;
}

void *lw__worker_main(void *arg) {
    struct lw_worker *w = arg;
    int64_t swept = lw_mono_ms();
    while (!atomic_load(&w->engine->stop)) {
        consume(w);
        int64_t now = lw_mono_ms();
        int64_t wait = w->paused ? RETRY_MS : w->config->source.flush_interval_ms;
        bool told = flow_changed(w);
        retry_claims(w, now);
        watch_idle(w, now);
        if (told || now - w->flushed_ms >= wait ||
            (!w->paused && w->since_flush >= w->config->source.flush_events))
            flush_all(w);
        if (now - swept > LW_MINUTE) {
            sweep_models(w);
            swept = now;
        }
    }
    lw_consumer_free(w->consumer); /* revokes: flushes and gives up each partition */
    w->consumer = NULL;
    return NULL;
}

/* ---- making one ---- */

static int connect_all(struct lw_worker *w, struct lw_err *err) {
    struct lw_consumer_hooks hooks = {
        .arg = w, .assigned = on_assigned, .revoked = on_revoked, .lost = on_lost};
    const struct lw_config_source *source = &w->config->source;
    w->decoder = lw_message_decoder(w->config, err);
    if (!w->decoder)
        return -1;
    w->redis = lw_redis_new(&w->config->redis, err);
    if (!w->redis)
        return -1;
    if (source->dead_letters[0] && !(w->dead = lw_producer_new(&w->config->kafka, err)))
        return -1;
    w->consumer = lw_consumer_new(&w->config->kafka, source->topic, &hooks, err);
    return w->consumer ? 0 : -1;
}

struct lw_worker *lw__worker_new(struct lw_engine *e, int number, struct lw_err *err) {
    struct lw_worker *w = lw_calloc(1, sizeof *w);
    w->engine = e;
    w->config = e->config;
    w->spec = &e->config->spec;
    w->models = lw_model_cache_new(w->spec);
    w->flushed_ms = lw_mono_ms();
    atomic_store(&w->polled_ms, w->flushed_ms);
    snprintf(w->owner, sizeof w->owner, "%s:%d", e->who, number);
    if (connect_all(w, err) == 0)
        return w;
    lw__worker_free(w);
    return NULL;
}

void lw__worker_free(struct lw_worker *w) {
    if (!w)
        return;
    lw_consumer_free(w->consumer);
    for (int32_t p = 0; p < w->nslots; p++)
        drop(&w->slot[p]);
    free(w->slot);
    lw_producer_free(w->dead);
    lw_redis_free(w->redis);
    lw_decoder_free(w->decoder);
    lw_model_cache_free(w->models);
    free(w);
}

struct lw_worker_status lw__worker_status(const struct lw_worker *w) {
    return (struct lw_worker_status){.messages = atomic_load(&w->messages),
                                     .scored = atomic_load(&w->scored),
                                     .dead = atomic_load(&w->dead_letters),
                                     .flushes = atomic_load(&w->flushes),
                                     .flush_failures = atomic_load(&w->flush_failures),
                                     .flush_us = atomic_load(&w->flush_us),
                                     .polled_ms = atomic_load(&w->polled_ms),
                                     .stalled = atomic_load(&w->stalled),
                                     .settled = atomic_load(&w->settled) ==
                                                atomic_load(&w->engine->flow)};
}
