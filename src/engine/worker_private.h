/* Shared by worker.c (life and loop) and its parts:
 *
 *   worker_partitions.c  claiming and giving up partitions
 *   worker_idle.c        partitions at their end
 *   worker_offsets.c     partitions whose next offset does not exist
 *   worker_batch.c       messages
 *   worker_schema.c      messages that wait for a schema
 *   worker_out.c         dead letters and predictions
 *   worker_secrets.c     changed passwords and certificates
 *   worker_flush.c       flushes to Redis
 *   worker_trouble.c     troubles, for health
 *
 * Thread: the worker's. */
#ifndef LW_ENGINE_WORKER_PRIVATE_H
#define LW_ENGINE_WORKER_PRIVATE_H

#include "engine/intake.h"
#include "engine/model_cache.h"
#include "engine/worker.h"
#include "kafka/letter.h"
#include "kafka/sender.h"

#define LW_BATCH          2000 /* messages of one poll */
#define LW_BACKOFF_MAX_MS 8000 /* back-off before a message is read again */
#define LW_RETRY_MS       500  /* between attempts while Redis is away */
#define LW_SPELL_MS       1000 /* longest time between two polls */

/* OUT_OF_RANGE: claimed, but its next offset does not exist or has to be determined. */
enum lw_partition_phase {
    LW_PARTITION_FREE,
    LW_PARTITION_WAITS,
    LW_PARTITION_RUNS,
    LW_PARTITION_OUT_OF_RANGE
};

/* A partition that is assigned to the worker. */
struct lw_partition_state {
    enum lw_partition_phase phase;
    bool idle;         /* idle as last flushed */
    bool added;        /* newer than the stream: read from its first message */
    bool changed;      /* something to flush */
    bool unsure;       /* the answer of the last flush was lost */
    bool recreated;    /* OUT_OF_RANGE because the topic was recreated */
    bool paused;       /* at paused_at, until a schema is known */
    bool waited;       /* for the schema of the message at waited_at */
    bool pause_logged; /* this pause is in the log */
    struct lw_partition *progress;
    uint64_t epoch;
    int64_t base_offset, next_offset;  /* in Redis; in memory */
    int64_t claim_at_ms;               /* monotonic: when to try (again) */
    int64_t heard_ms;                  /* monotonic: last message */
    int64_t looked_ms;                 /* monotonic: last look past the last message */
    int64_t flushed_ms;                /* monotonic: last flush, or the claim */
    struct lw_record_fingerprint last; /* the last message before next_offset */
    int64_t seek_to;                   /* offset, while the rest of a batch is dropped */
    int64_t paused_at, waited_at;      /* offsets */
    struct lw_frame wanted;
    int64_t deficit_ms;      /* how much shorter than missing_wait the wait is, ... */
    int64_t deficit_at_ms;   /* ... as of this time; monotonic */
    int64_t pause_logged_ms; /* monotonic: when a pause was last logged */
    struct lw_active_versions active;
    struct lw_loaded_models models;
};

struct lw_worker {
    struct lw_engine *engine;
    const struct lw_config *config;
    const struct lw_spec *spec;
    char owner[128];
    struct lw_redis *redis;
    struct lw_consumer *consumer;
    struct lw_producer
        *out; /* dead letters and predictions; NULL: neither is configured */
    struct lw_sender *predictions; /* NULL: not wanted */
    bool unacked; /* something was sent since the last acknowledgement, ... */
    bool letter_sent, scored_sent; /* ... of these */
    struct lw_err refusal; /* Kafka's rejection of one of them, until it is handled */
    int64_t send_wait_ms;  /* last back-off after a rejection; 0: none */
    int64_t renew_at_ms;   /* monotonic: earliest time to replace the producer */
    char out_why[300];     /* the last rejection */
    struct lw_kafka_options *options;
    struct lw_kafka_stamp stamp; /* of the files that the clients were created from */
    int64_t look_at_ms;          /* monotonic: next check of them */
    int64_t backoff_ms, backoff_until_ms; /* back-off after unprocessed messages */
    int64_t try_at_ms;                    /* monotonic: next request to Redis */
    int64_t log_at_ms;                    /* monotonic: next log line about claims */
    bool time_logged;                     /* has logged an invalid event time */
    bool fits;          /* the stream in Redis matches this configuration */
    int32_t flush_from; /* where the next flush starts after an incomplete one */
    struct lw_intake *intake;
    atomic_int npaused; /* partitions that wait for a schema */
    struct lw_model_cache *models;
    struct lw_partition_state *state; /* by partition */
    int32_t nstates;
    bool paused;
    int64_t flushed_ms;
    int64_t since_flush; /* events */
    rd_kafka_message_t *batch[LW_BATCH];
    _Atomic uint64_t counter[LW_PROCESS_COUNTERS]; /* by enum lw_process_counter */
    _Atomic int64_t polled_ms;
    atomic_int owned;
    atomic_bool stalled;
    int flow;                /* enum lw_flow, as last seen */
    atomic_int flow_flushed; /* ... and as of the last complete flush */
    pthread_mutex_t word_lock;
    struct lw_worker_trouble word[LW_WORKER_TROUBLES]; /* under word_lock */
};

/* Reports a trouble for health, each time it occurs. It ends when it is cleared, or
 * when it has not been reported for OVER_MS. */
void lw__worker_trouble_report(struct lw_worker *w, enum lw_worker_trouble_kind which,
                               const struct lw_err *why);
