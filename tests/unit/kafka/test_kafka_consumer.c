/* The group consumer: every message once through rebalances of both kinds, waiting,
 * moving, pausing. Two members are polled in turn by one thread; a table stands for the
 * store that keeps the offsets. */
#include "kafka_test.h"

#include <stdio.h>

#include "kafka/consumer.h"

#define PARTITIONS 4
#define BATCH      50
#define OFFSETS    4000

struct table {
    int64_t offset[PARTITIONS];    /* as flushed; -1: nothing */
    int seen[PARTITIONS][OFFSETS]; /* how often was a message counted? */
    int waits[PARTITIONS];         /* the assigned hook asks to wait */
};

struct member {
    struct table *t;
    struct lw_consumer *c;
    int mine[PARTITIONS];
    int64_t
        at[PARTITIONS]; /* next offset; messages since the table's are not yet flushed */
    int nassigned, nrevoked, nlost, neof;
    int64_t eof_at[PARTITIONS];
};

static int64_t assigned(void *arg, int32_t partition, int *wait) {
    struct member *m = arg;
    assert_false(m->mine[partition]);
    m->mine[partition] = 1;
    m->nassigned++;
    m->at[partition] = m->t->offset[partition] < 0 ? 0 : m->t->offset[partition];
    *wait = m->t->waits[partition];
    return m->t->offset[partition] < 0 ? RD_KAFKA_OFFSET_BEGINNING : m->at[partition];
}

static void revoked(void *arg, int32_t partition) {
    struct member *m = arg;
    assert_true(m->mine[partition]);
    m->mine[partition] = 0;
    m->nrevoked++;
    m->t->offset[partition] = m->at[partition]; /* the flush */
}

static void lost(void *arg, int32_t partition) {
    struct member *m = arg;
    m->mine[partition] = 0;
    m->nlost++;
}

static void join(struct member *m, struct table *t, const struct lw_kafka_options *o,
                 const char *topic) {
    struct lw_err err = {0};
    struct lw_consumer_hooks hooks = {
        .arg = m, .assigned = assigned, .revoked = revoked, .lost = lost};
    memset(m, 0, sizeof *m);
    m->t = t;
    m->c = lw_consumer_new(o, topic, &hooks, &err);
    if (!m->c)
        fail_msg("%s", err.msg);
}

static struct table *new_table(void) {
    struct table *t = lw_calloc(1, sizeof *t);
    for (int i = 0; i < PARTITIONS; i++)
        t->offset[i] = -1;
    return t;
}

/* One poll; each message must be the next one of its partition. Returns how many. */
static int turn(struct member *m) {
    rd_kafka_message_t *batch[BATCH];
    struct lw_err err = {0};
    int messages = 0, n = lw_consumer_poll(m->c, batch, BATCH, 20, &err);
    if (n < 0)
        assert_int_equal(err.code, LW_EAGAIN);
    for (int i = 0; i < n; i++) {
        int32_t p = batch[i]->partition;
        assert_true(m->mine[p]);
        if (batch[i]->err) {
            assert_int_equal(batch[i]->err, RD_KAFKA_RESP_ERR__PARTITION_EOF);
            m->eof_at[p] = batch[i]->offset;
            m->neof++;
        } else {
            assert_int_equal(said_offset(batch[i]), batch[i]->offset);
            assert_int_equal(batch[i]->offset, m->at[p]);
            m->t->seen[p][m->at[p]++]++;
            messages++;
        }
        rd_kafka_message_destroy(batch[i]);
    }
    return messages;
}

static int owned(const struct member *m) {
    int n = 0;
    for (int i = 0; i < PARTITIONS; i++)
        n += m->mine[i];
    return n;
}

static int total(const struct table *t) {
    int n = 0;
    for (int p = 0; p < PARTITIONS; p++)
        for (int i = 0; i < OFFSETS; i++)
            n += t->seen[p][i];
    return n;
}

static void assert_each_once(const struct table *t, int n) {
    for (int p = 0; p < PARTITIONS; p++)
        for (int i = 0; i < OFFSETS; i++)
            assert_int_equal(t->seen[p][i], i < n);
}

/* Polls the members until `done` holds, at most 20 s. */
#define POLL_UNTIL(done, ...)                                                            \
    do {                                                                                 \
        struct member *all[] = {__VA_ARGS__};                                            \
        int64_t give_up_ = lw_mono_ms() + 20000;                                         \
        while (!(done)) {                                                                \
            if (lw_mono_ms() > give_up_)                                                 \
                fail_msg("not reached: %s", #done);                                      \
            for (size_t i_ = 0; i_ < sizeof all / sizeof *all; i_++)                     \
                turn(all[i_]);                                                           \
        }                                                                                \
    } while (0)

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
    /* only the cooperative protocol takes away no more than it must */
    assert_int_equal(a.nrevoked, cooperative ? 2 : 4);
    assert_int_equal(a.nlost + b.nlost, 0);
    lw_consumer_free(b.c); /* flushes and leaves */
    assert_int_equal(owned(&b), 0);
    assert_int_equal(b.nrevoked, 2);
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

static void waiting_moving_and_pausing(void **state, const char *topic,
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
    POLL_UNTIL(total(t) >= 2100 && a.neof >= 3, &a);
    assert_int_equal(total(t), 2100); /* 0 and 3 whole, 2 from 900, nothing of 1 */
    assert_int_equal(a.at[1], 0);
    assert_int_equal(a.eof_at[0], 1000);

    a.at[1] = 990; /* the one that waited */
    assert_int_equal(lw_consumer_seek(a.c, 1, 990, &err), 0);
    POLL_UNTIL(a.at[1] == 1000, &a);
    a.at[0] = 500; /* one that runs, back */
    assert_int_equal(lw_consumer_seek(a.c, 0, 500, &err), 0);
    while (a.at[0] == 500)
        turn(&a);
    assert_true(a.at[0] < 1000);
    a.at[0] = 100; /* and back again, with what was fetched still in the queue */
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
    lw_consumer_pause(a.c, 0);
    POLL_UNTIL(a.at[0] == 2000 && a.at[1] == 2000 && a.at[2] == 2000 && a.at[3] == 2000,
               &a);
    int64_t low, high;
    lw_consumer_watermarks(a.c, 0, &low, &high);
    assert_int_equal(high, 2000);
    lw_consumer_watermarks(a.c, 77, &low, &high);
    assert_int_equal(high, -1);
    lw_consumer_commit(a.c, 0, 2000);
    lw_consumer_free(a.c);
    free(t);
    free(o);
}

static void waiting_moving_and_pausing_cooperatively(void **state) {
    waiting_moving_and_pausing(state, "move-coop", "cooperative-sticky");
}

static void waiting_moving_and_pausing_eagerly(void **state) {
    waiting_moving_and_pausing(state, "move-eager", "roundrobin");
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

static void brokers_away_is_said_and_polling_goes_on(void **state) {
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

static int up(void **state) {
    *state = mock_kafka_start();
    return 0;
}

static int down(void **state) {
    mock_kafka_stop(*state);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_members_share_cooperatively),
        cmocka_unit_test(two_members_share_eagerly),
        cmocka_unit_test(waiting_moving_and_pausing_cooperatively),
        cmocka_unit_test(waiting_moving_and_pausing_eagerly),
        cmocka_unit_test(a_member_without_group_is_refused),
        cmocka_unit_test(brokers_away_is_said_and_polling_goes_on),
    };
    return cmocka_run_group_tests(tests, up, down);
}
