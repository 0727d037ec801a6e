/* Frozen bins: quantile edges, ties, few values, constants, open ends. */
#include "drift_test.h"

#include <float.h>

#include "base/rng.h"
#include "drift/points.h"
#include "drift/stats.h"
#include "leeway/fault.h"

static struct lw_bins bins_of(const double *v, size_t n, int bins) {
    struct lw_numeric num = {.n = n, .kll = kll_of(v, n)};
    struct lw_bins out;
    lw_bins_from(&num, bins, &out);
    lw_kll_free(num.kll);
    for (int i = 1; i < out.nedges; i++)
        assert_true(out.edge[i] > out.edge[i - 1]);
    return out;
}

/* The bin of a value. */
static int bin_of(const struct lw_bins *b, double v) {
    int i = 0;
    while (i < b->nedges && v > b->edge[i])
        i++;
    return i;
}

static void quantiles_share_the_rows_equally(void **state) {
    (void)state;
    double v[150];
    for (int i = 0; i < 150; i++)
        v[i] = (i * 37) % 150;
    struct lw_bins b = bins_of(v, 150, 10);
    int count[10] = {0};
    assert_int_equal(b.nedges, 9);
    for (int i = 0; i < 150; i++)
        count[bin_of(&b, v[i])]++;
    for (int i = 0; i < 10; i++)
        assert_int_equal(count[i], 15);
    assert_int_equal(bin_of(&b, -INFINITY), 0);
    assert_int_equal(bin_of(&b, INFINITY), 9);
}

static void a_large_sketch_shares_within_its_error(void **state) {
    (void)state;
    struct lw_rng rng;
    struct lw_numeric num = {.kll = lw_kll_new(LW_KLL_K_DEFAULT, 4)};
    struct lw_bins b;
    int count[10] = {0};
    lw_rng_seed(&rng, 6);
    for (int i = 0; i < 100000; i++)
        lw_kll_update(num.kll, lw_rng_normal(&rng));
    lw_bins_from(&num, 10, &b);
    assert_int_equal(b.nedges, 9);
    lw_rng_seed(&rng, 6);
    for (int i = 0; i < 100000; i++)
        count[bin_of(&b, lw_rng_normal(&rng))]++;
    for (int i = 0; i < 10; i++)
        check_near(count[i] / 1e5, 0.1, 0.0, lw_kll_rank_error(num.kll, 1));
    lw_kll_free(num.kll);
}

static void ties_give_fewer_bins_and_none_empty(void **state) {
    (void)state;
    double v[140];
    for (int i = 0; i < 140; i++)
        v[i] = i < 100 ? 3.0 : i;
    struct lw_bins b = bins_of(v, 140, 10);
    assert_true(b.nedges >= 2 && b.nedges < 9);
    assert_true(b.edge[0] == (3.0 + 100.0) / 2.0);
}

static void a_heavy_value_at_either_end_keeps_its_split(void **state) {
    (void)state;
    double v[120];
    for (int end = 0; end < 2; end++) {
        for (int i = 0; i < 120; i++)
            v[i] = i < 104 ? (end ? 500.0 : -500.0) : i;
        struct lw_bins b = bins_of(v, 120, 10);
        assert_true(b.nedges >= 1);
        assert_true(bin_of(&b, v[0]) != bin_of(&b, 110.0));
    }
}

static void few_values_and_new_ones_have_a_bin_each(void **state) {
    (void)state;
    double v[60];
    for (int i = 0; i < 60; i++)
        v[i] = i % 4;
    struct lw_bins b = bins_of(v, 60, 10);
    assert_int_equal(b.nedges, 5);
    for (int i = 0; i < 4; i++)
        assert_int_equal(bin_of(&b, i), i + 1);
    assert_int_equal(bin_of(&b, -1.0), 0);
    assert_int_equal(bin_of(&b, 7.0), 5);
}