void lw__worker_trouble_clear(struct lw_worker *w, enum lw_worker_trouble_kind which);
/* Clears it if the last report was LW_EAGAIN. */
void lw__worker_trouble_clear_retry(struct lw_worker *w,
                                    enum lw_worker_trouble_kind which);

/* Pauses consuming with the reason (polling continues), or resumes it. */
void lw__worker_pause(struct lw_worker *w, bool paused, const struct lw_err *why);
/* After LW_EAGAIN the worker sends Redis nothing for LW_RETRY_MS, so that it waits
 * for one timeout between two polls and not for one per partition. */
void lw__worker_redis_failed(struct lw_worker *w, const struct lw_err *why);
bool lw__worker_redis_backoff(const struct lw_worker *w);

/* ---- worker_partitions.c ---- */

/* The consumer's hooks. */
int64_t lw__worker_assigned(void *worker, int32_t partition, int *wait);
void lw__worker_revoked(void *worker, int32_t partition);
void lw__worker_lost(void *worker, int32_t partition);
struct lw_record_fingerprint lw__worker_fingerprint(void *worker, int32_t partition);
void lw__worker_out_of_range(void *worker, int32_t partition, int recreated);
/* Frees the partition's state. */
void lw__worker_partition_drop(struct lw_partition_state *s);
/* Claims the partitions that are due; now is monotonic. */
void lw__worker_claim_due(struct lw_worker *w, int64_t now);
/* Frees models that no partition uses. */
void lw__worker_sweep_models(struct lw_worker *w);

/* ---- worker_idle.c ---- */

/* Marks partitions idle that are at their end and got nothing for idle_timeout, so
 * that they do not block sealing. */
void lw__worker_watch_idle(struct lw_worker *w, int64_t now);

/* ---- worker_offsets.c ---- */

/* Determines the start offset of OUT_OF_RANGE partitions: the oldest message that
 * retention left, or the first of a recreated topic. Skipped messages are counted,
 * logged and audited. */
void lw__worker_find_offsets(struct lw_worker *w, int64_t now);

/* ---- worker_batch.c ---- */

/* One poll: decodes, scores and accumulates its messages. */
void lw__worker_consume(struct lw_worker *w);

/* ---- worker_schema.c ---- */

/* Pauses the partition at a message whose schema is not known yet. Returns 0. */
int lw__worker_pause_partition(struct lw_worker *w, const rd_kafka_message_t *m,
                               const struct lw_err *why);
/* Resumes partitions whose schema is known or no longer waited for. */
void lw__worker_resume_partitions(struct lw_worker *w, int64_t now);
/* How long a partition waits for an id that the registry does not know. */
int64_t lw__worker_schema_patience(const struct lw_worker *w,
                                   const struct lw_partition_state *s);
/* The wait for a schema ended; came: it is known. */
void lw__worker_schema_waited(const struct lw_worker *w, struct lw_partition_state *s,
                              bool came, int64_t now);

/* ---- worker_out.c ---- */

/* Opens the producer and the sender that the configuration needs. LW_ECONFIG. */
int lw__worker_out_open(struct lw_worker *w, struct lw_err *err);
void lw__worker_out_close(struct lw_worker *w);
/* Queues a dead letter for m, if configured. LW_EAGAIN: not now. */
int lw__worker_out_letter(struct lw_worker *w, const rd_kafka_message_t *m,
                          const char *stage, const struct lw_err *why,
                          struct lw_err *err);
/* The champion's answer, into the sender. Hot path. */
void lw__worker_out_prediction(struct lw_worker *w, const rd_kafka_message_t *m,
                               const struct lw_row *row, const struct lw_scored *scored);
/* Passes buffered predictions to librdkafka. LW_EAGAIN: some are left; LW_ESTOP:
 * rejected. */
int lw__worker_out_send(struct lw_worker *w, struct lw_err *err);
/* Waits for all acknowledgements. LW_EAGAIN: not complete; LW_ESTOP: something was
 * rejected, and everything since the last flush must be sent again. */
int lw__worker_out_await_acks(struct lw_worker *w, struct lw_err *err);
/* Drops unsent records and the rejection; their messages will be read again. Returns
 * the back-off in ms, longer with each rejection in a row. Replaces a failed
 * producer. */
int64_t lw__worker_out_drop(struct lw_worker *w, const struct lw_err *why);
/* Replaces an idle producer that has failed. */
void lw__worker_out_check(struct lw_worker *w, int64_t now);

/* ---- worker_secrets.c ---- */

/* Applies passwords and certificates that changed on disk; checked every 2 seconds. */
void lw__worker_renew_secrets(struct lw_worker *w, int64_t now);
/* Creates the consumer from the worker's options. */
int lw__worker_join(struct lw_worker *w, struct lw_err *err);

/* ---- worker_flush.c ---- */

/* Writes one partition's panes and offset to Redis in one step, then loads the active
 * models. LW_EAGAIN: Redis is away, or an acknowledgement of Kafka; LW_EFENCED;
 * LW_ESTOP: Kafka rejected a dead letter or a prediction. */
int lw__worker_flush_partition(struct lw_worker *w, int32_t partition,
                               struct lw_err *err);
/* Flushes partitions that changed or are due, for at most LW_SPELL_MS. Pauses
 * consuming while Redis or Kafka is unreachable, and resumes it. */
void lw__worker_flush(struct lw_worker *w);
/* Another owner has it: drops the state and claims it again later. */
void lw__worker_fence(struct lw_worker *w, int32_t partition, const struct lw_err *err);

#endif
