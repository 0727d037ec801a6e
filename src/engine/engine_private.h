/* Shared by the engine's own files only. */
#ifndef LW_ENGINE_PRIVATE_H
#define LW_ENGINE_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "core/health.h"
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

/* What the brokers said last (topic.c). */
struct lw_brokers {
    int64_t answered_ms; /* monotonic; 0: never */
    int64_t asked_ms;    /* ... when the ends below were asked for */
    bool gone;           /* they know no such topic */
    int32_t n;
    int64_t *end;  /* of each partition; -1 where that was not told */
    char why[256]; /* why there was no answer, or not a whole one; "" */
};

/* What the leader knows of what holds back sealing (leader_held.c). */
struct lw_held {
    int64_t since_ms; /* monotonic; 0: nothing does */
    char why[256];
};

/* A message about leeway itself that cannot go through the outbox (itself.c). */
struct lw_direct {
    uint64_t number; /* grows with each message */
    char *json;      /* owned; NULL: there has been none */
    size_t len;
    bool firing;
};

struct lw_engine {
    const struct lw_config *config;
    struct lw_engine_hooks hooks;
    char who[96];                 /* host:pid */
    _Atomic int32_t npartitions;  /* of the topic, as last counted */
    struct lw_registry *registry; /* of framing confluent; else NULL */

    atomic_bool stop, leading, training;
    atomic_int flow;             /* enum lw_flow */
    _Atomic int64_t complete_ms; /* as told by lw_engine_complete */
    volatile int stop_flag;      /* the same, for interfaces that want an int */

    pthread_t *worker_thread;
    struct lw_worker **worker;
    int nworkers;
    pthread_t leader_thread, retrainer_thread, topic_thread, health_thread;
    pthread_t notifier_thread[LW_RECEIVERS_MAX];
    int nnotifiers;
    bool leader_runs, retrainer_runs, topic_runs, health_runs;

    pthread_mutex_t lock;   /* guards what follows; never held across I/O */
    pthread_cond_t changed; /* the job */
    pthread_cond_t stopping;
    struct lw_job *job; /* posted, being worked on, or done */
    bool job_taken;
    bool lost; /* panes were set aside: the retrainer looks which can be made again */
    struct lw_lease lease; /* as last renewed; token 0: not leading */
    struct lw_err failure;
    struct lw_brokers brokers;
    struct lw_held held;
    char leader_why[256];    /* why the leader's last round came to nothing; "" */
    struct lw_health health; /* as last judged */
    struct lw_direct direct[LW_COMPONENTS];

    _Atomic int64_t sealed_until_ms;
    /* the leader's last pass here, by the monotonic and the wall clock; 0: none */
    _Atomic int64_t passed_ms, passed_wall_ms;
    _Atomic uint64_t trainings, trainings_failed;
    _Atomic uint64_t outbox[LW_RECEIVERS_MAX]; /* waiting, by receiver */
};

void lw__engine_fail(struct lw_engine *e, const struct lw_err *why);
struct lw_lease lw__engine_lease(struct lw_engine *e);
/* Sleeps up to ms, less when the engine stops; false when it does. */
bool lw__engine_sleep(struct lw_engine *e, int64_t ms);

struct lw_worker *lw__worker_new(struct lw_engine *e, int number, struct lw_err *err);
void lw__worker_free(struct lw_worker *w);
void *lw__worker_main(void *worker);
struct lw_worker_status {
    struct lw_process_counts counts;
    int owned;
    int64_t polled_ms;
    bool stalled;
    int held;
    bool settled;
};
struct lw_worker_status lw__worker_status(const struct lw_worker *w);
/* What stands in its way, in words ("": nothing), since when, and heard when last
 * (monotonic). */
enum lw_hindrance {
    LW_HINDERED_GROUP,       /* it gets no partition: by the group, a broker, or Redis */
    LW_HINDERED_LETTERS,     /* dead letters are refused, or not acknowledged */
    LW_HINDERED_PREDICTIONS, /* the same of predictions */
    LW_HINDERED_STALLED,     /* consuming is paused */
    LW_HINDRANCES
};
struct lw_word {
    int64_t since_ms, heard_ms;
    enum lw_errc code;
    char text[256];
};
void lw__worker_words(struct lw_worker *w, struct lw_word out[LW_HINDRANCES]);

void *lw__leader_main(void *engine);
void *lw__topic_main(void *engine);
void *lw__health_main(void *engine);
/* Counts the topic's partitions: 0, or -1 with LW_EAGAIN or LW_ENOTFOUND. */
int lw__topic_count(struct lw_engine *e, rd_kafka_t *probe, int timeout_ms,
                    struct lw_err *err);
void *lw__retrainer_main(void *engine);

struct lw_notifier {
    struct lw_engine *engine;
    int receiver;
    struct lw_handed { /* of lw_direct, to this receiver */
        uint64_t done, trying, attempts;
        int64_t put_ms, not_before_ms; /* wall */
        bool told;
    } handed[LW_COMPONENTS];
};
/* Brings it what cannot go through the outbox. */
void lw__itself_deliver(struct lw_notifier *n);
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
