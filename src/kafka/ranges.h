/* Reading offset ranges outside the group: what the retrainer trains on. */
#ifndef LW_KAFKA_RANGES_H
#define LW_KAFKA_RANGES_H

#include "kafka/client.h"

struct lw_offset_range {
    int32_t partition;
    int64_t first, last; /* inclusive; first < 0: nothing of this partition */
};

/* Calls each for every message of the ranges, partition order interleaved as they come, until each range
 * has been read through its last offset (gaps of compaction or transactions allowed). Offsets that Kafka no
 * longer holds are skipped and counted in *gone. `each` returns non-zero to stop early (the result is then that value). Returns 0, or -1:
 * LW_EAGAIN (brokers away past timeout_ms without progress), LW_ENOTFOUND. `stop` (may be NULL) is checked
 * at least each 100 ms: non-zero ends with LW_ESTOP. */
int lw_kafka_read_ranges(const struct lw_kafka_options *options, const char *topic,
                         const struct lw_offset_range *ranges, size_t n, int64_t timeout_ms,
                         const volatile int *stop, int (*each)(void *arg, const rd_kafka_message_t *m),
                         void *arg, uint64_t *gone, struct lw_err *err);

#endif
