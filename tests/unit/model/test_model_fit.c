/* Fits equal scikit-learn's (tests/data/model/make_golden.py) and satisfy their
 * optimality conditions. */
#include "model_test.h"

#include "model/solve.h"

/* Coefficients are compared to 1e-7 where the solver is direct, 1e-6 of their size where
 * scikit-learn's is iterative. */
static void golden_fits(bool direct) {
    struct golden g;
    struct golden_fit f;
    struct sample *rows;
    int seen = 0;
    lw_golden_open(&g);
    size_t n = lw_golden_rows(&g, &rows);
    while (lw_golden_next(&g, rows, n, &f)) {
        bool mine = f.bench.spec.kind <= LW_FIT_RIDGE;
        struct lw_fit_report report = {0};
        struct lw_model *m = lw_bench_fit(&f.bench, GOLDEN_AS_OF, &report);
        double tolerance = direct ? 1e-7 : 1e-5, want;
        for (size_t i = 0; i < f.ncoef; i++) {
            double got = lw_golden_coef(&g, m, &want);
            if (mine == direct && !(fabs(got - want) <= tolerance * (1 + fabs(want))))
                fail_msg("%s: coefficient %zu is %.12g, not %.12g", f.name, i, got, want);
        }
        if (mine == direct) {
            assert_near(lw_model_intercept(m), f.intercept,
                        tolerance * (1 + fabs(f.intercept)));
            assert_near(report.train_rmse, f.rmse, 1e-8);
            assert_near(lw_bench_rmse(&f.bench, m), f.rmse, 1e-8);
            seen++;
        }
        lw_model_free(m);
        lw_bench_fini(&f.bench);
    }
    assert_true(seen >= 5);
    free(rows);
    free(g.text);
}

static void direct_solvers_equal_scikit_learn(void **state) {
    (void)state;
    golden_fits(true);
}

static void descent_equals_scikit_learn(void **state) {
    (void)state;
    golden_fits(false);
}

/* tests/data/model/make_huber.py; weights converge to 1e-4 of the noise. */
static void huber_equals_scikit_learn(void **state) {
    (void)state;
    struct golden g;
    struct golden_fit f;
    struct sample *rows;
    int seen = 0;
    lw_golden_file(&g, LW_SOURCE_DIR "/tests/data/model/huber.txt");
    size_t n = lw_golden_rows(&g, &rows);
    for (; lw_golden_next(&g, rows, n, &f); seen++) {
        f.bench.spec.loss = LW_LOSS_HUBER;
        struct lw_model *m = lw_bench_fit(&f.bench, GOLDEN_AS_OF, NULL);
        double want;
        for (size_t i = 0; i < f.ncoef; i++) {
            double got = lw_golden_coef(&g, m, &want);
            if (!(fabs(got - want) <= 3e-4 * (1 + fabs(want))))
                fail_msg("%s: coefficient %zu is %.12g, not %.12g", f.name, i, got, want);
        }
        assert_near(lw_model_intercept(m), f.intercept, 3e-4 * (1 + fabs(f.intercept)));
        lw_model_free(m);
        lw_bench_fini(&f.bench);
    }
    assert_int_equal(seen, 5);
    free(rows);
    free(g.text);
}

/* In every linear kind, with an eliminated block and with a correction: a tenth of
 * absurd labels moves predictions by a fraction of the noise, and without absurd labels
 * the result is close to that of the squared loss. */
static void huber_is_not_moved_by_absurd_labels(void **state) {
    (void)state;
    for (int kind = LW_FIT_OLS; kind <= LW_FIT_ELASTIC_NET; kind++)
        for (int corrected = 0; corrected < 2; corrected++) {
            double at[3];
            for (int run = 0; run < 3; run++) { /* clean squared, clean, absurd */
                struct bench t;
                struct sample s;
                struct lw_rng rng;
                lw_rng_seed(&rng, 17);
                lw_bench_init(&t, (enum lw_fit_kind)kind,
                              kind == LW_FIT_RIDGE ? 1 : .001);
                t.spec.loss = run ? LW_LOSS_HUBER : LW_LOSS_SQUARED;
                if (corrected)
                    t.spec.correction = (struct lw_correction){LW_DAY, 0, 30};
                lw_bench_term(&t, "a", 1);
                lw_bench_term(&t, "x", 1);
                for (int i = 0; i < 3000; i++) {
                    int64_t a = (int64_t)lw_rng_below(&rng, 20);
                    double x = lw_rng_unit(&rng), e = lw_rng_normal(&rng);
                    double y = 10 + (double)a + 4 * x + e;
                    lw_sample(&s, i * 10 * LW_MINUTE, a, 0, x, 0,
                              run == 2 && i % 10 == 0 ? 5000 : y);
                    lw_bench_row(&t, &s);
                }
                struct lw_model *m = lw_bench_fit(&t, 3000 * 10 * LW_MINUTE, NULL);
                lw_sample(&s, 0, 7, 0, .5, 0, 0);
                at[run] = lw_model_predict(m, &s.row);
                lw_model_free(m);
                lw_bench_fini(&t);
            }
            assert_near(at[0], 19, .5);
            assert_near(at[1], at[0], .4);
            assert_near(at[2], at[1], .8);
        }
}

