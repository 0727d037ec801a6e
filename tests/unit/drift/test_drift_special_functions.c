/* Tails compared with SciPy, and laws that need no reference values. */
#include "drift_test.h"

#include "data/drift/golden.h"
#include "drift/special.h"

static void chi2_matches_scipy(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(golden_chi2); i++)
        check_near(lw_special_chi2_sf(golden_chi2[i].x, golden_chi2[i].df),
                   golden_chi2[i].sf, 1e-10, 1e-300);
    assert_true(lw_special_chi2_sf(0.0, 3.0) == 1.0);
    assert_true(lw_special_chi2_sf(-1.0, 3.0) == 1.0);
    assert_true(lw_special_chi2_sf(INFINITY, 3.0) == 0.0);
}

static void kolmogorov_matches_scipy(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(golden_kolmogorov); i++)
        check_near(lw_special_kolmogorov_sf(golden_kolmogorov[i].x),
                   golden_kolmogorov[i].y, 1e-10, 1e-15);
    assert_true(lw_special_kolmogorov_sf(0.0) == 1.0);
    assert_true(lw_special_kolmogorov_sf(40.0) == 0.0);
}

static void tails_decrease_across_the_change_of_method(void **state) {
    (void)state;
    for (double df = 1.0; df < 400.0; df *= 1.7)
        for (double x = 0.5 * df; x < 1.5 * df + 4.0; x += 0.01 * df)
            assert_true(lw_special_chi2_sf(x + 0.01 * df, df) <
                        lw_special_chi2_sf(x, df));
    for (double t = 0.25; t < 3.0; t += 0.01)
        assert_true(lw_special_kolmogorov_sf(t + 0.01) < lw_special_kolmogorov_sf(t));
}

static void normal_matches_scipy(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(golden_normal); i++)
        check_near(lw_special_normal_quantile(golden_normal[i].x), golden_normal[i].y,
                   1e-12, 1e-14);
    check_near(lw_special_normal_two_sided(lw_special_normal_quantile(0.975)), 0.05,
               1e-12, 0.0);
}

/* One and two degrees of freedom have closed forms; F is Student's square, and beta's
 * symmetry turns its tail around. */
static void student_and_f_obey_their_closed_forms(void **state) {
    (void)state;
    for (double t = 1e-3; t < 1e6; t *= 1.9) {
        check_near(lw_special_student_sf(t, 1), atan(1 / t) / 3.14159265358979323846,
                   1e-11, 1e-300);
        double root = sqrt(2 + t * t);
        check_near(lw_special_student_sf(t, 2), 1 / (root * (root + t)), 1e-11, 1e-300);
        check_near(lw_special_student_sf(-t, 2), 1 - 1 / (root * (root + t)), 1e-11,
                   1e-300);
        for (double df = .7; df < 300; df *= 2.3) {
            check_near(2 * lw_special_student_sf(t, df), lw_special_f_sf(t * t, 1, df),
                       1e-12, 1e-300);
            check_near(lw_special_f_sf(t, 2, df), pow(1 + 2 * t / df, -df / 2), 1e-9,
                       1e-300);
            check_near(lw_special_f_sf(t, df, 3) + lw_special_f_sf(1 / t, 3, df), 1,
                       1e-10, 1e-10);
        }
    }
    check_near(lw_special_student_sf(1.5, 1e6), lw_special_normal_two_sided(1.5) / 2,
               1e-5, 0);
    assert_true(lw_special_f_sf(0, 3, 4) == 1 && lw_special_f_sf(-1, 3, 4) == 1);
    assert_true(lw_special_f_sf(INFINITY, 3, 4) == 0 && lw_special_f_sf(NAN, 3, 4) == 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(student_and_f_obey_their_closed_forms),
        cmocka_unit_test(chi2_matches_scipy),
        cmocka_unit_test(kolmogorov_matches_scipy),
        cmocka_unit_test(tails_decrease_across_the_change_of_method),
        cmocka_unit_test(normal_matches_scipy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
