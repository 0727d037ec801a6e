/* Under the null hypothesis: p-values are uniform where the inputs are exact, and alarms
 * are no more frequent than the level at every size, with sketches as well.
 *
 * Seeded: the draws are always the same, so the bounds (three standard deviations of a
 * rate, the 0.1 % point of Kolmogorov's D against uniform) either always hold or never
 * do. */
#include "drift_test.h"

#include "columns.h"
#include "drift/stats.h"

enum { ZONES = 265 };

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The largest distance of the p-values' distribution from uniform; above = true: only
 * where there are too many small ones. */
static double from_uniform(double *p, size_t n, bool above) {
    double most = 0.0;
    qsort(p, n, sizeof *p, by_value);
    for (size_t i = 0; i < n; i++) {
        most = fmax(most, (double)(i + 1) / (double)n - p[i]);
        if (!above)
            most = fmax(most, p[i] - (double)i / (double)n);
    }
    return most;
}

static double rate_below(const double *p, size_t n, double level) {
    size_t k = 0;
    for (size_t i = 0; i < n; i++)
        k += p[i] < level;
    return (double)k / (double)n;
}

/* At most the level, plus three standard deviations for n draws. */
static void check_rates(double *p, size_t n) {
    const double levels[] = {0.2, 0.05, 0.01};
    for (size_t i = 0; i < COUNT(levels); i++) {
        double room = 3.0 * sqrt(levels[i] * (1.0 - levels[i]) / (double)n);
        double rate = rate_below(p, n, levels[i]);
        if (rate > levels[i] + room)
            fail_msg("%zu draws: %g of the p-values are below %g", n, rate, levels[i]);
    }
}

static struct lw_kll *uniform_sketch(struct lw_rng *rng, int n) {
    struct lw_kll *s = lw_kll_new(LW_KLL_K_DEFAULT, lw_rng_next(rng));
    for (int i = 0; i < n; i++)
        lw_kll_update(s, lw_rng_unit(rng));
    return s;
}

struct numeric_p {
    double chi2, ks;
};

static struct numeric_p numeric_draw(struct lw_rng *rng, int n, int m) {
    struct lw_numeric ref = {.kll = uniform_sketch(rng, n)};
    struct lw_numeric cur = {.kll = uniform_sketch(rng, m)};
    struct lw_bins bins;
    struct lw_cells cells = {0};
    lw_bins_from(&ref, 10, &bins);
    lw_cells_numeric(&cells, &ref, &cur, &bins);
    lw_cells_merge_ordered(&cells);
    struct numeric_p out = {lw_drift_chi_square(&cells).p,
                            lw_drift_ks_test(ref.kll, cur.kll).p};
    lw_cells_fini(&cells);
    lw_kll_free(ref.kll);
    lw_kll_free(cur.kll);
    return out;
}

static void numeric_case(int n, int m, size_t draws, bool uniform) {
    struct lw_rng rng;
    double chi2[2000], ks[2000];
    lw_rng_seed(&rng, (uint64_t)(n * 31 + m));
    assert_true(draws <= COUNT(chi2));
    for (size_t i = 0; i < draws; i++) {
        struct numeric_p p = numeric_draw(&rng, n, m);
        chi2[i] = p.chi2;
        ks[i] = p.ks;
    }
    check_rates(chi2, draws);
    check_rates(ks, draws);
    double bound = 1.95 / sqrt((double)draws);
    assert_true(from_uniform(ks, draws, true) < bound);
    double far = from_uniform(chi2, draws, !uniform);
    if (far >= bound)
        fail_msg("n %d m %d: %g from uniform", n, m, far);
}

static void exact_numbers_have_uniform_p_values(void **state) {
    (void)state;
    numeric_case(180, 180, 2000, true);
    numeric_case(190, 120, 2000, true);
}

static void sketched_numbers_alarm_no_more_than_the_level(void **state) {
    (void)state;
    numeric_case(500, 500, 1500, false);
    numeric_case(2000, 2000, 500, false);
    numeric_case(20000, 500, 150, false);
    numeric_case(25000, 25000, 100, false);
}

/* Trips by zone: a few large zones and a long tail, as in the TLC's months. */
static void add_zones(struct lw_cats *cats, struct lw_rng *rng, int n,
                      const double *cumulative) {
    for (int i = 0; i < n; i++) {
        double u = lw_rng_unit(rng) * cumulative[ZONES - 1];
        int lo = 0, hi = ZONES - 1;
        while (lo < hi) {
            int mid = (lo + hi) / 2;
            if (cumulative[mid] <= u)
                lo = mid + 1;
            else
                hi = mid;
        }
        lw_cats_add_int(cats, lo, 1);
    }
}

