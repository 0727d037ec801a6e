/* Small records of one topic, many at a time: written into a buffer of the sender's own
 * and handed to librdkafka together, with one lock a batch instead of one a record.
 * Nothing is allocated once the buffer has grown to its usual size, and nothing ever
 * waits. The records have no headers, and their time is when they were sent. Thread: one.
 */
#ifndef LW_KAFKA_SENDER_H
#define LW_KAFKA_SENDER_H

#include "base/buf.h"
#include "kafka/producer.h"

struct lw_sender;

/* The producer is borrowed. LW_ECONFIG: no possible topic name. */
struct lw_sender *lw_sender_new(struct lw_producer *p, const char *topic,
                                struct lw_err *err);
void lw_sender_free(struct lw_sender *s);

/* One record: append its key to what _key returns (nothing: a null key), then its value
 * to what _value returns, then _put it. */
struct lw_buf *lw_sender_key(struct lw_sender *s);
struct lw_buf *lw_sender_value(struct lw_sender *s);
void lw_sender_put(struct lw_sender *s);

/* Hands over what is held. LW_EAGAIN: the local queue is full, what it did not take is
 * kept for the next call; LW_ESTOP: a record was refused for good (it is dropped). */
int lw_sender_send(struct lw_sender *s, struct lw_err *err);
size_t lw_sender_left(const struct lw_sender *s);
/* Throws away what has not been handed over. */
void lw_sender_drop(struct lw_sender *s);

#endif
