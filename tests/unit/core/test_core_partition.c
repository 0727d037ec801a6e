/* The clock of a partition: which events move it, and which do not; and a partition
 * restored from its bytes continues as if it had never stopped. */
#include "support/core_fixture.h"

#include "core/partition.h"

struct fixture {
    struct lw_spec *spec;
    struct lw_partition *p;
    int64_t offset;
};

static int setup(void **state) {
    struct fixture *f = lw_calloc(1, sizeof *f);
    f->spec = core_spec_new();
    f->p = lw_partition_new(f->spec, 3);
    *state = f;
    return 0;
}

static int teardown(void **state) {
    struct fixture *f = *state;
    lw_partition_free(f->p);
    core_spec_free(f->spec);
    free(f);
    return 0;
}

static enum lw_timeliness put(struct fixture *f, const struct core_event *e) {
    struct lw_cell watched[LW_FEATURES_MAX + 1];
    struct lw_scored scored = {.version = 1, .prediction = 14};
    lw_spec_watch(f->spec, &e->row, watched);
    const struct lw_pane_event event = {f->offset++,   watched, e->reason,
                                        e->row.target, &scored, e->reason == LW_GOOD};
    return lw_partition_add(f->p, &e->row, &event);
}

static enum lw_timeliness at(struct fixture *f, int64_t t) {
    struct core_event e;
    core_event_set(f->spec, &e, t, 1, 2, 20);
    return put(f, &e);
}

static uint64_t count(const struct fixture *f, enum lw_counter c) {
    return lw_partition_counters(f->p)[c];
}

/* n events, one minute apart, starting at `from`; all are on time. */
static void minutes(struct fixture *f, int64_t from, int n) {
    for (int i = 0; i < n; i++)
        assert_int_equal(at(f, from + i * LW_MINUTE), LW_ON_TIME);
}

/* The median of the latest 16 in an ordered stream is its ninth newest. */
#define BEHIND 8

static void the_watermark_follows_the_majority(void **state) {
    struct fixture *f = *state;
    assert_int_equal(lw_partition_watermark(f->p), INT64_MIN);
    minutes(f, CORE_START, 40);
    int64_t mark = CORE_START + (39 - BEHIND - 10) * LW_MINUTE;
    assert_int_equal(lw_partition_watermark(f->p), mark);
    assert_int_equal(lw_partition_newest(f->p), CORE_START + 37 * LW_MINUTE);
    assert_int_equal(at(f, CORE_START), LW_ON_TIME); /* out of order, still open */
    assert_true(lw_partition_watermark(f->p) >= mark);
    assert_null(lw_partition_take_closed(f->p));
}

static void a_pane_closes_when_the_watermark_reaches_its_end(void **state) {
    struct fixture *f = *state;
    minutes(f, CORE_START, 60 + 10 + BEHIND);
    assert_null(lw_partition_take_closed(f->p));
    assert_int_equal(at(f, CORE_START + LW_HOUR - 1), LW_ON_TIME);
    minutes(f, CORE_START + (60 + 10 + BEHIND) * LW_MINUTE, 2);
    assert_int_equal(at(f, CORE_START + LW_HOUR - 1), LW_LATE);
    assert_int_equal(at(f, CORE_START + LW_HOUR), LW_ON_TIME);
    struct lw_pane *pane = lw_partition_take_closed(f->p);
    assert_non_null(pane);
    assert_int_equal(pane->start_ms, CORE_START);
    assert_int_equal(pane->events, 61);
    assert_int_equal(count(f, LW_COUNT_LATE), 1);
    lw_pane_free(pane);
    assert_null(lw_partition_take_closed(f->p));
}

static const int64_t poisoned[] = {INT64_C(1230768000000) /* 2009 */,
                                   INT64_C(2240611200000) /* 2041 */,
                                   0,
                                   -1,
                                   INT64_MAX,
                                   INT64_MIN};

static void a_single_wrong_clock_moves_nothing(void **state) {
    struct fixture *f = *state;
    minutes(f, CORE_START, 40);
    for (size_t i = 0; i < sizeof poisoned / sizeof *poisoned; i++) {
        bool ahead = poisoned[i] > CORE_START;
        assert_int_equal(at(f, poisoned[i]), ahead ? LW_SUSPECT : LW_LATE);
        minutes(f, CORE_START + 40 * LW_MINUTE, 1);
    }
    assert_true(lw_partition_watermark(f->p) <= CORE_START + 30 * LW_MINUTE);
    assert_int_equal(lw_partition_panes(f->p), 1);
    assert_int_equal(count(f, LW_COUNT_SUSPECT), 2);
    assert_int_equal(count(f, LW_COUNT_LATE), 4);
}

