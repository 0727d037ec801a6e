/* The drift layer's measurements, one verb a run; compare.py runs peers beside them.
 *
 *   speed KIND FILE             updates/s of a change detector over a file of doubles
 *   change KIND FILE N AT       FILE holds streams of N values, each changing at AT: per
 *                               stream the alarms before AT and the delay after (-1:
 * missed) null                        rates of false alarms and mean PSI when nothing
 * changed halves MONTH REPEATS        two random samples of one month, per size and
 * column months REF CUR REPEATS      samples of two months, per size and column; days;
 * whole report REF CUR ROWS         seconds from rows in memory to verdicts, ROWS a side
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "base/text.h"
#include "base/time.h"
#include "drift/change.h"
#include "drift/stats.h"
#include "trips.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

static const double *load(const char *path, size_t *n) {
    struct lw_err err = {0};
    const char *bytes = lw_read_file(path, (size_t)1 << 31, n, &err);
    if (!bytes) {
        fprintf(stderr, "bench_drift: %s\n", err.msg);
        exit(1);
    }
    *n /= sizeof(double);
    return (const double *)(const void *)bytes;
}

static struct lw_change *detector(const char *kind) {
    struct lw_change_params params = lw_change_defaults(kind);
    struct lw_err err = {0};
    struct lw_change *c = lw_change_new(kind, &params, &err);
    if (!c) {
        fprintf(stderr, "bench_drift: %s\n", err.msg);
        exit(2);
    }
    return c;
}

static int verb_speed(char **arg) {
    size_t n;
    const double *v = load(arg[1], &n);
    struct lw_change *c = detector(arg[0]);
    int64_t t = lw_mono_us();
    unsigned alarms = 0;
    for (size_t i = 0; i < n; i++)
        alarms += (unsigned)lw_change_update(c, v[i]);
    printf("%.0f %u\n", (double)n / ((double)(lw_mono_us() - t) / 1e6), alarms);
    lw_change_free(c);
    return 0;
}

static int verb_change(char **arg) {
    size_t total, n = strtoull(arg[2], NULL, 10), at = strtoull(arg[3], NULL, 10);
    const double *v = load(arg[1], &total);
    for (size_t s = 0; n > 0 && s + n <= total; s += n) {
        struct lw_change *c = detector(arg[0]);
        long early = 0, delay = -1;
        for (size_t i = 0; i < n && delay < 0; i++) {
            int fired = lw_change_update(c, v[s + i]);
            if (fired && i < at)
                early++;
            else if (fired)
                delay = (long)(i - at) + 1;
        }
        printf("%ld %ld\n", early, delay);
        lw_change_free(c);
    }
    return 0;
}

/* ---- nothing changed: synthetic ---- */

struct null_case {
    size_t n, m, draws;
};

struct null_rates {
    double psi_raw, expected, psi, p05, p01, ks05, ks01;
};

static void null_add(struct null_rates *r, const struct lw_cells *cells, double ks_p,
                     double share) {
    struct lw_chi2 test = lw_drift_chi_square(cells);
    r->psi_raw += share * lw_drift_psi(cells);
    r->expected += share * test.null_psi;
    r->psi += share * (lw_drift_psi_corrected(cells, 0.0) - test.null_psi);
    r->p05 += share * (test.p < 0.05);
    r->p01 += share * (test.p < 0.01);
    r->ks05 += share * (ks_p < 0.05);
    r->ks01 += share * (ks_p < 0.01);
}

static void null_numeric(struct lw_rng *rng, const struct null_case *k,
                         struct null_rates *r) {
    struct lw_numeric side[2] = {0};
    for (int s = 0; s < 2; s++) {
        side[s].kll = lw_kll_new(LW_KLL_K_DEFAULT, lw_rng_next(rng));
        for (size_t i = 0; i < (s ? k->m : k->n); i++)
            lw_kll_update(side[s].kll, lw_rng_normal(rng));
    }
    struct lw_bins bins;
    struct lw_cells cells = {0};
    lw_bins_from(&side[0], 10, &bins);
    lw_cells_numeric(&cells, &side[0], &side[1], &bins);
    lw_cells_merge_ordered(&cells);
    null_add(r, &cells, lw_drift_ks_test(side[0].kll, side[1].kll).p,
             1.0 / (double)k->draws);
    lw_cells_fini(&cells);
    lw_kll_free(side[0].kll);
    lw_kll_free(side[1].kll);
}

