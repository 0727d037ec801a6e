/* Shared by the worker's own files only: worker.c (life and loop), worker_slots.c
 * (partitions come and go), worker_idle.c (and stand at their end), worker_place.c (and
 * have lost their place), worker_batch.c (messages), worker_hold.c (those that wait for a
 * schema), worker_out.c (what is sent), worker_secrets.c (new passwords and
 * certificates), worker_flush.c (to Redis), worker_word.c (what it says of itself). All
 * of it runs in the worker's thread. */
#ifndef LW_WORKER_PRIVATE_H
#define LW_WORKER_PRIVATE_H

#include "engine/engine_private.h"
#include "engine/message.h"
#include "engine/scorer.h"
#include "kafka/letter.h"
#include "kafka/sender.h"

#define LW_BATCH       2000 /* messages of one poll */
#define LW_HOLD_MAX_MS 8000 /* between attempts at a message that was put back */
#define LW_RETRY_MS    500  /* between attempts while Redis is away */
#define LW_SPELL_MS    1000 /* the worker polls again after so long, whatever is to do */

/* ASTRAY: it is ours, but its next offset does not exist (any more), or is to be found
 * out. */
enum lw_slot_state { SLOT_FREE, SLOT_WAITS, SLOT_RUNS, SLOT_ASTRAY };

/* A partition that is assigned to us. */
struct lw_slot {
    enum lw_slot_state state;
    struct lw_partition *progress;
    uint64_t epoch;
    int64_t base_offset, next_offset; /* in Redis; in memory */
    int64_t claim_at_ms;              /* monotonic: when to try (again) */
    int64_t heard_ms;                 /* monotonic: last message */
    int64_t looked_ms;                /* monotonic: last look behind the last message */
    int64_t flushed_ms;               /* monotonic: last flush, or the claim */
    bool idle;                        /* idle as last flushed */
    bool added;                       /* newer than the stream: from its first message */
    bool changed;                     /* something to flush */
    struct lw_mark last;              /* the last message before next_offset */
    bool other;                       /* ASTRAY, for the topic is another one */
    int64_t back_to;                  /* offset, while a batch is put back */
    bool held;                        /* at held_at, for want of a schema */
    int64_t held_at;
    struct lw_frame wanted;
    bool waited;           /* for the schema of the message at waited_at */
    int64_t waited_at;     /* offset */
    int64_t deficit_ms;    /* by so much less than missing_wait is waited, */
    int64_t deficit_at_ms; /* as of then; monotonic */
    bool hold_told;        /* this hold is in the log */
    int64_t hold_told_ms;  /* monotonic: when one last was */
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
    struct lw_producer *out;       /* letters and predictions; NULL: neither is wanted */
    struct lw_sender *predictions; /* NULL: not wanted */
    bool unacked;                  /* something was sent since the last settling, ... */
    bool letter_sent, scored_sent; /* ... of these */
    struct lw_err refusal;         /* Kafka's, of one of them; until it is dealt with */
    int64_t again_ms;              /* the last wait after a refusal; 0: none of late */
    int64_t renew_at_ms;           /* monotonic: no producer is made anew before */
    char out_why[300];             /* the last refusal */
    struct lw_kafka_options *options;
    struct lw_kafka_stamp stamp;    /* of the files that the clients were made from */
    int64_t look_at_ms;             /* monotonic: when they are looked at again */
    int64_t hold_ms, held_until_ms; /* for how long, and until when, after a put-back */
    int64_t try_at_ms;              /* monotonic: Redis is not asked before */
    int64_t tell_at_ms;             /* monotonic: nor is said before that claims wait */
    bool told_time;                 /* has logged a time that is not believed */
    bool fits;                      /* the stream in Redis is of this configuration */
    int32_t flush_from; /* where the next flush begins, if one was cut short */
    struct lw_intake *intake;
    atomic_int held; /* partitions that wait for a schema */
    struct lw_model_cache *models;
    struct lw_slot *slot; /* by partition */
    int32_t nslots;
    bool paused;
    int64_t flushed_ms;
    int64_t since_flush; /* events */
    rd_kafka_message_t *batch[LW_BATCH];
    _Atomic uint64_t counter[LW_PROCESS_COUNTERS]; /* by enum lw_process_counter */
    _Atomic int64_t polled_ms;
    atomic_int owned;
    atomic_bool stalled;
    int flow;           /* as last heard; of enum lw_flow */
    atomic_int settled; /* ... and as all partitions have been flushed with */
    pthread_mutex_t word_lock;
    struct lw_word word[LW_HINDRANCES]; /* under word_lock; for health */
};

/* A warning with the worker, the partition (-1: all) and the reason. */
void lw__worker_warn(const struct lw_worker *w, const char *event, int32_t partition,
                     const struct lw_err *err);

/* What stands in the worker's way, for health: said as often as it is met. It counts as
 * over when it is taken back, or has not been met for a minute: what is refused and then
 * read again is refused again. */
void lw__word_say(struct lw_worker *w, enum lw_hindrance which, const struct lw_err *why);
void lw__word_over(struct lw_worker *w, enum lw_hindrance which);
/* The same of what was only waited for. */
void lw__word_passed(struct lw_worker *w, enum lw_hindrance which);

