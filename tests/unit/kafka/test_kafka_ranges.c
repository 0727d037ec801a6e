/* Reading offset ranges without a group: complete, exact, bounded in time. */
#include "kafka_test.h"

#include "kafka/ranges.h"

#define PARTITIONS 3

struct seen {
    int64_t next[PARTITIONS]; /* expected next; -1 before the first */
    uint64_t n;
    int stop_after;
    volatile int stop;
};

static int note(void *arg, const rd_kafka_message_t *m) {
    struct seen *s = arg;
    assert_int_equal(m->err, 0);
    assert_int_equal(payload_offset(m), m->offset);
    if (s->next[m->partition] >= 0)
        assert_int_equal(m->offset, s->next[m->partition]);
    s->next[m->partition] = m->offset + 1;
    s->n++;
    return s->stop_after && (int)s->n >= s->stop_after ? 42 : 0;
}

static int read_them(struct mock_kafka *m, const char *topic,
                     struct lw_offset_range *ranges, size_t n, struct seen *s,
                     uint64_t *gone, struct lw_err *err) {
    struct lw_read_options how = {
        .timeout_ms = 3000, .stop = &s->stop, .each = note, .arg = s};
    for (int i = 0; i < PARTITIONS; i++)
        s->next[i] = -1;
    return lw_ranges_read(&m->options, topic, (struct lw_offset_ranges){ranges, n}, &how,
                          gone, err);
}

static void ranges_are_read_exactly(void **state) {
    struct mock_kafka *m = *state;
    struct seen s = {0};
    struct lw_err err = {0};
    uint64_t gone = 9;
    struct lw_offset_range r[PARTITIONS] = {{0, 100, 1999}, {1, -1, -1}, {2, 0, 0}};
    assert_int_equal(read_them(m, "t", r, 3, &s, &gone, &err), 0);
    assert_int_equal(s.n, 1901);
    assert_int_equal(s.next[0], 2000);
    assert_int_equal(s.next[1], -1);
    assert_int_equal(s.next[2], 1);
    assert_int_equal(gone, 0);
}

static void empty_ranges_read_nothing(void **state) {
    struct seen s = {0};
    struct lw_err err = {0};
    struct lw_offset_range r[1] = {{0, 50, 49}};
    assert_int_equal(read_them(*state, "t", r, 1, &s, NULL, &err), 0);
    assert_int_equal(read_them(*state, "t", NULL, 0, &s, NULL, &err), 0);
    assert_int_equal(s.n, 0);
}

static void missing_offsets_are_counted(void **state) {
    struct seen s = {0};
    struct lw_err err = {0};
    uint64_t gone = 0;
    struct lw_offset_range r[2] = {{0, 4990, 5009}, {1, 7000, 7099}};
    assert_int_equal(read_them(*state, "t", r, 2, &s, &gone, &err), 0);
    assert_int_equal(s.n, 10);
    assert_int_equal(gone, 10 + 100);
}

static int count(void *arg, const rd_kafka_message_t *m) {
    (void)m;
    ((struct seen *)arg)->n++;
    return 0;
}

static void put_big(struct lw_producer *p, int n, size_t size) {
    struct lw_err err = {0};
    char *value = lw_calloc(1, size);
    for (int i = 0; i < n; i++) {
        struct lw_record r = {
            .topic = "short", .value = value, .value_len = size, .time_ms = -1};
        assert_int_equal(lw_producer_produce(p, &r, 5000, &err), 0);
        assert_int_equal(lw_producer_flush(p, 5000, &err), 0);
    }
    free(value);
}

/* The mock keeps the newest 5 MiB of a partition; everything before that is deleted. */
static void offsets_deleted_by_retention_are_counted(void **state) {
    struct mock_kafka *m = *state;
    struct lw_err err = {0};
    struct seen s = {0};
    struct lw_offset_range r[1] = {{0, 0, 29}};
    struct lw_read_options how = {.timeout_ms = 5000, .each = count, .arg = &s};
    uint64_t gone = 0;
    int64_t low, high;
    mock_kafka_topic(m, "short", 1);
    struct lw_producer *p = lw_producer_new(&m->options, &err);
    put_big(p, 30, 500000);
    rd_kafka_query_watermark_offsets(lw_producer_handle(p), "short", 0, &low, &high,
                                     5000);
    lw_producer_free(p);
    assert_true(low > 0);
    assert_int_equal(high, 30);
    assert_int_equal(lw_ranges_read(&m->options, "short", (struct lw_offset_ranges){r, 1},
                                    &how, &gone, &err),
                     0);
    assert_int_equal(gone, low);
    assert_int_equal(s.n, 30 - low);
}

static void the_callback_can_end_the_read(void **state) {
    struct seen s = {.stop_after = 10};
    struct lw_err err = {0};
    struct lw_offset_range r[1] = {{0, 0, 4999}};
    assert_int_equal(read_them(*state, "t", r, 1, &s, NULL, &err), 42);
    assert_int_equal(s.n, 10);
}

static void a_stop_ends_the_read(void **state) {
    struct seen s = {.stop = 1};
    struct lw_err err = {0};
    struct lw_offset_range r[1] = {{0, 0, 4999}};
    assert_int_equal(read_them(*state, "t", r, 1, &s, NULL, &err), -1);
    assert_int_equal(err.code, LW_ESTOP);
}

static void without_brokers_the_read_fails(void **state) {
    (void)state;
    struct lw_kafka_options *o = lw_calloc(1, sizeof *o);
    struct seen s = {0};
    struct lw_err err = {0};
    struct lw_offset_range r[1] = {{0, 0, 10}};
    struct lw_read_options how = {.timeout_ms = 500, .each = note, .arg = &s};
    mock_kafka_set(o, "bootstrap.servers", "127.0.0.1:1");
    assert_int_equal(
        lw_ranges_read(o, "t", (struct lw_offset_ranges){r, 1}, &how, NULL, &err), -1);
    assert_int_equal(err.code, LW_EAGAIN);
    free(o);
}

static void a_read_continues_after_failed_fetches(void **state) {
    struct mock_kafka *m = *state;
    struct lw_err err = {0};
    struct seen s = {0};
    struct lw_offset_range r[1] = {{0, 0, 4999}};
    /* the first fetches fail, later ones succeed */
    rd_kafka_mock_push_request_errors(
        m->cluster, 1 /* Fetch */, 3, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
        RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT);
    assert_int_equal(read_them(m, "t", r, 1, &s, NULL, &err), 0);
    assert_int_equal(s.n, 5000);
}

static int up(void **state) {
    struct mock_kafka *m = mock_kafka_start();
    *state = m;
    mock_kafka_topic(m, "t", PARTITIONS);
    fill(m, "t", PARTITIONS, 0, 5000);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranges_are_read_exactly),
        cmocka_unit_test(empty_ranges_read_nothing),
        cmocka_unit_test(missing_offsets_are_counted),
        cmocka_unit_test(offsets_deleted_by_retention_are_counted),
        cmocka_unit_test(the_callback_can_end_the_read),
        cmocka_unit_test(a_stop_ends_the_read),
        cmocka_unit_test(without_brokers_the_read_fails),
        cmocka_unit_test(a_read_continues_after_failed_fetches),
    };
    return cmocka_run_group_tests(tests, up, mock_kafka_down);
}
