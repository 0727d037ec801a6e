/* The producer for replays, dead letters and predictions. It blocks while the local
 * queue is full and keeps a message until a broker acknowledges or finally rejects
 * it. Thread: any; several threads may share one producer. */
#ifndef LW_KAFKA_PRODUCER_H
#define LW_KAFKA_PRODUCER_H

#include <stdbool.h>

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
int lw_producer_produce(struct lw_producer *p, const struct lw_record *record,
                        int timeout_ms, struct lw_err *err);
/* Waits until all queued messages are acknowledged. LW_EAGAIN with the number left, or
 * LW_ESTOP with the broker's reason when one was rejected since the last flush. */
int lw_producer_flush(struct lw_producer *p, int timeout_ms, struct lw_err *err);
/* Serves delivery reports without waiting; lw_producer_produce does it too. */
void lw_producer_poll(struct lw_producer *p);
uint64_t lw_producer_acked(const struct lw_producer *p);
uint64_t lw_producer_refused(const struct lw_producer *p);
/* True after a fatal error (a revoked permission, ...): it accepts nothing more, and
 * _flush returns LW_ESTOP until _renew. */
bool lw_producer_failed(struct lw_producer *p);
/* Replaces the client, with the same options and current secrets and certificates.
 * Unacknowledged messages are lost: send them again. LW_ECONFIG: the old client
 * stays. No other thread may use the producer meanwhile. */
int lw_producer_renew(struct lw_producer *p, struct lw_err *err);
/* Applies the current password to new connections. */
int lw_producer_login(struct lw_producer *p, struct lw_err *err);
rd_kafka_t *lw_producer_handle(struct lw_producer *p);

#endif
