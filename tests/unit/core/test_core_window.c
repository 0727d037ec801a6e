/* Windows: merged in any way, a window equals its panes. */
#include "support/core_fixture.h"

#include "core/reference.h"
#include "core/window.h"

/* A pane with `n` events of versions 1 and 2, or an empty one. */
static struct lw_pane *make_pane(const struct lw_spec *spec, int64_t start, int n) {
    struct lw_pane *pane = lw_pane_new(spec, start, (uint64_t)start);
    struct lw_rng rng;
    lw_rng_seed(&rng, (uint64_t)start);
    for (int i = 0; i < n; i++) {
        struct core_event e;
        struct lw_cell watched[LW_FEATURES_MAX + 1];
        double x = lw_rng_unit(&rng) * 20, y = lw_rng_unit(&rng) * 40 - 1;
        struct lw_scored scored[] = {{2, 20, 0}, {1, 22, 0}};
        core_event_set(spec, &e, start, (int)lw_rng_below(&rng, 5), x, y);
        lw_spec_watch(spec, &e.row, watched);
        const struct lw_pane_event event = {i, watched, e.reason, y, scored, 2};
        lw_pane_buffer(pane, &event);
    }
    lw_pane_drain(pane);
    return pane;
}

/* Some hours are missing, the first of a day among them. */
static bool gap(int hour) {
    return hour % 11 == 5 || hour % 48 == 24;
}

static int events_at(int64_t start) {
    return 20 + (int)(start / LW_HOUR % 7) * 5;
}

static struct lw_windows *pushed(const struct lw_spec *spec, int from, int until) {
    struct lw_windows *w = lw_windows_new(spec);
    for (int h = from; h < until; h++) {
        int64_t start = CORE_START + h * LW_HOUR;
        if (!gap(h))
            lw_windows_push(w, make_pane(spec, start, events_at(start)));
    }
    return w;
}

static struct lw_pane *naive(const struct lw_spec *spec, int from, int until) {
    struct lw_pane *all = lw_pane_new(spec, CORE_START, 1);
    for (int h = from; h < until; h++) {
        int64_t start = CORE_START + h * LW_HOUR;
        if (gap(h))
            continue;
        struct lw_pane *pane = make_pane(spec, start, events_at(start));
        lw_pane_merge(all, pane);
        lw_pane_free(pane);
    }
    return all;
}

/* The newest panes of that span, without gaps. */
static struct lw_pane *since(const struct lw_windows *w, int64_t span_ms) {
    static const struct lw_quarantine none;
    int64_t end = lw_windows_end(w);
    return lw_windows_since(w, end == INT64_MIN ? end : end - span_ms, &none);
}

static void assert_counts(const struct lw_pane *got, const struct lw_pane *want) {
    assert_int_equal(got->events, want->events);
    assert_memory_equal(got->reason, want->reason, sizeof got->reason);
    assert_int_equal(got->answered.n, want->answered.n);
    assert_true(fabs(got->answered.loss - want->answered.loss) <
                1e-9 * want->answered.loss);
    assert_int_equal(got->nscores, want->nscores);
    for (uint32_t v = 1; v <= 2; v++)
        assert_int_equal(lw_pane_scores(got, v)->losses.n,
                         lw_pane_scores(want, v)->losses.n);
    const struct lw_numeric *a = &got->profile->members[CORE_F_X].num,
                            *b = &want->profile->members[CORE_F_X].num;
    assert_int_equal(a->n, b->n);
    assert_true(a->moments.min == b->moments.min && a->moments.max == b->moments.max);
    assert_true(fabs(a->moments.mean - b->moments.mean) < 1e-9);
}

/* Ends in mid-day, at the end of a day, before a day is full: with and without day
 * blocks. */
