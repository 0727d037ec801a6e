/* See mock_kafka.h. */
#include "support/mock_kafka.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

void mock_kafka_set(struct lw_kafka_options *o, const char *key, const char *value) {
    size_t i = 0;
    while (i < o->n && strcmp(o->property[i].key, key) != 0)
        i++;
    lw_assert(i < LW_KAFKA_PROPERTIES_MAX);
    o->n = i == o->n ? o->n + 1 : o->n;
    lw_copy(o->property[i].key, sizeof o->property[i].key, key);
    lw_copy(o->property[i].value, sizeof o->property[i].value, value);
}

struct mock_kafka *mock_kafka_start(void) {
    struct mock_kafka *m = lw_calloc(1, sizeof *m);
    char why[256];
    m->rk = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), why, sizeof why);
    lw_assert(m->rk);
    m->cluster = rd_kafka_mock_cluster_new(m->rk, 1);
    lw_assert(m->cluster);
    mock_kafka_set(&m->options, "bootstrap.servers",
                   rd_kafka_mock_cluster_bootstraps(m->cluster));
    mock_kafka_set(&m->options, "group.id", "g");
    mock_kafka_set(&m->options, "session.timeout.ms", "6000");
    mock_kafka_set(&m->options, "heartbeat.interval.ms", "300");
    return m;
}

void mock_kafka_stop(struct mock_kafka *m) {
    rd_kafka_mock_cluster_destroy(m->cluster);
    rd_kafka_destroy(m->rk);
    free(m);
}

int mock_kafka_up(void **state) {
    *state = mock_kafka_start();
    return 0;
}

int mock_kafka_down(void **state) {
    mock_kafka_stop(*state);
    return 0;
}

void mock_kafka_topic(struct mock_kafka *m, const char *topic, int partitions) {
    lw_assert(rd_kafka_mock_topic_create(m->cluster, topic, partitions, 1) == 0);
}
