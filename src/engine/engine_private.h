/* Shared by the engine's own files only. */
#ifndef LW_ENGINE_PRIVATE_H
#define LW_ENGINE_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "engine/engine.h"
#include "event/schema.h"
#include "kafka/consumer.h"
#include "kafka/probe.h"
#include "store/leader.h"

/* One training: handed to the retrainer, and back. */
struct lw_job {
    struct lw_request request;
    uint32_t champion;      /* version to beat; 0: none */
    struct lw_pane *recent; /* for the reference; owned */
    struct lw_quarantine quarantine;
    /* filled by the retrainer */
    bool done, failed;
    struct lw_training training; /* owned; when failed only `early` and its rows count */
    char *facts;                 /* JSON; owned */
    struct lw_err err;
};

/* How often the state of a partition is written although it has not changed. */
#define LW_VERIFY_MS 5000

struct lw_worker;

struct lw_engine {
    const struct lw_config *config;
    struct lw_engine_hooks hooks;
    char who[96];                 /* host:pid */
    _Atomic int32_t npartitions;  /* of the topic, as last counted */
    struct lw_registry *registry; /* of framing confluent; else NULL */

    atomic_bool stop;
    atomic_int flow;             /* enum lw_flow */
    _Atomic int64_t complete_ms; /* as told by lw_engine_complete */
    volatile int stop_flag;      /* the same, for interfaces that want an int */

    pthread_t *worker_thread;
    struct lw_worker **worker;
    int nworkers;
    pthread_t leader_thread, retrainer_thread, topic_thread;
    pthread_t notifier_thread[LW_RECEIVERS_MAX];
    int nnotifiers;
    bool leader_runs, retrainer_runs, topic_runs;

    pthread_mutex_t lock;   /* guards what follows; never held across I/O */
    pthread_cond_t changed; /* the job */
    pthread_cond_t stopping;
    struct lw_job *job; /* posted, being worked on, or done */
    bool job_taken;
    bool lost; /* panes were set aside: the retrainer looks which can be made again */
    struct lw_lease lease; /* as last renewed; token 0: not leading */
    struct lw_err failure;
    char kafka_why[300];  /* the last that was wrong with the brokers, "" none, */
    int64_t kafka_why_ms; /* and when; wall */

    atomic_bool leading, training;
    _Atomic int64_t sealed_until_ms;
    _Atomic uint64_t trainings, trainings_failed;
    _Atomic uint64_t outbox[LW_RECEIVERS_MAX]; /* waiting, by receiver */
};

void lw__engine_fail(struct lw_engine *e, const struct lw_err *why);
struct lw_lease lw__engine_lease(struct lw_engine *e);
/* Something is wrong with the brokers, in words. */
void lw__engine_kafka(struct lw_engine *e, const struct lw_err *why);
/* Sleeps up to ms, less when the engine stops; false when it does. */
bool lw__engine_sleep(struct lw_engine *e, int64_t ms);

struct lw_worker *lw__worker_new(struct lw_engine *e, int number, struct lw_err *err);
void lw__worker_free(struct lw_worker *w);
void *lw__worker_main(void *worker);
struct lw_worker_status {
    uint64_t messages, scored, dead;
    uint64_t flushes, flush_failures, flush_us;
    int owned;
    int64_t polled_ms;
    bool stalled;
    int held;
    bool settled;
    int64_t out_since_ms; /* wall: letters or predictions are refused since then; or 0 */
    const char *out_why;  /* under the engine's lock */
    uint64_t renewals;
};
struct lw_worker_status lw__worker_status(const struct lw_worker *w);

void *lw__leader_main(void *engine);
void *lw__topic_main(void *engine);
/* Counts the topic's partitions: 0, or -1 with LW_EAGAIN or LW_ENOTFOUND. */
int lw__topic_count(struct lw_engine *e, struct lw_probe *probe, int timeout_ms,
                    struct lw_err *err);
void *lw__retrainer_main(void *engine);

struct lw_notifier {
    struct lw_engine *engine;
    int receiver;
};
void *lw__notifier_main(void *notifier);

/* Hands a job to the retrainer (taken); there must be none. */
void lw__job_post(struct lw_engine *e, struct lw_job *job);
/* Panes were set aside; see lw_rebuild_pane. */
void lw__panes_lost(struct lw_engine *e);
/* The finished job, or NULL. The caller owns it. */
struct lw_job *lw__job_collect(struct lw_engine *e);
void lw__job_free(struct lw_job *job);
/* Drops a job that is no longer ours to answer for: what it brings will be thrown away.
 */
bool lw__job_busy(struct lw_engine *e);

/* Lineage and results of a training as JSON (free()). */
struct lw_lineage {
    const char *topic;
    const struct lw_range *range;
    size_t nranges;
    uint64_t read, gone,
        undecodable; /* messages read; offsets that Kafka no longer held */
};
char *lw__facts(const struct lw_config *config, const struct lw_request *request,
                const struct lw_training *t, const struct lw_lineage *lineage,
                double seconds);

#endif
