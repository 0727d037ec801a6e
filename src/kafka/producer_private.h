/* Shared by producer.c, letter.c and sender.c only. */
#ifndef LW_KAFKA_PRODUCER_PRIVATE_H
#define LW_KAFKA_PRODUCER_PRIVATE_H

#include "kafka/producer.h"

/* lw_producer_produce with librdkafka's headers (NULL: none), which it frees in any
 * case. */
int lw__producer_send(struct lw_producer *p, const struct lw_record *record,
                      rd_kafka_headers_t *headers, int timeout_ms, struct lw_err *err);
/* The topic for rd_kafka_produce_batch, until the producer is renewed; NULL: invalid
 * name. */
rd_kafka_topic_t *lw__producer_topic(struct lw_producer *p, const char *name);
/* The size of the smallest value that a broker rejected as too large; SIZE_MAX: none. */
size_t lw__producer_too_large(const struct lw_producer *p);

#endif
