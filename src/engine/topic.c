/* Looks after the topic: partitions that are added, a topic that goes away.
 *
 * Asking Kafka may take as long as the brokers are away, so it has a thread of its own,
 * with nothing else to do. librdkafka tells a group's members of new partitions by itself
 * (after its own topic.metadata.refresh.interval.ms); what is learned here is for the
 * leader, which must not seal a pane before it has heard of every partition. */
#include "base/log.h"
#include "base/text.h"
#include "engine/engine_private.h"

#define ASK_MS     1000
#define REFRESH_MS 10000
#define LEAST_MS   200

int lw__topic_count(struct lw_engine *e, struct lw_probe *probe, int timeout_ms,
                    struct lw_err *err) {
    int32_t n = lw_probe_partitions(probe, e->config->source.topic, timeout_ms, err);
    if (n < 0)
        return -1;
    int32_t before = atomic_exchange(&e->npartitions, n);
    if (before && before != n)
        lw_log(n > before ? LW_INFO : LW_ERROR,
               n > before ? "topic_grown" : "topic_shrunk",
               "topic=%s partitions=%d before=%d", e->config->source.topic, n, before);
    return 0;
}

static int64_t refresh_ms(const struct lw_config *config) {
    const char *text =
        lw_kafka_property(&config->kafka, "topic.metadata.refresh.interval.ms");
    int64_t ms;
    if (!text || !lw_parse_i64(text, &ms) || ms <= 0)
        return REFRESH_MS;
    return ms < LEAST_MS ? LEAST_MS : ms;
}

/* A password or a certificate has changed. */
static void renew(struct lw_engine *e, struct lw_probe **probe,
                  struct lw_kafka_stamp *stamp) {
    struct lw_kafka_stamp now = lw_kafka_stamp(&e->config->kafka);
    if (now.login == stamp->login && now.rest == stamp->rest)
        return;
    struct lw_probe *fresh = lw_probe_new(&e->config->kafka, NULL);
    if (!fresh) /* a file that is being written: the next look */
        return;
    lw_probe_free(*probe);
    *probe = fresh;
    *stamp = now;
}

void *lw__topic_main(void *arg) {
    struct lw_engine *e = arg;
    struct lw_err err = {0};
    bool gone = false;
    int64_t every = refresh_ms(e->config);
    struct lw_kafka_stamp stamp = lw_kafka_stamp(&e->config->kafka);
    struct lw_probe *probe = lw_probe_new(&e->config->kafka, &err);
    if (!probe)
        lw__engine_fail(e, &err);
    while (probe && lw__engine_sleep(e, every)) {
        lw_err_clear(&err);
        renew(e, &probe, &stamp);
        int rc = lw__topic_count(e, probe, ASK_MS, &err);
        bool away = rc && err.code == LW_ENOTFOUND;
        if (away && !gone)
            lw_log(LW_ERROR, "topic_gone", "topic=%s", e->config->source.topic);
        else if (rc == 0 && gone)
            lw_log(LW_WARN, "topic_back", "topic=%s partitions=%d",
                   e->config->source.topic, atomic_load(&e->npartitions));
        if (away || rc == 0)
            gone = away;
    }
    lw_probe_free(probe);
    return NULL;
}
