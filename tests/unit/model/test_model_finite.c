/* For any finite numbers in the rows, every kind of fit either fails with a reason, or
 * makes a model that can be written, read and scored. No result is infinite or NaN. */
#include "model_test.h"

#include "model/forest.h"

static struct lw_model *try_fit(const struct bench *t, int64_t as_of,
                                struct lw_err *err) {
    *err = (struct lw_err){0};
    size_t n = t->ds ? lw_dataset_rows(t->ds) : 0;
    return lw_fit(&(struct lw_fit_rows){.ds = t->ds, .end = n, .as_of_ms = as_of},
                  &t->spec, NULL, err);
}

static void refused(const struct bench *t, int64_t as_of, const char *part) {
    struct lw_err err;
    struct lw_model *m = try_fit(t, as_of, &err);
    assert_null(m);
    assert_int_equal(err.code, LW_EINPUT);
    if (!strstr(err.msg, part))
        fail_msg("\"%s\" is not in \"%s\"", part, err.msg);
}

/* The model is written, read, and never predicts NAN. */
static void sound(const struct bench *t, const struct lw_model *m) {
    struct lw_buf bytes = {0};
    struct lw_err err = {0};
    if (lw_model_encode(m, &bytes, &err))
        fail_msg("%s", err.msg);
    struct lw_model *again = lw_model_decode(bytes.data, bytes.len, &err);
    if (!again)
        fail_msg("%s", err.msg);
    assert_true(lw_model_fingerprint(again) == lw_model_fingerprint(m));
    size_t n = lw_dataset_rows(t->ds);
    double *p = lw_calloc(n, sizeof *p);
    lw_model_predict_rows(m, t->ds, 0, n, p);
    for (size_t i = 0; i < n; i++)
        assert_true(!isnan(p[i]));
    free(p);
    lw_model_free(again);
    lw_buf_fini(&bytes);
}

/* A double of any magnitude, or one of the usual extremes. */
static double extreme(struct lw_rng *rng) {
    static const double list[] = {0,
                                  -0.0,
                                  1,
                                  -1,
                                  5e-324,
                                  1e-308,
                                  1e154,
                                  1.4e154,
                                  -1e200,
                                  1e308,
                                  -1.7976931348623157e308,
                                  1e38,
                                  4e38};
    double v;
    uint64_t bits = lw_rng_next(rng);
    if (lw_rng_below(rng, 3) == 0)
        return list[lw_rng_below(rng, sizeof list / sizeof *list)];
    if (lw_rng_below(rng, 2) == 0)
        return lw_rng_normal(rng);
    memcpy(&v, &bits, sizeof v);
    return isfinite(v) ? v : 1;
}

static void fill(struct bench *t, struct lw_rng *rng, int share_of_extremes) {
    lw_dataset_free(t->ds);
    t->ds = NULL;
    for (int i = 0; i < 120; i++) {
        struct sample s;
        double v[3];
        for (int j = 0; j < 3; j++)
            v[j] = (int)lw_rng_below(rng, 100) < share_of_extremes ? extreme(rng)
                                                                   : lw_rng_normal(rng);
        lw_sample(&s, i * LW_MINUTE, (int64_t)lw_rng_below(rng, 5), 0, v[0], v[1], v[2]);
        lw_bench_row(t, &s);
    }
}

static void any_finite_rows_give_a_valid_model_or_a_reason(void **state) {
    (void)state;
    static const double alphas[] = {0, 5e-324, 1, 1e9};
    static const int64_t half_lives[] = {0, 1, LW_MINUTE, LW_DAY};
    const uint64_t seed = 20261130;
    struct lw_rng rng;
    int made = 0, failed = 0;
    print_message("seed %llu\n", (unsigned long long)seed);
    lw_rng_seed(&rng, seed);
    for (int round = 0; round < 320; round++) {
        struct bench t;
        struct lw_err err;
        lw_bench_init(&t, (enum lw_fit_kind)(round % 4), alphas[lw_rng_below(&rng, 4)]);
        t.spec.l1_ratio = t.spec.kind == LW_FIT_ELASTIC_NET ? .5 : 1;
        t.spec.half_life_ms = half_lives[lw_rng_below(&rng, 4)];
        if (round % 3 == 0)
            t.spec.correction =
                (struct lw_correction){1 + (int64_t)lw_rng_below(&rng, LW_DAY), 0, 30};
        lw_bench_term(&t, "a", 1);
        lw_bench_term(&t, "x", 1);
        lw_bench_term(&t, "x * z", 1);
        lw_bench_term(&t, "square(z)", 1);
        lw_bench_term(&t, "a * hinge(x, 1)", 1);
        lw_bench_term(&t, "qbins(x, 4)", 1);
        fill(&t, &rng, round % 5 == 0 ? 20 : round % 5);
        struct lw_model *m = try_fit(&t, 2 * LW_HOUR, &err);
        if (m)
            sound(&t, m);
        else
            assert_true(err.code == LW_EINPUT && err.msg[0]);
        made += m != NULL;
        failed += m == NULL;
        lw_model_free(m);
        lw_bench_fini(&t);
    }
    print_message("%d models, %d reasons\n", made, failed);
    assert_true(made > 30 && failed > 30);
}

