/* The law of the clock: an adversary who sets the clocks of one event in a hundred, to
 * any times, in any order and in bunches of any size, costs at most 2 % of the other
 * events, plus a few dozen events if the adversary's are among the very first. No event
 * is counted twice or lost from the counts. The adversary's events are outside the
 * target's range, so that a pane distinguishes them from the good ones. */
#include "support/core_fixture.h"

#include <time.h>

#include "core/clock.h"
#include "core/partition.h"

#define EVENTS  12000
#define BAD     (EVENTS / 100)
#define START   128 /* additional cost of wrong clocks among the very first events */
#define DAYS(n) ((n)*LW_DAY)

/* ---- honest streams: times in order of arrival ---- */

enum stream { STEADY, DAY_AND_NIGHT, NIGHTLY, DISORDERED, FAST, STREAMS };
static const char *const stream_name[] = {"steady", "day and night", "nightly batches",
                                          "disordered", "fast"};

static int by_time(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

static int64_t honest_time(enum stream kind, struct lw_rng *r) {
    double u = lw_rng_unit(r), v = lw_rng_unit(r), w = lw_rng_unit(r);
    switch (kind) {
    case DAY_AND_NIGHT: /* three hours at noon are as busy as all the others */
        return DAYS((int64_t)(u * 30)) + (int64_t)((v + w) / 2 * (double)LW_DAY);
    case NIGHTLY:
        return DAYS((int64_t)(u * 12)) + (int64_t)(v * 2 * (double)LW_HOUR);
    case FAST:
        return (int64_t)(u * 8 * (double)LW_HOUR);
    default:
        return (int64_t)(u * (double)DAYS(40));
    }
}

static void make_stream(enum stream kind, struct lw_rng *r, int64_t *t) {
    for (size_t i = 0; i < EVENTS; i++)
        t[i] = CORE_START + honest_time(kind, r);
    qsort(t, EVENTS, sizeof *t, by_time);
    for (size_t i = 0; kind == DISORDERED && i + 4 < EVENTS; i++) {
        size_t j = i + lw_rng_below(r, 4);
        int64_t swap = t[i];
        t[i] = t[j];
        t[j] = swap;
    }
}

/* ---- the adversary's changes to one event in a hundred ---- */

enum lie { FAR, PROGRESSING, NEAR, CREEPING, RANDOM, PAST, ANY, LIES };
static const char *const lie_name[] = {
    "2040", "2040 and going on", "11.5 h ahead", "creeping", "random",
    "2009", "any number"};

static int64_t lie(enum lie kind, int64_t t, int64_t nth, struct lw_rng *r) {
    const int64_t far = CORE_START + DAYS(20 * 365);
    switch (kind) {
    case FAR:
        return far;
    case PROGRESSING:
        return far + nth * 10 * LW_MINUTE;
    case NEAR:
        return t + 23 * LW_HOUR / 2;
    case CREEPING:
        return t + (nth + 1) * 24 * LW_MINUTE;
    case RANDOM:
        return t + (int64_t)((lw_rng_unit(r) - 0.2) * (double)DAYS(400));
    case PAST:
        return CORE_START - DAYS(4000);
    default:
        return (int64_t)lw_rng_next(r);
    }
}

/* Bunches of `length`, enough for one event in a hundred, evenly spaced from `first`
 * on. */
struct attack {
    enum lie lie;
    size_t length, first;
};

static bool is_bad(const struct attack *a, size_t i, int64_t *nth) {
    size_t every = a->length * EVENTS / BAD;
    if (i < a->first)
        return false;
    size_t at = (i - a->first) % every, bunch = (i - a->first) / every;
    *nth = (int64_t)at;
    return at < a->length && bunch * a->length + at < BAD;
}

/* ---- the events that remain ---- */

struct kept {
    size_t n;
    struct {
        int64_t start;
        uint64_t events, honest;
    } pane[4 * EVENTS];
};

static void keep(struct kept *k, const struct lw_pane *pane) {
    for (size_t i = 0; i < k->n; i++)
        if (k->pane[i].start == pane->start_ms)
            fail_msg("a pane is closed twice");
    k->pane[k->n].start = pane->start_ms;
    k->pane[k->n].events = pane->events;
    k->pane[k->n++].honest = pane->reason[LW_GOOD];
}

static void unkeep(struct kept *k, const struct lw_partition *p) {
    int64_t from, until;
    size_t n = 0;
    if (!lw_partition_struck(p, &from, &until))
        return;
    for (size_t i = 0; i < k->n; i++)
        if (k->pane[i].start < from || k->pane[i].start > until)
            k->pane[n++] = k->pane[i];
    k->n = n;
}

static void add(const struct lw_spec *spec, struct lw_partition *p, int64_t offset,
                int64_t t, bool honest) {
    struct core_event e;
    struct lw_cell watched[LW_FEATURES_MAX + 1];
    core_event_set(spec, &e, t, 1, 2, honest ? 20 : -1000);
    assert_int_equal(e.reason == LW_GOOD, honest);
    lw_spec_watch(spec, &e.row, watched);
    const struct lw_pane_event event = {offset, watched, e.reason, e.row.target, NULL, 0};
    lw_partition_add(p, &e.row, &event);
}

static void take(struct kept *k, struct lw_partition *p, bool all) {
    struct lw_pane *pane;
    while ((pane = all ? lw_partition_take_oldest(p) : lw_partition_take_closed(p))) {
        keep(k, pane);
        lw_pane_free(pane);
    }
}

/* The number of honest events that ended in a pane. attack NULL: no attack. */
static uint64_t survivors(const struct lw_spec *spec, const int64_t *t,
                          const struct attack *a, uint64_t seed, struct kept *k) {
    struct lw_partition *p = lw_partition_new(spec, 0);
    struct lw_rng r;
    lw_rng_seed(&r, seed);
    k->n = 0;
    for (size_t i = 0; i < EVENTS; i++) {
        int64_t nth = 0;
        bool bad = a && is_bad(a, i, &nth);
        add(spec, p, (int64_t)i, bad ? lie(a->lie, t[i], nth, &r) : t[i], !bad);
        unkeep(k, p);
        lw_partition_forget(p);
        take(k, p, false);
    }
    take(k, p, true);
    uint64_t events = 0, honest = 0;
    for (size_t i = 0; i < k->n; i++) {
        events += k->pane[i].events;
        honest += k->pane[i].honest;
    }
    const uint64_t *n = lw_partition_counters(p);
    assert_int_equal(events + n[LW_COUNT_LATE] + n[LW_COUNT_SUSPECT],
                     n[LW_COUNT_GOOD] + n[LW_COUNT_REJECTED]);
    assert_int_equal(n[LW_COUNT_MESSAGES], EVENTS);
    lw_partition_free(p);
    return honest;
}

static void one_wrong_clock_in_a_hundred_costs_at_most_two_percent(void **state) {
    (void)state;
    static const size_t lengths[] = {1, 3, 9, 20, 64, BAD};
    struct lw_spec *spec = core_spec_new();
    struct kept *k = lw_calloc(1, sizeof *k);
    int64_t *t = lw_calloc(EVENTS, sizeof *t);
    const char *again = getenv("SEED");
    uint64_t seed = again ? strtoull(again, NULL, 10) : (uint64_t)time(NULL);
    double worst = 0;
    print_message("seed %llu\n", (unsigned long long)seed);
    spec->max_jump_ms = 12 * LW_HOUR;
    spec->lateness_ms = LW_HOUR;
    for (int s = 0; s < STREAMS; s++) {
        struct lw_rng r;
        lw_rng_seed(&r, seed + (uint64_t)s);
        make_stream((enum stream)s, &r, t);
        uint64_t calm = survivors(spec, t, NULL, 0, k);
        assert_true(calm >= EVENTS * 99 / 100);
        for (int l = 0; l < LIES; l++)
            for (size_t b = 0; b < sizeof lengths / sizeof *lengths; b++) {
                struct attack a = {(enum lie)l, lengths[b], 0};
                size_t room = EVENTS - lengths[b] * EVENTS / BAD + 1;
                a.first = lw_rng_below(&r, 3) ? lw_rng_below(&r, room) : 0;
                uint64_t left = survivors(spec, t, &a, seed + (uint64_t)l, k);
                double lost = (double)calm - (double)left - BAD;
                worst = lost > worst ? lost : worst;
                if (lost > 0.02 * (EVENTS - BAD) + START)
                    fail_msg("%s, %s in bunches of %zu from %zu on: %.0f of %d lost",
                             stream_name[s], lie_name[l], a.length, a.first, lost,
                             EVENTS - BAD);
            }
    }
    print_message("worst: %.2f %%\n", 100 * worst / (EVENTS - BAD));
    free(t);
    free(k);
    core_spec_free(spec);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_wrong_clock_in_a_hundred_costs_at_most_two_percent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
