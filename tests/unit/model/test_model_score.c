/* Scoring: one row and columns of rows give the same bits; missing, unseen and absurd
 * values give numbers; impute() and qbins() learn what they document. */
#include "model_test.h"

static const char *const rich[] = {
    "a",
    "b",
    "a * b",
    "s",
    "a * s * b",
    "x",
    "sqrt(x)",
    "hour(t) * weekend(t)",
    "weekday(t) * sqrt(x)",
    "missing(x)",
    "missing(s) * z",
    "same(a, b)",
    "zero(x) * sqrt(impute(x, a, b))",
    "impute(x, s)",
    "qbins(x, 5)",
    "bins(z, -1, 0, 1) * b",
    "bins(impute(x, a), 2, 8) * z",
};

static void rich_terms(struct bench *t) {
    for (size_t i = 0; i < sizeof rich / sizeof *rich; i++)
        lw_bench_rare(t, rich[i], 1, i == 4 ? 3 : 0);
}

static void rows_and_columns_give_the_same_bits(void **state) {
    (void)state;
    struct bench t;
    lw_bench_init(&t, LW_FIT_RIDGE, 1);
    rich_terms(&t);
    lw_bench_random(&t, 21, 3000);
    struct lw_model *m = lw_bench_fit(&t, 0, NULL);
    struct lw_rng rng;
    lw_rng_seed(&rng, 22);
    struct lw_dataset *other = lw_dataset_new(t.plan);
    struct sample *rows = lw_calloc(2000, sizeof *rows);
    for (int i = 0; i < 2000; i++) { /* with categories that the fit never saw */
        lw_sample(&rows[i], (int64_t)lw_rng_next(&rng) >> 20,
                  (int64_t)lw_rng_below(&rng, 40), (int64_t)lw_rng_below(&rng, 9) - 4,
                  lw_rng_normal(&rng) * 9, lw_rng_normal(&rng), 0);
        if (lw_rng_below(&rng, 3))
            rows[i].cell[S] = lw_cell_text("east", lw_rng_below(&rng, 5));
        if (lw_rng_below(&rng, 3) == 0)
            rows[i].cell[lw_rng_below(&rng, NFIELDS)] = lw_cell_missing();
        lw_dataset_add(other, &rows[i].row);
    }
    double *p = lw_calloc(2000, sizeof *p);
    lw_model_predict_rows(m, other, 0, 2000, p);
    for (int i = 0; i < 2000; i++) {
        double one = lw_model_predict(m, &rows[i].row);
        assert_true(isfinite(one));
        assert_memory_equal(&one, &p[i], sizeof one);
    }
    free(p);
    free(rows);
    lw_dataset_free(other);
    lw_model_free(m);
    lw_bench_fini(&t);
}

/* Computes the prediction by hand from the coefficients. */
static void a_prediction_is_the_sum_of_its_terms(void **state) {
    (void)state;
    struct bench t;
    struct sample s;
    int64_t ms;
    lw_bench_init(&t, LW_FIT_RIDGE, 1);
    lw_bench_term(&t, "a * b", 1);
    lw_bench_term(&t, "a", 1);
    lw_bench_term(&t, "hour(t) * sqrt(x)", 1);
    lw_bench_term(&t, "z", 1);
    lw_bench_random(&t, 23, 2000);
    struct lw_model *m = lw_bench_fit(&t, 0, NULL);
    lw_parse_time("1970-01-05T13:00:00Z", &ms);
    lw_sample(&s, ms, 8, 3, 6.25, -0.5, 0);
    double want = lw_model_intercept(m) +
                  lw_model_coefficient(m, "a*b",
                                       "8\x1f"
                                       "3") +
                  lw_model_coefficient(m, "a", "8") +
                  2.5 * lw_model_coefficient(m, "hour(t) * sqrt(x)", "13") -
                  0.5 * lw_model_coefficient(m, "z", "");
    assert_near(lw_model_predict(m, &s.row), want, 1e-12);
    s.cell[A] = lw_cell_missing(); /* a level of its own */
    want = lw_model_intercept(m) + lw_model_coefficient(m, "a", "\x1e") +
           lw_model_coefficient(m, "a*b",
                                "\x1e\x1f"
                                "3") +
           2.5 * lw_model_coefficient(m, "hour(t) * sqrt(x)", "13") -
           0.5 * lw_model_coefficient(m, "z", "");
    assert_near(lw_model_predict(m, &s.row), want, 1e-12);
    s.cell[A] = lw_cell_int(12345); /* never seen: no effect */
    s.cell[X] = lw_cell_missing();  /* a missing number: no effect */
    want = lw_model_intercept(m) - 0.5 * lw_model_coefficient(m, "z", "");
    assert_near(lw_model_predict(m, &s.row), want, 1e-12);
    assert_true(isnan(lw_model_coefficient(m, "a", "12345")));
    assert_true(isnan(lw_model_coefficient(m, "no such term", "")));
    lw_model_free(m);
    lw_bench_fini(&t);
}

static void predictions_are_clipped_and_never_nan(void **state) {
    (void)state;
    static const double odd[] = {0, -1, 1e300, -1e300, INFINITY, -INFINITY, NAN};
    struct bench t;
    lw_bench_init(&t, LW_FIT_RIDGE, 1);
    lw_bench_term(&t, "square(x) * square(z)", 1);
    lw_bench_term(&t, "x", 1);
    lw_bench_term(&t, "z", 1);
    lw_bench_random(&t, 24, 500);
    t.spec.clip_lo = 1;
    t.spec.clip_hi = 60;
    struct lw_model *m = lw_bench_fit(&t, 0, NULL);
    for (size_t i = 0; i < 7; i++)
        for (size_t j = 0; j < 7; j++) {
            struct sample s;
            lw_sample(&s, 0, 0, 0, odd[i], odd[j], 0);
            double p = lw_model_predict(m, &s.row);
            assert_true(p >= 1 && p <= 60);
        }
    lw_model_free(m);
    lw_bench_fini(&t);
}

