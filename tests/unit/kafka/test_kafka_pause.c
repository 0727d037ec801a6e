/* A partition that is revoked while everything is paused, and assigned again after the
 * resume, is read further under both protocols, and its offset is committed in the
 * end. */
#include "member.h"

/* The committed offset after all members have left, as lag tools see it. */
static void assert_committed(struct mock_kafka *m, const char *topic, int64_t offset) {
    char why[200];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers",
                      rd_kafka_mock_cluster_bootstraps(m->cluster), why, sizeof why);
    rd_kafka_conf_set(conf, "group.id", topic, why, sizeof why);
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof why);
    assert_non_null(rk);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(PARTITIONS);
    rd_kafka_topic_partition_list_add_range(list, topic, 0, PARTITIONS - 1);
    assert_int_equal(rd_kafka_committed(rk, list, 20000), 0);
    for (int p = 0; p < PARTITIONS; p++)
        assert_int_equal(list->elems[p].offset, offset);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_destroy(rk);
}

static void pause_over(struct mock_kafka *m, const char *topic, const char *strategy) {
    struct lw_kafka_options *o = lw_memdup(&m->options, sizeof *o);
    struct table *t = new_table();
    struct member a, b;
    mock_kafka_set(o, "partition.assignment.strategy", strategy);
    mock_kafka_set(o, "heartbeat.interval.ms", "200");
    mock_kafka_set(o, "group.id", topic);
    mock_kafka_topic(m, topic, PARTITIONS);
    fill(m, topic, PARTITIONS, 0, 1000);
    join(&a, t, o, topic);
    POLL_UNTIL(owned(&a) == PARTITIONS && total(t) > 0, &a);
    lw_consumer_pause(a.c, 1);
    join(&b, t, o, topic);
    POLL_UNTIL(owned(&a) == 2 && owned(&b) == 2, &a, &b);
    lw_consumer_pause(a.c, 0);
    lw_consumer_free(b.c);
    fill(m, topic, PARTITIONS, 1000, 1000);
    POLL_UNTIL(owned(&a) == PARTITIONS && total(t) == PARTITIONS * 2000, &a);
    for (int p = 0; p < PARTITIONS; p++)
        for (int i = 0; i < OFFSETS; i++)
            assert_int_equal(t->seen[p][i], i < 2000);
    lw_consumer_free(a.c);
    assert_committed(m, topic, 2000);
    free(t);
    free(o);
}

static void a_paused_partition_continues_cooperatively(void **state) {
    pause_over(*state, "coop", "cooperative-sticky");
}

static void a_paused_partition_continues_eagerly(void **state) {
    pause_over(*state, "eager", "range");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_paused_partition_continues_cooperatively),
        cmocka_unit_test(a_paused_partition_continues_eagerly),
    };
    return cmocka_run_group_tests(tests, mock_kafka_up, mock_kafka_down);
}
