/* A single member: it waits for its start offset, moves, pauses, and skips to its end. */
#include "member.h"

static void check_wait_move_and_pause(void **state, const char *topic,
                                      const char *strategy) {
    struct mock_kafka *m = *state;
    struct lw_kafka_options *o = lw_memdup(&m->options, sizeof *o);
    struct lw_err err = {0};
    struct table *t = new_table();
    struct member a;
    mock_kafka_set(o, "partition.assignment.strategy", strategy);
    mock_kafka_set(o, "group.id", topic);
    mock_kafka_topic(m, topic, PARTITIONS);
    fill(m, topic, PARTITIONS, 0, 1000);
    t->waits[1] = 1;
    t->offset[2] = 900; /* a start from the store */
    join(&a, t, o, topic);
    POLL_UNTIL(total(t) >= 2100 && lw_consumer_at_end(a.c, 0) &&
                   lw_consumer_at_end(a.c, 2) && lw_consumer_at_end(a.c, 3),
               &a);
    assert_int_equal(total(t), 2100); /* all of 0 and 3, 2 from 900, nothing of 1 */
    assert_int_equal(a.at[1], 0);
    assert_int_equal(lw_consumer_at_end(a.c, 1), 0); /* it has not started */

    a.at[1] = 990; /* the one that waited */
    assert_int_equal(lw_consumer_seek(a.c, 1, 990, &err), 0);
    POLL_UNTIL(a.at[1] == 1000, &a);
    a.at[0] = 500; /* move a running one back */
    assert_int_equal(lw_consumer_seek(a.c, 0, 500, &err), 0);
    while (a.at[0] == 500)
        turn(&a);
    assert_true(a.at[0] < 1000);
    a.at[0] = 100; /* and back again, with fetched messages still in the queue */
    assert_int_equal(lw_consumer_seek(a.c, 0, 100, &err), 0);
    POLL_UNTIL(a.at[0] == 1000, &a);
    assert_int_equal(lw_consumer_seek(a.c, 77, 0, &err), -1);
    assert_int_equal(err.code, LW_ENOTFOUND);

    fill(m, topic, PARTITIONS, 1000, 1000);
    while (a.at[3] == 1000)
        turn(&a);
    lw_consumer_pause(a.c, 1);
    int64_t until = lw_mono_ms() + 400;
    int before = total(t);
    while (lw_mono_ms() < until)
        turn(&a);
    assert_int_equal(total(t), before);
    lw_consumer_pause_partition(a.c, 2); /* stopped before the pause, started after it */
    lw_consumer_pause(a.c, 0);
    assert_int_equal(lw_consumer_seek(a.c, 2, a.at[2], &err), 0);
    POLL_UNTIL(a.at[0] == 2000 && a.at[1] == 2000 && a.at[2] == 2000 && a.at[3] == 2000,
               &a);
    fill(m, topic, PARTITIONS, 2000, 1000);
    while (a.at[3] == 2000)
        turn(&a);
    lw_consumer_pause_partition(a.c, 3); /* one stops; the others continue */
    lw_consumer_pause_partition(a.c, 3);
    lw_consumer_pause_partition(a.c, 77);
    int64_t at = a.at[3];
    POLL_UNTIL(a.at[0] == 3000 && a.at[1] == 3000 && a.at[2] == 3000, &a);
    until = lw_mono_ms() + 400;
    while (lw_mono_ms() < until)
        turn(&a);
    assert_int_equal(a.at[3], at);
    assert_int_equal(lw_consumer_at_end(a.c, 3), 0);
    assert_int_equal(lw_consumer_owned(a.c), PARTITIONS);
    a.at[3] = at - 1; /* and starts again at its seek offset */
    assert_int_equal(lw_consumer_seek(a.c, 3, at - 1, &err), 0);
    POLL_UNTIL(a.at[3] == 3000, &a);
    int64_t low, high;
    lw_consumer_watermarks(a.c, 0, &low, &high);
    assert_int_equal(high, 3000);
    lw_consumer_watermarks(a.c, 77, &low, &high);
    assert_int_equal(high, -1);
    lw_consumer_commit(a.c, 0, 2000);
    assert_int_equal(lw_consumer_ask_end(a.c, 0, 5000, NULL, &err), 1);
    fill(m, topic, PARTITIONS, 2000, 1); /* no message is reported */
    assert_int_equal(lw_consumer_ask_end(a.c, 0, 5000, NULL, &err), 0);
    rd_kafka_mock_broker_set_down(m->cluster, 1);
    lw_err_clear(&err);
    assert_int_equal(lw_consumer_ask_end(a.c, 0, 300, NULL, &err), -1);
    assert_int_equal(err.code, LW_EAGAIN);
    rd_kafka_mock_broker_set_up(m->cluster, 1);
    lw_consumer_free(a.c);
    free(t);
    free(o);
}

static void a_member_waits_moves_and_pauses_cooperatively(void **state) {
    check_wait_move_and_pause(state, "move-coop", "cooperative-sticky");
}

