/* Measures false drift of features that follow the clock, in windows shorter than a week.
 *
 *   bench_cycles CONFIG [--days N] [--rate EVENTS]... [--seed N]
 *
 * CONFIG has the fields of made.avsc. A week of a made stream is the reference; for the
 * following N days (365) each window is compared with it every hour, once with the whole
 * reference and once with its parts of the week. Per year: how often drift begins, and
 * in which share of the hours there is any. Then the number `size` shifts by one standard deviation of its noise, or its cycle
 * by six hours: the hours until it drifts. The last lines give the reference's bytes and the
 * cost of a comparison.
 *
 *   independent   size is N(0, 1), zones are equally frequent
 *   diurnal       size has the mean 3 sin(2 pi h / 24)
 *   weekend       size is larger by 1.5 on weekends, and a third of the zones are others
 *   both          the two together */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "base/text.h"
#include "base/time.h"
#include "config/config.h"
#include "core/pane.h"
#include "core/reference.h"
#include "core/window.h"

#define START     (INT64_C(18323) * LW_DAY) /* Monday 2 March 2020 */
#define ZONES     15
#define RATES_MAX 8
#define CELLS_MAX 16
#define FOUND_MAX (7 * 24) /* hours */

struct kind {
    const char *name;
    double swing, weekend;
};
static const struct kind kinds[] = {
    {"independent", 0, 0}, {"diurnal", 3, 0}, {"weekend", 0, 1.5}, {"both", 3, 1.5}};

enum { TIME, ZONE, SIZE, Y, FIELDS };

struct bench {
    struct lw_config *config;
    struct lw_spec *spec; /* the configuration's */
    int field[FIELDS];
    unsigned days;
    uint64_t seed;
    size_t nrates;
    double rate[RATES_MAX];
};

struct stream {
    const struct bench *bench;
    const struct kind *kind;
    double rate, shift;
    int64_t late_ms, next_ms;
    struct lw_rng rng;
    struct lw_windows *windows;
    struct lw_reference *ref;
};

static void draw(struct stream *s, int64_t t, struct lw_cell *cell) {
    double pi = 3.14159265358979, clock = (double)(t - s->late_ms) / (double)LW_DAY;
    bool weekend = lw_civil(t).weekday >= 5 && s->kind->weekend > 0;
    double size = s->kind->swing * sin(2 * pi * (clock - floor(clock))) + s->shift +
                  (weekend ? s->kind->weekend : 0) + lw_rng_normal(&s->rng);
    int zone = (int)lw_rng_below(&s->rng, ZONES);
    const int *field = s->bench->field;
    cell[field[TIME]] = lw_cell_int(t);
    cell[field[ZONE]] = lw_cell_int(weekend && zone % 3 == 0 ? zone + ZONES : zone);
    cell[field[SIZE]] = lw_cell_num(size);
    cell[field[Y]] = lw_cell_num(20 + 3 * lw_rng_normal(&s->rng));
}

/* The pane of the next hour; nights have a third of the events. */
static void push_hour(struct stream *s) {
    const struct lw_spec *spec = s->bench->spec;
    struct lw_pane *pane = lw_pane_new(spec, s->next_ms, lw_rng_next(&s->rng));
    double mean = s->rate / 24 * (lw_civil(s->next_ms).hour < 6 ? .4 : 1.2);
    double n = floor(mean + sqrt(mean) * lw_rng_normal(&s->rng) + .5);
    for (int64_t i = 0; i < (int64_t)n; i++) {
        struct lw_cell cell[CELLS_MAX] = {0}, watched[LW_FEATURES_MAX + 1];
        struct lw_row row;
        struct lw_err err = {0};
        int64_t t = s->next_ms + (int64_t)lw_rng_below(&s->rng, (uint64_t)LW_HOUR);
        draw(s, t, cell);
        int reason = lw_event_row(&spec->event, cell, 0, &row, &err);
        if (reason < 0) {
            fprintf(stderr, "bench_cycles: %s\n", err.msg);
            exit(1);
        }
        lw_spec_watch(spec, &row, watched);
        const struct lw_pane_event event = {i, watched, reason, row.target, NULL, 0};
        lw_pane_buffer(pane, &event);
    }
    lw_pane_drain(pane);
    lw_windows_push(s->windows, pane);
    s->next_ms += LW_HOUR;
}

