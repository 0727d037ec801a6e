/* Internal to engine/. */
#ifndef LW_ENGINE_ENGINE_PRIVATE_H
#define LW_ENGINE_ENGINE_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "alert/notifier.h"
#include "alert/post.h"
#include "core/health.h"
#include "engine/engine.h"
#include "event/schema.h"
#include "kafka/consumer.h"
#include "kafka/probe.h"
#include "store/lease.h"
#include "store/state.h"

/* Interval of flushes of a partition that has not changed. */
#define LW_VERIFY_MS 5000

struct lw_job;
struct lw_worker;

/* The brokers' last answer (topic.c). */
struct lw_brokers {
    int64_t answered_ms; /* monotonic; 0: never */
    int64_t asked_ms;    /* when the ends below were requested */
    bool gone;           /* the topic does not exist */
    int32_t n;
    int64_t *end;  /* end offset by partition; -1: unknown */
    char why[256]; /* why the answer is missing or incomplete, or "" */
};

/* Why sealing is blocked by wrong clocks (leader_sealing_block.c). */
struct lw_sealing_block {
    int64_t since_ms; /* monotonic; 0: it is not */
    char why[256];
};

/* An alert about leeway itself that is sent without the outbox (self_alert.c). */
struct lw_direct_message {
    uint64_t number; /* grows with each message */
    char *json;      /* owned; NULL: none yet */
    size_t len;
    bool firing;
};

struct lw_engine {
    const struct lw_config *config;
    struct lw_engine_hooks hooks;
    char who[96];                 /* host:pid */
    _Atomic int32_t npartitions;  /* of the topic, as last counted */
    struct lw_registry *registry; /* of framing confluent; else NULL */

    atomic_bool stop, leading, training, holds_tracking;
    atomic_int flow;             /* enum lw_flow */
    _Atomic int64_t complete_ms; /* set by lw_engine_complete */
    volatile int stop_flag;      /* the same, for interfaces that want an int */

    pthread_t *worker_thread;
    struct lw_worker **worker;
    int nworkers;
    pthread_t leader_thread, retrainer_thread, topic_thread, health_thread;
    pthread_t notifier_thread[LW_RECEIVERS_MAX];
    int nnotifiers;
    bool leader_runs, retrainer_runs, topic_runs, health_runs;

    pthread_mutex_t lock;    /* guards what follows; never held across I/O */
    pthread_cond_t changed;  /* the job */
    pthread_cond_t stopping; /* or the leader is woken */
    struct lw_job *job;      /* posted, running or done */
    bool job_taken, leader_woken;
    bool lost; /* unreadable panes were moved away: the retrainer rebuilds what it can */
    struct lw_lease lease; /* as last renewed; token 0: not leading */
    struct lw_err failure;
    struct lw_brokers brokers;
    struct lw_sealing_block sealing_block;
    char leader_why[256];      /* why the leader's last pass failed, or "" */
    struct lw_health health;   /* as last judged */
    struct lw_live_facts live; /* while leading; under lock, like `health` */
    bool live_known;
    struct lw_direct_message direct[LW_COMPONENTS];

    _Atomic int64_t sealed_until_ms;
    /* the leader's last pass here, by the monotonic and the wall clock; 0: none */
    _Atomic int64_t passed_ms, passed_wall_ms;
    _Atomic uint64_t trainings, trainings_failed;
    _Atomic uint64_t outbox[LW_RECEIVERS_MAX]; /* waiting, by receiver */
};

void lw__engine_request_shutdown(struct lw_engine *e, const struct lw_err *why);
struct lw_lease lw__engine_lease(struct lw_engine *e);
/* Sleeps up to ms, less when the engine stops; false when it does. */
bool lw__engine_sleep(struct lw_engine *e, int64_t ms);
/* The leader's sleep, which lw__engine_wake_leader ends early. */
bool lw__engine_sleep_leader(struct lw_engine *e, int64_t ms);
void lw__engine_wake_leader(struct lw_engine *e);

#endif
