/* librdkafka's mock cluster for one test, and options for its clients. Joining a group
 * takes about three seconds. */
#ifndef LW_TESTS_SUPPORT_MOCK_KAFKA_H
#define LW_TESTS_SUPPORT_MOCK_KAFKA_H

#include "kafka/client.h"

#include <librdkafka/rdkafka_mock.h> /* after rdkafka.h */

struct mock_kafka {
    rd_kafka_t *rk;
    rd_kafka_mock_cluster_t *cluster;
    struct lw_kafka_options options; /* bootstrap.servers, and group.id "g" */
};

struct mock_kafka *mock_kafka_start(void);
void mock_kafka_stop(struct mock_kafka *m);
/* Setup and teardown of a group of tests, with the cluster as state. */
int mock_kafka_up(void **state);
int mock_kafka_down(void **state);
void mock_kafka_topic(struct mock_kafka *m, const char *topic, int partitions);
void mock_kafka_set(struct lw_kafka_options *o, const char *key, const char *value);

#endif
