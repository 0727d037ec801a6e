/* Windows shorter than a week, on streams that have a day and a week: what repeats is not
 * drift, and what changes at some hour is. */
#include "support/core_fixture.h"

#include "core/monitor.h"
#include "core/reference.h"
#include "core/week.h"
#include "core/window.h"

#define RATE 60 /* events an hour, on average */

/* Events whose number follows the hour. x has a mean that follows it too, and a different
 * one on weekends; some zones are served on weekends only. */
struct cycle {
    double swing;   /* of x's mean with the hour, in its standard deviation of 1 */
    double weekend; /* added to x on weekends, and the share of zones 3 and 4 */
    double shift;   /* added to x */
    int64_t late;   /* the daily cycle comes that much later */
    double volume;  /* factor on the number of events in the morning */
};

static struct lw_civil civil(const struct lw_spec *spec, int64_t ms) {
    return lw_zone_civil(spec->zone, ms);
}

static double swing_at(const struct lw_spec *spec, int64_t ms) {
    struct lw_civil c = civil(spec, ms);
    return sin(2 * 3.14159265358979 * (c.hour + c.minute / 60.) / 24);
}

static int zone_at(const struct cycle *c, bool weekend, struct lw_rng *rng) {
    bool other = weekend && lw_rng_unit(rng) < c->weekend / 2;
    return other ? 3 + (int)lw_rng_below(rng, 2) : (int)lw_rng_below(rng, 3);
}

static struct lw_pane *pane_at(const struct lw_spec *spec, const struct cycle *c,
                               int64_t start, struct lw_rng *rng) {
    struct lw_pane *pane = lw_pane_new(spec, start, lw_rng_next(rng));
    struct lw_civil at = civil(spec, start);
    double rate = RATE * (1.2 + swing_at(spec, start + 16 * LW_HOUR));
    rate *= c->volume > 0 && at.hour >= 6 && at.hour < 10 ? c->volume : 1;
    int n = (int)(rate * (double)spec->pane_ms / (double)LW_HOUR);
    for (int i = 0; i < n; i++) {
        struct core_event e;
        struct lw_cell watched[LW_FEATURES_MAX + 1];
        int64_t t = start + (int64_t)lw_rng_below(rng, (uint64_t)spec->pane_ms);
        bool weekend = civil(spec, t).weekday >= 5;
        double x = 10 + c->swing * swing_at(spec, t - c->late) + c->shift +
                   (weekend ? c->weekend : 0) + lw_rng_normal(rng);
        core_event_set(spec, &e, t, zone_at(c, weekend, rng), x, 20);
        lw_spec_watch(spec, &e.row, watched);
        const struct lw_pane_event event = {i, watched, e.reason, 20, NULL, 0};
        lw_pane_buffer(pane, &event);
    }
    lw_pane_drain(pane);
    return pane;
}

/* A stream with a reference of some of its days. */
struct run {
    struct lw_spec *spec;
    struct lw_windows *windows;
    struct lw_reference *ref;
    struct lw_rng rng;
    int64_t next_ms;
};

static void run_push(struct run *r, const struct cycle *c, int64_t span_ms) {
    for (int64_t until = r->next_ms + span_ms; r->next_ms < until;
         r->next_ms += r->spec->pane_ms)
        lw_windows_push(r->windows, pane_at(r->spec, c, r->next_ms, &r->rng));
}

static void run_start(struct run *r, int64_t window_ms, uint64_t seed) {
    r->spec = core_spec_new();
    r->spec->window[0].length_ms = window_ms;
    r->spec->window[1].length_ms = LW_WEEK;
    r->spec->feature[CORE_F_X].k = 0;
    lw_spec_columns(r->spec);
    lw_rng_seed(&r->rng, seed);
    r->next_ms = CORE_START;
}

static void run_refer(struct run *r, const struct cycle *c, int64_t days_ms) {
    static const struct lw_quarantine none;
    r->windows = lw_windows_new(r->spec);
    run_push(r, c, days_ms);
    struct lw_pane *recent = lw_windows_since(r->windows, r->next_ms - days_ms, &none);
    r->ref = lw_reference_new(r->spec);
    lw_profile_merge(r->ref->profile, recent->profile);
    if (r->ref->week)
        lw_week_add(r->ref->week, recent->week);
    for (size_t i = 0; i < r->ref->profile->n; i++)
        if (r->ref->profile->members[i].kind == LW_NUMERIC)
            lw_bins_from(&r->ref->profile->members[i].num, r->spec->drift.bins,
                         &r->ref->bins[i]);
    lw_pane_free(recent);
}

