/* A consumer in the group, for one worker thread: messages in batches, and assignment
 * changes as calls in that same thread. Works with eager and cooperative assignors
 * (incremental calls for the latter). Offsets are ours: the worker says where to start,
 * and Kafka's committed offset only follows for lag tools. Thread: one, but for
 * _watermarks (any). */
#ifndef LW_KAFKA_CONSUMER_H
#define LW_KAFKA_CONSUMER_H

#include "kafka/client.h"

struct lw_consumer;

/* A message as one remembers it: two topics of one name may well have different ones at
 * the same offset. offset < 0: none. */
struct lw_record_fingerprint {
    int64_t offset;
    uint64_t id; /* of its time and value */
};

struct lw_consumer_hooks {
    void *arg;
    /* A partition is ours: where to start (an offset, RD_KAFKA_OFFSET_BEGINNING or _END,
     * or RD_KAFKA_OFFSET_INVALID for auto.offset.reset, whatever the group has
     * committed). A hook that cannot tell yet sets *wait = 1: nothing is fetched of the
     * partition until lw_consumer_seek says from where. */
    int64_t (*assigned)(void *arg, int32_t partition, int *wait);
    /* May be NULL. The last message before that place, if one is remembered: it is looked
     * at again before anything else comes. */
    struct lw_record_fingerprint (*fingerprint)(void *arg, int32_t partition);
    /* About to be given up: flush now. No message of it comes any more. */
    void (*revoked)(void *arg, int32_t partition);
    /* Already lost (session timeout): drop, touch nothing. */
    void (*lost)(void *arg, int32_t partition);
    /* The offset that comes next does not exist (any more): retention has overtaken us,
     * or the topic was made anew. Nothing comes until lw_consumer_seek says where to go
     * on: auto.offset.reset is for a partition that nothing is known of, and never skips.
     * other: the message that is remembered is not the one that is there. */
    void (*out_of_range)(void *arg, int32_t partition, int recreated);
};

/* group.id must be among the options (LW_ECONFIG). Joins at the first poll. */
struct lw_consumer *lw_consumer_new(const struct lw_kafka_options *options,
                                    const char *topic,
                                    const struct lw_consumer_hooks *hooks,
                                    struct lw_err *err);
/* The password as it is now, for the connections to come. LW_ECONFIG. */
int lw_consumer_login(struct lw_consumer *c, const struct lw_kafka_options *options,
                      struct lw_err *err);
/* May it be freed while the process goes on? Not while it is being made a member. */
int lw_consumer_may_end(const struct lw_consumer *c);
/* Leaves the group (revoked is called for each partition) and frees. */
void lw_consumer_free(struct lw_consumer *c);

/* Up to max messages within timeout_ms; each is destroyed by the caller
 * (rd_kafka_message_ destroy). Also serves rebalances. Returns the
 * count, or -1: LW_EAGAIN (brokers away, topic missing, authentication refused: keep
 * calling), LW_ESTOP (fatal). Only messages come out: errors are told in the log. */
int lw_consumer_poll(struct lw_consumer *c, rd_kafka_message_t **out, size_t max,
                     int timeout_ms, struct lw_err *err);
/* How many messages the last poll brought. */
int lw_consumer_brought(const struct lw_consumer *c);
/* Starts an assigned partition (that waited) at an offset, or moves one that runs; what
 * was fetched from the old place is dropped. LW_ENOTFOUND: it is not ours (any more). */
int lw_consumer_seek(struct lw_consumer *c, int32_t partition, int64_t offset,
                     struct lw_err *err);
/* The same, from offset on, if the message that is remembered is still what it was. */
int lw_consumer_resume(struct lw_consumer *c, int32_t partition, int64_t offset,
                       struct lw_record_fingerprint fingerprint, struct lw_err *err);
/* The newest message of a partition since it was last started. */
struct lw_record_fingerprint lw_consumer_last(const struct lw_consumer *c,
                                              int32_t partition);
/* Nothing is fetched of a partition that runs until lw_consumer_seek says from where;
 * what was fetched of it is dropped. */
void lw_consumer_pause_partition(struct lw_consumer *c, int32_t partition);
/* Stops and restarts fetching of everything assigned, now and later; polling must go on.
 */
void lw_consumer_pause(struct lw_consumer *c, int paused);
/* Partitions that are ours now, waiting ones included. */
size_t lw_consumer_owned(const struct lw_consumer *c);
/* Up to where the partition is done, for lag tools: committed to Kafka from time to time,
 * and when it is given up, without waiting; a failure is logged only. */
void lw_consumer_commit(struct lw_consumer *c, int32_t partition, int64_t next_offset);
/* The same, asked of the broker now: where the partition begins and ends. Blocks for at
 * most timeout_ms. LW_EAGAIN. */
int lw_consumer_ask(struct lw_consumer *c, int32_t partition, int timeout_ms,
                    int64_t *low, int64_t *high, struct lw_err *err);
/* Low and high watermark offsets as last heard, -1 when unknown. */
void lw_consumer_watermarks(struct lw_consumer *c, int32_t partition, int64_t *low,
                            int64_t *high);
/* Has all been read that the partition holds, as far as the last fetch knows? 0 while
 * that is not known, and behind the last message of a partition that ends with a
 * transaction's marker, with messages of an aborted one, or with what was compacted away:
 * until lw_consumer_skip_to. */
int lw_consumer_at_end(struct lw_consumer *c, int32_t partition);
/* Where it stands: the next offset, or a logical one while no message has come. */
int64_t lw_consumer_position(const struct lw_consumer *c, int32_t partition);
/* There is no message before this offset, whatever offsets are: it stands there now. */
void lw_consumer_skip_to(struct lw_consumer *c, int32_t partition, int64_t offset);
/* Does a partition that nothing is known of start at its end (auto.offset.reset)? */
int lw_consumer_starts_late(const struct lw_consumer *c);
/* Has all been read, asked of the broker (one round trip, at most timeout_ms)? 1, 0, or
 * -1 with LW_EAGAIN when it does not answer. *end (may be NULL): the offset that comes
 * next; that of the first open transaction, if there is one. */
int lw_consumer_ask_end(struct lw_consumer *c, int32_t partition, int timeout_ms,
                        int64_t *end, struct lw_err *err);

#endif
