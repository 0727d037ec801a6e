/* Shared by the worker's own files only: worker.c (life and loop), worker_slots.c
 * (partitions come and go), worker_batch.c (messages), worker_flush.c (to Redis). All of
 * it runs in the worker's thread. */
#ifndef LW_WORKER_PRIVATE_H
#define LW_WORKER_PRIVATE_H

#include "engine/engine_private.h"
#include "engine/scorer.h"

#define LW_BATCH     2000  /* messages of one poll */
#define LW_RETRY_MS  500   /* between attempts while Redis is away */
#define LW_LETTER_MS 10000 /* one wait for the dead-letter topic */

enum lw_slot_state { SLOT_FREE, SLOT_WAITS, SLOT_RUNS };

/* A partition that is assigned to us. */
struct lw_slot {
    enum lw_slot_state state;
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
    struct lw_slot *slot; /* by partition */
    int32_t nslots;
    bool paused;
    int64_t flushed_ms;
    int64_t since_flush; /* events */
    rd_kafka_message_t *batch[LW_BATCH];
    _Atomic uint64_t messages, scored, dead_letters;
    _Atomic uint64_t flushes, flush_failures, flush_us;
    _Atomic int64_t polled_ms;
    atomic_bool stalled;
    int flow;           /* as last heard; of enum lw_flow */
    atomic_int settled; /* ... and as all partitions have been flushed with */
};

/* A warning with the worker, the partition (-1: all) and the reason. */
void lw__worker_warn(const struct lw_worker *w, const char *event, int32_t partition,
                     const struct lw_err *err);

/* ---- worker_slots.c ---- */

/* The consumer's hooks. */
int64_t lw__slot_assigned(void *worker, int32_t partition, int *wait);
void lw__slot_revoked(void *worker, int32_t partition);
void lw__slot_lost(void *worker, int32_t partition);
/* Forgets what is held of a partition. */
void lw__slot_drop(struct lw_slot *s);
/* Claims those whose time has come; now is monotonic. */
void lw__slots_claim_again(struct lw_worker *w, int64_t now);
/* A partition at its end, where nothing has come for idle_timeout, must not hold back
 * sealing. */
void lw__slots_watch_idle(struct lw_worker *w, int64_t now);
/* Frees models that no partition scores with any more. */
void lw__slots_sweep_models(struct lw_worker *w);

/* ---- worker_batch.c ---- */

/* One poll, and all that it brings: decoded, scored, accumulated. */
void lw__worker_consume(struct lw_worker *w);

/* ---- worker_flush.c ---- */

/* One partition's panes and offset to Redis, in one step; then the models that Redis says
 * are in force. LW_EAGAIN: Redis or the dead-letter topic is away; LW_EFENCED. */
int lw__slot_flush(struct lw_worker *w, int32_t partition, struct lw_err *err);
/* All that changed. Pauses consuming when something is away, and resumes it. */
void lw__worker_flush(struct lw_worker *w);

#endif