static void rank_deficiency_is_counted(void **state) {
    (void)state;
    struct lw_fit_report report = {0};
    struct bench t;
    lw_bench_init(&t, LW_FIT_OLS, 0);
    lw_bench_term(&t, "a", 1);
    lw_bench_term(&t, "b", 1);
    lw_bench_term(&t, "x", 1);
    lw_bench_term(&t, "clip(x, -1000, 1000)", 1); /* x itself, on these rows */
    lw_bench_random(&t, 1, 400);
    struct lw_model *m = lw_bench_fit(&t, 0, &report);
    /* each block sums to the intercept, and one number duplicates another */
    assert_int_equal(report.rank_deficient, 3);
    double both = lw_model_coefficient(m, "x", "") +
                  lw_model_coefficient(m, "clip(x, -1000, 1000)", "");
    assert_true(fabs(both - 1) < 0.2);
    lw_model_free(m);
    lw_bench_fini(&t);
}

/* No change of a coefficient lowers the least-squares error. */
static void least_squares_is_the_minimum(void **state) {
    (void)state;
    struct lw_fit_report report = {0};
    struct bench t;
    lw_bench_init(&t, LW_FIT_OLS, 0);
    lw_bench_term(&t, "a * b", 1);
    lw_bench_term(&t, "a * x", 1);
    lw_bench_term(&t, "s", 1);
    lw_bench_term(&t, "x", 1);
    lw_bench_random(&t, 2, 700);
    struct lw_model *m = lw_bench_fit(&t, 0, &report);
    size_t n = lw_dataset_rows(t.ds);
    double *p = lw_calloc(n, sizeof *p), by_x = 0, mean = 0, by_a = 0;
    lw_model_predict_rows(m, t.ds, 0, n, p);
    for (size_t i = 0; i < n; i++) {
        struct lw_cell cells[LW_ATOMS_MAX];
        double r = lw_dataset_target(t.ds, i) - p[i];
        lw_dataset_cells(t.ds, i, cells);
        double x = cells[2].present ? cells[2].num : 0;
        mean += r;
        by_x += r * x;
        by_a += cells[0].key == 8 ? r * x : 0;
    }
    assert_near(mean, 0, 1e-7);
    assert_near(by_x, 0, 1e-6);
    assert_near(by_a, 0, 1e-6);
    free(p);
    lw_model_free(m);
    lw_bench_fini(&t);
}

static void windows_and_bad_targets_exclude_rows(void **state) {
    (void)state;
    struct lw_fit_report report = {0};
    struct bench t;
    struct sample s;
    lw_bench_init(&t, LW_FIT_RIDGE, 1);
    lw_bench_term(&t, "x", 1);
    for (int i = 0; i < 100; i++) {
        lw_sample(&s, i * LW_DAY, 0, 0, i, 0, i % 10 == 9 ? NAN : 2.0 * i);
        lw_bench_row(&t, &s);
    }
    lw_model_free(lw_bench_fit(&t, 100 * LW_DAY, &report));
    assert_int_equal(report.rows, 90);
    t.spec.window_ms = 20 * LW_DAY;
    lw_model_free(lw_bench_fit(&t, 100 * LW_DAY, &report));
    assert_int_equal(report.rows, 18);
    struct lw_err err = {0};
    assert_null(
        lw_fit(&(struct lw_fit_rows){.ds = t.ds, .end = 2, .as_of_ms = 500 * LW_DAY},
               &t.spec, NULL, &err));
    assert_int_equal(err.code, LW_EINPUT);
    assert_non_null(strstr(err.msg, "usable rows"));
    lw_bench_fini(&t);
}

/* y is an effect of a, which flips in the last days. The correction follows the change;
 * without it the long memory dominates. */