static void null_zones(struct lw_rng *rng, const struct null_case *k,
                       struct null_rates *r) {
    struct lw_cats *side[2];
    for (int s = 0; s < 2; s++) {
        side[s] = lw_cats_new(LW_CATS_CAP_DEFAULT);
        for (size_t i = 0; i < (s ? k->m : k->n); i++) /* shares fall about as 1/rank */
            lw_cats_add_int(side[s], (int64_t)(2.0 * pow(132.5, lw_rng_unit(rng))), 1);
    }
    struct lw_cells cells = {0};
    lw_cells_categories(&cells, side[0], side[1]);
    null_add(r, &cells, 1.0, 1.0 / (double)k->draws);
    lw_cells_fini(&cells);
    lw_cats_free(side[0]);
    lw_cats_free(side[1]);
}

static int verb_null(char **arg) {
    static const struct null_case cases[] = {
        {100, 100, 4000},   {200, 200, 4000},   {500, 500, 4000},
        {1000, 1000, 4000}, {5000, 5000, 4000}, {25000, 25000, 1000},
        {50000, 500, 400},  {50000, 5000, 400}, {300000, 300000, 100}};
    (void)arg;
    printf("%-8s %7s %7s  %8s %9s %8s  %6s %6s  %6s %6s\n", "column", "n", "m", "PSI raw",
           "by chance", "left", "p<.05", "p<.01", "KS<.05", "KS<.01");
    for (size_t i = 0; i < 2 * COUNT(cases); i++) {
        const struct null_case *k = &cases[i % COUNT(cases)];
        bool zones = i >= COUNT(cases);
        struct null_rates r = {0};
        struct lw_rng rng;
        lw_rng_seed(&rng, i);
        for (size_t d = 0; d < k->draws; d++)
            (zones ? null_zones : null_numeric)(&rng, k, &r);
        printf("%-8s %7zu %7zu  %8.4f %9.4f %8.4f  %6.4f %6.4f",
               zones ? "zones" : "normal", k->n, k->m, r.psi_raw, r.expected, r.psi,
               r.p05, r.p01);
        if (!zones)
            printf("  %6.4f %6.4f", r.ks05, r.ks01);
        printf("\n");
    }
    return 0;
}

/* ---- rank error of one rank ---- */

static void shuffle(struct lw_rng *rng, size_t *order, size_t n) {
    for (size_t i = n; i > 1; i--) {
        size_t j = lw_rng_below(rng, i), t = order[i - 1];
        order[i - 1] = order[j];
        order[j] = t;
    }
}

static size_t *identity(size_t n) {
    size_t *order = lw_calloc(n, sizeof *order);
    for (size_t i = 0; i < n; i++)
        order[i] = i;
    return order;
}

/* Values 0..n-1 in the given order, through `panes` sketches merged into one. */
static struct lw_kll *merged(struct lw_rng *rng, const size_t *order, size_t n,
                             size_t panes, uint16_t k) {
    struct lw_kll *all = lw_kll_new(k, lw_rng_next(rng));
    for (size_t p = 0; p < panes; p++) {
        struct lw_kll *pane = lw_kll_new(k, lw_rng_next(rng));
        for (size_t i = n * p / panes; i < n * (p + 1) / panes; i++)
            lw_kll_update(pane, (double)order[i]);
        lw_kll_merge(all, pane);
        lw_kll_free(pane);
    }
    return all;
}

static double rank_sd(uint16_t k, size_t n, size_t panes, size_t draws) {
    size_t *order = identity(n);
    struct lw_rng rng;
    double sum = 0.0;
    lw_rng_seed(&rng, n + k + panes);
    for (size_t d = 0; d < draws; d++) {
        shuffle(&rng, order, n);
        struct lw_kll *s = merged(&rng, order, n, panes, k);
        struct lw_kll_view *view = lw_kll_view_new(s);
        for (size_t j = 1; j < 20; j++) {
            size_t at = n * j / 20;
            double e = lw_kll_view_rank(view, (double)at - 1.0) - (double)at / (double)n;
            sum += e * e / 19.0 / (double)draws;
        }
        lw_kll_view_free(view);
        lw_kll_free(s);
    }
    free(order);
    return sqrt(sum);
}

