/* Each statistic on plain inputs against SciPy, and the laws that it must obey. */
#include "drift_test.h"

#include "data/drift/golden.h"
#include "drift/stats.h"

static struct lw_cells cells_of(size_t n, const double *ref, const double *cur) {
    struct lw_cells c = {0};
    for (size_t i = 0; i < n; i++)
        lw_cells_put(&c, ref[i], cur[i]);
    return c;
}

static void cells_match_scipy(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(golden_cells); i++) {
        const struct golden_cells *g = &golden_cells[i];
        struct lw_cells c = cells_of(g->n, g->ref, g->cur);
        struct lw_chi2 test = lw_drift_chi_square(&c);
        check_near(lw_drift_psi(&c), g->psi, 1e-12, 0.0);
        check_near(lw_drift_js_divergence(&c), g->jsd, 1e-10, 1e-14);
        check_near(lw_drift_hellinger(&c), g->hellinger, 1e-7, 0.0);
        check_near(test.stat, g->chi2, 1e-10, 0.0);
        check_near(test.p, g->p, 1e-9, 1e-300);
        check_near(lw_drift_cramers_v(&c, test.stat), g->v, 1e-9, 1e-12);
        assert_true(test.df == (double)(g->n - 1));
        lw_cells_fini(&c);
    }
}

static void equal_cells_have_distance_zero(void **state) {
    (void)state;
    struct lw_cells c = {0};
    for (int i = 1; i < 9; i++)
        lw_cells_put(&c, 10.0 * i, 20.0 * i);
    struct lw_chi2 test = lw_drift_chi_square(&c);
    check_near(lw_drift_psi(&c), 0.0, 0.0, 1e-15);
    check_near(lw_drift_js_divergence(&c), 0.0, 0.0, 1e-15);
    check_near(lw_drift_hellinger(&c), 0.0, 0.0, 1e-7);
    check_near(test.stat, 0.0, 0.0, 1e-12);
    check_near(test.p, 1.0, 1e-12, 0.0);
    check_near(lw_drift_cramers_v(&c, test.stat), 0.0, 0.0, 1e-15);
    lw_cells_fini(&c);
}

static void disjoint_cells_reach_the_bounds(void **state) {
    (void)state;
    struct lw_cells c = {0};
    lw_cells_put(&c, 1000.0, 0.0);
    lw_cells_put(&c, 0.0, 400.0);
    lw_cells_put(&c, 0.0, 0.0); /* empty on both sides: no effect */
    struct lw_chi2 test = lw_drift_chi_square(&c);
    check_near(lw_drift_js_divergence(&c), 1.0, 1e-15, 0.0);
    check_near(lw_drift_hellinger(&c), 1.0, 1e-15, 0.0);
    assert_true(test.df == 1.0);
    check_near(test.stat, 1400.0, 1e-12, 0.0);
    double half_ref = 0.5 / 1000.0, half_cur = 0.5 / 400.0;
    check_near(lw_drift_psi(&c),
               (1 - half_cur) * log(1 / half_cur) + (1 - half_ref) * log(1 / half_ref),
               1e-12, 0.0);
    lw_cells_fini(&c);
}

static void psi_is_symmetric_and_grows_with_a_shift(void **state) {
    (void)state;
    double last = 0.0;
    for (double shift = 5.0; shift < 60.0; shift += 5.0) {
        const double ref[] = {100, 100, 100}, cur[] = {100 - shift, 100, 100 + shift};
        struct lw_cells a = cells_of(3, ref, cur), b = cells_of(3, cur, ref);
        check_near(lw_drift_psi(&a), lw_drift_psi(&b), 1e-12, 0.0);
        assert_true(lw_drift_psi(&a) > last);
        last = lw_drift_psi(&a);
        lw_cells_fini(&a);
        lw_cells_fini(&b);
    }
}

static void sketch_noise_only_makes_the_test_more_conservative(void **state) {
    (void)state;
    const double ref[] = {5100, 4900, 5000, 5000}, cur[] = {4900, 5150, 5000, 4950};
    struct lw_cells c = cells_of(4, ref, cur);
    struct lw_chi2 exact = lw_drift_chi_square(&c);
    c.noise = 1e-12; /* the limit is the textbook's test */
    check_near(lw_drift_chi_square(&c).p, exact.p, 1e-5, 0.0);
    double last = exact.p;
    for (double sd = 0.001; sd < 0.02; sd *= 2.0) {
        c.noise = sd * sd;
        struct lw_chi2 test = lw_drift_chi_square(&c);
        assert_true(test.p > last && test.p <= 1.0);
        assert_true(test.null_psi > exact.null_psi);
        last = test.p;
    }
    lw_cells_fini(&c);
}

