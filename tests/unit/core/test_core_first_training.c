/* The first training is requested as soon as it can succeed, at any speed of the stream,
 * and never before. */
#include "support/core_fixture.h"

#include "core/policy.h"
#include "core/train.h"

#define PANES_MAX (24 * 500)

struct stream {
    struct lw_spec *spec;
    struct lw_policy policy;
    struct lw_pane *pane;
    uint64_t count[PANES_MAX];
    size_t n;
};

static void begin(struct stream *s) {
    *s = (struct stream){.spec = core_spec_new()};
    struct lw_retrain_spec *r = &s->spec->retrain;
    r->bootstrap_until_ms = 0;
    r->holdout_ms = 2 * LW_DAY;
    r->window_ms = 90 * LW_DAY;
    r->min_rows = r->bootstrap_rows = 1000;
    lw_policy_init(&s->policy, s->spec);
    s->pane = lw_pane_new(s->spec, CORE_START, 1);
}

static void end(struct stream *s) {
    lw_pane_free(s->pane);
    core_spec_free(s->spec);
}

static int64_t now(const struct stream *s) {
    return CORE_START + (int64_t)s->n * LW_HOUR;
}

/* The exact number of rows older than the hold-out and inside the window. */
static uint64_t exact(const struct stream *s) {
    const struct lw_retrain_spec *r = &s->spec->retrain;
    uint64_t sum = 0;
    for (size_t i = 0; i < s->n; i++) {
        int64_t start = CORE_START + (int64_t)i * LW_HOUR;
        if (start >= now(s) - r->window_ms && start + LW_HOUR <= now(s) - r->holdout_ms)
            sum += s->count[i];
    }
    return sum;
}

/* The state passes through its bytes, because a new leader continues to count. */
static void seal(struct stream *s, uint64_t good) {
    struct lw_buf bytes = {0};
    lw_pane_reset(s->pane, now(s), 1);
    s->pane->events = s->pane->reason[LW_GOOD] = good;
    s->count[s->n++] = good;
    lw_policy_pane(&s->policy, s->spec, s->pane, false);
    lw_policy_write(&s->policy, &bytes);
    struct lw_reader r = lw_reader_of(bytes.data, bytes.len);
    lw_policy_init(&s->policy, s->spec);
    lw_policy_read(&s->policy, &r);
    assert_true(!r.bad && lw_reader_left(&r) == 0);
    lw_buf_fini(&bytes);
}

static bool asks(struct stream *s) {
    return lw_policy_request(&s->policy, s->spec, now(s), NULL, false) == 1;
}

/* Hours until version 1 is requested, at this many events a day. */
static size_t first_request(struct stream *s, uint64_t a_day, uint64_t seed) {
    struct lw_rng rng;
    double due = 0;
    lw_rng_seed(&rng, seed);
    while (s->n < PANES_MAX) {
        due += (double)a_day / 24 * 2 * lw_rng_unit(&rng);
        seal(s, (uint64_t)due);
        due -= (double)(uint64_t)due;
        if (asks(s))
            return s->n;
    }
    fail_msg("%zu a day: never", (size_t)a_day);
    return 0;
}

static void the_first_training_is_requested_when_it_can_succeed(void **state) {
    (void)state;
    static const uint64_t a_day[] = {50, 90, 500, 5000, 50000, 500000};
    static const size_t rows[] = {1000, 20000};
    for (size_t i = 0; i < sizeof a_day / sizeof *a_day; i++)
        for (size_t k = 0; k < 2; k++) {
            struct stream *s = lw_malloc(sizeof *s);
            begin(s);
            s->spec->retrain.bootstrap_rows = rows[k];
            size_t hours = first_request(s, a_day[i], 11 + i);
            print_message("%zu a day, %zu rows: after %.1f days, %zu rows\n",
                          (size_t)a_day[i], rows[k], (double)hours / 24,
                          (size_t)exact(s));
            assert_true(exact(s) >= s->spec->retrain.min_rows);
            double day = (double)rows[k] / (double)a_day[i];
            double expected = 2 + (day < 88 ? day : 88); /* or the window is full */
            assert_true((double)hours / 24 <= 1.15 * expected + 2);
            s->n--; /* and not an hour earlier, except for the rounding of cells */
            assert_true(exact(s) < rows[k] + a_day[i] * 2);
            end(s);
            free(s);
        }
}

static void the_count_never_exceeds_the_rows(void **state) {
    (void)state;
    static const int64_t holdouts[] = {LW_HOUR / 2, 5 * LW_HOUR, 2 * LW_DAY, 30 * LW_DAY};
    const uint64_t seed = 77;
    struct lw_rng rng;
    print_message("seed %zu\n", (size_t)seed);
    lw_rng_seed(&rng, seed);
    for (size_t h = 0; h < 4; h++) {
        struct stream *s = lw_malloc(sizeof *s);
        begin(s);
        struct lw_retrain_spec *r = &s->spec->retrain;
        r->holdout_ms = holdouts[h];
        r->window_ms = 60 * LW_DAY;
        while (s->n < 24 * 100) {
            bool night = lw_rng_below(&rng, 3) == 0;
            seal(s, night ? 0 : lw_rng_below(&rng, 100));
            uint64_t counted = lw_supply_rows(&s->policy.supply, r, now(s));
            uint64_t there = exact(s), part = (uint64_t)(60 * 24 / LW_SUPPLY_PARTS + 2);
            assert_true(counted <= there);
            assert_true(counted + 100 * 2 * part >= there);
        }
        end(s);
        free(s);
    }
}

/* Rows that Kafka has already deleted were counted: the training finds fewer, and sets
 * `early`. */
static void too_few_rows_do_not_start_a_cooldown(void **state) {
    (void)state;
    struct stream *s = lw_malloc(sizeof *s);
    struct lw_training t = {.rows = 900, .holdout_rows = 200, .early = true};
    struct lw_decision d;
    begin(s);
    first_request(s, 5000, 3);
    uint64_t usable = s->policy.usable;
    const struct lw_training_outcome outcome = {0, &t, "too few", now(s)};
    lw_policy_trained(&s->policy, s->spec, &outcome, &d);
    assert_int_equal(d.kind, LW_DECIDED_REJECT);
    assert_string_equal(d.reason, "too few");
    assert_int_equal(s->policy.cooldown_ms, s->spec->retrain.cooldown_ms);
    assert_int_equal(s->policy.pending.id, 0);
    while (!asks(s))
        seal(s, 50);
    assert_int_equal((s->policy.usable - usable + 49) / 50, 300 / 50); /* it lacked 300 */
    end(s);
    free(s);
}

/* A gap of a month between old and new rows: the window has too few of either. */
static void rows_that_left_the_window_do_not_count(void **state) {
    (void)state;
    struct stream *s = lw_malloc(sizeof *s);
    begin(s);
    s->spec->retrain.window_ms = 20 * LW_DAY;
    for (int i = 0; i < 24; i++)
        seal(s, 40);
    for (int i = 0; i < 24 * 30; i++) {
        seal(s, 0);
        assert_false(asks(s));
    }
    for (int i = 0; i < 24 * 4; i++) {
        seal(s, 20);
        assert_false(asks(s));
    }
    for (int i = 0; i < 10; i++)
        seal(s, 20);
    assert_true(asks(s));
    assert_true(exact(s) >= 1000);
    end(s);
    free(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_training_is_requested_when_it_can_succeed),
        cmocka_unit_test(the_count_never_exceeds_the_rows),
        cmocka_unit_test(too_few_rows_do_not_start_a_cooldown),
        cmocka_unit_test(rows_that_left_the_window_do_not_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
