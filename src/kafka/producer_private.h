/* Shared by producer.c and letter.c only. */
#ifndef LW_KAFKA_PRODUCER_PRIVATE_H
#define LW_KAFKA_PRODUCER_PRIVATE_H

#include "kafka/producer.h"

/* lw_produce with librdkafka's headers (NULL: none), which are taken in any case. */
int lw__producer_send(struct lw_producer *p, const struct lw_record *record,
                      rd_kafka_headers_t *headers, int timeout_ms, struct lw_err *err);
/* The size of the smallest value that a broker has refused as too large; SIZE_MAX: none.
 */
size_t lw__producer_too_large(const struct lw_producer *p);

#endif
