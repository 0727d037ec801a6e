/* Reads offset ranges outside the group, for trainings. */
#ifndef LW_KAFKA_RANGES_H
#define LW_KAFKA_RANGES_H

#include "kafka/client.h"

struct lw_offset_range {
    int32_t partition;
    int64_t first, last; /* inclusive; first < 0: nothing of this partition */
};

struct lw_offset_ranges {
    const struct lw_offset_range *item;
    size_t n;
};

struct lw_read_options {
    int64_t timeout_ms;       /* without any progress */
    const volatile int *stop; /* NULL, or checked every 100 ms: non-zero stops the read */
    /* Called for every message of the ranges, in the order of each partition,
     * partitions interleaved as they come; borrowed. Non-zero stops early. */
    int (*each)(void *arg, const rd_kafka_message_t *m);
    void *arg;
};

/* Reads each range through its last offset (gaps of compaction or transactions
 * allowed). At most one range a partition. Offsets that Kafka no longer holds, or
 * does not yet, are skipped and counted in *gone (may be NULL). Returns 0, what
 * `each` returned if that was not 0, or -1: LW_EAGAIN (no progress for timeout_ms),
 * LW_ENOTFOUND, LW_ESTOP (stopped). Uses its own client; memory is bounded by the
 * client's queue (8 MiB a partition unless configured). Thread: any, blocks. */
int lw_ranges_read(const struct lw_kafka_options *options, const char *topic,
                   struct lw_offset_ranges ranges, const struct lw_read_options *how,
                   uint64_t *gone, struct lw_err *err);

#endif