static int verb_ranks(char **arg) {
    static const struct {
        uint16_t k;
        size_t n, panes, draws;
    } cases[] = {{50, 400, 1, 300},      {50, 10000, 1, 300},     {50, 200000, 1, 60},
                 {200, 1000, 1, 300},    {200, 10000, 1, 300},    {200, 50000, 1, 100},
                 {200, 1000000, 1, 20},  {800, 4000, 1, 300},     {800, 50000, 1, 60},
                 {200, 20000, 24, 100},  {200, 20000, 288, 60},   {200, 100000, 24, 60},
                 {200, 500000, 288, 20}, {200, 1000000, 1000, 15}};
    (void)arg;
    printf("%5s %8s %6s  %9s %7s %14s\n", "k", "n", "panes", "sd", "sd * k",
           "bound / 5.5");
    for (size_t i = 0; i < COUNT(cases); i++) {
        double sd = rank_sd(cases[i].k, cases[i].n, cases[i].panes, cases[i].draws);
        struct lw_kll *s = lw_kll_new(cases[i].k, 1);
        printf("%5u %8zu %6zu  %9.6f %7.3f %14.6f\n", (unsigned)cases[i].k, cases[i].n,
               cases[i].panes, sd, sd * cases[i].k, lw_kll_rank_error(s, 1) / 5.5);
        lw_kll_free(s);
    }
    return 0;
}

/* ---- real months ---- */

struct verdicts {
    size_t draws, drift[TRIPS_COLUMNS], low_p[TRIPS_COLUMNS], any;
    double psi[TRIPS_COLUMNS];
};

static void judge(struct lw_profile *ref, struct lw_profile *cur, struct verdicts *v) {
    struct lw_drift_options options = lw_drift_defaults();
    struct lw_drift d[TRIPS_COLUMNS];
    bool any = false;
    lw_drift_compare(ref, cur, NULL, &options, d);
    for (size_t i = 0; i < TRIPS_COLUMNS; i++) {
        v->drift[i] += d[i].verdict == LW_VERDICT_DRIFT;
        v->low_p[i] += d[i].p < 0.05;
        v->psi[i] += d[i].psi;
        any |= d[i].verdict == LW_VERDICT_DRIFT;
    }
    v->any += any;
    v->draws++;
    lw_profile_free(ref);
    lw_profile_free(cur);
}

static void print_head(const char *first) {
    printf("%-18s", first);
    for (size_t i = 0; i < TRIPS_COLUMNS; i++)
        printf(" %22s", trips_columns[i].name);
    printf("  any\n");
}

/* drift verdicts of draws, share of p < .05, mean PSI. */
static void print_verdicts(const char *label, const struct verdicts *v) {
    printf("%-18s", label);
    for (size_t i = 0; i < TRIPS_COLUMNS; i++)
        printf("   %4zu/%-4zu %5.3f %6.4f", v->drift[i], v->draws,
               (double)v->low_p[i] / (double)v->draws, v->psi[i] / (double)v->draws);
    printf("  %zu\n", v->any);
}

static int verb_halves(char **arg) {
    static const size_t sizes[] = {500, 1000, 2000, 5000, 10000, 25000};
    struct trips t = trips_load(arg[0]);
    size_t repeats = strtoull(arg[1], NULL, 10), *order = identity(t.n);
    struct lw_rng rng;
    lw_rng_seed(&rng, 1);
    print_head("rows a side");
    for (size_t s = 0; s < COUNT(sizes) && 2 * sizes[s] <= t.n; s++) {
        struct verdicts v = {0};
        char label[32];
        for (size_t r = 0; r < repeats; r++) {
            shuffle(&rng, order, t.n);
            judge(trips_profile(&t, order, 0, sizes[s], lw_rng_next(&rng)),
                  trips_profile(&t, order, sizes[s], sizes[s], lw_rng_next(&rng)), &v);
        }
        snprintf(label, sizeof label, "%zu", sizes[s]);
        print_verdicts(label, &v);
    }
    free(order);
    trips_free(&t);
    return 0;
}

/* First day of the month that the middle row of a file is in. */
static int first_day(const struct trips *t) {
    struct lw_civil c = lw_civil((int64_t)t->day[t->n / 2] * LW_DAY);
    return (int)(lw_from_civil(c.year, c.month, 1) / LW_DAY);
}

static struct lw_profile *days_profile(const struct trips *t, int from, int until) {
    size_t n = 0, *order = lw_calloc(t->n, sizeof *order);
    for (size_t i = 0; i < t->n; i++)
        if (t->day[i] >= from && t->day[i] < until)
            order[n++] = i;
    struct lw_profile *p = trips_profile(t, order, 0, n, 2);
    free(order);
    return p;
}

/* Windows of `days` days of the current month, in order, against the whole reference. */
static void by_days(const struct trips *ref, const struct trips *cur, int days) {
    struct verdicts v = {0};
    char label[32];
    int first = first_day(cur);
    for (int from = first; from + days <= first + 28; from += days)
        judge(trips_profile(ref, NULL, 0, ref->n, 1),
              days_profile(cur, from, from + days), &v);
    snprintf(label, sizeof label, "%d day(s)", days);
    print_verdicts(label, &v);
}