static void a_wrong_clock_in_the_first_event_moves_nothing(void **state) {
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof poisoned / sizeof *poisoned; i++) {
        lw_partition_free(f->p);
        f->p = lw_partition_new(f->spec, 3);
        at(f, poisoned[i]);
        at(f, CORE_START);
        at(f, CORE_START + LW_MINUTE);
        assert_int_equal(lw_partition_oldest(f->p), CORE_START);
        assert_int_equal(lw_partition_panes(f->p), 1);
        assert_int_equal(lw_partition_pane(f->p, 0)->events, 2);
        assert_int_equal(count(f, LW_COUNT_SUSPECT), 1);
        assert_int_equal(count(f, LW_COUNT_MESSAGES), 3);
    }
}

static void an_event_after_its_record_time_is_suspect(void **state) {
    struct fixture *f = *state;
    minutes(f, CORE_START, 40);
    lw_partition_bound(f->p, CORE_START + LW_HOUR);
    int64_t limit = CORE_START + LW_HOUR + f->spec->max_jump_ms;
    for (int i = 0; i < 100; i++)
        assert_int_equal(at(f, limit + LW_MINUTE + i), LW_SUSPECT);
    assert_int_equal(count(f, LW_COUNT_SUSPECT), 100);
    assert_true(lw_partition_watermark(f->p) < CORE_START + 40 * LW_MINUTE);
    lw_partition_bound(f->p, -1); /* unknown */
    assert_int_equal(at(f, CORE_START + 41 * LW_MINUTE), LW_ON_TIME);
}

/* A stream that continues a month later: two events are lost, and the watermark follows
 * once enough events agree. */
static void a_jump_is_accepted_when_enough_events_agree(void **state) {
    struct fixture *f = *state;
    int64_t far = CORE_START + 30 * LW_DAY;
    minutes(f, CORE_START, 600);
    int64_t mark = lw_partition_watermark(f->p);
    assert_int_equal(at(f, far), LW_SUSPECT);
    assert_int_equal(at(f, far), LW_SUSPECT);
    minutes(f, far, 100);
    assert_true(lw_partition_watermark(f->p) <= mark + BEHIND * LW_MINUTE);
    minutes(f, far + 100 * LW_MINUTE, 150);
    assert_true(lw_partition_watermark(f->p) >= far - f->spec->lateness_ms);
    assert_int_equal(count(f, LW_COUNT_SUSPECT), 2);
    assert_int_equal(count(f, LW_COUNT_LATE), 0);
}

static void a_short_jump_is_discarded(void **state) {
    struct fixture *f = *state;
    int64_t far = CORE_START + 30 * LW_DAY;
    minutes(f, CORE_START, 600);
    for (int i = 0; i < 100; i++)
        at(f, far + i * LW_MINUTE);
    minutes(f, CORE_START + 600 * LW_MINUTE, 40);
    assert_int_equal(count(f, LW_COUNT_SUSPECT), 100);
    for (size_t i = 0; i < lw_partition_panes(f->p); i++)
        assert_true(lw_partition_pane(f->p, i)->start_ms < far);
}

/* It lasted, was accepted, and was wrong nevertheless. */
static void a_wrong_jump_is_reverted(void **state) {
    struct fixture *f = *state;
    int64_t far = CORE_START + 30 * LW_DAY, from, until;
    minutes(f, CORE_START, 2000);
    for (int i = 0; i < 400; i++)
        at(f, far + i * LW_MINUTE);
    assert_true(lw_partition_watermark(f->p) > far);
    for (size_t i = 0; i < lw_partition_panes(f->p); i++)
        lw_partition_pane(f->p, i)->dirty = false; /* written */
    lw_partition_forget(f->p);
    for (int i = 0; i < 500; i++)
        at(f, CORE_START + (2000 + i) * LW_MINUTE);
    assert_true(lw_partition_watermark(f->p) < far);
    assert_true(lw_partition_struck(f->p, &from, &until));
    assert_int_equal(from, far);
    assert_true(until > far && until < far + LW_DAY);
    assert_int_equal(count(f, LW_COUNT_SUSPECT), 400);
    assert_in_range(count(f, LW_COUNT_LATE), 1, 410);
    minutes(f, CORE_START + 2500 * LW_MINUTE, 100);
}

