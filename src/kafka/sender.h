/* Sends small records of one topic in batches: collected in a buffer and passed to
 * librdkafka together, with one lock per batch. Allocates nothing once the buffer has
 * its usual size, and never blocks. Records have no headers; their time is the time
 * of sending. Thread: one. */
#ifndef LW_KAFKA_SENDER_H
#define LW_KAFKA_SENDER_H

#include "base/buf.h"
#include "kafka/producer.h"

struct lw_sender;

/* The producer is borrowed. LW_ECONFIG: invalid topic name. */
struct lw_sender *lw_sender_new(struct lw_producer *p, const char *topic,
                                struct lw_err *err);
void lw_sender_free(struct lw_sender *s);

/* One record: append its key to what _key returns (nothing: a null key), then its value
 * to what _value returns, then _put it. */
struct lw_buf *lw_sender_key(struct lw_sender *s);
struct lw_buf *lw_sender_value(struct lw_sender *s);
void lw_sender_put(struct lw_sender *s);

/* Passes the buffer to librdkafka. LW_EAGAIN: the local queue is full, the rest is
 * kept for the next call; LW_ESTOP: a record was finally rejected and dropped. */
int lw_sender_send(struct lw_sender *s, struct lw_err *err);
size_t lw_sender_left(const struct lw_sender *s);
/* Drops the buffer. */
void lw_sender_drop(struct lw_sender *s);

#endif
