/* Producing: no message is lost, rejections are reported, dead letters are complete. */
#include "kafka_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "kafka/letter.h"
#include "kafka/ranges.h"
#include "kafka/sender.h"

static struct lw_record record_of(const char *topic, const void *value, size_t len) {
    return (struct lw_record){
        .topic = topic, .partition = 0, .value = value, .value_len = len, .time_ms = -1};
}

static struct lw_producer *start(const struct lw_kafka_options *o) {
    struct lw_err err = {0};
    struct lw_producer *p = lw_producer_new(o, &err);
    if (!p)
        fail_msg("%s", err.msg);
    return p;
}

static void a_full_queue_is_waited_for(void **state) {
    struct mock_kafka *m = *state;
    struct lw_kafka_options *o = lw_memdup(&m->options, sizeof *o);
    struct lw_err err = {0};
    mock_kafka_topic(m, "full", 1);
    mock_kafka_set(o, "queue.buffering.max.messages", "10");
    mock_kafka_set(o, "linger.ms", "50");
    struct lw_producer *p = start(o);
    for (int i = 0; i < 200; i++) {
        struct lw_record r = record_of("full", "x", 1);
        if (lw_producer_produce(p, &r, 5000, &err))
            fail_msg("%s", err.msg);
    }
    assert_int_equal(lw_producer_flush(p, 5000, &err), 0);
    assert_int_equal(lw_producer_acked(p), 200);
    assert_int_equal(lw_producer_refused(p), 0);
    lw_producer_free(p);
    free(o);
}

static void an_outage_is_retried_without_loss(void **state) {
    struct mock_kafka *m = *state;
    struct lw_kafka_options *o = lw_memdup(&m->options, sizeof *o);
    struct lw_err err = {0};
    mock_kafka_topic(m, "away", 1);
    mock_kafka_set(o, "queue.buffering.max.messages", "5");
    mock_kafka_set(o, "reconnect.backoff.max.ms", "200");
    struct lw_producer *p = start(o);
    struct lw_record r = record_of("away", "x", 1);
    assert_int_equal(lw_producer_produce(p, &r, 5000, &err), 0);
    assert_int_equal(lw_producer_flush(p, 5000, &err), 0);
    rd_kafka_mock_broker_set_down(m->cluster, 1);
    int queued = 1;
    while (queued < 100 && lw_producer_produce(p, &r, 100, &err) == 0)
        queued++;
    assert_int_equal(queued, 6);
    assert_int_equal(err.code, LW_EAGAIN);
    lw_err_clear(&err);
    assert_int_equal(lw_producer_flush(p, 100, &err), -1);
    assert_int_equal(err.code, LW_EAGAIN);
    assert_non_null(strstr(err.msg, "5 messages"));
    rd_kafka_mock_broker_set_up(m->cluster, 1);
    lw_err_clear(&err);
    assert_int_equal(lw_producer_flush(p, 10000, &err), 0);
    assert_int_equal(lw_producer_acked(p), 6);
    lw_producer_free(p);
    free(o);
}

static void unsendable_messages_are_refused_at_once(void **state) {
    struct mock_kafka *m = *state;
    struct lw_kafka_options *o = lw_memdup(&m->options, sizeof *o);
    struct lw_err err = {0};
    char *big = lw_calloc(1, 20000);
    mock_kafka_topic(m, "small", 1);
    mock_kafka_set(o, "message.max.bytes", "10000");
    struct lw_producer *p = start(o);
    struct lw_record r = record_of("small", big, 20000);
    assert_int_equal(lw_producer_produce(p, &r, 1000, &err), -1);
    assert_int_equal(err.code, LW_EINPUT);
    lw_producer_free(p);
    free(big);
    free(o);
}