/* Stops consuming (polling goes on) and says why, or goes on. */
void lw__worker_pause(struct lw_worker *w, bool paused, const struct lw_err *why);
/* Redis did not answer: nobody asks it for LW_RETRY_MS, so that a worker with many
 * partitions waits for one timeout between two polls and not for one a partition. */
void lw__redis_away(struct lw_worker *w, const struct lw_err *why);
bool lw__redis_is_away(const struct lw_worker *w);

/* ---- worker_slots.c ---- */

/* The consumer's hooks. */
int64_t lw__slot_assigned(void *worker, int32_t partition, int *wait);
void lw__slot_revoked(void *worker, int32_t partition);
void lw__slot_lost(void *worker, int32_t partition);
struct lw_mark lw__slot_marked(void *worker, int32_t partition);
void lw__slot_astray(void *worker, int32_t partition, int other);
/* Forgets what is held of a partition. */
void lw__slot_drop(struct lw_slot *s);
/* Claims those whose time has come; now is monotonic. */
void lw__slots_claim_again(struct lw_worker *w, int64_t now);
/* Frees models that no partition scores with any more. */
void lw__slots_sweep_models(struct lw_worker *w);

/* ---- worker_idle.c ---- */

/* A partition at its end, where nothing has come for idle_timeout, must not hold back
 * sealing. */
void lw__slots_watch_idle(struct lw_worker *w, int64_t now);

/* ---- worker_place.c ---- */

/* Finds out where partitions that are ASTRAY go on: where Kafka's retention has left
 * something, or at the beginning of a topic that was made anew. Nothing is passed over
 * without being counted, logged and audited. */
void lw__slots_find_place(struct lw_worker *w, int64_t now);

/* ---- worker_batch.c ---- */

/* One poll, and all that it brings: decoded, scored, accumulated. */
void lw__worker_consume(struct lw_worker *w);

/* ---- worker_hold.c ---- */

/* The schema of this message is not known yet: its partition stops here. 0. */
int lw__slot_hold(struct lw_worker *w, const rd_kafka_message_t *m,
                  const struct lw_err *why);
/* Lets those go on whose schema has come, or is not worth waiting for any more. */
void lw__slots_release(struct lw_worker *w, int64_t now);
/* How long a partition waits for an id that the registry does not know. */
int64_t lw__slot_patience(const struct lw_worker *w, const struct lw_slot *s);
/* What was waited for has come, or never will. */
void lw__slot_waited(const struct lw_worker *w, struct lw_slot *s, bool came,
                     int64_t now);

/* ---- worker_out.c ---- */

/* What the configuration wants: a producer and a sender, or neither. LW_ECONFIG. */
int lw__out_open(struct lw_worker *w, struct lw_err *err);
void lw__out_close(struct lw_worker *w);
/* A letter of m, if letters are wanted. LW_EAGAIN: not now. */
int lw__out_letter(struct lw_worker *w, const rd_kafka_message_t *m, const char *stage,
                   const struct lw_err *why, struct lw_err *err);
/* The champion's prediction, into the sender. Hot path. */
void lw__out_prediction(struct lw_worker *w, const rd_kafka_message_t *m,
                        const struct lw_row *row, const struct lw_scored *scored);
/* Hands over what the sender holds. LW_EAGAIN: some is left; LW_ESTOP: refused. */
int lw__out_send(struct lw_worker *w, struct lw_err *err);
/* Everything that was sent is acknowledged. LW_EAGAIN: not yet; LW_ESTOP: something was
 * refused, and what was sent since the last flush must be sent again. */
int lw__out_settle(struct lw_worker *w, struct lw_err *err);
/* Drops what was not handed over yet, and the refusal: all of it will be read again.
 * Returns after how many ms: longer with each refusal in a row. A producer that has
 * failed is made anew. */
int64_t lw__out_forget(struct lw_worker *w, const struct lw_err *why);
/* Looks after a producer that has nothing to do: it may have failed all the same. */
void lw__out_tend(struct lw_worker *w, int64_t now);

/* ---- worker_secrets.c ---- */

/* Clients take passwords and certificates that have changed on disk; now and then. */
void lw__worker_secrets(struct lw_worker *w, int64_t now);
/* The consumer, by the worker's options. */
int lw__worker_join(struct lw_worker *w, struct lw_err *err);

/* ---- worker_flush.c ---- */

/* One partition's panes and offset to Redis, in one step; then the models that Redis says
 * are in force. LW_EAGAIN: Redis is away, or an acknowledgement of Kafka; LW_EFENCED;
 * LW_ESTOP: Kafka has refused a letter or a prediction. */
int lw__slot_flush(struct lw_worker *w, int32_t partition, struct lw_err *err);
/* All that changed or was not written for a while, or as much as goes into LW_SPELL_MS.
 * Pauses consuming when something is away, and resumes it. */
void lw__worker_flush(struct lw_worker *w);
/* Somebody else has it: dropped, and claimed again in a while. */
void lw__slot_fence(struct lw_worker *w, int32_t partition, const struct lw_err *err);

#endif
