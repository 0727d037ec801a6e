/* Wakes a fetcher that sleeps because its queue was full.
 *
 * Before 2.2 (fetch.queue.backoff.ms) librdkafka's broker thread sleeps for up to a
 * second when the local queue is full. A consumer that empties the queue sooner
 * idles, unless the queue holds a second's messages: hundreds of megabytes at a
 * million a second. Any request to a broker wakes its thread, which then checks the
 * queue. So when the queue has fallen to half of its peak, the cheapest request, for
 * a partition's watermarks, goes to the leader of an assigned partition, in turn.
 * Then a queue of a few megabytes is as fast as one of hundreds. The request blocks
 * for a round trip, so it has its own thread. */
#ifndef LW_KAFKA_NUDGE_H
#define LW_KAFKA_NUDGE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <librdkafka/rdkafka.h>

struct lw_nudge {
    rd_kafka_t *rk;
    const char *topic;
    size_t filled;   /* messages in the queue when it was fullest since the last nudge */
    int64_t next_us; /* not before */
    size_t turn;     /* for the caller to count partitions by */
    bool started;
    pthread_t thread;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t asked;
    int32_t partition; /* to ask about; -1: nothing to do */
    bool stop;
};

/* topic is borrowed. Starts nothing where librdkafka needs no nudge. */
void lw_nudge_start(struct lw_nudge *n, rd_kafka_t *rk, const char *topic);
/* Before the client is closed. Waits for a request under way, at most about a second. */
void lw_nudge_stop(struct lw_nudge *n);
/* Whether a nudge is due, from the queue's length. Cost: a lock. */
bool lw_nudge_due(struct lw_nudge *n, rd_kafka_queue_t *queue);
/* Requests a nudge of the partition's leader; returns at once. */
void lw_nudge(struct lw_nudge *n, int32_t partition);

#endif
