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

/* One training: handed to the retrainer, and back. */
struct lw_job {
    struct lw_request request;
    uint32_t champion;      /* version to beat; 0: none */
    struct lw_pane *recent; /* for the reference; owned */
    struct lw_quarantine quarantine;
    /* set by the retrainer */
    bool done, failed;
    struct lw_training
        training; /* owned; after a failure only `early` and its rows are valid */
    char *facts;  /* JSON; owned */
    struct lw_err err;
};

/* Interval of flushes of a partition that has not changed. */
#define LW_VERIFY_MS 5000

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

    atomic_bool stop, leading, training;
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

    pthread_mutex_t lock;   /* guards what follows; never held across I/O */
    pthread_cond_t changed; /* the job */
    pthread_cond_t stopping;
    struct lw_job *job; /* posted, running or done */
    bool job_taken;
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

struct lw_worker *lw__worker_new(struct lw_engine *e, int number, struct lw_err *err);
void lw__worker_free(struct lw_worker *w);
void *lw__worker_main(void *worker);
struct lw_worker_status {
    struct lw_process_counts counts;
    int owned;
    int64_t polled_ms;
    bool stalled;
    int npaused;
    bool flow_flushed;
};
struct lw_worker_status lw__worker_status(const struct lw_worker *w);
/* Troubles of a worker, for health: text ("": none), since when and when last reported
 * (monotonic). */
enum lw_worker_trouble_kind {
    LW_WORKER_TROUBLE_GROUP,       /* no partition is assigned or claimed */
    LW_WORKER_TROUBLE_LETTERS,     /* dead letters are rejected or not acknowledged */
    LW_WORKER_TROUBLE_PREDICTIONS, /* predictions likewise */
    LW_WORKER_TROUBLE_STALLED,     /* consuming is paused */
    LW_WORKER_TROUBLES
};
struct lw_worker_trouble {
    int64_t since_ms, heard_ms;
    enum lw_errc code;
    char text[256];
};
void lw__worker_troubles(struct lw_worker *w,
                         struct lw_worker_trouble out[LW_WORKER_TROUBLES]);

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
    struct lw_direct_progress { /* of lw_direct_message, to this receiver */
        uint64_t done, trying, attempts;
        int64_t put_ms, not_before_ms; /* wall */
        bool notified;
    } handed[LW_COMPONENTS];
};
/* Logs the outcome of one attempt to deliver a message. */
void lw__delivery_log(const char *receiver, const char *id, uint64_t attempts,
                      const struct lw_notifier_step *next,
                      const struct lw_post_result *result);
/* Logs that an alert fires or is resolved. */
void lw__alert_log(const struct lw_alert *a);
/* Sends the receiver the alerts that bypass the outbox. */
void lw__self_alert_deliver(struct lw_notifier *n);
void *lw__notifier_main(void *notifier);

/* Passes a job to the retrainer, which owns it; no other may be posted. */
void lw__retrainer_post(struct lw_engine *e, struct lw_job *job);
/* Asks the retrainer to rebuild unreadable panes (lw_rebuild_pane). */
void lw__retrainer_rebuild_panes(struct lw_engine *e);
/* The finished job, or NULL. The caller owns it. */
struct lw_job *lw__retrainer_collect(struct lw_engine *e);
void lw__retrainer_job_free(struct lw_job *job);
/* A job is posted, running or done and not yet collected. */
bool lw__retrainer_busy(struct lw_engine *e);

/* The data that a training read. */
struct lw_lineage {
    const char *topic;
    const struct lw_range *range;
    size_t nranges;
    uint64_t read, gone,
        undecodable; /* messages read; offsets deleted in Kafka; not decodable */
};
/* Facts of a version (lineage and results of its training) as JSON; free(). */
char *lw__version_facts(const struct lw_config *config, const struct lw_request *request,
                        const struct lw_training *t, const struct lw_lineage *lineage,
                        double seconds);

#endif