static void events_of_a_sealed_pane_are_late(void **state) {
    struct fixture *f = *state;
    minutes(f, CORE_START, 40);
    lw_partition_sealed(f->p, CORE_START - LW_HOUR); /* in the past: no effect */
    assert_int_equal(at(f, CORE_START), LW_ON_TIME);
    lw_partition_sealed(f->p, CORE_START + 20 * LW_DAY); /* too far ahead: no effect */
    assert_int_equal(at(f, CORE_START), LW_ON_TIME);
    lw_partition_sealed(f->p, CORE_START + LW_HOUR);
    assert_int_equal(lw_partition_watermark(f->p), CORE_START + LW_HOUR);
    assert_int_equal(at(f, CORE_START + 41 * LW_MINUTE), LW_LATE);
    assert_int_equal(at(f, CORE_START + 61 * LW_MINUTE), LW_ON_TIME);
}

static void messages_are_good_rejected_or_dead_lettered(void **state) {
    struct fixture *f = *state;
    struct core_stream s;
    struct core_event e;
    core_stream_init(&s, 5);
    s.noise = 30; /* some targets fall below 0 */
    for (int i = 0; i < 3000; i++) {
        core_stream_next(&s, f->spec, &e);
        put(f, &e);
        if (i % 17 == 0)
            lw_partition_dead_lettered(f->p);
        if (i % 101 == 0)
            at(f, poisoned[1]);
    }
    uint64_t held = 0;
    for (size_t i = 0; i < lw_partition_panes(f->p); i++)
        held += lw_partition_pane(f->p, i)->events;
    assert_int_equal(count(f, LW_COUNT_MESSAGES), count(f, LW_COUNT_GOOD) +
                                                      count(f, LW_COUNT_REJECTED) +
                                                      count(f, LW_COUNT_DEAD_LETTERED));
    assert_true(count(f, LW_COUNT_REJECTED) > 100);
    assert_true(count(f, LW_COUNT_LATE) + count(f, LW_COUNT_SUSPECT) > 0);
    assert_int_equal(count(f, LW_COUNT_DEAD_LETTERED), 177);
    assert_int_equal(held + count(f, LW_COUNT_LATE) + count(f, LW_COUNT_SUSPECT),
                     count(f, LW_COUNT_GOOD) + count(f, LW_COUNT_REJECTED));
    assert_int_equal(count(f, LW_COUNT_SCORED), count(f, LW_COUNT_GOOD));
}

/* The content of a store: the newest bytes of every pane, and the progress. */
#define STORE_MAX 400
struct store {
    struct lw_buf progress;
    size_t n;
    int64_t start[STORE_MAX];
    struct lw_buf pane[STORE_MAX];
};

static struct lw_buf *state_of(struct store *s, int64_t start) {
    for (size_t i = 0; i < s->n; i++)
        if (s->start[i] == start)
            return &s->pane[i];
    assert_true(s->n < STORE_MAX);
    s->start[s->n] = start;
    return &s->pane[s->n++];
}

static void flush(struct fixture *f, struct store *s) {
    for (size_t i = 0; i < lw_partition_panes(f->p); i++) {
        struct lw_pane *pane = lw_partition_pane(f->p, i);
        struct lw_buf *bytes = state_of(s, pane->start_ms);
        if (!pane->dirty)
            continue;
        lw_buf_clear(bytes);
        core_pane_bytes(pane, bytes);
        pane->dirty = false;
    }
    lw_buf_clear(&s->progress);
    lw_partition_write(f->p, &s->progress);
    lw_partition_forget(f->p);
}

static void restore(struct fixture *f, struct store *s) {
    struct lw_buf again = {0};
    struct lw_err err = {0};
    lw_partition_free(f->p);
    f->p = lw_partition_new(f->spec, 3);
    if (lw_partition_read(f->p, s->progress.data, s->progress.len, &err))
        fail_msg("%s", err.msg);
    for (size_t i = 0; i < lw_partition_panes(f->p); i++) {
        struct lw_pane *pane = lw_partition_pane(f->p, i);
        core_pane_fill(pane, state_of(s, pane->start_ms));
    }
    lw_partition_write(f->p, &again);
    core_assert_same(&again, &s->progress);
    lw_buf_fini(&again);
}

