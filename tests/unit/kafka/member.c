/* See member.h. */
#include "member.h"

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
    m->t->offset[partition] = m->at[partition]; /* like a flush */
    lw_consumer_commit(m->c, partition, m->at[partition]);
}

static void lost(void *arg, int32_t partition) {
    struct member *m = arg;
    m->mine[partition] = 0;
    m->nlost++;
}

void join(struct member *m, struct table *t, const struct lw_kafka_options *o,
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

struct table *new_table(void) {
    struct table *t = lw_calloc(1, sizeof *t);
    for (int i = 0; i < PARTITIONS; i++)
        t->offset[i] = -1;
    return t;
}

/* Polls once; each message must be the next one of its partition. Returns the number of
 * messages. */
int turn(struct member *m) {
    rd_kafka_message_t *batch[BATCH];
    struct lw_err err = {0};
    int messages = 0, n = lw_consumer_poll(m->c, batch, BATCH, 20, &err);
    if (n < 0)
        assert_int_equal(err.code, LW_EAGAIN);
    for (int i = 0; i < n; i++) {
        int32_t p = batch[i]->partition;
        assert_true(m->mine[p]);
        assert_int_equal(batch[i]->err, 0);
        assert_int_equal(payload_offset(batch[i]), batch[i]->offset);
        assert_int_equal(batch[i]->offset, m->at[p]);
        m->t->seen[p][m->at[p]++]++;
        messages++;
        rd_kafka_message_destroy(batch[i]);
    }
    return messages;
}

int owned(const struct member *m) {
    int n = 0;
    for (int i = 0; i < PARTITIONS; i++)
        n += m->mine[i];
    return n;
}

int total(const struct table *t) {
    int n = 0;
    for (int p = 0; p < PARTITIONS; p++)
        for (int i = 0; i < OFFSETS; i++)
            n += t->seen[p][i];
    return n;
}
