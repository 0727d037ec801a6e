/* Rows as columns: cells are read back as added, in any order of arrival. */
#include "model_test.h"

static void add(struct lw_dataset *ds, int64_t time, int64_t a, const char *s, double x) {
    struct sample row;
    lw_sample(&row, time, a, 0, x, 0, (double)time);
    if (s)
        row.cell[S] = lw_cell_text(s, strlen(s));
    lw_dataset_add(ds, &row.row);
}

static struct lw_plan *plan_of(const struct lw_fields *fields) {
    struct lw_plan *plan = lw_plan_new(fields, NULL);
    assert_int_equal(lw_plan_atom(plan, "a", NULL), 0);
    assert_int_equal(lw_plan_atom(plan, "s", NULL), 1);
    assert_int_equal(lw_plan_atom(plan, "impute(x, a)", NULL), 3);
    return plan;
}

static void check(const struct lw_dataset *ds, size_t row, int64_t a, const char *s,
                  double x) {
    struct lw_cell cells[LW_ATOMS_MAX];
    lw_dataset_cells(ds, row, cells);
    assert_int_equal(cells[0].key, (uint64_t)a);
    assert_int_equal(cells[1].present, s != NULL);
    if (s) {
        assert_int_equal(cells[1].len, strlen(s));
        assert_memory_equal(cells[1].text, s, strlen(s));
        assert_int_equal(cells[1].key, lw_text_key(s, strlen(s)));
    }
    assert_int_equal(cells[2].present, !isnan(x));
    assert_int_equal(cells[3].present, !isnan(x)); /* learned: its raw input */
    if (!isnan(x))
        assert_near(cells[3].num, x, 0);
}

static void rows_read_back_as_added(void **state) {
    (void)state;
    struct lw_fields fields;
    lw_test_fields(&fields);
    struct lw_plan *plan = plan_of(&fields);
    struct lw_dataset *ds = lw_dataset_new(plan);
    add(ds, 5, -1, "one", 1.5);
    add(ds, 3, 7, NULL, NAN);
    add(ds, 3, INT64_MIN, "", 0);
    add(ds, INT64_MIN, 7, "one", -2);
    check(ds, 0, -1, "one", 1.5);
    check(ds, 1, 7, NULL, NAN);
    check(ds, 2, INT64_MIN, "", 0);
    lw_dataset_sort(ds);
    check(ds, 0, 7, "one", -2);
    assert_true(lw_dataset_time(ds, 1) == 3 && lw_dataset_time(ds, 2) == 3);
    check(ds, 3, -1, "one", 1.5);
    assert_int_equal(lw_dataset_lower_bound(ds, INT64_MIN), 0);
    assert_int_equal(lw_dataset_lower_bound(ds, 3), 1);
    assert_int_equal(lw_dataset_lower_bound(ds, 4), 3);
    assert_int_equal(lw_dataset_lower_bound(ds, 6), 4);
    assert_near(lw_dataset_target(ds, 3), 5, 0);
    lw_dataset_free(ds);
    lw_plan_free(plan);
}

static void parts_with_other_dictionaries_are_appended(void **state) {
    (void)state;
    struct lw_fields fields;
    lw_test_fields(&fields);
    struct lw_plan *plan = plan_of(&fields);
    struct lw_dataset *a = lw_dataset_new(plan), *b = lw_dataset_new(plan);
    add(a, 1, 10, "x", 1);
    add(a, 2, 20, "y", 2);
    add(b, 3, 20, "z", 3);
    add(b, 4, 30, "x", NAN);
    lw_dataset_append_rows(a, b, 0, lw_dataset_rows(b));
    lw_dataset_free(b);
    assert_int_equal(lw_dataset_rows(a), 4);
    check(a, 1, 20, "y", 2);
    check(a, 2, 20, "z", 3);
    check(a, 3, 30, "x", NAN);
    lw_dataset_free(a);
    lw_plan_free(plan);
}

/* A text that a model file cannot represent is not a level: it reads back as missing, and
 * no fit learns it. */
