/* Watches the topic: added partitions, deletion, end offsets, and whether the brokers
 * answer.
 *
 * Requests block while brokers are unreachable, so they have their own thread.
 * librdkafka informs a group's members of new partitions (after
 * topic.metadata.refresh.interval.ms); this thread informs the leader, which must
 * know every partition before it seals a pane, and health, which must know the end of
 * a silent partition. */
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "engine/topic.h"
#include "kafka/lag.h"

#define ASK_MS     3000
#define REFRESH_MS 5000
#define LEAST_MS   200

int lw__topic_count(struct lw_engine *e, rd_kafka_t *probe, int timeout_ms,
                    struct lw_err *err) {
    int32_t n = lw_kafka_partitions(probe, e->config->source.topic, timeout_ms, err);
    if (n < 0)
        return -1;
    int32_t before = atomic_exchange(&e->npartitions, n);
    if (before && n > before)
        lw_log(topic_grown, e->config->source.topic, n, before);
    else if (n < before)
        lw_log(topic_shrunk, e->config->source.topic, n, before);
    return 0;
}

/* As often as the clients, but often enough for health. */
static int64_t refresh_ms(const struct lw_config *config) {
    const char *text =
        lw_kafka_property(&config->kafka, "topic.metadata.refresh.interval.ms");
    int64_t ms;
    if (!text || !lw_parse_i64(text, &ms) || ms <= 0 || ms > REFRESH_MS)
        return REFRESH_MS;
    return ms < LEAST_MS ? LEAST_MS : ms;
}

/* A password or a certificate has changed. */
static void topic_renew_client(struct lw_engine *e, struct lw_lag **probe,
                               struct lw_kafka_stamp *stamp) {
    struct lw_kafka_stamp now = lw_kafka_stamp(&e->config->kafka);
    if (now.login == stamp->login && now.rest == stamp->rest)
        return;
    struct lw_lag *fresh = lw_lag_new(&e->config->kafka, e->config->source.topic, NULL);
    if (!fresh) /* a file is being written: try again next time */
        return;
    lw_lag_free(*probe);
    *probe = fresh;
    *stamp = now;
}

static void watch_topic(struct lw_engine *e, bool *gone, int rc,
                        const struct lw_err *err) {
    bool away = rc && err->code == LW_ENOTFOUND;
    if (away && !*gone)
        lw_log(topic_gone, e->config->source.topic);
    else if (rc == 0 && *gone)
        lw_log(topic_back, e->config->source.topic, atomic_load(&e->npartitions));
    if (away || rc == 0)
        *gone = away;
}

/* Takes ownership of `end`. */
static void topic_store_ends(struct lw_engine *e, int32_t n, int64_t *end,
                             const struct lw_err *err) {
    struct lw_brokers *b = &e->brokers;
    bool any = err->code == LW_ENOTFOUND;
    for (int32_t p = 0; p < n; p++)
        any |= end[p] >= 0;
    pthread_mutex_lock(&e->lock);
    free(b->end);
    b->end = end;
    b->n = n;
    b->asked_ms = lw_mono_ms();
    if (any)
        b->answered_ms = b->asked_ms;
    b->gone = err->code == LW_ENOTFOUND;
    lw_copy(b->why, sizeof b->why, err->code ? lw_kafka_bare(err->msg) : "");
    pthread_mutex_unlock(&e->lock);
}

static void topic_probe(struct lw_engine *e, struct lw_lag *probe, bool *gone) {
    struct lw_err err = {0};
    int rc = lw__topic_count(e, lw_lag_handle(probe), ASK_MS, &err);
    watch_topic(e, gone, rc, &err);
    int32_t n = atomic_load(&e->npartitions);
    int64_t *end = lw_calloc((size_t)n + 1, sizeof *end);
    for (int32_t p = 0; p < n; p++)
        end[p] = -1;
    if (rc == 0)
        lw_lag_ends(probe, n, ASK_MS, end, &err);
    topic_store_ends(e, n, end, &err);
}

void *lw__topic_main(void *engine) {
    struct lw_engine *e = engine;
    struct lw_err err = {0};
    bool gone = false;
    int64_t every = refresh_ms(e->config);
    struct lw_kafka_stamp stamp = lw_kafka_stamp(&e->config->kafka);
    struct lw_lag *probe = lw_lag_new(&e->config->kafka, e->config->source.topic, &err);
    if (!probe)
        lw__engine_request_shutdown(e, &err);
    if (probe)
        topic_probe(e, probe, &gone);
    while (probe && lw__engine_sleep(e, every)) {
        topic_renew_client(e, &probe, &stamp);
        topic_probe(e, probe, &gone);
    }
    lw_lag_free(probe);
    return NULL;
}