static void correction_follows_a_change(void **state) {
    (void)state;
    double error[2];
    for (int with = 0; with < 2; with++) {
        struct bench t;
        struct sample s;
        lw_bench_init(&t, LW_FIT_RIDGE, 1);
        lw_bench_term(&t, "a", 1);
        for (int i = 0; i < 6000; i++) {
            int64_t time = i * (60 * LW_DAY / 6000);
            bool late = time > 55 * LW_DAY;
            lw_sample(&s, time, i % 4, 0, 0, 0, (late ? -1 : 1) * (double)(i % 4));
            lw_bench_row(&t, &s);
        }
        t.spec.half_life_ms = 40 * LW_DAY;
        if (with)
            t.spec.correction = (struct lw_correction){3 * LW_DAY, 15 * LW_DAY, 30};
        struct lw_model *m = lw_bench_fit(&t, 60 * LW_DAY, NULL);
        lw_model_bind(m, &t.fields, NULL);
        lw_sample(&s, 60 * LW_DAY, 3, 0, 0, 0, 0);
        error[with] = fabs(lw_model_predict(m, &s.row) + 3);
        lw_model_free(m);
        lw_bench_fini(&t);
    }
    assert_true(error[1] < error[0] / 2);
}

/* With the same half-life, everything in the window and factor 1, the second stage fits
 * the residuals of a ridge: base + correction solves (G + P) c = P w, computed by
 * hand. */
static void correction_adds_a_fit_of_residuals(void **state) {
    (void)state;
    struct bench t;
    struct sample s;
    lw_bench_init(&t, LW_FIT_RIDGE, 10);
    lw_bench_term(&t, "x", 1);
    t.spec.intercept = false;
    double xx = 0, xy = 0;
    for (int i = 1; i <= 10; i++) {
        lw_sample(&s, i * LW_HOUR, 0, 0, i, 0, 3.0 * i + i % 3);
        lw_bench_row(&t, &s);
        xx += (double)i * i;
        xy += i * (3.0 * i + i % 3);
    }
    t.spec.correction = (struct lw_correction){1000000 * LW_DAY, 10 * LW_DAY, 2};
    struct lw_model *m = lw_bench_fit(&t, 10 * LW_HOUR, NULL);
    double base = xy / (xx + 10), add = (xy - xx * base) / (xx + 20);
    assert_near(lw_model_coefficient(m, "x", ""), base + add, 1e-6);
    lw_model_free(m);
    lw_bench_fini(&t);
}

/* Fits that differ only in their corrections share the first stage; the results are
 * bit-identical to separate fits, in any order. */
static void a_shared_first_stage_changes_nothing(void **state) {
    (void)state;
    static const struct lw_correction tried[] = {
        {LW_DAY, 5 * LW_DAY, 30}, {0}, {3 * LW_DAY, 9 * LW_DAY, 2}, {LW_HOUR, 0, 1}};
    struct bench t;
    struct lw_err err = {0};
    lw_bench_init(&t, LW_FIT_RIDGE, 1);
    lw_bench_term(&t, "a", 1);
    lw_bench_term(&t, "a * b", 3);
    lw_bench_term(&t, "s", 1);
    lw_bench_term(&t, "x", 0.1);
    lw_bench_term(&t, "zero(z) * x", 0.1);
    lw_bench_random(&t, 7, 700);
    t.spec.half_life_ms = 20 * LW_DAY;
    size_t n = lw_dataset_rows(t.ds);
    struct lw_model *shared = lw_bench_fit(&t, 30 * LW_DAY, NULL);
    double *first = lw_fit_keep(shared);
    for (size_t i = 0; i < sizeof tried / sizeof *tried; i++) {
        struct lw_fit_spec plain = t.spec;
        t.spec.correction = tried[i];
        assert_true(lw_fit_same_base(&plain, &t.spec));
        struct lw_model *alone = lw_bench_fit(&t, 30 * LW_DAY, NULL);
        lw_fit_restore(shared, first);
        assert_int_equal(
            lw_fit_correct(
                shared,
                &(struct lw_fit_rows){.ds = t.ds, .end = n, .as_of_ms = 30 * LW_DAY},
                &t.spec, &err),
            0);
        assert_true(lw_model_fingerprint(shared) == lw_model_fingerprint(alone));
        assert_true(lw_bench_rmse(&t, shared) == lw_bench_rmse(&t, alone));
        lw_model_free(alone);
    }
    struct lw_fit_spec other = t.spec;
    other.half_life_ms++;
    assert_false(lw_fit_same_base(&other, &t.spec));
    free(first);
    lw_model_free(shared);
    lw_bench_fini(&t);
}

/* Predictions out of fold equal those of a fit on the rows of the other folds, also of
 * levels that only one fold has and of rows older than the window; and the model is that
 * of all rows. */