static void unrepresentable_texts_are_not_levels(void **state) {
    (void)state;
    static const char *const odd[] = {"a\x1fz", "\n", "\xC3", "\xED\xA0\x80", "\xF8"};
    struct bench t;
    struct sample s;
    lw_bench_init(&t, LW_FIT_RIDGE, 1);
    lw_bench_term(&t, "s", 1);
    for (int i = 0; i < 50; i++) {
        const char *text = i < 5 ? odd[i] : i % 2 ? "good" : "fine";
        lw_sample(&s, 0, 0, 0, 0, 0, i);
        s.cell[S] = lw_cell_text(text, strlen(text));
        lw_bench_row(&t, &s);
    }
    char longer[300];
    memset(longer, 'x', sizeof longer);
    s.cell[S] = lw_cell_text(longer, sizeof longer);
    lw_bench_row(&t, &s);
    struct lw_model *m = lw_bench_fit(&t, 0, NULL);
    assert_int_equal(lw_model_coefficients(m), 2);
    lw_model_free(m);
    lw_bench_fini(&t);
}

static int by_time(const void *a, const void *b) {
    const struct sample *x = a, *y = b;
    return x->row.time_ms < y->row.time_ms ? -1 : x->row.time_ms > y->row.time_ms;
}

/* Rows with many ties: their times are four hours apart, and every seventh row is twice
 * there. */
static struct sample *tied_rows(uint64_t seed, size_t n) {
    static const char *const words[] = {"east", "west", "", "\xC3\xBCst", "a\x1fz"};
    struct sample *s = lw_calloc(n, sizeof *s);
    struct lw_rng rng;
    lw_rng_seed(&rng, seed);
    for (size_t i = 0; i < n; i++) {
        const char *word = words[lw_rng_below(&rng, 5)];
        int64_t a = (int64_t)lw_rng_below(&rng, 12);
        lw_sample(&s[i], 4 * LW_HOUR * (int64_t)lw_rng_below(&rng, 200), a,
                  (int64_t)lw_rng_below(&rng, 5), lw_rng_unit(&rng) * 9,
                  lw_rng_normal(&rng), (double)a + lw_rng_normal(&rng));
        s[i].cell[S] = lw_cell_text(word, strlen(word));
        if (lw_rng_below(&rng, 9) == 0)
            s[i].cell[lw_rng_below(&rng, NFIELDS)] = lw_cell_missing();
        if (i % 7 == 6)
            s[i] = s[i - 1];
    }
    qsort(s, n, sizeof *s, by_time);
    return s;
}

static void shuffle(struct sample *s, size_t n, struct lw_rng *rng) {
    for (size_t i = n; i > 1; i--) {
        size_t j = (size_t)lw_rng_below(rng, i);
        struct sample other = s[i - 1];
        s[i - 1] = s[j];
        s[j] = other;
    }
}

/* Leaves the times in order. */
static void shuffle_ties(struct sample *s, size_t n, struct lw_rng *rng) {
    for (size_t i = 0, end; i < n; i = end) {
        for (end = i; end < n && s[end].row.time_ms == s[i].row.time_ms;)
            end++;
        shuffle(s + i, end - i, rng);
    }
}

/* The model file of a fit on the rows in this order of arrival, which are added in two
 * parts and sorted after each, as in a backtest. */
