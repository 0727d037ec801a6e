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

/* ---- what is kept between evaluations ---- */

#define KEPT_MAX 4096

/* The panes that a leader has in Redis: their starts and numbers of events. */
struct kept {
    size_t n;
    int64_t start[KEPT_MAX];
    int events[KEPT_MAX];
};

static void kept_drop(struct kept *k, int64_t from_ms, int64_t until_ms) {
    size_t n = 0;
    for (size_t i = 0; i < k->n; i++) {
        if (k->start[i] < from_ms || k->start[i] >= until_ms)
            continue;
        k->start[n] = k->start[i];
        k->events[n++] = k->events[i];
    }
    k->n = n;
}

static void kept_push(const struct lw_spec *spec, struct kept *k, struct lw_windows *w,
                      int64_t start, int events) {
    lw_windows_push(w, make_pane(spec, start, events));
    kept_drop(k, lw_windows_end(w) - lw_spec_longest_window(spec), INT64_MAX);
    k->start[k->n] = start;
    k->events[k->n++] = events;
}

static struct lw_windows *restarted(const struct lw_spec *spec, const struct kept *k) {
    struct lw_windows *w = lw_windows_new(spec);
    for (size_t i = 0; i < k->n; i++)
        lw_windows_push(w, make_pane(spec, k->start[i], k->events[i]));
    return w;
}

static void assert_same_windows(const struct lw_spec *spec, struct lw_windows *a,
                                struct lw_windows *b) {
    struct lw_buf one = {0}, two = {0};
    for (size_t i = 0; i < spec->nwindows; i++) {
        lw_buf_clear(&one);
        lw_buf_clear(&two);
        core_pane_bytes(lw_windows_merge(a, i), &one);
        core_pane_bytes(lw_windows_merge(b, i), &two);
        core_assert_same(&one, &two);
    }
    lw_buf_fini(&one);
    lw_buf_fini(&two);
}

/* Panes follow each other, or after a gap; some are empty; event time is taken back;
 * windows are merged now and then, or another leader takes over. */
static void kept_step(const struct lw_spec *spec, struct kept *k, struct lw_windows **w,
                      struct lw_rng *rng) {
    int64_t pane = spec->pane_ms, end = lw_windows_end(*w);
    if (lw_rng_below(rng, 40) == 0) {
        end -= (int64_t)lw_rng_below(rng, 60) * pane;
        lw_windows_return(*w, end);
        kept_drop(k, INT64_MIN, end);
    }
    if (lw_rng_below(rng, 25) == 0)
        end += (int64_t)lw_rng_below(rng, 120) * pane;
    kept_push(spec, k, *w, end, (int)lw_rng_below(rng, 6));
    if (lw_rng_below(rng, 3) == 0)
        lw_windows_merge(*w, lw_rng_below(rng, (uint32_t)spec->nwindows));
    if (lw_rng_below(rng, 9) != 0)
        return;
    struct lw_windows *again = restarted(spec, k);
    assert_same_windows(spec, *w, again);
    if (lw_rng_below(rng, 2)) {
        lw_windows_free(*w);
        *w = again;
    } else {
        lw_windows_free(again);
    }
}

/* A window has the bytes that the same panes give from scratch, whatever has been merged
 * and kept before: panes of a quarter of an hour, of an hour, and of 25 minutes, which
 * divide no day. */
static void a_window_depends_on_its_panes_alone(void **state) {
    (void)state;
    static const int minutes[] = {15, 60, 25};
    struct lw_spec *spec = core_spec_new();
    struct kept *k = lw_calloc(1, sizeof *k);
    spec->nwindows = 4;
    for (size_t m = 0; m < sizeof minutes / sizeof *minutes; m++) {
        struct lw_rng rng;
        int64_t pane = minutes[m] * LW_MINUTE;
        const int64_t length[] = {5 * LW_HOUR, LW_DAY, 2 * LW_DAY + 10 * LW_HOUR, pane};
        lw_rng_seed(&rng, 7 + m);
        spec->pane_ms = pane;
        for (size_t i = 0; i < spec->nwindows; i++)
            spec->window[i] = (struct lw_window_spec){
                .name = "w", .length_ms = length[i] - length[i] % pane};
        struct lw_windows *w = lw_windows_new(spec);
        k->n = 0;
        kept_push(spec, k, w, CORE_START - CORE_START % pane, 3);
        for (int step = 0; step < 600; step++)
            kept_step(spec, k, &w, &rng);
        lw_windows_free(w);
    }
    free(k);
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
        cmocka_unit_test(a_window_depends_on_its_panes_alone),
        cmocka_unit_test(expected_error_follows_the_hours),
        cmocka_unit_test(a_window_without_panes_is_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
