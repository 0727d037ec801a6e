/* Two members share a topic under both protocols: every message is read once, and no
 * more partitions are revoked than necessary. One thread polls both in turn. */
#include "member.h"

static void assert_each_once(const struct table *t, int n) {
    for (int p = 0; p < PARTITIONS; p++)
        for (int i = 0; i < OFFSETS; i++)
            assert_int_equal(t->seen[p][i], i < n);
}

static void share(struct mock_kafka *m, const char *topic, const char *strategy,
                  int cooperative) {
    struct lw_kafka_options *o = lw_memdup(&m->options, sizeof *o);
    struct table *t = new_table();
    struct member a, b;
    mock_kafka_set(o, "partition.assignment.strategy", strategy);
    mock_kafka_set(o, "group.id", topic);
    mock_kafka_topic(m, topic, PARTITIONS);
    fill(m, topic, PARTITIONS, 0, 1000);
    join(&a, t, o, topic);
    POLL_UNTIL(owned(&a) == PARTITIONS && total(t) > 0, &a);
    assert_int_equal(lw_consumer_owned(a.c), PARTITIONS);
    join(&b, t, o, topic);
    fill(m, topic, PARTITIONS, 1000, 1000);
    POLL_UNTIL(owned(&a) == 2 && owned(&b) == 2 && total(t) == PARTITIONS * 2000, &a, &b);
    assert_each_once(t, 2000);
    /* only the cooperative protocol revokes no more than necessary */
    if (cooperative)
        assert_int_equal(a.nrevoked, 2);
    else
        assert_true(a.nrevoked >= 4);
    assert_int_equal(a.nlost + b.nlost, 0);
    lw_consumer_free(b.c); /* flushes and leaves */
    assert_int_equal(owned(&b), 0);
    assert_true(b.nrevoked >= 2);
    lw_consumer_free(a.c);
    assert_int_equal(owned(&a), 0);
    for (int p = 0; p < PARTITIONS; p++)
        assert_int_equal(t->offset[p], 2000);
    free(t);
    free(o);
}

static void two_members_share_cooperatively(void **state) {
    share(*state, "coop", "cooperative-sticky", 1);
}

static void two_members_share_eagerly(void **state) {
    share(*state, "eager", "range", 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_members_share_cooperatively),
        cmocka_unit_test(two_members_share_eagerly),
    };
    return cmocka_run_group_tests(tests, mock_kafka_up, mock_kafka_down);
}
