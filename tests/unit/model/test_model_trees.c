/* Trees: predictions are bit-identical to XGBoost's, also after a round trip through the
 * model file; damaged forests are refused. Skipped in a build without XGBoost. */
#include "model_test.h"

#include <xgboost/c_api.h>

#include "model/forest.h"
#include "model/schema_text.h"
#include "model/trees.h"
#include "model/wire.h"

#define ROWS 1500

static void tree_bench(struct bench *t) {
    lw_bench_init(t, LW_FIT_TREES, 0);
    lw_bench_term(t, "a * b", 1);
    lw_bench_term(t, "x", 1);
    lw_bench_term(t, "hour(t) * sqrt(x)", 1);
    lw_bench_term(t, "impute(z, a)", 1);
    lw_bench_term(t, "qbins(x, 7)", 1);
    lw_bench_term(t, "s", 1);
    lw_bench_random(t, 41, ROWS);
    t->spec.trees = (struct lw_tree_params){30, 5, 0.3, 1, 1, 1};
}

/* The same rows as a matrix, from the public interface of the dataset and the model's
 * atoms. */
static void matrix_of(struct bench *t, const struct lw_model *m, float *x, float *y) {
    struct lw_chunk feed;
    uint32_t idx[LW_CHUNK];
    struct lw_rows rows = {.ds = t->ds, .end = ROWS, .since = INT64_MIN};
    size_t row = 0, width = (size_t)m->forest->nfeatures;
    lw_chunk_init(&feed, m, t->ds);
    for (size_t n, at = 0; (n = lw_rows_next(&rows, &at, idx));) {
        lw_chunk_atoms(&feed, idx, n, feed.natoms);
        for (size_t i = 0; i < n; i++, row++) {
            lw_forest_feed_features(m->forest, &feed, i, idx[i], 0, x + row * width);
            y[row] = (float)lw_dataset_target(t->ds, idx[i]);
        }
    }
    assert_int_equal(row, ROWS);
    lw_chunk_fini(&feed);
}

static void xgboost_predicts(const struct bench *t, const float *x, const float *y,
                             size_t width, float base, float *out) {
    static const char config[] =
        "{\"type\": 0, \"training\": false, \"iteration_begin\": 0, "
        "\"iteration_end\": 0, \"strict_shape\": false}";
    const struct lw_tree_params *p = &t->spec.trees;
    DMatrixHandle d;
    BoosterHandle b;
    char text[40];
    bst_ulong const *shape;
    bst_ulong dim;
    float const *got;
    assert_int_equal(XGDMatrixCreateFromMat(x, ROWS, width, NAN, &d), 0);
    assert_int_equal(XGDMatrixSetFloatInfo(d, "label", y, ROWS), 0);
    assert_int_equal(XGBoosterCreate(&d, 1, &b), 0);
    snprintf(text, sizeof text, "%.9g", (double)base);
    XGBoosterSetParam(b, "base_score", text);
    XGBoosterSetParam(b, "tree_method", "hist");
    XGBoosterSetParam(b, "nthread", "1");
    XGBoosterSetParam(b, "max_depth", "5");
    XGBoosterSetParam(b, "eta", "0.3");
    for (int i = 0; i < p->rounds; i++)
        assert_int_equal(XGBoosterUpdateOneIter(b, i, d), 0);
    assert_int_equal(XGBoosterPredictFromDMatrix(b, d, config, &shape, &dim, &got), 0);
    memcpy(out, got, ROWS * sizeof *out);
    XGBoosterFree(b);
    XGDMatrixFree(d);
}