static void stream_start(struct stream *s, const struct bench *bench,
                         const struct kind *kind, double rate) {
    static const struct lw_quarantine none;
    const struct lw_spec *spec = bench->spec;
    *s = (struct stream){.bench = bench, .kind = kind, .rate = rate, .next_ms = START};
    lw_rng_seed(&s->rng, bench->seed);
    s->windows = lw_windows_new(spec);
    for (int hour = 0; hour < 7 * 24; hour++)
        push_hour(s);
    struct lw_pane *week = lw_windows_since(s->windows, START, &none);
    s->ref = lw_reference_new(spec);
    lw_profile_merge(s->ref->profile, week->profile);
    lw_week_add(s->ref->week, week->week);
    for (size_t i = 0; i <= spec->nfeatures; i++)
        if (spec->column[i].kind == LW_NUMERIC)
            lw_bins_from(&s->ref->profile->members[i].num, spec->drift.bins,
                         &s->ref->bins[i]);
    lw_pane_free(week);
}

static void stream_end(struct stream *s) {
    lw_reference_free(s->ref);
    lw_windows_free(s->windows);
}

static void compare(struct stream *s, size_t window, bool whole, struct lw_drift *out) {
    struct lw_pane *pane = lw_windows_merge(s->windows, window);
    struct lw_match match = {0};
    if (!whole)
        lw_match_make(s->ref, pane, &match);
    struct lw_drift_reference of = lw_match_features(&match, s->ref);
    lw_drift_compare_to(&of, pane->profile, &s->bench->spec->drift, out);
    lw_match_fini(&match);
}

/* Drift of any column, with the whole reference and with its parts. */
struct counts {
    double begins[2]; /* a year */
    double hours[2];  /* share of all hours */
};

static void count_false(struct stream *s, size_t window, struct counts *out) {
    bool was[2] = {false, false};
    struct lw_drift d[LW_FEATURES_MAX + 1];
    for (unsigned hour = 0; hour < s->bench->days * 24; hour++) {
        push_hour(s);
        for (int parts = 0; parts < 2; parts++) {
            bool drifts = false;
            compare(s, window, !parts, d);
            for (size_t i = 0; i <= s->bench->spec->nfeatures; i++)
                drifts |= d[i].verdict == LW_VERDICT_DRIFT;
            out->begins[parts] += drifts && !was[parts] ? 365. / s->bench->days : 0;
            out->hours[parts] += drifts ? 1. / (s->bench->days * 24) : 0;
            was[parts] = drifts;
        }
    }
}

/* Hours until `size` drifts by its parts. */
static double delay_of(struct stream *s, size_t window) {
    struct lw_drift d[LW_FEATURES_MAX + 1];
    size_t size = 0;
    while (strcmp(s->bench->spec->column[size].name, "size") != 0)
        size++;
    for (int hour = 1; hour <= FOUND_MAX; hour++) {
        push_hour(s);
        compare(s, window, false, d);
        if (d[size].verdict == LW_VERDICT_DRIFT)
            return hour;
    }
    return NAN;
}

static void measure(const struct bench *bench, const struct kind *kind, double rate,
                    size_t window) {
    struct stream s;
    struct counts c = {0};
    stream_start(&s, bench, kind, rate);
    count_false(&s, window, &c);
    s.shift = 1;
    double shift = delay_of(&s, window);
    s.shift = 0;
    for (int64_t until = s.next_ms + 3 * LW_DAY; s.next_ms < until;)
        push_hour(&s);
    s.late_ms = 6 * LW_HOUR;
    double late = delay_of(&s, window);
    printf("%-12s %7.0f %7s %7.0f %6.1f %% %7.1f %6.1f %% %9.0f %9.0f\n", kind->name,
           rate, bench->spec->window[window].name, c.begins[0], 100 * c.hours[0],
           c.begins[1], 100 * c.hours[1], shift, late);
    fflush(stdout);
    stream_end(&s);
}