static void binding_finds_fields_by_name(void **state) {
    (void)state;
    struct bench t;
    struct sample s;
    struct lw_err err = {0};
    lw_bench_init(&t, LW_FIT_RIDGE, 1);
    lw_bench_term(&t, "a * sqrt(x)", 1);
    lw_bench_random(&t, 25, 500);
    struct lw_model *m = lw_bench_fit(&t, 0, NULL);
    assert_int_equal(lw_model_fields(m)->n, 2); /* only the fields that it reads */
    lw_sample(&s, 0, 8, 0, 4, 0, 0);
    double before = lw_model_predict(m, &s.row);
    struct lw_fields other = {0};
    lw_fields_add(&other, "x", LW_NUMERIC, false, NULL);
    lw_fields_add(&other, "unrelated", LW_TEXT, false, NULL);
    assert_int_equal(lw_model_bind(m, &other, &err), -1);
    assert_int_equal(err.code, LW_ECONFIG);
    assert_non_null(strstr(err.msg, "\"a\""));
    assert_true(lw_model_predict(m, &s.row) ==
                before); /* a failed bind changes nothing */
    lw_fields_add(&other, "a", LW_CATEGORY, false, NULL);
    assert_int_equal(lw_model_bind(m, &other, NULL), 0);
    struct lw_cell cells[] = {lw_cell_num(4), lw_cell_missing(), lw_cell_int(8)};
    struct lw_row row = {.cells = cells};
    assert_true(lw_model_predict(m, &row) == before);
    lw_err_clear(&err);
    other.field[0].kind = LW_CATEGORY;
    assert_int_equal(lw_model_bind(m, &other, &err), -1);
    assert_non_null(strstr(err.msg, "as numeric, but it is category"));
    lw_model_free(m);
    lw_bench_fini(&t);
}

/* x is 10 for a = 1, 20 for a = 2, and zero in some rows; with one row per pair, the
 * prior counts as three further rows. */
static void impute_shrinks_towards_its_members(void **state) {
    (void)state;
    struct bench t;
    struct sample s;
    lw_bench_init(&t, LW_FIT_OLS, 0);
    lw_bench_term(&t, "impute(x, a, b)", 1);
    t.spec.intercept = false;
    double sum_a = 0, sum_b = 0, sum = 0;
    int n_a = 0, n_b = 0, n = 0;
    for (int i = 0; i < 60; i++) {
        int64_t a = 1 + i % 2, b = i % 5;
        double x = i % 6 == 5 ? 0 : (double)(10 * a + b);
        lw_sample(&s, 0, a, b, x, 0, x > 0 ? x : 0);
        lw_bench_row(&t, &s);
        if (x <= 0)
            continue;
        sum += x;
        n++;
        sum_a += a == 1 ? x : 0;
        n_a += a == 1;
        sum_b += b == 3 ? x : 0;
        n_b += b == 3;
    }
    struct lw_model *m = lw_bench_fit(&t, 0, NULL);
    double w = lw_model_coefficient(m, "impute(x, a, b)", "");
    double mean = sum / n, pa = (sum_a + 3 * mean) / (n_a + 3);
    double pb = (sum_b + 3 * mean) / (n_b + 3);
    int pair = 0;
    for (int i = 0; i < 60; i++)
        pair += i % 2 == 0 && i % 5 == 3 && i % 6 != 5;
    lw_sample(&s, 0, 1, 3, 0, 0, 0);
    double want = (pair * 13.0 + 3 * (pa + pb) / 2) / (pair + 3);
    assert_near(lw_model_predict(m, &s.row), w * want, 1e-9);
    s.cell[X] = lw_cell_missing();
    assert_near(lw_model_predict(m, &s.row), w * want, 1e-9);
    lw_sample(&s, 0, 1, 77, 0, 0, 0); /* b never seen */
    assert_near(lw_model_predict(m, &s.row), w * (pa + mean) / 2, 1e-9);
    lw_sample(&s, 0, 1, 3, 5, 0, 0); /* x is present: x itself */
    assert_near(lw_model_predict(m, &s.row), w * 5, 1e-12);
    lw_model_free(m);
    lw_bench_fini(&t);
}

static void quantile_bins_hold_equal_shares(void **state) {
    (void)state;
    struct bench t;
    struct sample s;
    lw_bench_init(&t, LW_FIT_OLS, 0);
    lw_bench_term(&t, "qbins(x, 4)", 1);
    t.spec.intercept = false;
    for (int i = 0; i < 1000; i++) {
        double x = (double)(i * 37 % 1000);
        lw_sample(&s, 0, 0, 0, x, 0, floor(x / 250));
        lw_bench_row(&t, &s);
    }
    struct lw_model *m = lw_bench_fit(&t, 0, NULL);
    for (int x = -100; x < 1200; x += 50) {
        lw_sample(&s, 0, 0, 0, x, 0, 0);
        double want = x < 250 ? 0 : x < 500 ? 1 : x < 750 ? 2 : 3;
        assert_near(lw_model_predict(m, &s.row), want, 1e-9);
    }
    lw_model_free(m);
    lw_bench_fini(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_and_columns_give_the_same_bits),
        cmocka_unit_test(a_prediction_is_the_sum_of_its_terms),
        cmocka_unit_test(predictions_are_clipped_and_never_nan),
        cmocka_unit_test(binding_finds_fields_by_name),
        cmocka_unit_test(impute_shrinks_towards_its_members),
        cmocka_unit_test(quantile_bins_hold_equal_shares),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