static void a_window_equals_its_panes(void **state) {
    (void)state;
    struct lw_spec *spec = core_spec_new();
    spec->nwindows = 3;
    spec->window[2] = (struct lw_window_spec){.name = "3h", .length_ms = 3 * LW_HOUR};
    for (int end = 2; end < 130; end += end < 100 ? 13 : 1) {
        struct lw_windows *w = pushed(spec, 0, end);
        int last = (int)((lw_windows_end(w) - CORE_START) / LW_HOUR);
        for (size_t i = 0; i < spec->nwindows; i++) {
            int length = (int)(spec->window[i].length_ms / LW_HOUR);
            int from = last > length ? last - length : 0;
            struct lw_pane *want = naive(spec, from, last);
            assert_counts(lw_windows_merge(w, i), want);
            assert_counts(lw_windows_merge(w, i), want); /* and again */
            struct lw_pane *span = since(w, spec->window[i].length_ms);
            assert_counts(span, want);
            struct lw_counts c;
            lw_windows_counts(w, i, 2, 1, &c);
            assert_int_equal(c.events, want->events);
            assert_int_equal(c.good, want->reason[LW_GOOD]);
            assert_int_equal(c.champion.n, lw_pane_scores(want, 2)->losses.n);
            assert_true(fabs(c.first.loss - lw_pane_scores(want, 1)->losses.loss) <
                        1e-9 * c.first.loss);
            assert_int_equal(c.filled, last >= length);
            lw_pane_free(want);
            lw_pane_free(span);
        }
        lw_windows_free(w);
    }
    core_spec_free(spec);
}

/* A new leader is given the panes of the longest window and no older ones. */
static void earlier_panes_make_no_difference(void **state) {
    (void)state;
    struct lw_spec *spec = core_spec_new();
    for (int end = 60; end < 160; end += 3) {
        struct lw_buf one = {0}, two = {0};
        struct lw_windows *all = pushed(spec, 0, end);
        int last = (int)((lw_windows_end(all) - CORE_START) / LW_HOUR);
        struct lw_windows *new = pushed(spec, last - 48, end);
        assert_int_equal(lw_windows_end(all), lw_windows_end(new));
        for (size_t i = 0; i < spec->nwindows; i++) {
            lw_buf_clear(&one);
            lw_buf_clear(&two);
            core_pane_bytes(lw_windows_merge(all, i), &one);
            core_pane_bytes(lw_windows_merge(new, i), &two);
            core_assert_same(&one, &two);
        }
        lw_windows_free(all);
        lw_windows_free(new);
        lw_buf_fini(&one);
        lw_buf_fini(&two);
    }
    core_spec_free(spec);
}

static void expected_error_follows_the_hours(void **state) {
    (void)state;
    struct lw_spec *spec = core_spec_new();
    struct lw_windows *w = lw_windows_new(spec);
    double hour_loss[LW_HOURS_OF_WEEK], sum = 0, n = 0;
    for (int h = 0; h < LW_HOURS_OF_WEEK; h++)
        hour_loss[h] = h + 1;
    for (int h = 0; h < 10; h++) { /* Monday, 00:00 to 10:00; the window has six hours */
        struct lw_pane *pane = make_pane(spec, CORE_START + h * LW_HOUR, 10 + h * h);
        if (h >= 4) {
            n += (double)lw_pane_scores(pane, 2)->losses.n;
            sum += (double)lw_pane_scores(pane, 2)->losses.n * (h + 1);
        }
        lw_windows_push(w, pane);
    }
    assert_true(fabs(lw_windows_expected_loss(w, 0, 2, hour_loss) - sum / n) < 1e-12);
    assert_true(lw_windows_expected_loss(w, 0, 7, hour_loss) == 0);
    assert_int_equal(lw_hour_of_week(NULL, CORE_START - 1), LW_HOURS_OF_WEEK - 1);
    assert_int_equal(lw_hour_of_week(NULL, CORE_START + 25 * LW_HOUR), 25);
    lw_windows_free(w);
    core_spec_free(spec);
}

static void a_window_without_panes_is_empty(void **state) {
    (void)state;
    struct lw_spec *spec = core_spec_new();
    struct lw_windows *w = lw_windows_new(spec);
    struct lw_counts c;
    assert_int_equal(lw_windows_end(w), INT64_MIN);
    lw_windows_counts(w, 0, 1, 1, &c);
    assert_int_equal(c.events, 0);
    assert_false(c.filled);
    assert_int_equal(lw_windows_merge(w, 0)->events, 0);
    struct lw_pane *span = since(w, LW_DAY);
    assert_int_equal(span->events, 0);
    lw_pane_free(span);
    lw_windows_free(w);
    core_spec_free(spec);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_window_equals_its_panes),
        cmocka_unit_test(earlier_panes_make_no_difference),
        cmocka_unit_test(expected_error_follows_the_hours),
        cmocka_unit_test(a_window_without_panes_is_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
