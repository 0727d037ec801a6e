/* Health of the process: health.c has the thread and judges, health_probe.c collects
 * facts, self_alert.c alerts. */
#ifndef LW_ENGINE_HEALTH_H
#define LW_ENGINE_HEALTH_H

#include "engine/worker.h"
#include "store/alerts.h"
#include "store/health.h"

/* In the health thread. */
struct lw_watch {
    struct lw_engine *engine;
    const struct lw_config *config;
    struct lw_redis *redis;
    struct lw_moment now, began;
    struct lw_health health; /* under construction */
    /* found in this round */
    struct lw_brokers brokers; /* a copy; end is owned */
    struct lw_sealing_block sealing_block;
    char leader_why[256];
    struct lw_worker_trouble word[LW_WORKER_TROUBLES]; /* the longest of the workers' */
    int owned, schemas;           /* partitions; those that wait for a schema */
    struct lw_stream_facts facts; /* as last read, .. */
    bool read, view_read;         /* .. this time */
    struct lw_err redis_err;
    int64_t wrote_ms, read_ms; /* monotonic: last success; 0: none */
    int64_t offset_ms;         /* the server's clock less ours */
    bool offset_known;
    int32_t n;
    struct lw_partition_view *view;
    struct lw_partition_flow *flow;
    enum lw_flow_verdict *verdict;
    /* the leader's last pass, as reported */
    char leader[128];
    int64_t passed_reported, passed_ms; /* its stamp; monotonic, when seen */
    char passer[128];                   /* who that was */
    /* self_alert.c */
    struct lw_self_alert_state {
        bool notified;
        int64_t ill_ms; /* monotonic */
        uint64_t incident;
        int64_t since_ms;
    } itself[LW_COMPONENTS];
    struct lw_silence *silence; /* as last read */
    size_t nsilences;
    char lease[160]; /* the last that was known */
    int64_t updated_ms;
    bool led;
};

void *lw__health_main(void *engine);
/* Collects the current facts. */
void lw__health_look(struct lw_watch *w);
/* The texts of partitions that do not flow, "" when all do; false: not known yet. */
bool lw__health_partitions(struct lw_watch *w, char *out, size_t size);
#endif
