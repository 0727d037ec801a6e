/* A consumer in the group, for one worker thread: messages in batches, and assignment
 * changes as calls in that same thread. Works with eager and cooperative assignors
 * (incremental calls for the latter). The worker supplies start
 * offsets; the offset committed to Kafka is only for lag tools. Thread: one, but for
 * _watermarks (any). */
#ifndef LW_KAFKA_CONSUMER_H
#define LW_KAFKA_CONSUMER_H

#include "kafka/client.h"

struct lw_consumer;

/* Fingerprint of a message, to detect a recreated topic: it has other messages at the
 * same offsets. offset < 0: none. */
struct lw_record_fingerprint {
    int64_t offset;
    uint64_t id; /* of its time and value */
};

struct lw_consumer_hooks {
    void *arg;
    /* A partition was assigned: its start offset (an offset,
     * RD_KAFKA_OFFSET_BEGINNING or _END, or RD_KAFKA_OFFSET_INVALID for
     * auto.offset.reset, whatever the group has committed). A hook that does not know
     * it yet sets *wait = 1: nothing is fetched until lw_consumer_seek supplies it. */
    int64_t (*assigned)(void *arg, int32_t partition, int *wait);
    /* May be NULL. Fingerprint of the last message before that offset, if known: it
     * is checked before anything is passed on. */
    struct lw_record_fingerprint (*fingerprint)(void *arg, int32_t partition);
    /* About to be given up: flush now. No more messages of it follow. */
    void (*revoked)(void *arg, int32_t partition);
    /* Already lost (session timeout): drop, touch nothing. */
    void (*lost)(void *arg, int32_t partition);
    /* The next offset does not exist: retention deleted it, or the topic was
     * recreated. Nothing is fetched until lw_consumer_seek; auto.offset.reset applies
     * only to partitions without a known offset, and never skips. recreated: the
     * fingerprint does not match. */
    void (*out_of_range)(void *arg, int32_t partition, int recreated);
};

/* group.id must be among the options (LW_ECONFIG). Joins at the first poll. */
struct lw_consumer *lw_consumer_new(const struct lw_kafka_options *options,
                                    const char *topic,
                                    const struct lw_consumer_hooks *hooks,
                                    struct lw_err *err);
/* Applies the current password to new connections. LW_ECONFIG. */
int lw_consumer_login(struct lw_consumer *c, const struct lw_kafka_options *options,
                      struct lw_err *err);
/* False while it is joining the group: then it must not be freed before the process
 * ends. */
int lw_consumer_may_end(const struct lw_consumer *c);
/* Leaves the group (revoked is called for each partition) and frees. */
void lw_consumer_free(struct lw_consumer *c);

/* Up to max messages within timeout_ms; the caller destroys each
 * (rd_kafka_message_destroy). Also serves rebalances. Returns the count, or -1:
 * LW_EAGAIN (brokers away, topic missing, authentication refused: keep calling),
 * LW_ESTOP (fatal). Errors are logged, not returned as messages. */
int lw_consumer_poll(struct lw_consumer *c, rd_kafka_message_t **out, size_t max,
                     int timeout_ms, struct lw_err *err);
/* Number of messages of the last poll. */
int lw_consumer_brought(const struct lw_consumer *c);
/* Starts an assigned partition (that waited) at an offset, or moves one that runs;
 * messages fetched from the old offset are dropped. LW_ENOTFOUND: it is not assigned. */
int lw_consumer_seek(struct lw_consumer *c, int32_t partition, int64_t offset,
                     struct lw_err *err);
/* The same, if the fingerprint still matches. */
int lw_consumer_resume(struct lw_consumer *c, int32_t partition, int64_t offset,
                       struct lw_record_fingerprint fingerprint, struct lw_err *err);
/* The newest message of a partition since it was last started. */
struct lw_record_fingerprint lw_consumer_last(const struct lw_consumer *c,
                                              int32_t partition);
/* Stops fetching a running partition until lw_consumer_seek; its fetched messages are
 * dropped. */
void lw_consumer_pause_partition(struct lw_consumer *c, int32_t partition);
/* Stops and restarts fetching of everything assigned, now and later; polling must go
 * on. */
void lw_consumer_pause(struct lw_consumer *c, int paused);
/* Number of assigned partitions, waiting ones included. */
size_t lw_consumer_owned(const struct lw_consumer *c);
/* Offset up to which the partition is processed, for lag tools: committed to Kafka
 * from time to time and when it is given up, without waiting; failures are ignored. */
void lw_consumer_commit(struct lw_consumer *c, int32_t partition, int64_t next_offset);
/* Asks the broker for the partition's first and end offset. Blocks for at most
 * timeout_ms. LW_EAGAIN. */
int lw_consumer_ask(struct lw_consumer *c, int32_t partition, int timeout_ms,
                    int64_t *low, int64_t *high, struct lw_err *err);
/* Low and high watermark offsets as last reported, -1: unknown. */
void lw_consumer_watermarks(struct lw_consumer *c, int32_t partition, int64_t *low,
                            int64_t *high);
/* 1 if everything has been read, according to the last fetch. 0 while that is
 * unknown, and at a partition that ends with a transaction marker, aborted or
 * compacted messages, until lw_consumer_skip_to. */
int lw_consumer_at_end(struct lw_consumer *c, int32_t partition);
/* The next offset, or a logical one before the first message. */
int64_t lw_consumer_position(const struct lw_consumer *c, int32_t partition);
/* There is no message before this offset: continues at it. */
void lw_consumer_skip_to(struct lw_consumer *c, int32_t partition, int64_t offset);
/* 1 if a partition without a known offset starts at its end (auto.offset.reset). */
int lw_consumer_starts_late(const struct lw_consumer *c);
/* Asks the broker whether everything has been read (one round trip, at most
 * timeout_ms): 1, 0, or -1 with LW_EAGAIN. *end (may be NULL): the end offset, or
 * that of the first open transaction. */
int lw_consumer_ask_end(struct lw_consumer *c, int32_t partition, int timeout_ms,
                        int64_t *end, struct lw_err *err);

#endif