static void measure_cost(const struct bench *bench, double rate) {
    struct lw_buf with = {0}, without = {0};
    struct lw_drift d[LW_FEATURES_MAX + 1];
    struct stream s;
    enum { TIMES = 200 };
    double us[2];
    stream_start(&s, bench, &kinds[1], rate);
    for (int parts = 0; parts < 2; parts++) {
        int64_t start = lw_mono_us();
        for (int i = 0; i < TIMES; i++)
            compare(&s, 0, !parts, d);
        us[parts] = (double)(lw_mono_us() - start) / TIMES;
    }
    lw_reference_write(s.ref, &with);
    lw_week_free(s.ref->week);
    lw_week_free(s.ref->score_week);
    s.ref->week = s.ref->score_week = NULL;
    lw_reference_write(s.ref, &without);
    printf("%7.0f a day, window %s: reference %zu bytes, %zu without parts (x %.1f); "
           "merge and compare %.0f us, %.0f with the whole\n",
           rate, bench->spec->window[0].name, with.len, without.len,
           (double)with.len / (double)without.len, us[1], us[0]);
    lw_buf_fini(&with);
    lw_buf_fini(&without);
    stream_end(&s);
}

static bool option(struct bench *bench, const char *name, const char *value) {
    unsigned n = value ? (unsigned)strtoul(value, NULL, 10) : 0;
    if (n == 0)
        return false;
    if (strcmp(name, "--days") == 0)
        bench->days = n;
    else if (strcmp(name, "--seed") == 0)
        bench->seed = n;
    else if (strcmp(name, "--rate") == 0 && bench->nrates < RATES_MAX)
        bench->rate[bench->nrates++] = n;
    else
        return false;
    return true;
}

static void use_windows(struct lw_spec *spec, int64_t first_ms, const char *name) {
    spec->nwindows = 2;
    spec->window[0].length_ms = first_ms;
    lw_copy(spec->window[0].name, sizeof spec->window[0].name, name);
    spec->window[1] = (struct lw_window_spec){.name = "7d", .length_ms = LW_WEEK};
}

static void measure_all(struct bench *bench) {
    static const struct lw_window_spec window[] = {{"6h", 6 * LW_HOUR}, {"1d", LW_DAY}};
    printf("%-12s %7s %7s %7s %8s %7s %8s %9s %9s\n", "a year of", "a day", "window",
           "whole", "hours", "parts", "hours", "shift, h", "late, h");
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        for (size_t r = 0; r < bench->nrates; r++)
            for (size_t w = 0; w < 2; w++) {
                use_windows(bench->spec, window[w].length_ms, window[w].name);
                measure(bench, &kinds[k], bench->rate[r], 0);
            }
    for (size_t r = 0; r < bench->nrates; r++)
        for (size_t w = 0; w < 2; w++) {
            use_windows(bench->spec, window[w].length_ms, window[w].name);
            measure_cost(bench, bench->rate[r]);
        }
}

int main(int argc, char **argv) {
    static const char *const name[FIELDS] = {"time", "zone", "size", "y"};
    struct bench bench = {.days = 365, .seed = 1};
    struct lw_err err = {0};
    int i = 2;
    while (i < argc && option(&bench, argv[i], i + 1 < argc ? argv[i + 1] : NULL))
        i += 2;
    if (argc < 2 || i < argc) {
        fprintf(stderr,
                "usage: bench_cycles CONFIG [--days N] [--rate EVENTS]... [--seed N]\n");
        return 2;
    }
    if (!bench.nrates)
        bench.rate[bench.nrates++] = 2500;
    bench.config = lw_config_load(argv[1], &err);
    if (!bench.config) {
        fprintf(stderr, "bench_cycles: %s\n", err.msg);
        return 1;
    }
    bench.spec = &bench.config->spec;
    for (int f = 0; f < FIELDS; f++) {
        bench.field[f] = lw_fields_find(&bench.spec->event.fields, name[f]);
        if (bench.field[f] < 0 || bench.field[f] >= CELLS_MAX) {
            fprintf(stderr, "bench_cycles: the fields are not those of made.avsc\n");
            return 1;
        }
    }
    measure_all(&bench);
    lw_config_free(bench.config);
    return 0;
}
