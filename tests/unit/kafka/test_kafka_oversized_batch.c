/* A batch that decompresses to more than the client's limit can never be read, and the
 * client fetches it ten times a second: one log line names the property to raise. */
#include "member.h"

#include <pthread.h>
#include <stdio.h>

#include "base/log.h"
#include "kafka/ranges.h"

#define MESSAGES 40
#define BYTES    100000

/* Lines that name the property, and lines about the batch. */
struct ear {
    pthread_mutex_t lock;
    int named, unpack;
};

static void listen_to(void *arg, const char *line) {
    struct ear *e = arg;
    pthread_mutex_lock(&e->lock);
    e->named += strstr(line, "kafka.receive.message.max.bytes") != NULL;
    e->unpack += strstr(line, "_BAD_COMPRESSION") != NULL;
    pthread_mutex_unlock(&e->lock);
}

/* One batch of a few hundred bytes that decompresses to 4 MB. */
static void produce_batch(struct mock_kafka *m, const char *topic) {
    struct lw_kafka_options *o = lw_memdup(&m->options, sizeof *o);
    struct lw_err err = {0};
    char *value = lw_calloc(1, BYTES);
    mock_kafka_topic(m, topic, 1);
    mock_kafka_set(o, "compression.type", "zstd");
    mock_kafka_set(o, "message.max.bytes", "8000000");
    mock_kafka_set(o, "batch.size", "8000000");
    mock_kafka_set(o, "linger.ms", "300");
    struct lw_producer *p = lw_producer_new(o, &err);
    for (int i = 0; i < MESSAGES; i++) {
        struct lw_record r = {
            .topic = topic, .value = value, .value_len = BYTES, .time_ms = -1};
        assert_int_equal(lw_producer_produce(p, &r, 5000, &err), 0);
    }
    if (lw_producer_flush(p, 10000, &err))
        fail_msg("%s", err.msg);
    lw_producer_free(p);
    free(value);
    free(o);
}

static struct lw_kafka_options *small_options(const struct mock_kafka *m) {
    struct lw_kafka_options *o = lw_memdup(&m->options, sizeof *o);
    mock_kafka_set(o, "fetch.max.bytes", "1000000");
    mock_kafka_set(o, "receive.message.max.bytes", "1000512");
    return o;
}

static void an_oversized_batch_is_reported_once(void **state) {
    struct mock_kafka *m = *state;
    struct lw_kafka_options *o = small_options(m);
    struct ear ear = {.lock = PTHREAD_MUTEX_INITIALIZER};
    struct table *t = new_table();
    struct member a;
    produce_batch(m, "large");
    lw_log_sink(listen_to, &ear);
    mock_kafka_set(o, "group.id", "large");
    join(&a, t, o, "large");
    POLL_UNTIL(ear.named > 0, &a);
    for (int i = 0; i < 30; i++) /* each poll waits for messages that never arrive */
        turn(&a);
    lw_log_sink(NULL, NULL);
    assert_int_equal(ear.named, 1);
    assert_int_equal(ear.unpack, 1);
    assert_int_equal(total(t), 0);
    lw_consumer_free(a.c);
    free(t);
    free(o);
}

static int take(void *arg, const rd_kafka_message_t *m) {
    (void)m;
    ++*(int *)arg;
    return 0;
}

static void a_training_reports_it_too(void **state) {
    struct mock_kafka *m = *state;
    struct lw_kafka_options *o = small_options(m);
    struct lw_offset_range range = {.partition = 0, .first = 0, .last = MESSAGES - 1};
    struct lw_err err = {0};
    int n = 0;
    struct lw_read_options how = {.timeout_ms = 30000, .each = take, .arg = &n};
    produce_batch(m, "read");
    assert_int_equal(
        lw_ranges_read(o, "read", (struct lw_offset_ranges){&range, 1}, &how, NULL, &err),
        -1);
    assert_int_equal(err.code, LW_EAGAIN);
    assert_non_null(strstr(err.msg, "raise kafka.receive.message.max.bytes"));
    assert_non_null(strstr(err.msg, "1000512"));
    lw_err_clear(&err); /* with a higher limit it is read */
    if (lw_ranges_read(&m->options, "read", (struct lw_offset_ranges){&range, 1}, &how,
                       NULL, &err))
        fail_msg("%s", err.msg);
    assert_int_equal(n, MESSAGES);
    free(o);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_oversized_batch_is_reported_once),
        cmocka_unit_test(a_training_reports_it_too),
    };
    return cmocka_run_group_tests(tests, mock_kafka_up, mock_kafka_down);
}
