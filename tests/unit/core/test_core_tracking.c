/* Tracking follows the stream as ridge regression says it should, is served only where it
 * is better, does not follow broken targets, and gives the same bytes after a kill. */
#include "support/core_loop.h"

#include "core/backtest.h"
#include "core/task.h"
#include "core/tracking.h"
#include "data/core/golden_tracking.h"

#define QUARTER (15 * LW_MINUTE)

static void assert_near(double got, double expected, double tolerance) {
    if (!(fabs(got - expected) <= tolerance))
        fail_msg("%.17g, expected %.17g", got, expected);
}

static struct lw_spec *tracked_spec(void) {
    struct lw_spec *spec = core_spec_new();
    spec->pane_ms = QUARTER;
    spec->lateness_ms = 5 * LW_MINUTE;
    spec->tracking.time_constant_ms = LW_HOUR;
    spec->event.target_lo = -1e6;
    spec->event.target_hi = 1e6;
    return spec;
}

static struct lw_losses losses_of(const struct lw_spec *spec, const double *target,
                                  const double *prediction, size_t n) {
    struct lw_losses s = {0};
    lw_losses_add_all(&s, spec->task, target, prediction, n);
    return s;
}

static void pane_add(struct lw_pane *pane, double target, struct lw_scored *scored,
                     size_t n) {
    struct core_event e;
    struct lw_cell watched[LW_FEATURES_MAX + 1];
    core_event_set(pane->spec, &e, pane->start_ms, 1, 1, target);
    lw_spec_watch(pane->spec, &e.row, watched);
    const struct lw_pane_event event = {0, watched, LW_GOOD, target, scored, n};
    lw_pane_buffer(pane, &event);
}

/* A pane of version 1, scored with the set. */
static struct lw_pane *pane_of(const struct lw_spec *spec, int64_t start,
                               const struct lw_tracking_set *set, const double *target,
                               const double *prediction, size_t n) {
    struct lw_pane *pane = lw_pane_new(spec, start, 1);
    pane->tracking = set;
    for (size_t i = 0; i < n; i++) {
        struct lw_scored scored = {1, prediction[i], 0};
        pane_add(pane, target[i], &scored, 1);
    }
    lw_pane_drain(pane);
    return pane;
}

static const uint32_t only_one[] = {1};

static void tracked_pane(struct lw_tracking_state *s, const struct lw_spec *spec,
                         int64_t start, const double *target, const double *prediction,
                         size_t n) {
    const struct lw_tracking_set set = s->set;
    struct lw_pane *pane = pane_of(spec, start, &set, target, prediction, n);
    lw_tracking_pane(s, spec, pane, false, only_one, 1);
    lw_pane_free(pane);
}

static void sums_of_panes_give_the_ridge_regression_of_their_events(void **state) {
    (void)state;
    struct lw_spec *spec = tracked_spec();
    struct lw_tracking_state s = {0};
    struct lw_losses proof = losses_of(spec, proof_target, proof_prediction,
                                       sizeof proof_target / sizeof *proof_target);
    lw_tracking_start(&s, spec, 1, &proof);
    for (size_t i = 0; i < GOLDEN_PANES; i++) {
        tracked_pane(&s, spec, CORE_START + (int64_t)i * QUARTER,
                     pane_target + i * GOLDEN_EACH, pane_prediction + i * GOLDEN_EACH,
                     GOLDEN_EACH);
        const struct lw_tracking *t = lw_tracking_find(&s.set, 1);
        assert_non_null(t);
        assert_near(t->a, golden_a[i], 1e-9);
        assert_near(t->b, golden_b[i], 1e-9);
        double at_center = t->c + lw_tracking_shift(t, t->c);
        assert_near(at_center, t->c + t->a, 1e-9);
    }
    core_spec_free(spec);
}

/* Rows around a level that wanders by `step` an hour. */
struct walk {
    struct lw_rng rng;
    double level, step, broken;
};

static void walk_pane(struct walk *w, double *target, double *prediction, size_t n) {
    w->level += w->step * lw_rng_normal(&w->rng) / 2;
    for (size_t i = 0; i < n; i++) {
        prediction[i] = 20 + 5 * lw_rng_normal(&w->rng);
        target[i] = prediction[i] + w->level + 3 * lw_rng_normal(&w->rng);
        if (w->broken > 0)
            target[i] += w->broken;
    }
}