/* One line a day: PSI and verdict of each column. */
static int verb_days(char **arg) {
    struct trips a = trips_load(arg[0]), b = trips_load(arg[2]);
    int ref_days = atoi(arg[1]), from = first_day(&a), last = b.day[b.n - 1 - b.n / 100];
    struct lw_profile *ref = days_profile(&a, from, from + ref_days);
    struct lw_drift_options options = lw_drift_defaults();
    from = b.day[b.n / 100];
    for (int day = from; day <= last; day++) {
        struct lw_profile *cur = days_profile(&b, day, day + 1);
        struct lw_drift d[TRIPS_COLUMNS];
        char time[32];
        lw_drift_compare(ref, cur, NULL, &options, d);
        printf("%.10s %6" PRIu64, lw_format_time(time, sizeof time, day * LW_DAY),
               d[0].n_cur);
        for (size_t i = 0; i < TRIPS_COLUMNS; i++)
            printf("  %.3f %-5.5s", d[i].psi, lw_verdict_name(d[i].verdict));
        printf("\n");
        lw_profile_free(cur);
    }
    lw_profile_free(ref);
    trips_free(&a);
    trips_free(&b);
    return 0;
}

static int verb_months(char **arg) {
    static const size_t sizes[] = {500, 1000, 2000, 5000, 10000, 25000, 50000};
    struct trips a = trips_load(arg[0]), b = trips_load(arg[1]);
    size_t repeats = strtoull(arg[2], NULL, 10);
    size_t *oa = identity(a.n), *ob = identity(b.n);
    struct lw_rng rng;
    lw_rng_seed(&rng, 2);
    print_head("rows a side");
    for (size_t s = 0; s < COUNT(sizes) && sizes[s] <= a.n && sizes[s] <= b.n; s++) {
        struct verdicts v = {0};
        char label[32];
        for (size_t r = 0; r < repeats; r++) {
            shuffle(&rng, oa, a.n);
            shuffle(&rng, ob, b.n);
            judge(trips_profile(&a, oa, 0, sizes[s], lw_rng_next(&rng)),
                  trips_profile(&b, ob, 0, sizes[s], lw_rng_next(&rng)), &v);
        }
        snprintf(label, sizeof label, "%zu", sizes[s]);
        print_verdicts(label, &v);
    }
    by_days(&a, &b, 1);
    by_days(&a, &b, 7);
    by_days(&a, &b, 28);
    free(oa);
    free(ob);
    trips_free(&a);
    trips_free(&b);
    return 0;
}

static int verb_report(char **arg) {
    struct trips a = trips_load(arg[0]), b = trips_load(arg[1]);
    size_t rows = strtoull(arg[2], NULL, 10);
    struct lw_drift_options options = lw_drift_defaults();
    struct lw_drift d[TRIPS_COLUMNS];
    rows = a.n < rows ? a.n : rows;
    rows = b.n < rows ? b.n : rows;
    int64_t t = lw_mono_us();
    struct lw_profile *ref = trips_profile(&a, NULL, 0, rows, 1);
    struct lw_profile *cur = trips_profile(&b, NULL, 0, rows, 2);
    int64_t made = lw_mono_us();
    lw_drift_compare(ref, cur, NULL, &options, d);
    int64_t end = lw_mono_us();
    printf("%.6f %.6f\n", (double)(end - t) / 1e6, (double)(end - made) / 1e6);
    lw_profile_free(ref);
    lw_profile_free(cur);
    trips_free(&a);
    trips_free(&b);
    return 0;
}

static const struct verb {
    const char *name;
    int args;
    int (*run)(char **arg);
} verbs[] = {{"speed", 2, verb_speed},   {"change", 4, verb_change},
             {"null", 0, verb_null},     {"ranks", 0, verb_ranks},
             {"halves", 2, verb_halves}, {"months", 3, verb_months},
             {"days", 3, verb_days},     {"report", 3, verb_report}};

int main(int argc, char **argv) {
    for (size_t i = 0; argc > 1 && i < COUNT(verbs); i++)
        if (strcmp(argv[1], verbs[i].name) == 0 && argc == 2 + verbs[i].args)
            return verbs[i].run(argv + 2);
    fprintf(
        stderr,
        "usage: bench_drift speed KIND FILE | change KIND FILE N AT | null | ranks |\n"
        "       halves MONTH REPEATS | months REF CUR REPEATS |\n"
        "       days REF DAYS CUR |"
        "       report REF CUR ROWS\n");
    return 2;
}
