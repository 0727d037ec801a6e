/* Producing: replay, dead letters, scored events. A full local queue is waited for, never
 * dropped, and a message is kept until a broker has it or refuses it for good. Thread:
 * any; several threads may share one producer. */
#ifndef LW_KAFKA_PRODUCER_H
#define LW_KAFKA_PRODUCER_H

#include "kafka/client.h"

struct lw_producer;
struct lw_producer *lw_producer_new(const struct lw_kafka_options *options,
                                    struct lw_err *err);
void lw_producer_free(struct lw_producer *p); /* without waiting: flush first */

struct lw_header {
    const char *name;
    const void *value; /* NULL: a null header */
    size_t len;
};
struct lw_record {
    const char *topic;
    int32_t partition;       /* RD_KAFKA_PARTITION_UA: the partitioner decides */
    const void *key, *value; /* NULL: null */
    size_t key_len, value_len;
    int64_t time_ms; /* < 0: now */
    const struct lw_header *headers;
    size_t nheaders;
};
/* Queues one message (everything is copied). Blocks while the local queue is full, at
 * most timeout_ms (LW_EAGAIN). LW_EINPUT: it can never be sent (too large, ...);
 * LW_ENOTFOUND: there is no such topic or partition. */
int lw_produce(struct lw_producer *p, const struct lw_record *record, int timeout_ms,
               struct lw_err *err);
/* Waits until all queued messages are acknowledged. LW_EAGAIN with the number left, or
 * the broker's reason when one was refused for good since the last flush (LW_ESTOP). */
int lw_producer_flush(struct lw_producer *p, int timeout_ms, struct lw_err *err);
/* Serves delivery reports without waiting; lw_produce does it too. */
void lw_producer_poll(struct lw_producer *p);
uint64_t lw_producer_acked(const struct lw_producer *p);
uint64_t lw_producer_refused(const struct lw_producer *p);
rd_kafka_t *lw_producer_handle(struct lw_producer *p);

#endif