static void run_end(struct run *r) {
    lw_reference_free(r->ref);
    lw_windows_free(r->windows);
    core_spec_free(r->spec);
}

/* Compares window i; `whole`: with the whole reference. */
static struct lw_drift run_compare(struct run *r, size_t i, size_t feature, bool whole) {
    struct lw_drift d[LW_FEATURES_MAX + 1];
    struct lw_pane *pane = lw_windows_merge(r->windows, i);
    struct lw_match match = {0};
    if (!whole)
        lw_match_make(r->ref, pane, &match);
    struct lw_drift_reference of = lw_match_features(&match, r->ref);
    lw_drift_compare_to(&of, pane->profile, &r->spec->drift, d);
    lw_match_fini(&match);
    return d[feature];
}

/* Verdicts of drift over so many days, evaluated every `step_ms`. */
static int count_drifts(struct run *r, const struct cycle *c, int days, int64_t step_ms,
                        bool whole) {
    int drifts = 0;
    for (int64_t done = 0; done < days * LW_DAY; done += step_ms) {
        run_push(r, c, step_ms);
        for (size_t f = 0; f < 2; f++)
            drifts += run_compare(r, 0, f, whole).verdict == LW_VERDICT_DRIFT;
    }
    return drifts;
}

/* A year of a feature that follows the hour, under a window of six hours. */
static void a_daily_cycle_is_no_drift(void **state) {
    (void)state;
    const struct cycle c = {.swing = 3};
    struct run r;
    run_start(&r, 6 * LW_HOUR, 1);
    run_refer(&r, &c, LW_WEEK);
    assert_int_equal(lw_spec_blocks(r.spec), 24);
    assert_true(count_drifts(&r, &c, 10, 6 * LW_HOUR, true) >= 30);
    assert_int_equal(count_drifts(&r, &c, 365, 3 * LW_HOUR, false), 0);
    run_end(&r);
}

/* A year of weekends, under a window of a day. */
static void a_weekend_is_no_drift(void **state) {
    (void)state;
    const struct cycle c = {.swing = 1, .weekend = 1.5};
    struct run r;
    run_start(&r, LW_DAY, 2);
    run_refer(&r, &c, LW_WEEK);
    assert_int_equal(lw_spec_blocks(r.spec), 4);
    assert_true(count_drifts(&r, &c, 28, LW_DAY, true) >= 4);
    assert_int_equal(count_drifts(&r, &c, 365, 6 * LW_HOUR, false), 0);
    run_end(&r);
}

/* Windows that begin and end at any hour of a cycle. With panes of an hour or less clocks
 * may change; longer ones would then lie elsewhere in the cycle. */
static void panes_and_zones_do_not_matter(void **state) {
    (void)state;
    static const int64_t pane_ms[] = {15 * LW_MINUTE, 2 * LW_HOUR};
    const struct cycle c = {.swing = 3, .weekend = 1};
    struct lw_err err = {0};
    for (size_t i = 0; i < 2; i++) {
        struct run r;
        run_start(&r, 10 * LW_HOUR, 3 + i);
        r.spec->pane_ms = pane_ms[i];
        r.spec->zone = lw_zone_new("Europe/Berlin", &err); /* changes on 29 March */
        assert_non_null(r.spec->zone);
        run_refer(&r, &c, LW_WEEK);
        assert_int_equal(lw_spec_blocks(r.spec), i ? 12 : 24);
        assert_int_equal(count_drifts(&r, &c, i ? 18 : 42, 2 * LW_HOUR, false), 0);
        struct lw_zone *zone = r.spec->zone;
        run_end(&r);
        lw_zone_free(zone);
    }
}

/* Twice or half the usual events in the morning do not change the feature. */
static void a_change_of_volume_is_no_drift(void **state) {
    (void)state;
    struct cycle c = {.swing = 3};
    struct run r;
    run_start(&r, 8 * LW_HOUR, 5);
    run_refer(&r, &c, LW_WEEK);
    for (int i = 0; i < 3; i++) {
        c.volume = i == 0 ? .3 : 1.5 * i;
        assert_int_equal(count_drifts(&r, &c, 14, LW_HOUR, false), 0);
    }
    run_end(&r);
}

