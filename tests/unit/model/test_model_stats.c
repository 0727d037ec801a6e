/* Sufficient statistics: a shift of the numbers makes no difference, and every storage
 * of the cross with the eliminated block (dense, fixed, sparse) gives the stationary
 * point of ridge. */
#include "model_test.h"

#include "model/frame.h"
#include "model/solve.h"

/* Integers, so that shifted values are exact. */
static struct lw_model *fit_at(enum lw_fit_kind kind, double alpha, double x0,
                               double y0) {
    struct bench t;
    struct lw_rng rng;
    struct sample s;
    lw_rng_seed(&rng, 11);
    lw_bench_init(&t, kind, alpha);
    lw_bench_term(&t, "a", 1);
    lw_bench_term(&t, "x", 1);
    lw_bench_term(&t, "z", 1);
    lw_bench_term(&t, "hour(t)", 1);
    for (int i = 0; i < 3000; i++) {
        int64_t a = (int64_t)lw_rng_below(&rng, 9);
        double x = (double)lw_rng_below(&rng, 50), z = (double)lw_rng_below(&rng, 9);
        double y = (double)(3 * a) + 2 * x - z + (double)lw_rng_below(&rng, 20);
        lw_sample(&s, i * LW_HOUR / 4, a, 0, x0 + x, z, y0 + y);
        lw_bench_row(&t, &s);
    }
    struct lw_model *m = lw_bench_fit(&t, 0, NULL);
    lw_bench_fini(&t);
    return m;
}

static void a_shift_of_the_numbers_does_not_change_the_fit(void **state) {
    (void)state;
    const struct {
        enum lw_fit_kind kind;
        double alpha;
    } fits[] = {{LW_FIT_OLS, 0}, {LW_FIT_RIDGE, 1}, {LW_FIT_LASSO, .05}};
    const double far[] = {1e6, 1e8, -1.7e9, 1e11};
    for (size_t k = 0; k < sizeof fits / sizeof *fits; k++)
        for (size_t i = 0; i < sizeof far / sizeof *far; i++) {
            struct lw_model *m = fit_at(fits[k].kind, fits[k].alpha, 0, 0);
            struct lw_model *n = fit_at(fits[k].kind, fits[k].alpha, far[i], 2 * far[i]);
            size_t terms = lw_plan_terms(m->plan);
            for (size_t t = 0; t < terms; t++)
                for (uint32_t j = 0; j < m->part[t].n; j++)
                    assert_near(n->part[t].coef[j], m->part[t].coef[j], 1e-7);
            double at = n->intercept + n->part[1].coef[0] * far[i] - 2 * far[i];
            assert_near(at, m->intercept, 1e-14 * fabs(far[i]) + 1e-6);
            lw_model_free(m);
            lw_model_free(n);
        }
}

/* Every number that a fit accepts has a square of at most 1e140, so every sum is
 * finite. */
static void the_largest_numbers_leave_finite_coefficients(void **state) {
    (void)state;
    const double at[] = {LW_SUMMABLE_MAX, -LW_SUMMABLE_MAX, 1e60, -1, 0, 5e-324};
    for (int kind = 0; kind < 2; kind++) {
        struct bench t;
        struct sample s;
        lw_bench_init(&t, kind ? LW_FIT_RIDGE : LW_FIT_OLS, kind);
        lw_bench_term(&t, "x", 1);
        lw_bench_term(&t, "z", 1);
        for (int i = 0; i < 400; i++) {
            lw_sample(&s, i, 0, 0, at[i % 6], at[i / 6 % 6], i);
            lw_bench_row(&t, &s);
        }
        struct lw_model *m = lw_bench_fit(&t, 0, NULL);
        assert_true(isfinite(m->intercept));
        for (size_t k = 0; k < lw_plan_terms(m->plan); k++)
            assert_true(isfinite(m->part[k].coef[0]));
        lw_model_free(m);
        lw_bench_fini(&t);
    }
}

static void wide_rows(struct bench *t) {
    struct lw_rng rng;
    struct sample s;
    lw_rng_seed(&rng, 4);
    for (int i = 0; i < 40000; i++) {
        int64_t a = i % 21000, b = (int64_t)lw_rng_below(&rng, 850);
        double x = lw_rng_unit(&rng);
        lw_sample(&s, i, a, b, x, 0, (double)(a % 7) - (double)(b % 5) + x);
        lw_bench_row(t, &s);
    }
}

/* At the minimum of RSS + alpha sum w^2 the residuals of a level add to alpha w, and
 * those times x to alpha times the slope. */
