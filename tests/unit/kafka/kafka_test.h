/* Shared by the Kafka tests: a mock cluster, and messages that name their offset. */
#ifndef LW_TESTS_UNIT_KAFKA_KAFKA_TEST_H
#define LW_TESTS_UNIT_KAFKA_KAFKA_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/time.h"
#include "kafka/producer.h"
#include "support/mock_kafka.h"

/* Messages "<partition>/<offset>" to partitions 0 .. partitions - 1, n more to each; from
 * is how many each holds already. */
void fill(struct mock_kafka *m, const char *topic, int partitions, int from, int n);
/* The offset that a message of fill() names; fails the test when it is another
 * partition's. */
int64_t said_offset(const rd_kafka_message_t *m);

#endif
