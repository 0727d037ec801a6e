/* Waking a fetcher that sleeps before a full queue.
 *
 * Before 2.2 (fetch.queue.backoff.ms) librdkafka's broker thread, when the local queue is
 * full, sleeps for up to a second and looks again. A consumer that empties the queue
 * sooner stands still meanwhile, unless the queue holds more than a second's messages:
 * hundreds of megabytes at a million a second. But anything that is sent to a broker
 * wakes its thread, which then looks at the queue as well. So when the queue has fallen
 * to half of what it was filled to, the cheapest request there is, that for a partition's
 * ends, goes to the leader of one of our partitions, in turn. With it a queue of a few
 * megabytes is as fast as one of hundreds. */
#ifndef LW_KAFKA_NUDGE_H
#define LW_KAFKA_NUDGE_H

#include <stdint.h>

#include <librdkafka/rdkafka.h>

struct lw_nudge {
    size_t filled;   /* messages in the queue when it was fullest since the last nudge */
    int64_t next_us; /* not before */
    size_t turn;
};

/* Whether to ask now, from the queue's length. Always false where librdkafka needs no
 * nudge. Cost: a lock. */
int lw_nudge_due(struct lw_nudge *n, rd_kafka_queue_t *queue);
/* Asks the leader of the partition. Blocks for one round trip, 200 ms at most. */
void lw_nudge(struct lw_nudge *n, rd_kafka_t *rk, const char *topic, int32_t partition);

#endif
