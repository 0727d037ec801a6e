/* Measures detection delay and false alarms.
 *
 *   bench_detection CONFIG FILE [SEEDS [SHARE [DRIFT...]]]
 *
 * For each kind of injected drift and each seed: a calm stream of four weeks (calm.h,
 * resampled from 1 to 11 March 2020), version 1 trained after ten days, and the drift
 * from noon of day 18. Rules, windows and thresholds are those of the configuration;
 * nothing is retrained after version 1 (to measure detection, not repair), and only
 * the last candidate is fitted. Delay: from the onset to the end of the window of the
 * first alert that fires after it. False alarms: alerts that fire before the onset.
 *
 * DRIFT: replaces the list below (core/inject.h, without `at` and `seed`), or `none`.
 * The same seed gives every kind the same calm stream. SHARE thins it out (0.33: about
 * 3,000 trips a day; 1 is the volume before the lockdown). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "calm.h"
#include "core/backtest.h"

#define COUNT(a)  (sizeof(a) / sizeof *(a))
#define SEEDS_MAX 200
#define HOUR_MAX  8192

#define START "2020-03-02"
#define TRAIN "2020-03-12"
#define ONSET "2020-03-20T12:00"
#define END   "2020-03-30"

/* Relevant sizes: minutes on trips of fourteen, miles on trips of three. */
static const char *const drifts[] = {
    "sudden:field=target,size=3",
    "sudden:field=target,size=-3",
    "sudden:field=target,size=1",
    "gradual:field=target,size=4,over=7d",
    "recurring:field=target,size=4,period=2d",
    "seasonal:field=target,size=4,period=1d",
    "unit:field=target,size=0.7",
    "labels:size=6",
    "sudden:field=trip_distance,size=2",
    "gradual:field=trip_distance,size=2,over=7d",
    "unit:field=trip_distance,size=1.609",
    "nulls:field=passenger_count,share=0.5",
    "categories:field=PULocationID,share=0.3,size=3",
};

struct run {
    int64_t onset_ms, found_ms;    /* found: 0 not yet */
    uint64_t events, found_events; /* since the onset */
    unsigned false_alarms, false_criticals;
    char rule[LW_NAME_MAX * 2];
};

struct bench {
    struct lw_config *config;
    struct calm_pool pool;
    unsigned seeds;
    double share;
    int64_t start_ms, onset_ms, end_ms;
};

static void on_evaluated(void *arg, const struct lw_evaluation *e) {
    struct run *r = arg;
    for (size_t i = 0; i < e->nalerts; i++) {
        const struct lw_alert *a = &e->alert[i];
        if (!a->firing)
            continue;
        if (a->at_ms <= r->onset_ms) {
            r->false_alarms++;
            r->false_criticals += a->severity == LW_SEVERITY_CRITICAL;
        } else if (!r->found_ms) {
            r->found_ms = a->at_ms;
            r->found_events = r->events;
            snprintf(r->rule, sizeof r->rule, "%s%s%s", a->name, *a->feature ? " " : "",
                     a->feature);
        }
    }
}

static void run_or_exit(int rc, const struct lw_err *err) {
    if (rc == 0)
        return;
    fprintf(stderr, "bench_detection: %s\n", err->msg);
    exit(1);
}

/* drift: NULL for none. */
static void one_run(const struct bench *bench, struct lw_injection *drift, uint64_t seed,
                    struct run *r) {
    static const struct run none;
    const struct lw_spec *spec = &bench->config->spec;
    struct lw_backtest_hooks hooks = {.arg = r, .evaluated = on_evaluated};
    struct lw_backtest *b = lw_backtest_new(spec, &hooks);
    struct calm_trip *trip = lw_malloc(HOUR_MAX * sizeof *trip);
    struct lw_rng rng;
    struct lw_err err = {0};
    uint64_t number = 0;
    *r = none;
    r->onset_ms = bench->onset_ms;
    lw_rng_seed(&rng, seed);
    for (int64_t t = bench->start_ms; t < bench->end_ms && !r->found_ms; t += LW_HOUR) {
        size_t n = calm_hour(&bench->pool, &rng, t, bench->share, trip, HOUR_MAX);
        for (size_t i = 0; i < n; i++) {
            struct lw_row row;
            r->events += trip[i].time_ms >= bench->onset_ms;
            lw_inject_apply(drift, drift ? 1 : 0, &spec->event, number++, trip[i].cell);
            int reason = lw_event_row(&spec->event, trip[i].cell, 0, &row, &err);
            run_or_exit(reason < 0, &err);
            run_or_exit(lw_backtest_event(b, &row, reason, &err), &err);
        }
    }
    free(trip);
    lw_backtest_free(b);
}

