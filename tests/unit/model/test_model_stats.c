/* Sufficient statistics: parts add up to the whole, and every way of keeping the cross of
 * the eliminated block (dense, fixed, sparse) gives the stationary point of ridge. */
#include "model_test.h"

#include "model/frame.h"
#include "model/solve.h"

struct rig {
    struct bench t;
    struct lw_model *m;
    struct lw_feed feed;
    struct lw_layout layout;
    struct lw_rows rows;
};

static void rig_ready(struct rig *r) {
    struct lw_err err = {0};
    r->rows = (struct lw_rows){.ds = r->t.ds, .end = lw_dataset_rows(r->t.ds)};
    r->rows.since = INT64_MIN;
    r->rows.half_life = 20 * LW_DAY;
    r->rows.as_of = 60 * LW_DAY;
    r->m = lw_frame_new(r->t.plan, &r->t.spec, &err);
    assert_non_null(r->m);
    assert_int_equal(lw_model_bind_plan(r->m, r->t.plan, &err), 0);
    lw_feed_init(&r->feed, r->m, r->t.ds);
    assert_int_equal(lw_frame_learn(r->m, &r->feed, &r->rows, &err), 0);
    assert_int_equal(lw_layout_init(&r->layout, r->m, true, &err), 0);
}

static void rig_free(struct rig *r) {
    lw_layout_fini(&r->layout);
    lw_feed_fini(&r->feed);
    lw_model_free(r->m);
    lw_bench_fini(&r->t);
}

static void add_rows(struct rig *r, struct lw_stats *s, size_t begin, size_t end) {
    struct lw_rows part = r->rows;
    uint32_t idx[LW_CHUNK];
    double w[LW_CHUNK], y[LW_CHUNK];
    part.begin = begin;
    part.end = end;
    for (size_t n, at = begin; (n = lw_rows_next(&part, &at, idx));) {
        lw_feed_chunk(&r->feed, idx, n);
        lw_rows_weights(&part, idx, n, w);
        for (size_t i = 0; i < n; i++)
            y[i] = lw_dataset_target(r->t.ds, idx[i]);
        lw_stats_add(s, &r->feed, n, w, y);
    }
}

static void same_solution(struct rig *r, struct lw_stats *a, struct lw_stats *b) {
    struct lw_solution x, y;
    lw_stats_seal(a);
    lw_stats_seal(b);
    lw_solution_init(&x, &r->layout);
    lw_solution_init(&y, &r->layout);
    lw_solve_ridge(a, r->m, 1, &x);
    lw_solve_ridge(b, r->m, 1, &y);
    for (uint32_t i = 0; i < r->layout.nr; i++)
        assert_near(x.wr[i], y.wr[i], 1e-9);
    for (uint32_t i = 0; i < r->layout.ne; i++)
        assert_near(x.we[i], y.we[i], 1e-9);
    lw_solution_fini(&x);
    lw_solution_fini(&y);
}

static void split_and_merge(struct rig *r) {
    struct lw_stats whole, merged;
    size_t n = r->rows.end;
    rig_ready(r);
    n = r->rows.end;
    lw_stats_init(&whole, &r->layout);
    lw_stats_init(&merged, &r->layout);
    add_rows(r, &whole, 0, n);
    size_t cuts[] = {0, n / 7, n / 7, n / 2, n};
    for (size_t i = 4; i-- > 0;) {
        struct lw_stats part;
        lw_stats_init(&part, &r->layout);
        add_rows(r, &part, cuts[i], cuts[i + 1]);
        lw_stats_merge(&merged, &part);
        lw_stats_fini(&part);
    }
    assert_int_equal(merged.n, whole.n);
    assert_near(merged.yy, whole.yy, 1e-12 * whole.yy);
    same_solution(r, &whole, &merged);
    lw_stats_fini(&whole);
    lw_stats_fini(&merged);
}

static void parts_merge_to_the_whole(void **state) {
    (void)state;
    struct rig r = {0};
    lw_bench_init(&r.t, LW_FIT_RIDGE, 1);
    lw_bench_term(&r.t, "a * b", 3);
    lw_bench_term(&r.t, "a", 1);
    lw_bench_term(&r.t, "a * x", 1);
    lw_bench_term(&r.t, "s", 1);
    lw_bench_term(&r.t, "hour(t) * sqrt(x)", 5);
    lw_bench_term(&r.t, "z", 1);
    lw_bench_random(&r.t, 3, 2000);
    split_and_merge(&r);
    assert_int_equal(r.layout.nfixed, 2);
    rig_free(&r);
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

static void sparse_pairs_merge_too(void **state) {
    (void)state;
    struct rig r = {0};
    lw_bench_init(&r.t, LW_FIT_RIDGE, 1);
    lw_bench_term(&r.t, "a", 1);
    lw_bench_term(&r.t, "b", 1);
    lw_bench_term(&r.t, "x", 1);
    wide_rows(&r.t);
    split_and_merge(&r);
    assert_int_equal(r.layout.nsparse, 1);
    assert_int_equal(r.layout.ndense, 2);
    rig_free(&r);
}

/* At the minimum of RSS + alpha sum w^2 the residuals of a level add to alpha w, and
 * those times x to alpha times the slope. */
static void sparse_fit_is_stationary(void **state) {
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
        cmocka_unit_test(parts_merge_to_the_whole),
        cmocka_unit_test(sparse_pairs_merge_too),
        cmocka_unit_test(sparse_fit_is_stationary),
        cmocka_unit_test(lasso_is_stationary_at_every_penalty),
        cmocka_unit_test(the_order_of_rows_does_not_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
