/* The gain that lasts: days that only differ have none, a lasting one is found. And from
 * how many hold-outs a reading has chosen one. */
#include "support/core_fixture.h"

#include "core/policy.h"
#include "core/stale.h"
#include "core/task.h"

#define DAYS 7
#define RUNS 400

/* A week of `rate` errors of spread 1 a day, around `level` and a shock for each day. */
static void draw(struct lw_rng *rng, double level, double shock, int rate,
                 struct lw_losses day[DAYS]) {
    for (int d = 0; d < DAYS; d++) {
        double shared = level + shock * lw_rng_normal(rng);
        day[d] = (struct lw_losses){0};
        for (int i = 0; i < rate; i++) {
            double answer = 4 * lw_rng_normal(rng);
            lw_losses_add(&day[d], &lw_task_regression,
                          answer + shared + lw_rng_normal(rng), answer);
        }
    }
}

/* Share of the weeks whose gain is at least 1.5 %. */
static double found(double level, double shock, int rate, bool plain) {
    struct lw_rng rng;
    double n = 0;
    lw_rng_seed(&rng, 21);
    for (int run = 0; run < RUNS; run++) {
        struct lw_losses day[DAYS], week = {0};
        draw(&rng, level, shock, rate, day);
        for (int d = 0; d < DAYS; d++)
            lw_losses_merge(&week, &day[d]);
        double gain =
            plain ? lw_losses_recalibration_gain(&week) : lw_stale_gain(day, DAYS);
        n += gain >= .015;
    }
    return n / RUNS;
}

static void days_that_only_differ_have_no_gain(void **state) {
    (void)state;
    static const double shock[] = {0, .1, .2, .3, .5};
    for (size_t i = 0; i < sizeof shock / sizeof *shock; i++) {
        double stale = found(0, shock[i], 100, false);
        if (stale > .08)
            fail_msg("shocks of %.1f: %.3f", shock[i], stale);
    }
    assert_true(found(0, .3, 100, true) > .2);
}

static void a_level_that_lasts_is_found(void **state) {
    (void)state;
    assert_true(found(.3, 0, 100, false) > .95);
    assert_true(found(.3, .1, 100, false) > .9);
    assert_true(found(.6, .3, 100, false) > .9);
}

static void it_is_never_above_the_plain_gain(void **state) {
    (void)state;
    struct lw_rng rng;
    lw_rng_seed(&rng, 22);
    for (int run = 0; run < RUNS; run++) {
        struct lw_losses day[DAYS], week = {0};
        draw(&rng, .3, .2, 40, day);
        for (int d = 0; d < DAYS; d++)
            lw_losses_merge(&week, &day[d]);
        assert_true(lw_stale_gain(day, DAYS) <=
                    lw_losses_recalibration_gain(&week) + .02);
    }
}

static void the_order_of_the_days_does_not_matter(void **state) {
    (void)state;
    struct lw_rng rng;
    struct lw_losses day[DAYS], turned[DAYS];
    lw_rng_seed(&rng, 23);
    draw(&rng, .3, .2, 40, day);
    for (int d = 0; d < DAYS; d++)
        turned[d] = day[(d + 3) % DAYS];
    assert_true(fabs(lw_stale_gain(day, DAYS) - lw_stale_gain(turned, DAYS)) < 1e-12);
}

static void one_day_has_its_own_gain(void **state) {
    (void)state;
    struct lw_rng rng;
    struct lw_losses day[DAYS];
    lw_rng_seed(&rng, 24);
    draw(&rng, .3, .2, 40, day);
    assert_true(lw_stale_gain(day, 1) == lw_losses_recalibration_gain(day));
}

/* A block for each local day with answers of the version, and all of them in one. */
static void blocks_are_whole_days(void **state) {
    (void)state;
    struct lw_spec *spec = core_spec_new();
    struct lw_windows *w = lw_windows_new(spec);
    struct lw_losses block[LW_STALE_BLOCKS];
    size_t window = lw_spec_longest(spec), events = 0, panes = 0;
    int64_t until = CORE_START + spec->window[window].length_ms;
    for (int64_t t = CORE_START; t < until; t += spec->pane_ms) {
        struct lw_pane *pane = lw_pane_new(spec, t, (uint64_t)t);
        struct lw_cell watched[LW_FEATURES_MAX + 1];
        struct lw_scored scored = {1, 2, 0};
        struct core_event e;
        core_event_set(spec, &e, t, 1, 1, 1);
        lw_spec_watch(spec, &e.row, watched);
        const struct lw_pane_event event = {0, watched, e.reason, 1, &scored, 1};
        lw_pane_buffer(pane, &event);
        lw_pane_drain(pane);
        lw_windows_push(w, pane);
        panes++;
    }
    size_t n = lw_stale_blocks(w, window, 1, block);
    assert_int_equal(n, lw_zone_day(spec->zone, until - 1) -
                            lw_zone_day(spec->zone, CORE_START) + 1);
    for (size_t i = 0; i < n; i++)
        events += block[i].n;
    assert_int_equal(events, panes);
    assert_int_equal(lw_stale_blocks(w, window, 2, block), 0);
    lw_windows_free(w);
    core_spec_free(spec);
}

/* One in the cooldown, and another one each time that a whole one has passed. */
static void a_reading_looks_at_one_hold_out_after_the_other(void **state) {
    (void)state;
    struct lw_spec *spec = core_spec_new();
    struct lw_policy p;
    uint32_t before = 1;
    lw_policy_init(&p, spec);
    lw_policy_champion(&p, spec, 1, CORE_START);
    for (int i = 0; i < 40; i++) {
        int64_t over = i * LW_DAY - p.cooldown_ms;
        uint32_t looks = lw_policy_looks(&p, spec, CORE_START + i * LW_DAY);
        assert_int_equal(looks, over > 0 ? 1 + over / spec->retrain.holdout_ms : 1);
        assert_true(looks >= before);
        before = looks;
    }
    assert_true(before > 1);
    p.cooldown_ms = 40 * LW_DAY;
    assert_int_equal(lw_policy_looks(&p, spec, CORE_START + 40 * LW_DAY), 1);
    spec->retrain.holdout_ms = 0;
    assert_int_equal(lw_policy_looks(&p, spec, CORE_START + 99 * LW_DAY), 1);
    core_spec_free(spec);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(days_that_only_differ_have_no_gain),
        cmocka_unit_test(a_level_that_lasts_is_found),
        cmocka_unit_test(it_is_never_above_the_plain_gain),
        cmocka_unit_test(the_order_of_the_days_does_not_matter),
        cmocka_unit_test(one_day_has_its_own_gain),
        cmocka_unit_test(blocks_are_whole_days),
        cmocka_unit_test(a_reading_looks_at_one_hold_out_after_the_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