static void predictions_equal_xgboosts(void **state) {
    (void)state;
    struct bench t;
    struct lw_err err = {0};
    struct lw_buf file = {0};
    tree_bench(&t);
    struct lw_model *m = lw_bench_fit(&t, 0, NULL);
    size_t width = (size_t)m->forest->nfeatures;
    assert_int_equal(width, 8);
    float *x = lw_calloc(ROWS * width, sizeof *x), *y = lw_calloc(ROWS, sizeof *y);
    float *want = lw_calloc(ROWS, sizeof *want);
    double *got = lw_calloc(ROWS, sizeof *got);
    matrix_of(&t, m, x, y);
    xgboost_predicts(&t, x, y, width, m->forest->base, want);
    assert_int_equal(lw_model_encode(m, &file, &err), 0);
    struct lw_model *copy = lw_model_decode(file.data, file.len, &err);
    if (!copy)
        fail_msg("%s", err.msg);
    assert_int_equal(lw_model_bind_plan(copy, t.plan, &err), 0);
    for (int which = 0; which < 2; which++) {
        lw_model_predict_rows(which ? copy : m, t.ds, 0, ROWS, got);
        for (size_t i = 0; i < ROWS; i++)
            assert_true((float)got[i] == want[i]);
    }
    assert_true(lw_model_fingerprint(m) == lw_model_fingerprint(copy));
    free(x);
    free(y);
    free(want);
    free(got);
    lw_buf_fini(&file);
    lw_model_free(copy);
    lw_model_free(m);
    lw_bench_fini(&t);
}

static void rows_and_columns_give_the_same_bits(void **state) {
    (void)state;
    struct bench t;
    tree_bench(&t);
    struct lw_model *m = lw_bench_fit(&t, 0, NULL);
    struct lw_dataset *other = lw_dataset_new(t.plan);
    struct lw_rng rng;
    lw_rng_seed(&rng, 42);
    for (int i = 0; i < 500; i++) {
        struct sample s;
        double got;
        lw_sample(&s, (int64_t)lw_rng_below(&rng, 1u << 31),
                  (int64_t)lw_rng_below(&rng, 80), (int64_t)lw_rng_below(&rng, 9) - 2,
                  lw_rng_normal(&rng) * 5, lw_rng_normal(&rng), 0);
        s.cell[S] = i % 3 ? lw_cell_text("west", 4) : lw_cell_text("a new one", 9);
        if (i % 4 == 0)
            s.cell[lw_rng_below(&rng, NFIELDS)] = lw_cell_missing();
        if (i % 50 == 0)
            s.cell[X] = lw_cell_num(i % 100 ? 1e300 : -INFINITY);
        lw_dataset_add(other, &s.row);
        lw_model_predict_rows(m, other, (size_t)i, (size_t)i + 1, &got);
        assert_true(lw_model_predict(m, &s.row) == got);
    }
    lw_dataset_free(other);
    lw_model_free(m);
    lw_bench_fini(&t);
}

static void errors_say_what_trees_cannot_fit(void **state) {
    (void)state;
    struct bench t;
    struct lw_err err = {0};
    tree_bench(&t);
    t.spec.trees.depth = 40;
    assert_null(
        lw_fit(&(struct lw_fit_rows){.ds = t.ds, .end = ROWS}, &t.spec, NULL, &err));
    assert_int_equal(err.code, LW_ECONFIG);
    lw_bench_fini(&t);
}

/* Carriers by name, each with its own mean, and a text that the fit has not seen. */
static void texts_are_split_by_their_mean(void **state) {
    (void)state;
    static const char *const names[] = {"UA", "B6", "EV", "DL", "\xC3\x85L"};
    static const double mean[] = {3, -20, 40, 5, -7};
    struct bench t;
    struct lw_rng rng;
    struct sample s;
    struct lw_buf file = {0};
    struct lw_err err = {0};
    lw_rng_seed(&rng, 12);
    lw_bench_init(&t, LW_FIT_TREES, 0);
    lw_bench_term(&t, "s", 1);
    for (int i = 0; i < 2000; i++) {
        size_t k = lw_rng_below(&rng, 5);
        lw_sample(&s, i, 0, 0, 0, 0, mean[k] + lw_rng_normal(&rng));
        s.cell[S] =
            i % 100 ? lw_cell_text(names[k], strlen(names[k])) : lw_cell_missing();
        if (i % 100 == 0)
            s.row.target = 100;
        lw_bench_row(&t, &s);
    }
    t.spec.trees = (struct lw_tree_params){40, 3, 0.3, 1, 1, 1};
    struct lw_model *m = lw_bench_fit(&t, 0, NULL);
    assert_int_equal(lw_model_encode(m, &file, &err), 0);
    struct lw_model *copy = lw_model_decode(file.data, file.len, &err);
    if (!copy || lw_model_bind(copy, &t.fields, &err))
        fail_msg("%s", err.msg);
    assert_true(lw_model_fingerprint(copy) == lw_model_fingerprint(m));
    lw_sample(&s, 0, 0, 0, 0, 0, 0);
    for (size_t k = 0; k < 5; k++) {
        s.cell[S] = lw_cell_text(names[k], strlen(names[k]));
        assert_near(lw_model_predict(m, &s.row), mean[k], .5);
        assert_true(lw_model_predict(copy, &s.row) == lw_model_predict(m, &s.row));
    }
    s.cell[S] = lw_cell_missing();
    double none = lw_model_predict(m, &s.row);
    assert_near(none, 100, 5);
    s.cell[S] = lw_cell_text("XX", 2); /* an unseen text is missing, not its neighbour */
    assert_true(lw_model_predict(m, &s.row) == none);
    assert_true(lw_model_predict(copy, &s.row) == none);
    s.cell[S] = lw_cell_int(7);
    assert_true(lw_model_predict(m, &s.row) == none);
    lw_buf_fini(&file);
    lw_model_free(copy);
    lw_model_free(m);
    lw_bench_fini(&t);
}