static void small_neighbours_merge_and_no_count_is_lost(void **state) {
    (void)state;
    const double ref[] = {1, 1, 300, 2, 500, 1, 1}, cur[] = {1, 0, 20, 1, 25, 0, 0};
    struct lw_cells c = cells_of(7, ref, cur);
    lw_cells_merge_ordered(&c);
    double sum_ref = 0.0, sum_cur = 0.0;
    for (size_t i = 0; i < c.n; i++) {
        sum_ref += c.ref[i];
        sum_cur += c.cur[i];
        assert_true((c.ref[i] + c.cur[i]) / (806.0 + 47.0) * 47.0 >= LW_CELL_MIN);
    }
    assert_int_equal(c.n, 2);
    check_near(sum_ref, 806.0, 0.0, 1e-9);
    check_near(sum_cur, 47.0, 0.0, 1e-9);
    lw_cells_fini(&c);
}

static double w1_of(struct lw_kll *a, struct lw_kll *b) {
    struct lw_numeric ref = {.kll = a}, cur = {.kll = b};
    struct lw_w1 w1 = lw_drift_w1_test(&ref, &cur);
    assert_true(w1.p >= 0.0 && w1.p <= 1.0);
    return w1.area;
}

static void samples_match_scipy(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(golden_samples); i++) {
        const struct golden_samples *g = &golden_samples[i];
        struct lw_kll *a = kll_of(g->a, g->n), *b = kll_of(g->b, g->m);
        struct lw_ks ks = lw_drift_ks_test(a, b);
        check_near(ks.d, g->d, 1e-12, 1e-15);
        check_near(ks.p, g->p, 0.15, 0.01); /* SciPy's is exact, ours is the limit */
        check_near(w1_of(a, b), g->w1, 1e-10, 0.0);
        lw_kll_free(a);
        lw_kll_free(b);
    }
}

static void wasserstein_of_a_shift_equals_the_shift(void **state) {
    (void)state;
    double a[100], b[100];
    for (int i = 0; i < 100; i++) {
        a[i] = i * i;
        b[i] = a[i] + 12.5;
    }
    struct lw_kll *x = kll_of(a, 100), *y = kll_of(b, 100);
    check_near(w1_of(x, y), 12.5, 1e-12, 0.0);
    check_near(w1_of(x, x), 0.0, 0.0, 1e-15);
    lw_kll_free(x);
    lw_kll_free(y);
}

static void infinite_values_leave_figures_finite(void **state) {
    (void)state;
    const double a[] = {-INFINITY, 1, 2, 3}, b[] = {1, 2, 3, INFINITY};
    struct lw_kll *x = kll_of(a, 4), *y = kll_of(b, 4);
    assert_true(isfinite(w1_of(x, y)));
    check_near(lw_drift_ks_test(x, y).d, 0.25, 1e-12, 0.0);
    lw_kll_free(x);
    lw_kll_free(y);
}

static void shares_match_scipy(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(golden_shares); i++) {
        const struct golden_shares *g = &golden_shares[i];
        check_near(lw_drift_two_shares_p(g->a, g->n, g->b, g->m), g->p,
                   g->a > 1000 ? .1 : 1e-6, 1e-12);
    }
    assert_true(lw_drift_two_shares_p(0, 0, 3, 9) == 1.0);
}

static void corrections_match_scipy(void **state) {
    (void)state;
    double p[COUNT(golden_p)];
    memcpy(p, golden_p, sizeof p);
    lw_drift_p_adjust(p, COUNT(p), LW_CORRECT_BH);
    for (size_t i = 0; i < COUNT(p); i++)
        check_near(p[i], golden_bh[i], 1e-12, 0.0);
    memcpy(p, golden_p, sizeof p);
    lw_drift_p_adjust(p, COUNT(p), LW_CORRECT_BONFERRONI);
    for (size_t i = 0; i < COUNT(p); i++)
        check_near(p[i], fmin(1.0, 8.0 * golden_p[i]), 1e-12, 0.0);
    memcpy(p, golden_p, sizeof p);
    lw_drift_p_adjust(p, COUNT(p), LW_CORRECT_NONE);
    assert_memory_equal(p, golden_p, sizeof p);
    lw_drift_p_adjust(p, 0, LW_CORRECT_BH);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cells_match_scipy),
        cmocka_unit_test(equal_cells_have_distance_zero),
        cmocka_unit_test(disjoint_cells_reach_the_bounds),
        cmocka_unit_test(psi_is_symmetric_and_grows_with_a_shift),
        cmocka_unit_test(sketch_noise_only_makes_the_test_more_conservative),
        cmocka_unit_test(small_neighbours_merge_and_no_count_is_lost),
        cmocka_unit_test(samples_match_scipy),
        cmocka_unit_test(wasserstein_of_a_shift_equals_the_shift),
        cmocka_unit_test(infinite_values_leave_figures_finite),
        cmocka_unit_test(shares_match_scipy),
        cmocka_unit_test(corrections_match_scipy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