/* Ten days of 40 events a quarter of an hour; the share of panes that served tracked
 * predictions, and the gain over plain ones. */
static double share_served(struct lw_spec *spec, double step, uint64_t seed) {
    double target[40], prediction[40];
    struct walk w = {.step = step};
    struct lw_tracking_state s = {0};
    size_t served = 0, panes = 10 * 96;
    lw_rng_seed(&w.rng, seed);
    walk_pane(&w, target, prediction, 40);
    struct lw_losses proof = losses_of(spec, target, prediction, 40);
    lw_tracking_start(&s, spec, 1, &proof);
    for (size_t i = 0; i < panes; i++) {
        walk_pane(&w, target, prediction, 40);
        tracked_pane(&s, spec, CORE_START + (int64_t)i * QUARTER, target, prediction, 40);
        served += s.set.served;
    }
    return (double)served / (double)panes;
}

static void tracking_is_served_only_where_it_is_better(void **state) {
    (void)state;
    struct lw_spec *spec = tracked_spec();
    double still = 0, moving = 0;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        moving += share_served(spec, 1, seed) / 20;
        still += share_served(spec, 0, seed) / 20;
    }
    print_message("served: %.3f of the time, on stationary streams %.3f\n", moving,
                  still);
    assert_true(moving > 0.6 && still < 0.05);
    core_spec_free(spec);
}

static void broken_targets_move_it_by_a_bounded_amount(void **state) {
    (void)state;
    struct lw_spec *spec = tracked_spec();
    double target[40], prediction[40];
    struct walk w = {.step = 0};
    struct lw_tracking_state s = {0};
    lw_rng_seed(&w.rng, 7);
    walk_pane(&w, target, prediction, 40);
    struct lw_losses proof = losses_of(spec, target, prediction, 40);
    double noise = lw_losses_error(&proof);
    lw_tracking_start(&s, spec, 1, &proof);
    for (size_t i = 0; i < 100; i++) {
        w.broken = i >= 50 ? 1e9 : 0;
        walk_pane(&w, target, prediction, 40);
        tracked_pane(&s, spec, CORE_START + (int64_t)i * QUARTER, target, prediction, 40);
        const struct lw_tracking *t = lw_tracking_find(&s.set, 1);
        assert_true(fabs(t->a) <= 2 * noise + 1e-9 && fabs(t->b) <= 0.5);
    }
    w.broken = 0;
    for (size_t i = 100; i < 124; i++) { /* six hours later nothing of it is left */
        walk_pane(&w, target, prediction, 40);
        tracked_pane(&s, spec, CORE_START + (int64_t)i * QUARTER, target, prediction, 40);
    }
    assert_true(fabs(lw_tracking_find(&s.set, 1)->a) < 1);
    core_spec_free(spec);
}

static void a_quarantined_pane_changes_nothing(void **state) {
    (void)state;
    struct lw_spec *spec = tracked_spec();
    double target[40], prediction[40];
    struct walk w = {.broken = 10};
    struct lw_tracking_state s = {0};
    lw_rng_seed(&w.rng, 3);
    walk_pane(&w, target, prediction, 40);
    struct lw_losses proof = losses_of(spec, target, prediction, 40);
    lw_tracking_start(&s, spec, 1, &proof);
    struct lw_pane *pane = pane_of(spec, CORE_START, &s.set, target, prediction, 40);
    lw_tracking_pane(&s, spec, pane, true, only_one, 1);
    lw_pane_free(pane);
    assert_true(lw_tracking_find(&s.set, 1)->a == 0);
    assert_int_equal(s.ndays, 0);
    core_spec_free(spec);
}

/* The set of a pane is that of its first event, also after its bytes were read back and
 * another set was adopted meanwhile. */