static void zones_case(int n, int m, size_t draws) {
    struct lw_rng rng;
    double p[1500], cumulative[ZONES], sum = 0.0, psi = 0.0;
    lw_rng_seed(&rng, (uint64_t)(n * 17 + m));
    assert_true(draws <= COUNT(p));
    for (int i = 0; i < ZONES; i++)
        cumulative[i] = sum += 1.0 / (i + 2);
    for (size_t i = 0; i < draws; i++) {
        struct lw_cats *ref = lw_cats_new(1024), *cur = lw_cats_new(1024);
        struct lw_cells cells = {0};
        add_zones(ref, &rng, n, cumulative);
        add_zones(cur, &rng, m, cumulative);
        lw_cells_categories(&cells, ref, cur);
        struct lw_chi2 test = lw_drift_chi_square(&cells);
        p[i] = test.p;
        psi += (lw_drift_psi_corrected(&cells, 0.0) - test.null_psi) / (double)draws;
        lw_cells_fini(&cells);
        lw_cats_free(ref);
        lw_cats_free(cur);
    }
    check_rates(p, draws);
    double far = from_uniform(p, draws, false);
    if (far >= 1.95 / sqrt((double)draws))
        fail_msg("n %d m %d: %g from uniform", n, m, far);
    if (fabs(psi) > 0.003) /* remaining bias after the correction; the floor is 0.1 */
        fail_msg("n %d m %d: PSI of %g is left", n, m, psi);
}

static void zones_have_uniform_p_values_at_every_size(void **state) {
    (void)state;
    zones_case(500, 500, 1500);
    zones_case(2000, 2000, 800);
    zones_case(10000, 500, 400);
    zones_case(25000, 25000, 150);
}

/* The whole comparison of eight columns: the number of draws with a drift verdict. */
static size_t verdicts(int n, size_t draws, double least) {
    struct lw_drift_options options = lw_drift_defaults();
    struct lw_rng rng;
    size_t alarms = 0;
    options.alpha = 0.05;
    options.floor_psi = least;
    lw_rng_seed(&rng, (uint64_t)n);
    for (size_t r = 0; r < draws; r++) {
        struct columns c;
        struct lw_drift d[COLUMNS_MAX];
        columns_init(&c, "nncncncn");
        for (int i = 0; i < 2 * n; i++)
            for (size_t k = 0; k < 8; k++) {
                struct lw_profile *p = i < n ? c.ref : c.cur;
                double u = lw_rng_unit(&rng);
                if (c.column[k].kind == LW_NUMERIC)
                    put_num(p, k, k % 2 ? floor(u * u * 20.0) : u);
                else
                    put_cat(p, k, (int64_t)(200.0 * u * u), 1);
            }
        lw_drift_compare(c.ref, c.cur, NULL, &options, d);
        bool any = false;
        for (size_t k = 0; k < 8; k++)
            any |= d[k].verdict == LW_VERDICT_DRIFT;
        alarms += any;
        columns_fini(&c);
    }
    return alarms;
}

static void eight_columns_keep_the_level_together(void **state) {
    (void)state;
    /* Without a floor, only the correction: 400 draws at 5 % are 20; three deviations are
     * 13. */
    assert_true(verdicts(150, 400, 0.0) <= 33);
    assert_true(verdicts(1000, 100, 0.0) <= 11);
    assert_int_equal(verdicts(1000, 60, 0.1), 0); /* with the floor there are none */
}

static void shares_alarm_no_more_than_the_level(void **state) {
    (void)state;
    const double rates[] = {0.002, 0.1, 0.6};
    struct lw_rng rng;
    lw_rng_seed(&rng, 3);
    for (size_t k = 0; k < COUNT(rates); k++) {
        double p[2000];
        for (size_t i = 0; i < COUNT(p); i++) {
            uint64_t a = 0, b = 0;
            for (int j = 0; j < 400; j++) {
                a += lw_rng_unit(&rng) < rates[k];
                b += j < 150 && lw_rng_unit(&rng) < rates[k];
            }
            p[i] = lw_drift_two_shares_p(a, 400, b, 150);
        }
        check_rates(p, COUNT(p));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exact_numbers_have_uniform_p_values),
        cmocka_unit_test(sketched_numbers_alarm_no_more_than_the_level),
        cmocka_unit_test(zones_have_uniform_p_values_at_every_size),
        cmocka_unit_test(eight_columns_keep_the_level_together),
        cmocka_unit_test(shares_alarm_no_more_than_the_level),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