static void a_rejection_is_reported_by_the_flush(void **state) {
    struct mock_kafka *m = *state;
    struct lw_kafka_options *o = lw_memdup(&m->options, sizeof *o);
    struct lw_err err = {0};
    mock_kafka_topic(m, "refused", 1);
    mock_kafka_set(o, "enable.idempotence", "false");
    struct lw_producer *p = start(o);
    rd_kafka_mock_push_request_errors(m->cluster, 0 /* Produce */, 1,
                                      RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
    struct lw_record r = record_of("refused", "x", 1);
    assert_int_equal(lw_producer_produce(p, &r, 1000, &err), 0);
    assert_int_equal(lw_producer_flush(p, 5000, &err), -1);
    assert_int_equal(err.code, LW_ESTOP);
    assert_non_null(strstr(err.msg, "refused"));
    assert_int_equal(lw_producer_refused(p), 1);
    lw_err_clear(&err);
    assert_int_equal(lw_producer_flush(p, 5000, &err), 0); /* reported once */
    lw_producer_free(p);
    free(o);
}

/* After a fatal error librdkafka drops its queue: none of those messages may count as
 * delivered, and a renewed producer delivers all of them. Tested for each place where
 * messages can wait. */
static void a_renewed_producer_delivers_everything(void **state) {
    struct mock_kafka *m = *state;
    struct lw_kafka_options *o = lw_memdup(&m->options, sizeof *o);
    struct lw_err err = {0};
    mock_kafka_topic(m, "failed", 1);
    mock_kafka_set(o, "linger.ms", "60000"); /* they wait in the queue */
    struct lw_producer *p = start(o);
    struct lw_sender *s = lw_sender_new(p, "failed", &err);
    struct lw_record r = record_of("failed", "x", 1);
    for (uint64_t round = 0; round < 4; round++) {
        for (int i = 0; i < 20; i++) {
            lw_sender_key(s);
            lw_buf_put(lw_sender_value(s), "y", 1);
            lw_sender_put(s);
            assert_int_equal(lw_producer_produce(p, &r, 1000, &err), 0);
        }
        if (round % 2)
            assert_int_equal(lw_sender_send(s, &err), 0);
        assert_false(lw_producer_failed(p));
        rd_kafka_test_fatal_error(lw_producer_handle(p),
                                  RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED, "t");
        assert_true(lw_producer_failed(p));
        assert_int_equal(lw_producer_flush(p, 5000, &err), -1);
        assert_int_equal(err.code, LW_ESTOP);
        assert_non_null(strstr(err.msg, "--operation Write"));
        lw_err_clear(&err);
        assert_int_equal(lw_producer_produce(p, &r, 1000, &err), -1);
        assert_int_equal(err.code, LW_ESTOP);
        lw_err_clear(&err);
        assert_int_equal(lw_producer_flush(p, 5000, &err), -1); /* until it is renewed */
        lw_err_clear(&err);
        assert_int_equal(lw_producer_acked(p), 2 * round);
        lw_sender_drop(s);
        assert_int_equal(lw_producer_renew(p, &err), 0);
        assert_false(lw_producer_failed(p));
        lw_sender_key(s);
        lw_buf_put(lw_sender_value(s), "y", 1);
        lw_sender_put(s);
        assert_int_equal(lw_sender_send(s, &err), 0);
        assert_int_equal(lw_producer_produce(p, &r, 1000, &err), 0);
        assert_int_equal(lw_producer_flush(p, 10000, &err), 0);
        assert_int_equal(lw_producer_acked(p), 2 * round + 2);
    }
    lw_sender_free(s);
    lw_producer_free(p);
    free(o);
}

/* With a half-written certificate no client can be created: the old client stays. */
static void a_failed_renewal_keeps_the_old_client(void **state) {
    struct mock_kafka *m = *state;
    struct lw_kafka_options *o = lw_memdup(&m->options, sizeof *o);
    char path[] = "/tmp/lw-kafka-secret-XXXXXX";
    struct lw_err err = {0};
    int fd = mkstemp(path);
    assert_true(fd >= 0 && write(fd, "word\n", 5) == 5);
    mock_kafka_topic(m, "stays", 1);
    mock_kafka_set(o, "sasl.username", "me");
    mock_kafka_set(o, "sasl.password", "");
    snprintf(o->property[o->n - 1].file, sizeof o->property[0].file, "%s", path);
    struct lw_kafka_stamp before = lw_kafka_stamp(o);
    struct lw_producer *p = start(o);
    assert_int_equal(lw_producer_login(p, &err), 0);
    assert_int_equal(ftruncate(fd, 0), 0);
    assert_true(lw_kafka_stamp(o).login != before.login);
    assert_true(lw_kafka_stamp(o).rest == before.rest);
    assert_int_equal(lw_producer_renew(p, &err), -1);
    assert_int_equal(err.code, LW_ECONFIG);
    assert_non_null(strstr(err.msg, "kafka.sasl.password_file"));
    struct lw_record r = record_of("stays", "x", 1);
    assert_int_equal(lw_producer_produce(p, &r, 1000, &err), 0);
    lw_err_clear(&err);
    assert_int_equal(lw_producer_flush(p, 5000, &err), 0);
    lw_producer_free(p);
    close(fd);
    unlink(path);
    free(o);
}

/* ---- dead letters: a message goes through a topic, becomes one, and is read again
 * ---- */

struct carrier {
    struct lw_producer *p;
    int n;
};

static int write_letter(void *arg, const rd_kafka_message_t *m) {
    struct carrier *c = arg;
    struct lw_err why = {0}, err = {0};
    lw_fail(&why, LW_EINPUT, "field \"fare\": truncated");
    const struct lw_reason reason = {"dead", "night", "decode", &why};
    if (lw_letter_send(c->p, m, &reason, 1000, &err))
        fail_msg("%s", err.msg);
    return 0;
}

static void expect_header(rd_kafka_headers_t *h, const char *name, const char *want) {
    const void *value;
    size_t len;
    if (rd_kafka_header_get_last(h, name, &value, &len) != RD_KAFKA_RESP_ERR_NO_ERROR)
        fail_msg("no header %s", name);
    assert_int_equal(len, strlen(want));
    assert_memory_equal(value, want, len);
}

static int read_letter(void *arg, const rd_kafka_message_t *m) {
    struct carrier *c = arg;
    rd_kafka_headers_t *h;
    rd_kafka_timestamp_type_t kind;
    c->n++;
    assert_int_equal(rd_kafka_message_headers(m, &h), RD_KAFKA_RESP_ERR_NO_ERROR);
    expect_header(h, "trace", "abc"); /* the message's own header */
    expect_header(h, "__connect.errors.topic", "alive");
    expect_header(h, "__connect.errors.partition", "0");
    expect_header(h, "__connect.errors.offset", c->n == 1 ? "0" : "1");
    expect_header(h, "__connect.errors.connector.name", "night");
    expect_header(h, "__connect.errors.stage", "decode");
    expect_header(h, "__connect.errors.class.name", "leeway");
    expect_header(h, "__connect.errors.exception.class.name", "input");
    expect_header(h, "__connect.errors.exception.message", "field \"fare\": truncated");
    assert_int_equal(rd_kafka_message_timestamp(m, &kind), 1584000000123);
    if (c->n == 1) {
        assert_int_equal(m->len, 5);
        assert_memory_equal(m->payload,
                            "a\0b\xff"
                            "c",
                            5);
        assert_int_equal(m->key_len, 2);
        assert_memory_equal(m->key, "k\0", 2);
    } else { /* a null stays null */
        assert_null(m->payload);
        assert_null(m->key);
    }
    return 0;
}

static void read_both(struct mock_kafka *m, const char *topic, struct carrier *c,
                      int (*each)(void *, const rd_kafka_message_t *)) {
    struct lw_offset_range range = {.partition = 0, .first = 0, .last = 1};
    struct lw_read_options how = {.timeout_ms = 5000, .each = each, .arg = c};
    struct lw_err err = {0};
    uint64_t gone = 0;
    if (lw_ranges_read(&m->options, topic, (struct lw_offset_ranges){&range, 1}, &how,
                       &gone, &err))
        fail_msg("%s", err.msg);
    assert_int_equal(gone, 0);
}

static void a_dead_letter_has_the_whole_message(void **state) {
    struct mock_kafka *m = *state;
    struct lw_err err = {0};
    mock_kafka_topic(m, "alive", 1);
    mock_kafka_topic(m, "dead", 1);
    struct carrier c = {.p = start(&m->options)};
    struct lw_header header = {.name = "trace", .value = "abc", .len = 3};
    struct lw_record r = record_of("alive",
                                   "a\0b\xff"
                                   "c",
                                   5);
    r.key = "k\0";
    r.key_len = 2;
    r.time_ms = 1584000000123;
    r.headers = &header;
    r.nheaders = 1;
    assert_int_equal(lw_producer_produce(c.p, &r, 1000, &err), 0);
    r.key = r.value = NULL;
    assert_int_equal(lw_producer_produce(c.p, &r, 1000, &err), 0);
    assert_int_equal(lw_producer_flush(c.p, 5000, &err), 0);
    read_both(m, "alive", &c, write_letter);
    assert_int_equal(lw_producer_flush(c.p, 5000, &err), 0);
    read_both(m, "dead", &c, read_letter);
    assert_int_equal(c.n, 2);
    lw_producer_free(c.p);
}

/* ---- a dead letter is replayed to its original topic ---- */

struct post {
    struct lw_producer *p;
    struct mock_kafka *m;
    int n;
    uint64_t replays;
};

static int send_back(void *arg, const rd_kafka_message_t *m) {
    struct post *post = arg;
    struct lw_letter letter;
    struct lw_err err = {0};
    assert_true(lw_letter_read(m, &letter));
    assert_string_equal(letter.topic, "round");
    assert_int_equal(letter.partition, 0);
    assert_string_equal(letter.stream, "night");
    assert_string_equal(letter.stage, "decode");
    assert_string_equal(letter.kind, "input");
    assert_string_equal(letter.reason, "field \"fare\": truncated");
    assert_int_equal(letter.cut, -1);
    assert_int_equal(letter.replays, post->replays);
    if (lw_letter_replay(post->p, m, &letter, letter.topic, letter.partition, &err))
        fail_msg("%s", err.msg);
    post->n++;
    return 0;
}

static int letter_round(void *arg, const rd_kafka_message_t *m) {
    struct post *post = arg;
    struct lw_err why = {0}, err = {0};
    struct lw_letter letter;
    /* Dead letters of another program, or replayed messages, are not ours. */
    assert_int_equal(lw_letter_read(m, &letter), 0);
    lw_fail(&why, LW_EINPUT, "field \"fare\": truncated");
    const struct lw_reason reason = {"round.dead", "night", "decode", &why};
    if (lw_letter_send(post->p, m, &reason, 1000, &err))
        fail_msg("%s", err.msg);
    return 0;
}

static void read_one(struct post *post, const char *topic, int64_t offset,
                     int (*each)(void *, const rd_kafka_message_t *)) {
    struct lw_offset_range range = {.partition = 0, .first = offset, .last = offset};
    struct lw_read_options how = {.timeout_ms = 5000, .each = each, .arg = post};
    struct lw_err err = {0};
    if (lw_producer_flush(post->p, 5000, &err) ||
        lw_ranges_read(&post->m->options, topic, (struct lw_offset_ranges){&range, 1},
                       &how, NULL, &err))
        fail_msg("%s", err.msg);
}

static int same_again(void *arg, const rd_kafka_message_t *m) {
    struct post *post = arg;
    rd_kafka_headers_t *h;
    rd_kafka_timestamp_type_t kind;
    const char *name;
    const void *value;
    size_t len;
    assert_int_equal(m->len, 3);
    assert_memory_equal(m->payload, "x\0y", 3);
    assert_int_equal(m->key_len, 1);
    assert_int_equal(rd_kafka_message_timestamp(m, &kind), 1584000000123);
    assert_int_equal(rd_kafka_message_headers(m, &h), RD_KAFKA_RESP_ERR_NO_ERROR);
    assert_int_equal(rd_kafka_header_cnt(h), 3); /* two of its own, and attempts */
    rd_kafka_header_get_all(h, 0, &name, &value, &len);
    assert_string_equal(name, "__connect.errors.stage"); /* a foreign header is kept */
    rd_kafka_header_get_all(h, 1, &name, &value, &len);
    assert_string_equal(name, "empty");
    assert_null(value);
    expect_header(h, LW_LETTER_REPLAYS, post->replays == 0 ? "1" : "2");
    post->n++;
    return 0;
}

static void a_replayed_message_equals_the_original(void **state) {
    struct mock_kafka *m = *state;
    struct lw_err err = {0};
    mock_kafka_topic(m, "round", 1);
    mock_kafka_topic(m, "round.dead", 1);
    struct post post = {.p = start(&m->options), .m = m};
    struct lw_header headers[] = {
        {.name = "__connect.errors.stage", .value = "theirs", .len = 6},
        {.name = "empty"}};
    struct lw_record r = record_of("round", "x\0y", 3);
    r.key = "k";
    r.key_len = 1;
    r.time_ms = 1584000000123;
    r.headers = headers;
    r.nheaders = 2;
    assert_int_equal(lw_producer_produce(post.p, &r, 1000, &err), 0);
    for (int64_t trip = 0; trip < 2; trip++) { /* it fails a second time */
        post.replays = (uint64_t)trip;
        read_one(&post, "round", trip, letter_round);
        read_one(&post, "round.dead", trip, send_back);
        read_one(&post, "round", trip + 1, same_again);
    }
    assert_int_equal(post.n, 4);
    lw_producer_free(post.p);
}

/* ---- a value that is too large for the dead-letter topic ---- */

static int write_big_letter(void *arg, const rd_kafka_message_t *m) {
    struct post *post = arg;
    struct lw_err why = {0}, err = {0};
    lw_fail(&why, LW_EINPUT, "garbage");
    const struct lw_reason reason = {"big.dead", "night", "decode", &why};
    if (lw_letter_send(post->p, m, &reason, 1000, &err))
        fail_msg("%s", err.msg);
    return 0;
}

static int is_cut(void *arg, const rd_kafka_message_t *m) {
    struct post *post = arg;
    struct lw_letter letter;
    struct lw_err err = {0};
    assert_true(lw_letter_read(m, &letter));
    assert_null(m->payload);
    assert_int_equal(letter.cut, 20000);
    assert_int_equal(lw_letter_replay(post->p, m, &letter, "big", 0, &err), -1);
    assert_int_equal(err.code, LW_EINPUT);
    assert_non_null(strstr(err.msg, "big, partition 0, offset 0"));
    post->n++;
    return 0;
}

static void a_value_too_large_for_the_topic_is_left_out(void **state) {
    struct mock_kafka *m = *state;
    struct lw_kafka_options *o = lw_memdup(&m->options, sizeof *o);
    struct lw_err err = {0};
    char *big = lw_calloc(1, 20000);
    mock_kafka_topic(m, "big", 1);
    mock_kafka_topic(m, "big.dead", 1);
    struct post wide = {.p = start(&m->options), .m = m};
    mock_kafka_set(o, "message.max.bytes", "10000"); /* refused by the client ... */
    struct post narrow = {.p = start(o), .m = m};
    mock_kafka_set(o, "message.max.bytes", "1000000");
    mock_kafka_set(o, "enable.idempotence", "false");
    struct post reported = {.p = start(o), .m = m};
    struct lw_record r = record_of("big", big, 20000);
    assert_int_equal(lw_producer_produce(wide.p, &r, 1000, &err), 0);
    read_one(&wide, "big", 0,
             write_big_letter); /* fits, but can only be read without its value */
    assert_int_equal(lw_producer_flush(wide.p, 5000, &err), 0);
    read_one(&narrow, "big", 0, write_big_letter);
    read_one(&narrow, "big.dead", 1, is_cut);
    rd_kafka_mock_push_request_errors(m->cluster, 0 /* Produce */, 2,
                                      RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE,
                                      RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
    read_one(&reported, "big", 0,
             write_big_letter); /* ... or by the broker, which is remembered */
    assert_int_equal(lw_producer_flush(reported.p, 5000, &err), -1);
    assert_int_equal(err.code, LW_ESTOP);
    read_one(&reported, "big", 0, write_big_letter);
    read_one(&reported, "big.dead", 2, is_cut);
    assert_int_equal(narrow.n + reported.n, 2);
    lw_producer_free(wide.p);
    lw_producer_free(narrow.p);
    lw_producer_free(reported.p);
    free(big);
    free(o);
}

/* ---- a batch that the topic refuses although it accepts each of its messages ---- */

static int is_whole(void *arg, const rd_kafka_message_t *m) {
    struct post *post = arg;
    char text[16] = "";
    rd_kafka_headers_t *headers;
    const void *value;
    size_t len;
    rd_kafka_timestamp_type_t kind;
    memcpy(text, m->payload, m->len < 15 ? m->len : 15);
    int i = atoi(text);
    assert_int_equal(rd_kafka_message_timestamp(m, &kind), 1000 + i);
    assert_int_equal(m->key != NULL, i % 2);
    assert_int_equal(rd_kafka_message_headers(m, &headers), RD_KAFKA_RESP_ERR_NO_ERROR);
    assert_int_equal(rd_kafka_header_get_last(headers, "h", &value, &len), 0);
    assert_int_equal(len, 3);
    post->n++;
    return 0;
}

static void messages_of_a_refused_batch_are_sent_one_by_one(void **state) {
    struct mock_kafka *m = *state;
    struct lw_kafka_options *o = lw_memdup(&m->options, sizeof *o);
    struct lw_err err = {0};
    mock_kafka_topic(m, "narrow", 1);
    mock_kafka_set(o, "enable.idempotence", "false"); /* the mock's has no batches */
    mock_kafka_set(o, "linger.ms", "200");
    struct post post = {.p = start(o), .m = m};
    rd_kafka_mock_push_request_errors(m->cluster, 0 /* Produce */, 1,
                                      RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
    for (int i = 0; i < 50; i++) {
        char text[16];
        int n = snprintf(text, sizeof text, "%d", i);
        const struct lw_header header = {"h", "xyz", 3};
        struct lw_record r = record_of("narrow", text, (size_t)n);
        r.key = i % 2 ? "k" : NULL;
        r.key_len = i % 2 ? 1 : 0;
        r.time_ms = 1000 + i;
        r.headers = &header;
        r.nheaders = 1;
        assert_int_equal(lw_producer_produce(post.p, &r, 1000, &err), 0);
    }
    assert_int_equal(lw_producer_flush(post.p, 10000, &err), 0);
    assert_int_equal(lw_producer_acked(post.p), 50);
    assert_int_equal(lw_producer_refused(post.p), 0);
    const struct lw_offset_range range = {.partition = 0, .first = 0, .last = 49};
    const struct lw_read_options how = {
        .timeout_ms = 10000, .each = is_whole, .arg = &post};
    assert_int_equal(lw_ranges_read(&m->options, "narrow",
                                    (struct lw_offset_ranges){&range, 1}, &how, NULL,
                                    &err),
                     0);
    assert_int_equal(post.n, 50);
    lw_producer_free(post.p);
    free(o);
}

/* ---- many small records at a time ---- */

static void put_numbered(struct lw_sender *s, int i) {
    char text[16];
    int n = snprintf(text, sizeof text, "%d", i);
    if (i % 2)
        lw_buf_put(lw_sender_key(s), text, (size_t)n);
    else
        lw_sender_key(s); /* no key */
    lw_buf_put(lw_sender_value(s), text, (size_t)n);
    lw_sender_put(s);
}

struct heard {
    char seen[3000];
    int n;
};

static int hear(void *arg, const rd_kafka_message_t *m) {
    struct heard *h = arg;
    char text[16] = "";
    memcpy(text, m->payload, m->len < 15 ? m->len : 15);
    int i = atoi(text);
    assert_int_equal(m->key_len, i % 2 ? m->len : 0);
    assert_in_range(i, 0, 2999);
    h->seen[i]++;
    h->n++;
    return 0;
}

static void a_sender_keeps_messages_while_the_queue_is_full(void **state) {
    struct mock_kafka *m = *state;
    struct lw_kafka_options *o = lw_memdup(&m->options, sizeof *o);
    struct lw_err err = {0};
    struct heard heard = {.n = 0};
    int full = 0;
    mock_kafka_topic(m, "sent", 1);
    mock_kafka_set(o, "queue.buffering.max.messages", "100");
    mock_kafka_set(o, "linger.ms", "5");
    struct lw_producer *p = start(o);
    struct lw_sender *s = lw_sender_new(p, "sent", &err);
    assert_non_null(s);
    for (int i = 0; i < 3000; i++) {
        put_numbered(s, i);
        if (i % 300 != 299)
            continue;
        while (lw_sender_send(s, &err)) {
            assert_int_equal(err.code, LW_EAGAIN);
            assert_in_range(lw_sender_left(s), 1, 300);
            full++;
            lw_err_clear(&err);
            lw_producer_flush(p, 50, NULL);
        }
        assert_int_equal(lw_sender_left(s), 0);
    }
    assert_true(full > 0);
    assert_int_equal(lw_producer_flush(p, 10000, &err), 0);
    struct lw_offset_range range = {.partition = 0, .first = 0, .last = 2999};
    struct lw_read_options how = {.timeout_ms = 5000, .each = hear, .arg = &heard};
    assert_int_equal(lw_ranges_read(&m->options, "sent",
                                    (struct lw_offset_ranges){&range, 1}, &how, NULL,
                                    &err),
                     0);
    for (int i = 0; i < 3000; i++)
        assert_int_equal(heard.seen[i], 1);
    lw_sender_free(s);
    lw_producer_free(p);
    free(o);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_queue_is_waited_for),
        cmocka_unit_test(an_outage_is_retried_without_loss),
        cmocka_unit_test(unsendable_messages_are_refused_at_once),
        cmocka_unit_test(a_rejection_is_reported_by_the_flush),
        cmocka_unit_test(a_renewed_producer_delivers_everything),
        cmocka_unit_test(a_failed_renewal_keeps_the_old_client),
        cmocka_unit_test(a_dead_letter_has_the_whole_message),
        cmocka_unit_test(a_replayed_message_equals_the_original),
        cmocka_unit_test(a_value_too_large_for_the_topic_is_left_out),
        cmocka_unit_test(messages_of_a_refused_batch_are_sent_one_by_one),
        cmocka_unit_test(a_sender_keeps_messages_while_the_queue_is_full),
    };
    return cmocka_run_group_tests(tests, mock_kafka_up, mock_kafka_down);
}