/* cut_every 0: one flush, at the end. */
static void run(struct fixture *f, uint64_t seed, uint64_t cut_every, struct store *s) {
    struct core_stream stream;
    struct lw_rng cuts;
    core_stream_init(&stream, seed);
    lw_rng_seed(&cuts, seed + 1000);
    lw_partition_free(f->p);
    f->p = lw_partition_new(f->spec, 3);
    f->offset = 0;
    for (int i = 0; i < 1500; i++) {
        struct core_event e;
        core_stream_next(&stream, f->spec, &e);
        put(f, &e);
        if (lw_rng_below(&stream.rng, 40) == 0)
            at(f, poisoned[lw_rng_below(&stream.rng, 2)]);
        if (lw_rng_below(&stream.rng, 300) == 0)
            stream.now_ms += 9 * LW_HOUR; /* a real jump */
        if (!cut_every || lw_rng_below(&cuts, cut_every))
            continue;
        flush(f, s);
        if (lw_rng_below(&cuts, 2))
            restore(f, s);
    }
    flush(f, s);
}

static void store_fini(struct store *s) {
    for (size_t i = 0; i < s->n; i++)
        lw_buf_fini(&s->pane[i]);
    lw_buf_fini(&s->progress);
    free(s);
}

static void a_restore_at_any_point_changes_nothing(void **state) {
    struct fixture *f = *state;
    static const uint64_t every[] = {1, 7, 50, 400};
    for (uint64_t seed = 0; seed < 8; seed++) {
        struct store *smooth = lw_calloc(1, sizeof *smooth),
                     *cut = lw_calloc(1, sizeof *cut);
        run(f, seed, 0, smooth);
        run(f, seed, every[seed % 4], cut);
        core_assert_same(&smooth->progress, &cut->progress);
        assert_int_equal(smooth->n, cut->n);
        assert_true(smooth->n > 20);
        for (size_t i = 0; i < smooth->n; i++)
            core_assert_same(&smooth->pane[i], state_of(cut, smooth->start[i]));
        store_fini(smooth);
        store_fini(cut);
    }
}

static void damaged_progress_is_refused_or_harmless(void **state) {
    struct fixture *f = *state;
    struct lw_buf good = {0};
    minutes(f, CORE_START, 70);
    at(f, CORE_START + 90 * LW_DAY);
    lw_partition_write(f->p, &good);
    for (size_t i = 0; i < good.len; i++) {
        struct lw_partition *p = lw_partition_new(f->spec, 3);
        struct lw_err err = {0};
        assert_int_equal(lw_partition_read(p, good.data, i, &err), -1);
        assert_int_equal(err.code, LW_EINPUT);
        lw_partition_free(p);
    }
    for (size_t i = 0; i < good.len; i++)
        for (int bit = 0; bit < 8; bit++) {
            good.data[i] ^= (uint8_t)(1 << bit);
            lw_partition_free(f->p);
            f->p = lw_partition_new(f->spec, 3);
            if (lw_partition_read(f->p, good.data, good.len, NULL) == 0) {
                at(f, CORE_START + LW_HOUR);
                at(f, INT64_MAX);
                lw_partition_watermark(f->p);
            }
            good.data[i] ^= (uint8_t)(1 << bit);
        }
    lw_buf_fini(&good);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(the_watermark_follows_the_majority),
        TEST(a_pane_closes_when_the_watermark_reaches_its_end),
        TEST(a_single_wrong_clock_moves_nothing),
        TEST(a_wrong_clock_in_the_first_event_moves_nothing),
        TEST(an_event_after_its_record_time_is_suspect),
        TEST(a_jump_is_accepted_when_enough_events_agree),
        TEST(a_short_jump_is_discarded),
        TEST(a_wrong_jump_is_reverted),
        TEST(events_of_a_sealed_pane_are_late),
        TEST(messages_are_good_rejected_or_dead_lettered),
        TEST(a_restore_at_any_point_changes_nothing),
        TEST(damaged_progress_is_refused_or_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