/* With any flipped bits, an accepted forest can be scored and written again. */
static void damaged_trees_are_refused_or_harmless(void **state) {
    (void)state;
    struct bench t;
    struct lw_buf file = {0}, record = {0};
    struct lw_rng rng;
    size_t taken = 0, tried = 0;
    tree_bench(&t);
    t.spec.trees.rounds = 3;
    struct lw_model *m = lw_bench_fit(&t, 0, NULL);
    assert_int_equal(lw_model_encode(m, &file, NULL), 0);
    assert_int_equal(lw_wire_unwrap(file.data, file.len, lw_model_schema, &record, NULL),
                     0);
    lw_rng_seed(&rng, 32);
    for (size_t at = 0; at < record.len; at += 1 + lw_rng_below(&rng, 5), tried++) {
        struct lw_buf bad = {0}, again = {0};
        uint8_t was = record.data[at];
        record.data[at] ^= (uint8_t)(1u << lw_rng_below(&rng, 8));
        lw_wire_wrap(&bad, lw_model_schema, &record, NULL);
        record.data[at] = was;
        struct lw_model *x = lw_model_decode(bad.data, bad.len, NULL);
        if (x && lw_model_bind(x, &t.fields, NULL) == 0) {
            struct sample s;
            lw_sample(&s, 0, 8, 3, 1, 1, 0);
            s.cell[S] = lw_cell_text("west", 4);
            assert_true(!isnan(lw_model_predict(x, &s.row)));
            assert_int_equal(lw_model_encode(x, &again, NULL), 0);
        }
        taken += x != NULL;
        lw_model_free(x);
        lw_buf_fini(&bad);
        lw_buf_fini(&again);
    }
    assert_true(taken > 0 && taken < tried);
    lw_buf_fini(&file);
    lw_buf_fini(&record);
    lw_model_free(m);
    lw_bench_fini(&t);
}

/* A node that points back would cause an endless loop. */
static void cycles_are_refused(void **state) {
    (void)state;
    struct lw_err err = {0};
    struct lw_forest *f = lw_forest_new(1, 3);
    f->nfeatures = 1;
    f->node[0] = (struct lw_tree_node){0.5f, 0, 1, 0};
    lw_forest_set_leaf(f, 1, -1);
    lw_forest_set_leaf(f, 2, 1);
    assert_int_equal(lw_forest_check(f, &err), 0);
    float low[1] = {0}, high[1] = {0.5f}, none[1] = {NAN};
    assert_near(lw_forest_score(f, low), -1, 0);
    assert_near(lw_forest_score(f, high), 1, 0);
    assert_near(lw_forest_score(f, none), 1, 0);
    f->node[0].left = 0;
    assert_int_equal(lw_forest_check(f, &err), -1);
    f->node[0].left = 2; /* the right child would be a fourth node */
    assert_int_equal(lw_forest_check(f, NULL), -1);
    f->node[0].left = 1;
    f->node[0].feature = 1;
    assert_int_equal(lw_forest_check(f, NULL), -1);
    lw_forest_free(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(predictions_equal_xgboosts),
        cmocka_unit_test(rows_and_columns_give_the_same_bits),
        cmocka_unit_test(errors_say_what_trees_cannot_fit),
        cmocka_unit_test(texts_are_split_by_their_mean),
        cmocka_unit_test(damaged_trees_are_refused_or_harmless),
        cmocka_unit_test(cycles_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