static void a_sparse_ridge_fit_is_stationary(void **state) {
    (void)state;
    struct bench t;
    lw_bench_init(&t, LW_FIT_RIDGE, 2);
    lw_bench_term(&t, "a", 1);
    lw_bench_term(&t, "b", 1);
    lw_bench_term(&t, "x", 1);
    wide_rows(&t);
    struct lw_model *m = lw_bench_fit(&t, 0, NULL);
    size_t n = lw_dataset_rows(t.ds);
    double *p = lw_calloc(n, sizeof *p), all = 0, a5 = 0, b7 = 0, x = 0;
    lw_model_predict_rows(m, t.ds, 0, n, p);
    for (size_t i = 0; i < n; i++) {
        struct lw_cell cells[LW_ATOMS_MAX];
        double r = lw_dataset_target(t.ds, i) - p[i];
        lw_dataset_cells(t.ds, i, cells);
        all += r;
        a5 += cells[0].key == 5 ? r : 0;
        b7 += cells[1].key == 7 ? r : 0;
        x += r * cells[2].num;
    }
    assert_near(all, 0, 1e-6);
    assert_near(a5, 2 * lw_model_coefficient(m, "a", "5"), 1e-8);
    assert_near(b7, 2 * lw_model_coefficient(m, "b", "7"), 1e-8);
    assert_near(x, 2 * lw_model_coefficient(m, "x", ""), 1e-6);
    free(p);
    lw_model_free(m);
    lw_bench_fini(&t);
}

/* Lasso: |gradient| is at most n alpha where the coefficient is 0, and n alpha with its
 * sign where it is not. */
static void lasso_is_stationary(const char *term, double alpha) {
    struct bench t;
    lw_bench_init(&t, LW_FIT_LASSO, alpha);
    lw_bench_term(&t, "a", 1);
    lw_bench_term(&t, "b", 1);
    lw_bench_term(&t, term, 1);
    lw_bench_term(&t, "x", 1);
    lw_bench_random(&t, 5, 3000);
    struct lw_model *m = lw_bench_fit(&t, 0, NULL);
    size_t n = lw_dataset_rows(t.ds);
    double *p = lw_calloc(n, sizeof *p), sum[800] = {0}, limit = (double)n * alpha;
    lw_model_predict_rows(m, t.ds, 0, n, p);
    double all = 0;
    for (size_t i = 0; i < n; i++) {
        struct lw_cell cells[LW_ATOMS_MAX];
        lw_dataset_cells(t.ds, i, cells);
        all += lw_dataset_target(t.ds, i) - p[i];
        if (cells[0].present)
            sum[(int64_t)cells[0].key + 20] += lw_dataset_target(t.ds, i) - p[i];
    }
    assert_near(all, 0, 1e-7 * (double)n); /* the intercept is at its optimum */
    for (int64_t a = -2; a <= 6; a++) {
        char level[24];
        snprintf(level, sizeof level, "%lld", (long long)(a * a * a));
        double w = lw_model_coefficient(m, "a", level), g = sum[a * a * a + 20];
        if (w == 0)
            assert_true(fabs(g) <= limit * (1 + 1e-4));
        else
            assert_near(g, w > 0 ? limit : -limit, 5e-3 * limit);
    }
    free(p);
    lw_model_free(m);
    lw_bench_fini(&t);
}

static void lasso_is_stationary_at_every_penalty(void **state) {
    (void)state;
    for (double alpha = 3; alpha > 1e-4; alpha /= 4) {
        lasso_is_stationary("a * b", alpha);
        lasso_is_stationary("s * z", alpha);
        lasso_is_stationary("a * hour(t) * x", alpha);
        lasso_is_stationary("a * b * s", alpha);
    }
}

static void the_order_of_rows_does_not_matter(void **state) {
    (void)state;
    struct bench a, b;
    lw_bench_init(&a, LW_FIT_RIDGE, 1);
    lw_bench_term(&a, "a * s", 1);
    lw_bench_term(&a, "a", 1);
    lw_bench_term(&a, "x", 1);
    lw_bench_random(&a, 6, 500);
    lw_bench_init(&b, LW_FIT_RIDGE, 1);
    lw_bench_term(&b, "a * s", 1);
    lw_bench_term(&b, "a", 1);
    lw_bench_term(&b, "x", 1);
    lw_bench_random(&b, 6, 500);
    lw_dataset_sort(b.ds);
    struct lw_model *x = lw_bench_fit(&a, 0, NULL), *y = lw_bench_fit(&b, 0, NULL);
    assert_near(lw_model_coefficient(x, "a * s",
                                     "8\x1f"
                                     "east"),
                lw_model_coefficient(y, "a * s",
                                     "8\x1f"
                                     "east"),
                1e-11);
    assert_int_equal(lw_model_coefficients(x), lw_model_coefficients(y));
    lw_model_free(x);
    lw_model_free(y);
    lw_bench_fini(&a);
    lw_bench_fini(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_shift_of_the_numbers_does_not_change_the_fit),
        cmocka_unit_test(the_largest_numbers_leave_finite_coefficients),
        cmocka_unit_test(a_sparse_ridge_fit_is_stationary),
        cmocka_unit_test(lasso_is_stationary_at_every_penalty),
        cmocka_unit_test(the_order_of_rows_does_not_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
