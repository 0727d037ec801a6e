/* A worker: one consumer of the group, from message to Redis.
 *
 * All of it, rebalances included, runs in the worker's own thread. A partition's
 * state is in memory between flushes; a flush writes it and its offset to Redis in
 * one step. While Redis is unreachable the partitions are paused and polling
 * continues, so the worker stays in the group. State in memory is flushed later, or
 * its messages are read again by the next owner. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/secret.h"
#include "base/time.h"
#include "engine/intake.h"
#include "engine/worker_private.h"

/* lw_engine_flow changed: every partition is flushed, and so learns of new models. */
static bool flow_changed(struct lw_worker *w) {
    int flow = atomic_load(&w->engine->flow);
    if (flow == w->flow)
        return false;
    w->flow = flow;
    for (int32_t p = 0; p < w->nstates; p++)
        w->state[p].changed |= w->state[p].phase == LW_PARTITION_RUNS;
    return true;
}

void *lw__worker_main(void *worker) {
    struct lw_worker *w = worker;
    int64_t swept = lw_mono_ms();
    while (!atomic_load(&w->engine->stop)) {
        lw__worker_consume(w);
        int64_t now = lw_mono_ms();
        int64_t wait = w->paused ? LW_RETRY_MS : w->config->source.flush_interval_ms;
        bool changed = flow_changed(w);
        lw__worker_claim_due(w, now);
        lw__worker_resume_partitions(w, now);
        lw__worker_find_offsets(w, now);
        lw__worker_watch_idle(w, now);
        lw__worker_renew_secrets(w, now);
        if (changed || now - w->flushed_ms >= wait ||
            (!w->paused && w->since_flush >= w->config->source.flush_events))
            lw__worker_flush(w);
        if (now - swept > LW_MINUTE) {
            lw__worker_sweep_models(w);
            swept = now;
        }
    }
    lw_consumer_free(w->consumer); /* flushes and gives up each partition */
    w->consumer = NULL;
    return NULL;
}

/* ---- creation ---- */

/* Each static member of a group (group.instance.id) needs its own name. */
static struct lw_kafka_options *options_of(const struct lw_worker *w, int number) {
    struct lw_kafka_options *o = lw_memdup(&w->config->kafka, sizeof w->config->kafka);
    for (size_t i = 0; w->config->source.workers > 1 && i < o->n; i++) {
        char *value = o->property[i].value;
        size_t len = strlen(value);
        if (strcmp(o->property[i].key, "group.instance.id") == 0)
            snprintf(value + len, sizeof o->property[i].value - len, "-%d", number);
    }
    return o;
}

static int connect_all(struct lw_worker *w, int number, struct lw_err *err) {
    w->intake = lw_intake_new(w->config, w->engine->registry, err);
    if (!w->intake)
        return -1;
    w->redis = lw_redis_new(&w->config->redis, err);
    if (!w->redis)
        return -1;
    if (lw__worker_out_open(w, err))
        return -1;
    w->options = options_of(w, number);
    w->stamp = lw_kafka_stamp(w->options);
    return lw__worker_join(w, err);
}

struct lw_worker *lw__worker_new(struct lw_engine *e, int number, struct lw_err *err) {
    struct lw_worker *w = lw_calloc(1, sizeof *w);
    w->engine = e;
    w->config = e->config;
    w->spec = &e->config->spec;
    w->models = lw_model_cache_new(w->spec);
    w->flushed_ms = lw_mono_ms();
    atomic_store(&w->polled_ms, w->flushed_ms);
    pthread_mutex_init(&w->word_lock, NULL);
    snprintf(w->owner, sizeof w->owner, "%s:%d", e->who, number);
    if (connect_all(w, number, err) == 0)
        return w;
    lw__worker_free(w);
    return NULL;
}

void lw__worker_free(struct lw_worker *w) {
    if (!w)
        return;
    lw_consumer_free(w->consumer);
    for (int32_t p = 0; p < w->nstates; p++)
        lw__worker_partition_drop(&w->state[p]);
    free(w->state);
    lw__worker_out_close(w);
    lw_redis_free(w->redis);
    lw_intake_free(w->intake);
    lw_model_cache_free(w->models);
    lw_secret_free(w->options, sizeof *w->options);
    pthread_mutex_destroy(&w->word_lock);
    free(w);
}

struct lw_worker_status lw__worker_status(const struct lw_worker *w) {
    struct lw_worker_status s = {
        .owned = atomic_load(&w->owned),
        .polled_ms = atomic_load(&w->polled_ms),
        .stalled = atomic_load(&w->stalled) || atomic_load(&w->npaused) > 0,
        .npaused = atomic_load(&w->npaused),
        .flow_flushed = atomic_load(&w->flow_flushed) == atomic_load(&w->engine->flow)};
    for (int k = 0; k < LW_PROCESS_COUNTERS; k++)
        s.counts.n[k] = atomic_load(&w->counter[k]);
    return s;
}