static void a_constant_has_three_bins(void **state) {
    (void)state;
    double v[50];
    for (int i = 0; i < 50; i++)
        v[i] = 2.5;
    struct lw_bins b = bins_of(v, 50, 10);
    assert_int_equal(b.nedges, 2);
    assert_int_equal(bin_of(&b, 2.4), 0);
    assert_int_equal(bin_of(&b, 2.5), 1);
    assert_int_equal(bin_of(&b, 2.6), 2);
}

static void an_empty_reference_gives_no_edges(void **state) {
    (void)state;
    struct lw_bins b = bins_of(NULL, 0, 10);
    assert_int_equal(b.nedges, 0);
}

static void all_sizes_are_accepted(void **state) {
    (void)state;
    double v[500];
    for (int i = 0; i < 500; i++)
        v[i] = (i * 7919) % 500;
    for (int bins = 2; bins <= LW_BINS_MAX; bins++)
        assert_int_equal(bins_of(v, 150, bins).nedges, bins - 1);
    v[0] = INFINITY;
    v[1] = -INFINITY;
    struct lw_bins b = bins_of(v, 500, LW_BINS_MAX);
    for (int i = 0; i < b.nedges; i++)
        assert_true(isfinite(b.edge[i]));
}

/* An edge lies between any two neighbours: the lower one is below it or on it (only if
 * there is no double between them), the upper one above. */
static void an_edge_lies_between_its_neighbours(void **state) {
    (void)state;
    const double pairs[][2] = {
        {1.0, 2.0},         {-2.0, -1.0},         {-1.0, 3.0},          {0.0, 5e-324},
        {-5e-324, 0.0},     {5e-324, 1e-323},     {-DBL_MAX, DBL_MAX},  {1e308, DBL_MAX},
        {-DBL_MAX, -1e308}, {1.0, 1.0 + 0x1p-52}, {1.0, 1.0 + 0x1p-51}, {-0.0, 1e-310},
        {DBL_MIN, DBL_MAX}, {1e8, 1e8 + 1.0},
    };
    for (size_t i = 0; i < COUNT(pairs); i++) {
        double a = pairs[i][0], b = pairs[i][1], mid = lw_points_midpoint(a, b);
        assert_true(mid >= a && mid < b);
        assert_true(mid > a || nextafter(a, b) == b);
    }
    struct lw_rng rng;
    lw_rng_seed(&rng, 8);
    for (int i = 0; i < 100000; i++) {
        uint64_t bits[2] = {lw_rng_next(&rng), lw_rng_next(&rng)};
        double v[2];
        memcpy(v, bits, sizeof v);
        if (!isfinite(v[0]) || !isfinite(v[1]) || v[0] == v[1])
            continue;
        double a = fmin(v[0], v[1]), b = fmax(v[0], v[1]), mid = lw_points_midpoint(a, b);
        assert_true(mid >= a && mid < b);
    }
}

static double as_float(double v) {
    return (double)(float)v;
}

/* One to twenty prices, some with a mass and a continuous rest: as float, or with noise
 * in the last bits on either side, no figure distinguishes them. */
