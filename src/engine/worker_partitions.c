/* Partitions are claimed in Redis when the group assigns them, flushed and given up
 * when it revokes them, and claimed again after Redis was unreachable or another
 * owner fenced the worker. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/time.h"
#include "engine/worker_private.h"
#include "store/meta.h"

#define LOG_MS 10000 /* between log lines about failed claims */

void lw__worker_partition_drop(struct lw_partition_state *s) {
    lw_partition_free(s->progress);
    *s = (struct lw_partition_state){.phase = LW_PARTITION_FREE};
}

/* A partition without state that is newer than the stream is read from its first
 * message, also if auto.offset.reset is latest. */
static int find_age(struct lw_worker *w, struct lw_partition_state *s, int32_t partition,
                    struct lw_err *err) {
    int32_t n = lw_meta_partitions(w->redis, w->spec, w->config->source.topic,
                                   partition + 1, err);
    s->added = n > 0 && partition >= n;
    return n < 0 ? -1 : 0;
}

/* The state in Redis may belong to a different configuration: checked with the first
 * claim, before anything is written. */
static int check_config(struct lw_worker *w, struct lw_err *err) {
    if (!w->fits && lw_meta_check(w->redis, w->spec, w->config->source.topic, err))
        return -1;
    w->fits = true;
    return 0;
}

/* A failed claim is retried, and logged only every LOG_MS because Redis may be
 * unreachable for hours. The leader moves unreadable state away; a configuration that
 * does not match stops the process. */
static void claim_failed(struct lw_worker *w, int32_t partition,
                         const struct lw_err *err) {
    int64_t now = lw_mono_ms();
    lw__worker_redis_failed(w, err);
    lw__worker_trouble_report(w, LW_WORKER_TROUBLE_GROUP, err);
    if (err->code == LW_ECONFIG)
        lw__engine_request_shutdown(w->engine, err);
    else if (now >= w->log_at_ms) {
        lw_log(claim_retry, w->owner, partition, LW_QUOTE(err->msg));
        w->log_at_ms = now + LOG_MS;
    }
}

/* State that does not match the configuration (a feature of another kind) is an error
 * that retries cannot fix. */
static int load_state(struct lw_worker *w, int32_t partition, struct lw_claim *got,
                      struct lw_err *err) {
    struct lw_partition_state *s = &w->state[partition];
    struct lw_err why = {0};
    if (lw_state_claim(w->redis,
                       &(struct lw_claim_target){w->spec, w->config->source.topic,
                                                 w->owner, partition, s->progress},
                       got, &why) == 0) {
        for (size_t i = 0; i < got->unread.n; i++) { /* the leader reports it */
            lw_fail(&why, LW_EINPUT, "%s", got->unread.item[i].why);
            lw_log(pane_unreadable_at_claim, w->owner, partition, LW_QUOTE(why.msg));
        }
        lw_unreadable_fini(&got->unread);
        if (got->rebuilt[0]) {
            lw_fail(&why, LW_EINPUT, "%s", got->rebuilt);
            lw_log(partition_rebuilt, w->owner, partition, LW_QUOTE(why.msg));
        }
        return 0;
    }
    lw_fail(err, why.code, "%s", why.msg);
    if (why.code == LW_ECONFIG)
        lw_err_context(
            err,
            "the state of stream %s in Redis does not match the configuration (a feature "
            "of another kind needs another name, or the stream does)",
            w->spec->stream);
    return -1;
}

/* Takes ownership and loads the state; after LW_EAGAIN the partition waits for a
 * retry. */
static int claim_partition(struct lw_worker *w, int32_t partition, struct lw_err *err) {
    struct lw_partition_state *s = &w->state[partition];
    struct lw_claim got;
    lw_partition_free(s->progress);
    s->progress = lw_partition_new(w->spec, partition);
    s->phase = LW_PARTITION_WAITS;
    s->claim_at_ms = lw_mono_ms() + LW_RETRY_MS;
    if (check_config(w, err) || load_state(w, partition, &got, err) ||
        lw_model_cache_load(w->models, w->redis, &got.active, &s->models, err))
        return -1;
    if (got.next_offset < 0 && find_age(w, s, partition, err))
        return -1;
    s->epoch = got.epoch;
    s->base_offset = s->next_offset = got.next_offset;
    s->last = (struct lw_record_fingerprint){got.last_offset, got.last_id};
    s->recreated = false;
    s->active = got.active;
    s->unsure = false;
    lw_partition_track(s->progress, &got.active.tracking);
    s->phase = LW_PARTITION_RUNS;
    s->heard_ms = s->flushed_ms = lw_mono_ms();
    s->changed = false;
    lw_log(partition_claimed, w->owner, partition, s->epoch, s->next_offset,
           s->active.champion);
    return 0;
}