static void fit_bytes(const struct lw_fit_spec *like, struct sample *s, size_t n,
                      struct lw_buf *out) {
    struct bench t;
    struct lw_err err = {0};
    lw_bench_init(&t, like->kind, like->alpha);
    t.spec.half_life_ms = 20 * LW_DAY;
    t.spec.loss = like->loss;
    t.spec.correction = like->correction;
    t.spec.trees = like->trees;
    struct lw_fit_spec base = t.spec;
    base.kind = LW_FIT_RIDGE;
    t.spec.base = like->base ? &base : NULL;
    lw_bench_term(&t, "a * s", 1);
    lw_bench_term(&t, "a", 1);
    lw_bench_term(&t, "x", 1);
    lw_bench_term(&t, "hour(t)", 1);
    lw_bench_term(&t, "impute(z, a, b)", 1);
    lw_bench_term(&t, "qbins(x, 7)", 1);
    memcpy(base.terms, t.spec.terms, sizeof base.terms);
    base.nterms = t.spec.nterms;
    for (size_t i = 0; i < n; i++) {
        s[i].row.cells = s[i].cell;
        lw_bench_row(&t, &s[i]);
        if (i == n / 2)
            lw_dataset_sort(t.ds);
    }
    lw_dataset_sort(t.ds);
    struct lw_model *m = lw_bench_fit(&t, 34 * LW_DAY, NULL);
    assert_int_equal(lw_model_encode(m, out, &err), 0);
    lw_model_free(m);
    lw_bench_fini(&t);
}

/* Twelve partitions deliver their rows in any order, and a backtest in that of its files:
 * the model must be the same one, to the last bit. */
static void arrival_does_not_change_a_bit_of_a_fit(const struct lw_fit_spec *spec) {
    size_t n = 2000;
    struct lw_buf want = {0};
    struct lw_rng rng;
    struct sample *s = tied_rows(7, n);
    lw_rng_seed(&rng, 8);
    fit_bytes(spec, s, n, &want);
    for (int round = 0; round < 6; round++) {
        struct lw_buf got = {0};
        if (round < 3)
            shuffle_ties(s, n, &rng);
        else
            shuffle(s, n, &rng);
        fit_bytes(spec, s, n, &got);
        assert_int_equal(got.len, want.len);
        assert_memory_equal(got.data, want.data, want.len);
        lw_buf_fini(&got);
        if (round == 2)
            qsort(s, n, sizeof *s, by_time);
    }
    lw_buf_fini(&want);
    free(s);
}

static void linear_fits_do_not_depend_on_arrival(void **state) {
    (void)state;
    struct lw_fit_spec spec = {
        .kind = LW_FIT_RIDGE,
        .alpha = 1,
        .correction = {.half_life_ms = 3 * LW_DAY, .penalty_factor = 30}};
    arrival_does_not_change_a_bit_of_a_fit(&spec);
    spec = (struct lw_fit_spec){.kind = LW_FIT_LASSO, .alpha = 0.01};
    arrival_does_not_change_a_bit_of_a_fit(&spec);
    spec = (struct lw_fit_spec){.kind = LW_FIT_RIDGE, .alpha = 1, .loss = LW_LOSS_HUBER};
    arrival_does_not_change_a_bit_of_a_fit(&spec);
}

static void trees_do_not_depend_on_arrival(void **state) {
    (void)state;
    struct lw_fit_spec spec = {
        .kind = LW_FIT_TREES, .alpha = 1, .trees = {20, 5, 0.3, 1, 1, 1}};
    if (!lw_fit_can(LW_FIT_TREES))
        skip();
    arrival_does_not_change_a_bit_of_a_fit(&spec);
    spec.base = &spec;
    arrival_does_not_change_a_bit_of_a_fit(&spec);
}

static void memory_is_as_documented(void **state) {
    (void)state;
    struct bench t;
    lw_bench_init(&t, LW_FIT_RIDGE, 1);
    lw_bench_term(&t, "a", 1);
    lw_bench_term(&t, "b", 1);
    lw_bench_term(&t, "x", 1);
    lw_bench_random(&t, 8, 20000);
    /* time, target, one number: 8 bytes each, two codes of 4; the capacity is at most
     * half as much again */
    assert_true(lw_dataset_bytes(t.ds) < 20000 * 32 * 3 / 2 + 65536);
    lw_bench_fini(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_read_back_as_added),
        cmocka_unit_test(parts_with_other_dictionaries_are_appended),
        cmocka_unit_test(unrepresentable_texts_are_not_levels),
        cmocka_unit_test(linear_fits_do_not_depend_on_arrival),
        cmocka_unit_test(trees_do_not_depend_on_arrival),
        cmocka_unit_test(memory_is_as_documented),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
