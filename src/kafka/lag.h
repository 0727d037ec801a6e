/* End offsets of a topic's partitions, for users that do not consume it. Thread: one. */
#ifndef LW_KAFKA_LAG_H
#define LW_KAFKA_LAG_H

#include "kafka/client.h"

struct lw_lag;

/* Connects at the first question. LW_ECONFIG: a property that librdkafka refuses. */
struct lw_lag *lw_lag_new(const struct lw_kafka_options *options, const char *topic,
                          struct lw_err *err);
void lw_lag_free(struct lw_lag *lag);
/* End offset of each of the partitions 0 .. n - 1 (that of the first open
 * transaction, if any), or -1 if unknown: LW_EAGAIN then, with the first reason.
 * Blocks for at most timeout_ms. */
int lw_lag_ends(struct lw_lag *lag, int32_t n, int timeout_ms, int64_t *end,
                struct lw_err *err);
/* For lw_kafka_partitions. */
rd_kafka_t *lw_lag_handle(struct lw_lag *lag);

#endif