static void folds_equal_refits(struct bench *t) {
    struct lw_err err = {0};
    size_t n = lw_dataset_rows(t->ds);
    struct lw_fit_rows rows = {.ds = t->ds, .end = n, .as_of_ms = 60 * LW_DAY};
    double *held, *p = lw_calloc(n, sizeof *p);
    struct lw_model *m = lw_fit_folded(&rows, &t->spec, &held, &err);
    assert_non_null(held);
    struct lw_model *all = lw_bench_fit(t, rows.as_of_ms, NULL);
    assert_near(lw_bench_rmse(t, m), lw_bench_rmse(t, all), 1e-6);
    for (int k = 0; k < LW_FOLDS; k++) {
        rows.fold = lw_fit_fold(k);
        rows.fold.without = true;
        struct lw_model *others = lw_fit(&rows, &t->spec, NULL, &err);
        lw_model_predict_rows(others, t->ds, 0, n, p);
        for (size_t i = 0; i < n; i++)
            if (!lw_fold_has(&rows.fold, lw_dataset_time(t->ds, i)))
                assert_near(held[i], p[i], 1e-5);
        lw_model_free(others);
    }
    free(held);
    free(p);
    lw_model_free(m);
    lw_model_free(all);
}

static void sums_of_folds_equal_refits(void **state) {
    (void)state;
    static const enum lw_fit_kind kinds[] = {LW_FIT_OLS, LW_FIT_RIDGE, LW_FIT_LASSO};
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        struct bench t;
        lw_bench_init(&t, kinds[k], kinds[k] == LW_FIT_LASSO ? .01 : 1);
        lw_bench_term(&t, "a * b", 1);
        lw_bench_term(&t, "s", 1);
        lw_bench_term(&t, "x", 0);
        lw_bench_term(&t, "zero(x) * z", 0.1);
        lw_bench_random(&t, 17 + k, 400);
        t.spec.half_life_ms = 20 * LW_DAY;
        t.spec.window_ms = 50 * LW_DAY;
        folds_equal_refits(&t);
        lw_bench_fini(&t);
    }
}

static void rare_levels_share_other(void **state) {
    (void)state;
    struct bench t;
    struct sample s;
    lw_bench_init(&t, LW_FIT_RIDGE, 0.001);
    lw_bench_rare(&t, "a", 1, 10);
    for (int i = 0; i < 200; i++) {
        int64_t a = i < 100 ? 1 : i < 191 ? 2 : i; /* 9 categories of one row each */
        lw_sample(&s, i, a, 0, 0, 0, a == 1 ? 1 : a == 2 ? 2 : 30);
        lw_bench_row(&t, &s);
    }
    struct lw_model *m = lw_bench_fit(&t, 0, NULL);
    assert_int_equal(lw_model_coefficients(m), 3);
    lw_sample(&s, 0, 195, 0, 0, 0, 0); /* rare */
    double rare = lw_model_predict(m, &s.row);
    assert_near(rare, 30, 0.05);
    lw_sample(&s, 0, 999999, 0, 0, 0, 0); /* never seen */
    assert_true(lw_model_predict(m, &s.row) == rare);
    lw_model_free(m);
    lw_bench_fini(&t);
}

static void too_many_columns_are_refused(void **state) {
    (void)state;
    struct bench t;
    struct sample s;
    struct lw_err err = {0};
    lw_bench_init(&t, LW_FIT_RIDGE, 1);
    lw_bench_term(&t, "a", 1);
    lw_bench_term(&t, "b", 1);
    for (int i = 0; i < 9000; i++) {
        lw_sample(&s, i, i, i, 0, 0, 1);
        lw_bench_row(&t, &s);
    }
    assert_null(
        lw_fit(&(struct lw_fit_rows){.ds = t.ds, .end = 9000}, &t.spec, NULL, &err));
    assert_int_equal(err.code, LW_ECONFIG);
    assert_non_null(strstr(err.msg, "9001 feature columns"));
    lw_bench_fini(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(direct_solvers_equal_scikit_learn),
        cmocka_unit_test(descent_equals_scikit_learn),
        cmocka_unit_test(huber_equals_scikit_learn),
        cmocka_unit_test(huber_is_not_moved_by_absurd_labels),
        cmocka_unit_test(rank_deficiency_is_counted),
        cmocka_unit_test(least_squares_is_the_minimum),
        cmocka_unit_test(windows_and_bad_targets_exclude_rows),
        cmocka_unit_test(correction_follows_a_change),
        cmocka_unit_test(correction_adds_a_fit_of_residuals),
        cmocka_unit_test(a_shared_first_stage_changes_nothing),
        cmocka_unit_test(sums_of_folds_equal_refits),
        cmocka_unit_test(rare_levels_share_other),
        cmocka_unit_test(too_many_columns_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
