/* Where a topic's partitions end, for those who show the lag and consume nothing
 * themselves. Thread: one. */
#ifndef LW_KAFKA_LAG_H
#define LW_KAFKA_LAG_H

#include "kafka/client.h"

struct lw_lag;

/* Connects at the first question. LW_ECONFIG: a property that librdkafka refuses. */
struct lw_lag *lw_lag_new(const struct lw_kafka_options *options, const char *topic,
                          struct lw_err *err);
void lw_lag_free(struct lw_lag *lag);
/* The offset that comes next in each of the partitions 0 .. n - 1 (that of the first open
 * transaction, if there is one), or -1 where that could not be learned: LW_EAGAIN then,
 * with the reason of the first. Blocks for at most timeout_ms. */
int lw_lag_ends(struct lw_lag *lag, int32_t n, int timeout_ms, int64_t *end,
                struct lw_err *err);
/* For lw_kafka_partitions. */
rd_kafka_t *lw_lag_handle(struct lw_lag *lag);

#endif