/* One standard deviation of the noise, at any hour; and a cycle that is six hours late,
 * which no comparison of whole days can show. (It looks as usual for a while, where one
 * cycle rises and the other falls.) */
static void a_shift_is_found_at_any_hour(void **state) {
    (void)state;
    const struct cycle usual = {.swing = 3}, moved = {.swing = 3, .shift = 1};
    const struct cycle late = {.swing = 3, .late = 6 * LW_HOUR};
    struct run r;
    run_start(&r, 6 * LW_HOUR, 6);
    run_refer(&r, &usual, LW_WEEK);
    for (int hour = 0; hour < 24; hour++) {
        run_push(&r, &usual, LW_DAY + LW_HOUR);
        assert_int_equal(run_compare(&r, 0, CORE_F_X, false).verdict, LW_VERDICT_OK);
        run_push(&r, &moved, 6 * LW_HOUR);
        assert_int_equal(run_compare(&r, 0, CORE_F_X, false).verdict, LW_VERDICT_DRIFT);
        run_push(&r, &usual, 18 * LW_HOUR);
    }
    run_push(&r, &late, LW_DAY);
    assert_true(count_drifts(&r, &late, 1, LW_HOUR, false) >= 18);
    run_end(&r);
}

/* A week is compared as ever, whatever else the reference has. */
static void a_week_is_compared_with_the_whole(void **state) {
    (void)state;
    const struct cycle c = {.swing = 3, .weekend = 1};
    struct run r;
    run_start(&r, 6 * LW_HOUR, 7);
    run_refer(&r, &c, LW_WEEK);
    run_push(&r, &c, LW_WEEK + 5 * LW_HOUR);
    for (size_t f = 0; f < 2; f++) {
        struct lw_drift a = run_compare(&r, 1, f, false), b = run_compare(&r, 1, f, true);
        assert_memory_equal(&a, &b, sizeof a);
    }
    run_end(&r);
}

/* The mixture in the reference's own proportions is the reference. */
static void own_proportions_give_the_whole(void **state) {
    (void)state;
    const struct cycle c = {.swing = 3, .weekend = 1};
    struct run r;
    double weight[LW_WEEK_PARTS_MAX];
    static const struct lw_quarantine none;
    run_start(&r, 6 * LW_HOUR, 8);
    run_refer(&r, &c, LW_WEEK);
    struct lw_pane *all = lw_windows_since(r.windows, r.next_ms - LW_WEEK, &none);
    lw_pane_by_part(all, weight);
    struct lw_week_mixture mix = lw_week_mix(r.ref->week, r.ref->profile, weight, -1);
    const struct lw_numeric *a = &mix.profile->members[CORE_F_X].num,
                            *b = &r.ref->profile->members[CORE_F_X].num;
    assert_true(fabs(mix.rows - (double)all->events) < 1e-6 * mix.rows);
    assert_true(fabs((double)a->n - (double)b->n) <= 8); /* in steps of a level */
    assert_true(fabs(a->moments.mean - b->moments.mean) < 1e-9);
    assert_true(fabs(lw_moments_sd(&a->moments) - lw_moments_sd(&b->moments)) < 1e-3);
    assert_int_equal(lw_tail_n(a->tail), lw_kll_n(a->kll));
    for (int i = 1; i < 20; i++) {
        double q = i / 20.;
        assert_true(fabs(lw_numeric_quantile(a, q) - lw_numeric_quantile(b, q)) < .25);
    }
    struct lw_cats *mixed = mix.profile->members[CORE_F_ZONE].cats;
    struct lw_cats *whole = r.ref->profile->members[CORE_F_ZONE].cats;
    for (uint64_t zone = 0; zone < 5; zone++)
        assert_true(llabs((long long)lw_cats_count(mixed, zone) -
                          (long long)lw_cats_count(whole, zone)) <= 1);
    lw_profile_free(mix.profile);
    lw_pane_free(all);
    run_end(&r);
}

/* Without a weekend in the reference, weekends are not judged; other days are. Zones that
 * only weekends have are not new on another day. */