static void a_member_waits_moves_and_pauses_eagerly(void **state) {
    check_wait_move_and_pause(state, "move-eager", "roundrobin");
}

static void a_member_without_group_is_refused(void **state) {
    (void)state;
    struct lw_kafka_options *o = lw_calloc(1, sizeof *o);
    struct lw_consumer_hooks hooks = {0};
    struct lw_err err = {0};
    assert_null(lw_consumer_new(o, "t", &hooks, &err));
    assert_int_equal(err.code, LW_ECONFIG);
    free(o);
}

static void an_outage_is_reported_and_polling_continues(void **state) {
    (void)state;
    struct lw_kafka_options *o = lw_calloc(1, sizeof *o);
    struct table *t = new_table();
    struct member a;
    struct lw_err err = {0};
    rd_kafka_message_t *batch[BATCH];
    mock_kafka_set(o, "bootstrap.servers", "127.0.0.1:1");
    mock_kafka_set(o, "group.id", "g");
    join(&a, t, o, "t");
    int rc = 0;
    for (int i = 0; i < 100 && rc == 0; i++)
        rc = lw_consumer_poll(a.c, batch, BATCH, 50, &err);
    assert_int_equal(rc, -1);
    assert_int_equal(err.code, LW_EAGAIN);
    assert_int_equal(turn(&a), 0);
    lw_consumer_free(a.c);
    free(t);
    free(o);
}

/* Starts at the last message that was read: it is read again, and later messages count
 * only if its fingerprint matches. */
static int strayed;

static int64_t at_900(void *arg, int32_t partition, int *wait) {
    (void)arg;
    (void)partition;
    *wait = 0;
    return 900;
}

static struct lw_record_fingerprint last_record(void *arg, int32_t partition) {
    (void)partition;
    return *(struct lw_record_fingerprint *)arg;
}

static void gone(void *arg, int32_t partition) {
    (void)arg;
    (void)partition;
}

static void out_of_range(void *arg, int32_t partition, int recreated) {
    (void)arg;
    (void)partition;
    strayed += recreated;
}

/* Polls until the end at 1000, or until the topic turns out to be another one; returns
 * the first offset, or -1. */
static int64_t first_of(const struct mock_kafka *m, const char *group,
                        struct lw_record_fingerprint fingerprint,
                        struct lw_record_fingerprint *last) {
    struct lw_kafka_options *o = lw_memdup(&m->options, sizeof *o);
    struct lw_consumer_hooks hooks = {.arg = &fingerprint,
                                      .assigned = at_900,
                                      .fingerprint = last_record,
                                      .revoked = gone,
                                      .lost = gone,
                                      .out_of_range = out_of_range};
    struct lw_err err = {0};
    int64_t first = -1, give_up = lw_mono_ms() + 30000;
    strayed = 0;
    mock_kafka_set(o, "group.id", group);
    struct lw_consumer *c = lw_consumer_new(o, "marked", &hooks, &err);
    assert_non_null(c);
    for (int64_t next = 0; next < 1000 && !strayed && lw_mono_ms() < give_up;) {
        rd_kafka_message_t *batch[100];
        int n = lw_consumer_poll(c, batch, 100, 20, &err);
        assert_int_equal(lw_consumer_brought(c), n < 0 ? 0 : n);
        for (int i = 0; i < n; i++) {
            first = first < 0 ? batch[i]->offset : first;
            next = batch[i]->offset + 1;
            rd_kafka_message_destroy(batch[i]);
        }
    }
    *last = lw_consumer_last(c, 0);
    lw_consumer_free(c);
    free(o);
    return first;
}

static void the_last_message_is_compared_after_a_restart(void **state) {
    struct mock_kafka *m = *state;
    struct lw_record_fingerprint none = {.offset = -1}, end, last;
    mock_kafka_topic(m, "marked", 1);
    fill(m, "marked", 1, 0, 1000);
    assert_int_equal(first_of(m, "marked-a", none, &end), 900);
    assert_int_equal(end.offset, 999);
    assert_int_equal(first_of(m, "marked-b", end, &last), 900); /* not usable */
    assert_int_equal(last.offset, 999);
    assert_true(last.id == end.id);
    struct lw_record_fingerprint wrong = {899, end.id};
    assert_int_equal(first_of(m, "marked-c", wrong, &last), -1);
    assert_int_equal(strayed, 1);
    assert_int_equal(last.offset, -1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_member_waits_moves_and_pauses_cooperatively),
        cmocka_unit_test(a_member_waits_moves_and_pauses_eagerly),
        cmocka_unit_test(a_member_without_group_is_refused),
        cmocka_unit_test(an_outage_is_reported_and_polling_continues),
        cmocka_unit_test(the_last_message_is_compared_after_a_restart),
    };
    return cmocka_run_group_tests(tests, mock_kafka_up, mock_kafka_down);
}
