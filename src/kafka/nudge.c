/* See nudge.h. */
#include "kafka/nudge.h"

#include "base/time.h"

#define FIXED_IN     0x020200ff /* fetch.queue.backoff.ms */
#define LEAST_FILLED 10000      /* a shorter queue is a consumer that keeps up */
#define PAUSE_US     5000
#define TIMEOUT_MS   200

int lw_nudge_due(struct lw_nudge *n, rd_kafka_queue_t *queue) {
    if (rd_kafka_version() >= FIXED_IN)
        return 0;
    size_t length = rd_kafka_queue_length(queue);
    if (length > n->filled)
        n->filled = length;
    return n->filled >= LEAST_FILLED && length < n->filled / 2 &&
           lw_mono_us() >= n->next_us;
}

void lw_nudge(struct lw_nudge *n, rd_kafka_t *rk, const char *topic, int32_t partition) {
    int64_t low, high; /* what is answered is of no interest, nor is an error */
    rd_kafka_query_watermark_offsets(rk, topic, partition, &low, &high, TIMEOUT_MS);
    n->filled = 0;
    n->next_us = lw_mono_us() + PAUSE_US;
    n->turn++;
}
