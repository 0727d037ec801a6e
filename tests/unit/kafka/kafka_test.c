/* See kafka_test.h. */
#include "kafka_test.h"

#include <inttypes.h>
#include <stdio.h>

void fill(struct mock_kafka *m, const char *topic, int partitions, int from, int n) {
    struct lw_err err = {0};
    struct lw_producer *p = lw_producer_new(&m->options, &err);
    assert_non_null(p);
    for (int i = from; i < from + n; i++) {
        for (int k = 0; k < partitions; k++) {
            char value[32];
            int len = snprintf(value, sizeof value, "%d/%d", k, i);
            struct lw_record r = {.topic = topic,
                                  .partition = k,
                                  .value = value,
                                  .value_len = (size_t)len,
                                  .time_ms = -1};
            if (lw_producer_produce(p, &r, 5000, &err))
                fail_msg("%s", err.msg);
        }
    }
    if (lw_producer_flush(p, 10000, &err))
        fail_msg("%s", err.msg);
    assert_int_equal(lw_producer_acked(p), (uint64_t)n * (uint64_t)partitions);
    lw_producer_free(p);
}

int64_t payload_offset(const rd_kafka_message_t *m) {
    char text[32] = "";
    int32_t partition;
    int64_t offset;
    assert_true(m->len < sizeof text);
    memcpy(text, m->payload, m->len);
    assert_int_equal(sscanf(text, "%" SCNd32 "/%" SCNd64, &partition, &offset), 2);
    assert_int_equal(partition, m->partition);
    return offset;
}