static void the_reason_names_what_overflows(void **state) {
    (void)state;
    for (int kind = LW_FIT_OLS; kind <= LW_FIT_ELASTIC_NET; kind++) {
        struct bench t;
        struct sample s;
        lw_bench_init(&t, (enum lw_fit_kind)kind, .1);
        lw_bench_term(&t, "a", 1);
        lw_bench_term(&t, "x", 1);
        lw_bench_term(&t, "z", 1);
        lw_bench_random(&t, 3, 200);
        lw_sample(&s, 0, 1, 1, 1e200, 1, 1);
        lw_bench_row(&t, &s);
        refused(&t, GOLDEN_AS_OF, "\"x\" are too large");
        lw_bench_fini(&t);
    }
}

/* A term of the language is missing where its function overflows; a product is not. */
static void a_product_that_overflows_is_named(void **state) {
    (void)state;
    struct bench t;
    struct sample s;
    struct lw_err err;
    lw_bench_init(&t, LW_FIT_RIDGE, 1);
    lw_bench_term(&t, "square(x)", 1);
    lw_bench_random(&t, 3, 200);
    lw_sample(&s, 0, 1, 1, 1e200, 1, 1);
    lw_bench_row(&t, &s);
    struct lw_model *m = try_fit(&t, GOLDEN_AS_OF, &err);
    assert_non_null(m); /* square(1e200) is missing */
    lw_model_free(m);
    lw_bench_fini(&t);
    lw_bench_init(&t, LW_FIT_RIDGE, 1);
    lw_bench_term(&t, "x * z", 1);
    lw_bench_random(&t, 3, 200);
    lw_sample(&s, 0, 1, 1, 1e100, 1e100, 1);
    lw_bench_row(&t, &s);
    refused(&t, GOLDEN_AS_OF, "\"x * z\" are too large");
    lw_bench_fini(&t);
}

static void vanishing_weights_are_reported(void **state) {
    (void)state;
    struct bench t;
    lw_bench_init(&t, LW_FIT_LASSO, .1);
    lw_bench_term(&t, "x", 1);
    lw_bench_random(&t, 3, 200);
    t.spec.half_life_ms = 1; /* the rows are hours old */
    refused(&t, GOLDEN_AS_OF + 100 * LW_DAY, "every row has weight 0");
    /* A correction in which every row has weight 0 is skipped. */
    t.spec.half_life_ms = 0;
    struct lw_model *plain = lw_bench_fit(&t, GOLDEN_AS_OF + 100 * LW_DAY, NULL);
    t.spec.correction = (struct lw_correction){LW_HOUR, 10000 * LW_DAY, 30};
    struct lw_model *none = lw_bench_fit(&t, GOLDEN_AS_OF + 100 * LW_DAY, NULL);
    assert_true(lw_model_fingerprint(plain) == lw_model_fingerprint(none));
    lw_model_free(plain);
    lw_model_free(none);
    lw_bench_fini(&t);
}

static void constant_columns_can_be_fitted(void **state) {
    (void)state;
    for (int kind = LW_FIT_OLS; kind <= LW_FIT_ELASTIC_NET; kind++) {
        struct bench t;
        struct lw_err err;
        lw_bench_init(&t, (enum lw_fit_kind)kind, kind == LW_FIT_OLS ? 0 : 1);
        lw_bench_term(&t, "x", 1);       /* a constant */
        lw_bench_term(&t, "z", 1);       /* always missing */
        lw_bench_term(&t, "zero(x)", 1); /* always 0 */
        lw_bench_term(&t, "a", 1);       /* one level */
        for (int i = 0; i < 50; i++) {
            struct sample s;
            lw_sample(&s, i, 1, 1, 3, NAN, i % 7);
            lw_bench_row(&t, &s);
        }
        struct lw_model *m = try_fit(&t, 100, &err);
        assert_non_null(m);
        sound(&t, m);
        lw_model_free(m);
        lw_bench_fini(&t);
    }
}

/* The bounds of lw_dataset_labels: a handful of absurd labels does not distort a fit, and
 * real tails are unchanged. */
static void a_handful_of_absurd_labels_does_not_distort_a_fit(void **state) {
    (void)state;
    double slope[2];
    for (int with = 0; with < 2; with++) {
        struct bench t;
        struct lw_rng rng;
        lw_rng_seed(&rng, 5);
        lw_bench_init(&t, LW_FIT_OLS, 0);
        lw_bench_term(&t, "x", 1);
        for (int i = 0; i < 2000; i++) {
            struct sample s;
            double x = lw_rng_unit(&rng), y = 3 * x + lw_rng_normal(&rng);
            if (with && i % 400 == 0)
                y = 1e6;
            lw_sample(&s, i, 1, 1, x, 1, y);
            lw_bench_row(&t, &s);
        }
        struct lw_model *m = lw_bench_fit(&t, 100, NULL);
        slope[with] = lw_model_coefficient(m, "x", "");
        lw_model_free(m);
        lw_bench_fini(&t);
    }
    assert_near(slope[0], 3, .3);
    assert_near(slope[1], slope[0], .5);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_finite_rows_give_a_valid_model_or_a_reason),
        cmocka_unit_test(the_reason_names_what_overflows),
        cmocka_unit_test(a_product_that_overflows_is_named),
        cmocka_unit_test(vanishing_weights_are_reported),
        cmocka_unit_test(constant_columns_can_be_fitted),
        cmocka_unit_test(a_handful_of_absurd_labels_does_not_distort_a_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