static int compare_f64(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Quantile of n values; undetected ones are INFINITY. */
static const char *quantile_text(double *v, size_t n, double q, char out[16]) {
    qsort(v, n, sizeof *v, compare_f64);
    double x = v[(size_t)(q * (double)(n - 1) + 0.5)];
    if (isfinite(x))
        snprintf(out, 16, "%.0f", x);
    else
        snprintf(out, 16, "-");
    return out;
}

static const char *commonest_rule(const struct run *r, size_t n, size_t *times) {
    const char *best = "-";
    *times = 0;
    for (size_t i = 0; i < n; i++) {
        size_t same = 0;
        for (size_t j = 0; j < n; j++)
            same += *r[i].rule && strcmp(r[i].rule, r[j].rule) == 0;
        if (same > *times) {
            *times = same;
            best = r[i].rule;
        }
    }
    return best;
}

static void print_row(const char *name, const struct run *r, size_t n) {
    double hours[SEEDS_MAX], events[SEEDS_MAX];
    char h50[16], h90[16], e50[16];
    size_t found = 0, times;
    unsigned alarms = 0, criticals = 0;
    for (size_t i = 0; i < n; i++) {
        bool yes = r[i].found_ms != 0;
        found += yes;
        hours[i] = yes ? (double)(r[i].found_ms - r[i].onset_ms) / LW_HOUR : INFINITY;
        events[i] = yes ? (double)r[i].found_events : INFINITY;
        alarms += r[i].false_alarms;
        criticals += r[i].false_criticals;
    }
    const char *rule = commonest_rule(r, n, &times);
    printf("%-48s %3zu/%-3zu %6s %6s %8s %5u %4u   %s (%zu)\n", name, found, n,
           quantile_text(hours, n, .5, h50), quantile_text(hours, n, .9, h90),
           quantile_text(events, n, .5, e50), alarms, criticals, rule, times);
    fflush(stdout);
}

static void measure_drift(const struct bench *bench, const char *drift) {
    struct run run[SEEDS_MAX];
    struct lw_injection in;
    struct lw_err err = {0};
    char line[256];
    for (unsigned s = 0; s < bench->seeds; s++) {
        if (drift) {
            const char *colon = strchr(drift, ':');
            snprintf(line, sizeof line, "%.*s:at=%s,seed=%u,%s", (int)(colon - drift),
                     drift, ONSET, s + 1, colon + 1);
            run_or_exit(lw_inject_parse(line, &bench->config->spec.event, &in, &err),
                        &err);
        }
        one_run(bench, drift ? &in : NULL, s + 1, &run[s]);
    }
    print_row(drift ? drift : "none", run, bench->seeds);
}

/* Detection only: version 1 is trained with one candidate, and nothing later. */
static void watch_only(struct lw_spec *spec) {
    for (size_t i = 0; i < spec->nrules; i++)
        spec->rule[i].actions &= ~(unsigned)LW_ACTION_RETRAIN;
    spec->candidate[0] = spec->candidate[spec->ncandidates - 1];
    spec->ncandidates = 1;
    spec->retrain.max_age_ms = 0;
    lw_parse_time(TRAIN, &spec->retrain.bootstrap_until_ms);
}

int main(int argc, char **argv) {
    struct lw_err err = {0};
    struct bench bench = {.seeds = 30, .share = 0.33};
    if (argc < 3) {
        fprintf(stderr,
                "usage: bench_detection CONFIG FILE [SEEDS [SHARE [DRIFT...]]]\n");
        return 2;
    }
    if (argc > 3)
        bench.seeds = (unsigned)strtoul(argv[3], NULL, 10);
    if (argc > 4)
        bench.share = strtod(argv[4], NULL);
    if (bench.seeds < 1 || bench.seeds > SEEDS_MAX || !(bench.share > 0)) {
        fprintf(stderr, "bench_detection: 1 to %d seeds, a share above 0\n", SEEDS_MAX);
        return 2;
    }
    int64_t from, until;
    lw_parse_time("2020-03-01", &from);
    lw_parse_time(TRAIN, &until);
    lw_parse_time(START, &bench.start_ms);
    lw_parse_time(ONSET, &bench.onset_ms);
    lw_parse_time(END, &bench.end_ms);
    bench.config = lw_config_load(argv[1], &err);
    run_or_exit(!bench.config, &err);
    watch_only(&bench.config->spec);
    run_or_exit(calm_load(&bench.pool, bench.config, argv[2], from, until, &err), &err);
    printf("%-48s %7s %6s %6s %8s %5s %4s   %s\n", "drift", "found", "h p50", "h p90",
           "events", "FA", "crit", "found first by (runs)");
    if (argc <= 5)
        measure_drift(&bench, NULL);
    for (size_t i = 0; argc <= 5 && i < COUNT(drifts); i++)
        measure_drift(&bench, drifts[i]);
    for (int i = 5; i < argc; i++)
        measure_drift(&bench, strcmp(argv[i], "none") == 0 ? NULL : argv[i]);
    calm_free(&bench.pool);
    lw_config_free(bench.config);
    return 0;
}