static void differences_in_the_last_bits_are_no_drift(void **state) {
    (void)state;
    struct lw_rng rng;
    lw_rng_seed(&rng, 14);
    for (int distinct = 1; distinct <= 20; distinct++)
        for (int how = 0; how < 8; how++) {
            enum { ROWS = 3000 };
            double price[20], rest = how & 4 ? 0.3 : 0.0;
            struct lw_kll *a = lw_kll_new(200, 1), *b = lw_kll_new(200, 2);
            struct lw_moments ma = {0}, mb = {0};
            for (int i = 0; i < distinct; i++)
                price[i] = 0.1 + (double)lw_rng_below(&rng, 3000) / 100.0;
            for (int i = 0; i < ROWS; i++) {
                double v = price[i * 7919 % distinct], w = v;
                if (lw_rng_unit(&rng) < rest)
                    v = w = 30.0 * lw_rng_unit(&rng);
                double noise = 1.0 + 1e-7 * lw_rng_normal(&rng);
                if ((how & 3) == 0)
                    w = as_float(w);
                else if ((how & 3) == 1)
                    v = as_float(v);
                else if ((how & 3) == 2)
                    w *= noise;
                else
                    v *= noise;
                lw_kll_update(a, v);
                lw_kll_update(b, w);
                lw_moments_add(&ma, v);
                lw_moments_add(&mb, w);
            }
            struct lw_member ref = {.kind = LW_NUMERIC,
                                    .num = {.n = ROWS, .moments = ma, .kll = a}};
            struct lw_member cur = {.kind = LW_NUMERIC,
                                    .num = {.n = ROWS, .moments = mb, .kll = b}};
            struct lw_profile pr = {.n = 1, .members = &ref};
            struct lw_profile pc = {.n = 1, .members = &cur};
            struct lw_drift_options options = lw_drift_defaults();
            struct lw_drift d;
            lw_drift_compare(&pr, &pc, NULL, &options, &d);
            if (d.psi > 0.01 || d.js > 0.06 || d.ks > 0.06 || d.w1 > 0.1 ||
                d.chi2_p < 1e-4 || d.ks_p < 1e-4)
                fail_msg("%d prices, how %d: psi %g js %g ks %g w1 %g p %g", distinct,
                         how, d.psi, d.js, d.ks, d.w1, d.chi2_p);
            assert_int_equal(lw_fault_find(&ref, &cur).kind, LW_FAULT_NONE);
            lw_kll_free(a);
            lw_kll_free(b);
        }
}

/* Larger differences are detected: values that a float cannot distinguish, and a constant
 * that moved. */
static void small_but_real_differences_are_detected(void **state) {
    (void)state;
    double v[400], w[400];
    for (int i = 0; i < 400; i++) {
        v[i] = 1e8 + i % 2;
        w[i] = 1e8 + (i % 4 == 0);
    }
    struct lw_kll *a = kll_of(v, 400), *b = kll_of(w, 400);
    check_near(lw_drift_ks_test(a, b).d, 0.25, 1e-12, 0.0);
    struct lw_bins bins = bins_of(v, 400, 10);
    assert_true(bin_of(&bins, 1e8) != bin_of(&bins, 1e8 + 1));
    lw_kll_free(a);
    lw_kll_free(b);
    for (int i = 0; i < 400; i++)
        v[i] = 9.99;
    bins = bins_of(v, 400, 10);
    assert_int_equal(bin_of(&bins, as_float(9.99)), bin_of(&bins, 9.99));
    assert_true(bin_of(&bins, 9.9901) != bin_of(&bins, 9.99));
    assert_true(bin_of(&bins, 9.9899) != bin_of(&bins, 9.99));
    for (int i = 0; i < 400; i++)
        v[i] = i % 2 ? 0.0 : -0.0;
    bins = bins_of(v, 400, 10);
    assert_int_equal(bin_of(&bins, -0.0), bin_of(&bins, 0.0));
    assert_true(bin_of(&bins, 5e-324) != bin_of(&bins, 0.0));
    assert_true(bin_of(&bins, -5e-324) != bin_of(&bins, 0.0));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantiles_share_the_rows_equally),
        cmocka_unit_test(a_large_sketch_shares_within_its_error),
        cmocka_unit_test(ties_give_fewer_bins_and_none_empty),
        cmocka_unit_test(a_heavy_value_at_either_end_keeps_its_split),
        cmocka_unit_test(few_values_and_new_ones_have_a_bin_each),
        cmocka_unit_test(a_constant_has_three_bins),
        cmocka_unit_test(an_empty_reference_gives_no_edges),
        cmocka_unit_test(all_sizes_are_accepted),
        cmocka_unit_test(an_edge_lies_between_its_neighbours),
        cmocka_unit_test(differences_in_the_last_bits_are_no_drift),
        cmocka_unit_test(small_but_real_differences_are_detected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