static void a_killed_worker_scores_with_the_same_numbers(void **state) {
    (void)state;
    struct lw_spec *spec = tracked_spec();
    struct lw_tracking_set first = {true, 2, {1, 2}, {{2, 0.1, 20}, {-1, 0, 20}}};
    struct lw_tracking_set later = {false, 1, {1}, {{9, 0, 20}}};
    struct lw_buf half = {0}, whole = {0}, again = {0};
    struct lw_pane *pane = lw_pane_new(spec, CORE_START, 1);
    struct lw_pane *resumed = lw_pane_new(spec, CORE_START, 1);
    pane->tracking = &first;
    for (int i = 0; i < 100; i++) {
        struct lw_scored scored[] = {{1, 20 + i % 7, 0}, {2, 15, 0}};
        if (i == 50) {
            lw_pane_drain(pane);
            core_pane_bytes(pane, &half);
            core_pane_fill(resumed, &half);
            pane->tracking = resumed->tracking = &later;
        }
        pane_add(pane, 21, scored, 2);
        if (i < 50)
            continue;
        double expected = lw_tracking_apply(&first.of[0], spec, scored[0].prediction);
        assert_true(scored[0].served == expected);
        pane_add(resumed, 21, scored, 2);
        assert_true(scored[0].served == expected);
    }
    lw_pane_drain(pane);
    lw_pane_drain(resumed);
    core_pane_bytes(pane, &whole);
    core_pane_bytes(resumed, &again);
    core_assert_same(&whole, &again);
    assert_true(pane->answered.loss == lw_scores_served(&pane->scores[0])->loss);
    assert_true(pane->untracked.loss == pane->scores[0].losses.loss);
    lw_pane_free(pane);
    lw_pane_free(resumed);
    lw_buf_fini(&half);
    lw_buf_fini(&whole);
    lw_buf_fini(&again);
    core_spec_free(spec);
}

/* Partitions may have begun the same pane with different sets. */
static void merged_panes_add_what_was_served(void **state) {
    (void)state;
    struct lw_spec *spec = tracked_spec();
    struct lw_tracking_set on = {true, 1, {1}, {{2, 0, 20}}};
    struct lw_tracking_set off = {false, 1, {1}, {{-1, 0, 20}}};
    double target[] = {25, 26, 27, 28, 29}, prediction[] = {20, 21, 22, 23, 24};
    struct lw_pane *a = pane_of(spec, CORE_START, &on, target, prediction, 5);
    struct lw_pane *b = pane_of(spec, CORE_START, &off, target, prediction, 5);
    struct lw_pane *c = pane_of(spec, CORE_START, NULL, target, prediction, 5);
    lw_pane_merge(c, a);
    lw_pane_merge(c, b);
    assert_near(c->scores[0].losses.loss, 15 * 25, 1e-9);
    assert_near(lw_scores_served(&c->scores[0])->loss, 10 * 25 + 5 * 9, 1e-9);
    assert_near(lw_scores_tracked(&c->scores[0])->loss, 5 * (25 + 9 + 36), 1e-9);
    assert_near(c->answered.loss, 10 * 25 + 5 * 9, 1e-9);
    lw_pane_free(a);
    lw_pane_free(b);
    lw_pane_free(c);
    core_spec_free(spec);
}

/* Rows of version 1, in order of time, as a training or a comparison of two versions
 * simulates them. Panes that begin in [truth_from, truth_until) have no rows, because their
 * events had no target; those in [spoiled_from, spoiled_until) are in quarantine. */
enum { ROWS_MAX = 4000 };
struct rows {
    size_t n;
    int64_t time[ROWS_MAX];
    double target[ROWS_MAX], prediction[ROWS_MAX], simulated[ROWS_MAX];
    bool quarantined[ROWS_MAX];
    int64_t truth_from, truth_until, spoiled_from, spoiled_until;
};

static void rows_make(struct rows *r, const struct lw_spec *spec, uint64_t seed) {
    struct walk w = {.step = 1};
    lw_rng_seed(&w.rng, seed);
    r->n = 0;
    for (int64_t i = 0; i < ROWS_MAX; i++) {
        int64_t at = CORE_START + i * 25 * LW_SECOND, pane = lw_spec_pane_start(spec, at);
        bool spoiled = pane >= r->spoiled_from && pane < r->spoiled_until;
        w.broken = spoiled ? 25 : 0;
        walk_pane(&w, r->target + r->n, r->prediction + r->n, 1);
        if (pane >= r->truth_from && pane < r->truth_until)
            continue;
        r->quarantined[r->n] = spoiled;
        r->time[r->n++] = at;
    }
    const struct lw_tracking_rows rows = {r->n, r->time, r->target, r->prediction,
                                          r->quarantined};
    lw_tracking_simulate(spec, &rows, r->simulated);
}