static void a_short_history_is_not_judged(void **state) {
    (void)state;
    const struct cycle c = {.swing = 3, .weekend = 1};
    struct run r;
    run_start(&r, 6 * LW_HOUR, 9);
    run_refer(&r, &c, 3 * LW_DAY); /* Monday to Wednesday */
    assert_string_equal(lw_reference_lacks(r.ref), "Saturday and Sunday");
    run_push(&r, &c, 2 * LW_DAY);
    assert_int_equal(run_compare(&r, 0, CORE_F_X, false).verdict, LW_VERDICT_OK);
    run_push(&r, &c, LW_HOUR); /* a few events of the weekend are no matter */
    assert_int_equal(run_compare(&r, 0, CORE_F_X, false).verdict, LW_VERDICT_OK);
    for (int hour = 1; hour < 48; hour++) {
        run_push(&r, &c, LW_HOUR);
        struct lw_drift d = run_compare(&r, 0, CORE_F_X, false);
        assert_int_equal(d.verdict, LW_VERDICT_INSUFFICIENT);
        assert_true(d.p_adjusted == 1 && d.effect == 0);
    }
    run_push(&r, &c, LW_DAY);
    assert_int_equal(run_compare(&r, 0, CORE_F_X, false).verdict, LW_VERDICT_OK);
    run_end(&r);
    run_start(&r, 6 * LW_HOUR, 10);
    run_refer(&r, &c, LW_WEEK);
    assert_null(lw_reference_lacks(r.ref));
    struct cycle odd = c;
    odd.weekend = 0;
    for (int i = 0; i < 3; i++)
        run_push(&r, &odd, LW_DAY);
    assert_true(run_compare(&r, 0, CORE_F_ZONE, false).unseen == 0);
    run_end(&r);
}

/* What is stored is what was made, and damage is refused. */
static void parts_survive_storage(void **state) {
    (void)state;
    const struct cycle c = {.swing = 3, .weekend = 1};
    struct lw_buf bytes = {0}, again = {0};
    struct lw_err err = {0};
    struct run r;
    run_start(&r, 6 * LW_HOUR, 11);
    run_refer(&r, &c, LW_WEEK);
    run_push(&r, &c, 30 * LW_HOUR);
    struct lw_drift before = run_compare(&r, 0, CORE_F_X, false);
    lw_reference_write(r.ref, &bytes);
    struct lw_reference *read = lw_reference_read(r.spec, bytes.data, bytes.len, &err);
    assert_non_null(read);
    lw_reference_write(read, &again);
    core_assert_same(&bytes, &again);
    lw_reference_free(r.ref);
    r.ref = read;
    struct lw_drift after = run_compare(&r, 0, CORE_F_X, false);
    assert_true(before.psi == after.psi && before.w1 == after.w1);
    for (size_t cut = 1; cut < bytes.len; cut += 1 + cut / 7)
        assert_null(lw_reference_read(r.spec, bytes.data, bytes.len - cut, &err));
    lw_buf_fini(&bytes);
    lw_buf_fini(&again);
    run_end(&r);
}

/* Windows of another kind since the reference was made: it serves as far as it can. */
static void another_configuration_is_served(void **state) {
    (void)state;
    const struct cycle c = {.swing = 1, .weekend = 1};
    struct run r;
    run_start(&r, LW_DAY, 12);
    run_refer(&r, &c, LW_WEEK);
    r.spec->window[0].length_ms = 6 * LW_HOUR; /* only kinds of day are known */
    run_push(&r, &c, LW_DAY);
    assert_true(run_compare(&r, 0, CORE_F_X, false).n_ref > 0);
    run_end(&r);
    run_start(&r, LW_WEEK, 13); /* nothing is shorter than a week */
    run_refer(&r, &c, LW_WEEK);
    assert_int_equal(lw_spec_blocks(r.spec), 0);
    assert_null(r.ref->week);
    run_push(&r, &c, LW_DAY);
    assert_int_equal(run_compare(&r, 0, CORE_F_X, false).verdict, LW_VERDICT_OK);
    r.spec->window[0].length_ms = LW_DAY;
    assert_true(run_compare(&r, 0, CORE_F_X, false).n_ref > 0);
    run_end(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_daily_cycle_is_no_drift),
        cmocka_unit_test(a_weekend_is_no_drift),
        cmocka_unit_test(panes_and_zones_do_not_matter),
        cmocka_unit_test(a_change_of_volume_is_no_drift),
        cmocka_unit_test(a_shift_is_found_at_any_hour),
        cmocka_unit_test(a_week_is_compared_with_the_whole),
        cmocka_unit_test(own_proportions_give_the_whole),
        cmocka_unit_test(a_short_history_is_not_judged),
        cmocka_unit_test(parts_survive_storage),
        cmocka_unit_test(another_configuration_is_served),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
