/* See nudge.h. */
#include "kafka/nudge.h"

#include "base/time.h"

#define FIXED_IN     0x020200ff /* fetch.queue.backoff.ms */
#define LEAST_FILLED 10000      /* a consumer with a shorter queue keeps up */
#define PAUSE_US     5000
#define TIMEOUT_MS   200

/* Answer and error do not matter. */
static void *nudge_main(void *arg) {
    struct lw_nudge *n = arg;
    pthread_mutex_lock(&n->lock);
    while (!n->stop) {
        int32_t partition = n->partition;
        if (partition < 0) {
            pthread_cond_wait(&n->asked, &n->lock);
            continue;
        }
        int64_t low, high;
        n->partition = -1;
        pthread_mutex_unlock(&n->lock);
        rd_kafka_query_watermark_offsets(n->rk, n->topic, partition, &low, &high,
                                         TIMEOUT_MS);
        pthread_mutex_lock(&n->lock);
    }
    pthread_mutex_unlock(&n->lock);
    return NULL;
}

void lw_nudge_start(struct lw_nudge *n, rd_kafka_t *rk, const char *topic) {
    *n = (struct lw_nudge){.rk = rk, .topic = topic, .partition = -1};
    if (rd_kafka_version() >= FIXED_IN)
        return;
    pthread_mutex_init(&n->lock, NULL);
    pthread_cond_init(&n->asked, NULL);
    n->started = pthread_create(&n->thread, NULL, nudge_main, n) == 0;
    if (!n->started) { /* fetching only becomes slower */
        pthread_cond_destroy(&n->asked);
        pthread_mutex_destroy(&n->lock);
    }
}

void lw_nudge_stop(struct lw_nudge *n) {
    if (!n->started)
        return;
    pthread_mutex_lock(&n->lock);
    n->stop = true;
    pthread_cond_signal(&n->asked);
    pthread_mutex_unlock(&n->lock);
    pthread_join(n->thread, NULL);
    pthread_cond_destroy(&n->asked);
    pthread_mutex_destroy(&n->lock);
    n->started = false;
}

bool lw_nudge_due(struct lw_nudge *n, rd_kafka_queue_t *queue) {
    if (!n->started)
        return false;
    size_t length = rd_kafka_queue_length(queue);
    if (length > n->filled)
        n->filled = length;
    return n->filled >= LEAST_FILLED && length < n->filled / 2 &&
           lw_mono_us() >= n->next_us;
}

void lw_nudge(struct lw_nudge *n, int32_t partition) {
    pthread_mutex_lock(&n->lock);
    n->partition = partition;
    pthread_cond_signal(&n->asked);
    pthread_mutex_unlock(&n->lock);
    n->filled = 0;
    n->next_us = lw_mono_us() + PAUSE_US;
    n->turn++;
}
