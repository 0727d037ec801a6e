/* Leaving the group and freeing a consumer, in bounded time whatever librdkafka does. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/time.h"
#include "kafka/consumer_private.h"

#define ASSIGNOR_FIXED 0x02030000
/* To leave the group. A request takes at most 5 s, and container runtimes kill after
 * 10 s. */
#define CLOSE_MS 7000

static void consumer_release(struct lw_consumer *c) {
    lw_kafka_log_fini(&c->log);
    free(c->owned);
    free(c->left);
    free(c->topic);
    free(c);
}

static void *consumer_destroy(void *arg) {
    struct lw_consumer *c = arg;
    rd_kafka_destroy_flags(c->rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    consumer_release(c);
    return NULL;
}

/* librdkafka (seen with 2.0.2) may block forever: on its own broker thread, which
 * holds a partition of a deleted topic, or, when closing, on a group that expelled
 * the member while the process was stopped. So a separate thread destroys it; at
 * worst that memory leaks. */
static void destroy_in_background(struct lw_consumer *c) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, consumer_destroy, c) == 0)
        pthread_detach(thread);
}

/* Messages that are on their way are the next owner's. */
static void queue_drop(rd_kafka_queue_t *queue) {
    rd_kafka_message_t *m = rd_kafka_consume_queue(queue, 20);
    if (m)
        rd_kafka_message_destroy(m);
}

/* A static member keeps its partitions while it restarts, so it does not leave. */
static bool is_static(const struct lw_consumer *c) {
    char id[8] = "";
    size_t size = sizeof id;
    return rd_kafka_conf_get(rd_kafka_conf(c->rk), "group.instance.id", id, &size) ==
               RD_KAFKA_CONF_OK &&
           id[0] != '\0';
}

/* Gives the partitions back while the client still runs. Inside of a close, librdkafka
 * (seen with 2.0.2) may end the group's state before the rebalance callback has answered,
 * for instance when another rebalance was already under way: the callback then waits
 * forever, or an assertion ends the process. */
static void partitions_give_back(struct lw_consumer *c, int64_t until) {
    if (is_static(c) || rd_kafka_unsubscribe(c->rk) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return;
    do /* at least once: a callback may be waiting */
        queue_drop(c->queue);
    while (c->nowned > 0 && lw_mono_ms() < until);
}

/* Leaves the group, and serves the last rebalance here; false when that takes too long.
 * By then every partition has been given back, or the group's own timeout will do it. */
static bool close_in_time(struct lw_consumer *c) {
    int64_t until = lw_mono_ms() + CLOSE_MS;
    if (c->queue) {
        partitions_give_back(c, until);
        rd_kafka_queue_destroy(c->queue);
    }
    rd_kafka_queue_t *queue = rd_kafka_queue_new(c->rk);
    rd_kafka_error_t *error = rd_kafka_consumer_close_queue(c->rk, queue);
    if (error) {
        rd_kafka_error_destroy(error);
        rd_kafka_consumer_close(c->rk);
    }
    while (!rd_kafka_consumer_closed(c->rk) && lw_mono_ms() < until)
        queue_drop(queue);
    bool closed = rd_kafka_consumer_closed(c->rk);
    rd_kafka_queue_destroy(queue);
    return closed;
}

/* Before 2.3, librdkafka aborts when a member is destroyed that was elected to assign
 * and has not done so yet (its issue 4312). A member without an assignment may be
 * that one: it is kept, with its threads, until the process ends, in a list so that
 * leak checkers find it. */
static bool may_abort(const struct lw_consumer *c) {
    if (rd_kafka_version() >= ASSIGNOR_FIXED || c->joined)
        return false;
    char *member = rd_kafka_memberid(c->rk);
    bool known = member && *member;
    if (member)
        rd_kafka_mem_free(c->rk, member);
    return known;
}

int lw_consumer_may_end(const struct lw_consumer *c) {
    return !may_abort(c);
}

static void consumer_keep(struct lw_consumer *c) {
    static struct lw_consumer *_Atomic kept;
    c->kept = atomic_load(&kept);
    while (!atomic_compare_exchange_weak(&kept, &c->kept, c))
        ;
}

void lw_consumer_free(struct lw_consumer *c) {
    if (!c)
        return;
    lw_nudge_stop(&c->nudge);
    bool abort = c->rk && may_abort(c);
    bool closed = !c->rk || close_in_time(c);
    if (!closed)
        lw__consumer_report(
            c, "close", RD_KAFKA_RESP_ERR__TIMED_OUT,
            "leaving the group timed out; its session timeout removes the member");
    if (abort) {
        consumer_keep(c);
        return;
    }
    if (c->rk && (c->topic_deleted || !closed)) {
        destroy_in_background(c);
        return;
    }
    if (c->rk)
        rd_kafka_destroy(c->rk);
    consumer_release(c);
}
