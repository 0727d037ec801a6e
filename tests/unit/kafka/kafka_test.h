/* Shared by the Kafka tests: a mock cluster, and messages whose payload is their
 * offset. */
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

/* Produces messages "<partition>/<offset>" to partitions 0 .. partitions - 1, n to each;
 * `from` is the number of messages in each already. */
void fill(struct mock_kafka *m, const char *topic, int partitions, int from, int n);
/* The offset in a message of fill(); fails the test if it is from another partition. */
int64_t payload_offset(const rd_kafka_message_t *m);

#endif
