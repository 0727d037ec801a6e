/* Producing: replay, dead letters, scored events. A full local queue is waited for, never dropped. */
#ifndef LW_KAFKA_PRODUCER_H
#define LW_KAFKA_PRODUCER_H

#include "kafka/client.h"

struct lw_producer;
struct lw_producer *lw_producer_new(const struct lw_kafka_options *options, struct lw_err *err);
void lw_producer_free(struct lw_producer *p); /* without waiting: flush first */

struct lw_header {
    const char *name;
    const void *value;
    size_t len;
};
/* Queues one message (key, value and headers are copied). partition: RD_KAFKA_PARTITION_UA for the partitioner. time_ms < 0: now.
 * Blocks while the local queue is full, at most timeout_ms (LW_EAGAIN). */
int lw_produce(struct lw_producer *p, const char *topic, int32_t partition, const void *key,
               size_t key_len, const void *value, size_t value_len, int64_t time_ms,
               const struct lw_header *headers, size_t nheaders, int timeout_ms, struct lw_err *err);
/* Waits until all queued messages are acknowledged. LW_EAGAIN with the number left, or the broker's reason
 * when one was refused for good (LW_ESTOP). */
int lw_producer_flush(struct lw_producer *p, int timeout_ms, struct lw_err *err);
uint64_t lw_producer_acked(const struct lw_producer *p);
rd_kafka_t *lw_producer_handle(struct lw_producer *p);

/* A dead letter: original key and bytes verbatim, with __connect.errors.* headers (topic, partition, offset,
 * stage, class.name, exception.class.name, exception.message). */
int lw_dead_letter(struct lw_producer *p, const char *topic, const rd_kafka_message_t *m,
                   const char *stage, const struct lw_err *why, int timeout_ms, struct lw_err *err);

#endif
