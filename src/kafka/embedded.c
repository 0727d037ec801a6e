/* See embedded.h. */
#include "kafka/embedded.h"

#include <stdlib.h>

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include "base/mem.h"
#include "kafka/log.h"

struct lw_embedded {
    rd_kafka_t *owner; /* the client that owns the cluster */
    rd_kafka_mock_cluster_t *cluster;
};

struct lw_embedded *lw_embedded_new(struct lw_err *err) {
    char why[256] = "";
    struct lw_embedded *b = lw_calloc(1, sizeof *b);
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set_log_cb(conf, NULL); /* the mock logs every connection */
    b->owner = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why);
    if (!b->owner)
        rd_kafka_conf_destroy(conf);
    else
        b->cluster = rd_kafka_mock_cluster_new(b->owner, 1);
    if (b->cluster)
        return b;
    lw_fail(err, LW_ESTOP, "the embedded broker does not start: %s", why);
    lw_embedded_free(b);
    return NULL;
}

void lw_embedded_free(struct lw_embedded *b) {
    if (!b)
        return;
    if (b->cluster)
        rd_kafka_mock_cluster_destroy(b->cluster);
    if (b->owner)
        rd_kafka_destroy(b->owner);
    free(b);
}

const char *lw_embedded_bootstrap(const struct lw_embedded *b) {
    return rd_kafka_mock_cluster_bootstraps(b->cluster);
}

int lw_embedded_topic(struct lw_embedded *b, const char *topic, int32_t partitions,
                      struct lw_err *err) {
    rd_kafka_resp_err_t rc = rd_kafka_mock_topic_create(b->cluster, topic, partitions, 1);
    return rc ? lw_fail(err, LW_ESTOP, "embedded broker: topic %s: %s", topic,
                        rd_kafka_err2str(rc))
              : 0;
}