/* The end offset moves, so it is determined once and stored: no later owner skips
 * messages. */
static bool needs_start_offset(const struct lw_worker *w, struct lw_partition_state *s) {
    if (s->next_offset >= 0 || s->added || !lw_consumer_starts_late(w->consumer))
        return false;
    s->phase = LW_PARTITION_OUT_OF_RANGE;
    s->claim_at_ms = 0;
    return true;
}

static int64_t start_offset(const struct lw_partition_state *s) {
    if (s->next_offset >= 0)
        return s->next_offset;
    return s->added ? RD_KAFKA_OFFSET_BEGINNING : RD_KAFKA_OFFSET_INVALID;
}

int64_t lw__worker_assigned(void *worker, int32_t partition, int *wait) {
    struct lw_worker *w = worker;
    struct lw_err err = {0};
    if (partition >= w->nstates) { /* the topic has grown */
        w->state = lw_realloc(w->state, (size_t)partition + 1, sizeof *w->state);
        memset(w->state + w->nstates, 0,
               (size_t)(partition + 1 - w->nstates) * sizeof *w->state);
        w->nstates = partition + 1;
    }
    if (lw__worker_redis_backoff(w)) {
        w->state[partition].phase = LW_PARTITION_WAITS;
        w->state[partition].claim_at_ms = w->try_at_ms;
    } else if (claim_partition(w, partition, &err) == 0) {
        if (!needs_start_offset(w, &w->state[partition]))
            return start_offset(&w->state[partition]);
    } else {
        claim_failed(w, partition, &err);
    }
    *wait = 1;
    return -1;
}

void lw__worker_revoked(void *worker, int32_t partition) {
    struct lw_worker *w = worker;
    struct lw_partition_state *s = &w->state[partition];
    struct lw_err err = {0};
    bool flushes = s->phase == LW_PARTITION_RUNS && s->changed;
    if (flushes && lw__worker_redis_backoff(w))
        lw_fail(&err, LW_EAGAIN, "Redis or Kafka did not answer a moment ago");
    else if (flushes && lw__worker_flush_partition(w, partition, &err))
        lw__worker_redis_failed(w, &err);
    if (err.code) /* its next owner reads the messages again */
        lw_log(revoked_unflushed, w->owner, partition, LW_QUOTE(err.msg));
    lw_log(partition_released, w->owner, partition);
    lw__worker_partition_drop(s);
}

void lw__worker_lost(void *worker, int32_t partition) {
    struct lw_worker *w = worker;
    lw_log(partition_lost, w->owner, partition);
    lw__worker_partition_drop(&w->state[partition]);
}

struct lw_record_fingerprint lw__worker_fingerprint(void *worker, int32_t partition) {
    const struct lw_worker *w = worker;
    return w->state[partition].last;
}

void lw__worker_out_of_range(void *worker, int32_t partition, int recreated) {
    struct lw_worker *w = worker;
    struct lw_partition_state *s = &w->state[partition];
    if (s->phase != LW_PARTITION_RUNS)
        return;
    s->phase = LW_PARTITION_OUT_OF_RANGE;
    s->claim_at_ms = 0;
    s->recreated = recreated;
}

static void claim_and_start(struct lw_worker *w, int32_t partition) {
    struct lw_err err = {0};
    struct lw_partition_state *s = &w->state[partition];
    if (claim_partition(w, partition, &err) == 0 &&
        (needs_start_offset(w, s) ||
         lw_consumer_resume(w->consumer, partition, start_offset(s), s->last, &err) == 0))
        return;
    s->phase = LW_PARTITION_WAITS;
    claim_failed(w, partition, &err);
}

void lw__worker_claim_due(struct lw_worker *w, int64_t now) {
    for (int32_t p = 0; p < w->nstates; p++) {
        if (lw__worker_redis_backoff(w) || lw_mono_ms() - now >= LW_SPELL_MS)
            return; /* poll first */
        if (w->state[p].phase == LW_PARTITION_WAITS && now >= w->state[p].claim_at_ms)
            claim_and_start(w, p);
    }
}

void lw__worker_sweep_models(struct lw_worker *w) {
    const struct lw_loaded_models **inuse = lw_calloc((size_t)w->nstates, sizeof *inuse);
    for (int32_t p = 0; p < w->nstates; p++)
        inuse[p] = &w->state[p].models;
    lw_model_cache_sweep(w->models, inuse, (size_t)w->nstates);
    free(inuse);
}
