/* The energy distance against SciPy (tests/data/drift/golden_energy.py), and its p-value
 * with and without a change. */
#include "drift_test.h"

#include "base/rng.h"
#include "data/drift/golden_energy.h"
#include "drift/statistic.h"

lw_statistic_fn lw_statistic_energy;

static struct lw_member member_of(const double *v, size_t n) {
    struct lw_member m = {.kind = LW_NUMERIC};
    m.num.kll = kll_of(v, n);
    for (size_t i = 0; i < n; i++)
        lw_moments_add(&m.num.moments, v[i]);
    return m;
}

static struct lw_statistic energy_of(const double *a, size_t n, const double *b,
                                     size_t m) {
    struct lw_member x = member_of(a, n), y = member_of(b, m);
    struct lw_statistic s = lw_statistic_energy(&x, &y);
    lw_kll_free(x.num.kll);
    lw_kll_free(y.num.kll);
    assert_true(s.p >= 0 && s.p <= 1);
    return s;
}

static void samples_match_scipy(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(golden_energy); i++) {
        const struct golden_energy *g = &golden_energy[i];
        check_near(energy_of(g->a, g->n, g->b, g->m).value, g->distance, 1e-9, 0.0);
    }
}

static void equal_samples_have_distance_zero(void **state) {
    (void)state;
    const struct golden_energy *g = &golden_energy[0];
    struct lw_statistic s = energy_of(g->a, g->n, g->a, g->n);
    check_near(s.value, 0.0, 0.0, 1e-12);
    check_near(s.p, 1.0, 0.0, 0.0);
}

static void the_unit_does_not_matter(void **state) {
    (void)state;
    const struct golden_energy *g = &golden_energy[1];
    double a[200], b[200];
    for (size_t i = 0; i < g->n; i++)
        a[i] = 1000 * g->a[i];
    for (size_t i = 0; i < g->m; i++)
        b[i] = 1000 * g->b[i];
    struct lw_statistic one = energy_of(g->a, g->n, g->b, g->m);
    struct lw_statistic thousand = energy_of(a, g->n, b, g->m);
    check_near(thousand.value, one.value, 1e-9, 0.0);
    check_near(thousand.p, one.p, 1e-9, 0.0);
}

/* Share of draws with p below the level, of normal values or of heavy-tailed ones. */
static double alarms(int n, int m, double shift, bool heavy, double level) {
    enum { DRAWS = 400 };
    struct lw_rng rng;
    static double a[5000], b[5000];
    int below = 0;
    lw_rng_seed(&rng, (uint64_t)(n + 7 * m + heavy));
    for (int k = 0; k < DRAWS; k++) {
        for (int i = 0; i < n; i++)
            a[i] = lw_rng_normal(&rng);
        for (int i = 0; i < m; i++)
            b[i] = lw_rng_normal(&rng) + shift;
        for (int i = 0; heavy && i < n; i++)
            a[i] = exp(2 * a[i]);
        for (int i = 0; heavy && i < m; i++)
            b[i] = exp(2 * b[i]);
        below += energy_of(a, (size_t)n, b, (size_t)m).p < level;
    }
    return (double)below / DRAWS;
}

static void false_alarms_stay_below_the_level(void **state) {
    (void)state;
    for (int heavy = 0; heavy < 2; heavy++) {
        assert_true(alarms(150, 150, 0, heavy, 0.05) <= 0.05);
        assert_true(alarms(150, 150, 0, heavy, 0.01) <= 0.01);
        assert_true(alarms(3000, 400, 0, heavy, 0.05) <= 0.05);
    }
}

static void a_shift_is_significant(void **state) {
    (void)state;
    assert_true(alarms(500, 500, 0.5, false, 0.01) > 0.99);
    assert_true(alarms(3000, 400, 0.5, false, 0.01) > 0.99);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_match_scipy),
        cmocka_unit_test(equal_samples_have_distance_zero),
        cmocka_unit_test(the_unit_does_not_matter),
        cmocka_unit_test(false_alarms_stay_below_the_level),
        cmocka_unit_test(a_shift_is_significant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