/* The loop seals every pane, with or without rows, and is one pane behind: lateness. */
static void rows_equal_the_loop(const struct rows *r, const struct lw_spec *spec) {
    struct lw_tracking_state s = {0};
    struct lw_tracking_set delayed = {0};
    struct lw_losses proof = {0};
    for (size_t i = 0; i < r->n; i++)
        if (!r->quarantined[i])
            lw_losses_add(&proof, spec->task, r->target[i], r->prediction[i]);
    lw_tracking_start(&s, spec, 1, &proof);
    size_t i = 0;
    for (int64_t start = CORE_START; i < r->n; start += QUARTER) {
        const struct lw_tracking *t = lw_tracking_find(&delayed, 1);
        size_t first = i;
        for (; i < r->n && r->time[i] < start + QUARTER; i++)
            assert_near(r->simulated[i],
                        t ? lw_tracking_apply(t, spec, r->prediction[i])
                          : r->prediction[i],
                        1e-9);
        delayed = s.set;
        struct lw_pane *pane = pane_of(spec, start, &delayed, r->target + first,
                                       r->prediction + first, i - first);
        lw_tracking_pane(&s, spec, pane, i > first && r->quarantined[first], only_one, 1);
        lw_pane_free(pane);
    }
}

/* The candidates of a training are judged as workers would have served them, also where
 * tracking has nothing to follow. */
static void a_simulation_equals_panes_that_are_sealed_in_time(void **state) {
    (void)state;
    static struct rows rows;
    struct lw_spec *spec = tracked_spec();
    for (uint64_t seed = 11; seed < 15; seed++) {
        rows = (struct rows){0};
        rows_make(&rows, spec, seed);
        rows_equal_the_loop(&rows, spec);
        assert_true(rows.n == ROWS_MAX);
        rows = (struct rows){.truth_from = CORE_START + 5 * LW_HOUR,
                             .truth_until = CORE_START + 9 * LW_HOUR,
                             .spoiled_from = CORE_START + 12 * LW_HOUR,
                             .spoiled_until = CORE_START + 15 * LW_HOUR};
        rows_make(&rows, spec, seed);
        rows_equal_the_loop(&rows, spec);
    }
    core_spec_free(spec);
}

static void state_is_read_back_and_damage_is_noticed(void **state) {
    (void)state;
    struct lw_spec *spec = tracked_spec();
    double target[40], prediction[40];
    struct walk w = {.step = 1};
    struct lw_tracking_state s = {0}, again;
    struct lw_buf bytes = {0}, twice = {0};
    lw_rng_seed(&w.rng, 5);
    walk_pane(&w, target, prediction, 40);
    struct lw_losses proof = losses_of(spec, target, prediction, 40);
    lw_tracking_start(&s, spec, 1, &proof);
    for (int i = 0; i < 300; i++) {
        walk_pane(&w, target, prediction, 40);
        tracked_pane(&s, spec, CORE_START + i * QUARTER, target, prediction, 40);
    }
    lw_tracking_write(&s, &bytes);
    struct lw_reader r = lw_reader_of(bytes.data, bytes.len);
    lw_tracking_read(&again, &r);
    assert_false(r.bad || lw_reader_left(&r));
    lw_tracking_write(&again, &twice);
    core_assert_same(&bytes, &twice);
    for (size_t len = 0; len < bytes.len; len++) {
        r = lw_reader_of(bytes.data, len);
        lw_tracking_read(&again, &r);
        assert_true(r.bad);
    }
    lw_buf_fini(&bytes);
    lw_buf_fini(&twice);
    core_spec_free(spec);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_of_panes_give_the_ridge_regression_of_their_events),
        cmocka_unit_test(tracking_is_served_only_where_it_is_better),
        cmocka_unit_test(broken_targets_move_it_by_a_bounded_amount),
        cmocka_unit_test(a_quarantined_pane_changes_nothing),
        cmocka_unit_test(a_killed_worker_scores_with_the_same_numbers),
        cmocka_unit_test(merged_panes_add_what_was_served),
        cmocka_unit_test(a_simulation_equals_panes_that_are_sealed_in_time),
        cmocka_unit_test(state_is_read_back_and_damage_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
