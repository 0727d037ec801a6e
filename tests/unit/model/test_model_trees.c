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
    assert_non_null(m->forest->masks);
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

static void check_rows_and_columns(struct bench *t) {
    struct lw_model *m = lw_bench_fit(t, 0, NULL);
    struct lw_dataset *other = lw_dataset_new(t->plan);
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
    lw_bench_fini(t);
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
static void damage_is_refused_or_harmless(struct bench *t) {
    struct lw_buf file = {0}, record = {0};
    struct lw_rng rng;
    size_t taken = 0, tried = 0;
    t->spec.trees.rounds = 3;
    struct lw_model *m = lw_bench_fit(t, 0, NULL);
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
        if (x && lw_model_bind(x, &t->fields, NULL) == 0) {
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
    lw_bench_fini(t);
}

static void damaged_trees_are_refused_or_harmless(void **state) {
    (void)state;
    struct bench t;
    tree_bench(&t);
    damage_is_refused_or_harmless(&t);
}

/* --- trees on what a linear fit leaves ------------------------------------------------ */

/* The trees of tree_bench on a ridge of two time scales. */
static void boosted_bench(struct bench *t, struct lw_fit_spec *base) {
    tree_bench(t);
    *base = t->spec;
    base->kind = LW_FIT_RIDGE;
    base->alpha = 1;
    base->half_life_ms = 20 * LW_DAY;
    base->correction = (struct lw_correction){2 * LW_DAY, 8 * LW_DAY, 10};
    base->clip_lo = t->spec.clip_lo = -40;
    base->clip_hi = t->spec.clip_hi = 40;
    lw_copy(base->name, sizeof base->name, "linear");
    t->spec.base = base;
}

static void damaged_bases_are_refused_or_harmless(void **state) {
    (void)state;
    struct bench t;
    struct lw_fit_spec base;
    boosted_bench(&t, &base);
    damage_is_refused_or_harmless(&t);
}

static double forest_alone(const struct lw_model *m, const struct lw_dataset *ds,
                           uint32_t row, double linear) {
    struct lw_chunk feed;
    float x[LW_FEATURES_MAX];
    lw_chunk_init(&feed, m, ds);
    lw_chunk_atoms(&feed, &row, 1, feed.natoms);
    lw_forest_feed_features(m->forest, &feed, 0, row, linear, x);
    lw_chunk_fini(&feed);
    return lw_forest_walk(m->forest, x);
}

/* Row by row, by columns, and after a round trip through the file; an unbound copy has
 * the fields that either part reads. */
static void a_boosted_model_adds_the_forest_to_its_base(void **state) {
    (void)state;
    struct bench t;
    struct lw_fit_spec base;
    struct lw_buf file = {0};
    struct lw_err err = {0};
    double got[ROWS], linear[ROWS];
    boosted_bench(&t, &base);
    struct lw_model *m = lw_bench_fit(&t, GOLDEN_AS_OF, NULL);
    assert_int_equal(lw_model_encode(m, &file, &err), 0);
    struct lw_model *copy = lw_model_decode(file.data, file.len, &err);
    if (!copy || lw_model_bind_plan(copy, t.plan, &err) ||
        lw_model_bind(copy, &t.fields, &err))
        fail_msg("%s", err.msg);
    assert_true(lw_model_fingerprint(m) == lw_model_fingerprint(copy));
    assert_string_equal(lw_model_name(copy->base), "linear");
    lw_model_predict_rows(m, t.ds, 0, ROWS, got);
    lw_model_predict_rows(m->base, t.ds, 0, ROWS, linear);
    size_t moved = 0;
    assert_int_equal(m->forest->atom[0], LW_FOREST_LINEAR);
    for (size_t i = 0; i < ROWS; i++) {
        double same, alone = forest_alone(m, t.ds, (uint32_t)i, linear[i]);
        lw_model_predict_rows(copy, t.ds, i, i + 1, &same);
        assert_true(same == got[i]);
        assert_true(got[i] == fmin(fmax(linear[i] + alone, -40), 40));
        moved += got[i] != linear[i];
    }
    assert_true(moved > ROWS / 2);
    lw_buf_fini(&file);
    lw_model_free(copy);
    lw_model_free(m);
    lw_bench_fini(&t);
}

/* Candidates that differ in the base's correction share everything before it. */
static void a_correction_can_be_added_to_an_uncorrected_fit(void **state) {
    (void)state;
    struct bench t;
    struct lw_fit_spec base, other;
    struct lw_err err = {0};
    double direct[ROWS], shared[ROWS];
    boosted_bench(&t, &base);
    struct lw_model *whole = lw_bench_fit(&t, GOLDEN_AS_OF, NULL);
    struct lw_fit_spec plain = t.spec;
    plain.uncorrected = true;
    other = base;
    other.correction.half_life_ms = LW_DAY;
    struct lw_fit_spec third = t.spec;
    third.base = &other;
    assert_true(lw_fit_same_base(&t.spec, &third));
    other.alpha = 2;
    assert_false(lw_fit_same_base(&t.spec, &third));
    struct lw_fit_rows rows = {.ds = t.ds, .end = ROWS, .as_of_ms = GOLDEN_AS_OF};
    struct lw_model *m = lw_fit(&rows, &plain, NULL, &err);
    if (!m)
        fail_msg("%s", err.msg);
    double *kept = lw_fit_keep(m);
    for (int pass = 0; pass < 2; pass++) {
        lw_fit_restore(m, kept);
        assert_int_equal(lw_fit_correct(m, &rows, &t.spec, &err), 0);
        lw_model_predict_rows(whole, t.ds, 0, ROWS, direct);
        lw_model_predict_rows(m, t.ds, 0, ROWS, shared);
        assert_memory_equal(direct, shared, sizeof direct);
    }
    assert_true(lw_model_fingerprint(m) == lw_model_fingerprint(whole));
    free(kept);
    lw_model_free(m);
    lw_model_free(whole);
    lw_bench_fini(&t);
}

/* y is a wave that a line cannot follow, plus a level for each of 300 rare categories that
 * trees must not learn from what the line has already fitted. */
static void trees_learn_what_the_base_leaves_and_not_its_overfit(void **state) {
    (void)state;
    struct bench t, later;
    struct lw_fit_spec base;
    struct lw_rng rng;
    struct sample s;
    lw_rng_seed(&rng, 5);
    lw_bench_init(&t, LW_FIT_TREES, 0);
    lw_bench_term(&t, "a", 1);
    lw_bench_term(&t, "x", 1);
    later = t;
    for (int i = 0; i < 6000; i++) {
        double x = 6 * lw_rng_unit(&rng);
        int64_t a = (int64_t)lw_rng_below(&rng, 300);
        lw_sample(&s, i * LW_MINUTE, a, 0, x, 0, 3 * sin(x) + lw_rng_normal(&rng));
        lw_bench_row(i < 3000 ? &t : &later, &s);
    }
    t.spec.trees = (struct lw_tree_params){60, 3, .1, 20, 1, 1};
    base = t.spec;
    base.kind = LW_FIT_RIDGE;
    base.alpha = .1; /* overfits the categories */
    struct lw_fit_spec trees = t.spec;
    trees.base = &base;
    t.spec = base;
    struct lw_model *line = lw_bench_fit(&t, 0, NULL);
    t.spec = trees;
    struct lw_model *boosted = lw_bench_fit(&t, 0, NULL);
    assert_true(lw_bench_rmse(&later, line) > 1.5);
    assert_true(lw_bench_rmse(&later, boosted) < 1.15);
    lw_model_free(line);
    lw_model_free(boosted);
    lw_dataset_free(later.ds);
    lw_bench_fini(&t);
}

static void rows_and_columns_give_the_same_bits(void **state) {
    (void)state;
    struct bench t;
    struct lw_fit_spec base;
    tree_bench(&t);
    check_rows_and_columns(&t);
    boosted_bench(&t, &base);
    check_rows_and_columns(&t);
}

/* --- masks ---------------------------------------------------------------------------- */

/* A random forest of ragged trees over few distinct thresholds. */
static struct lw_forest *random_forest(struct lw_rng *rng, size_t ntrees, size_t leaves) {
    size_t per = 2 * leaves - 1;
    struct lw_forest *f = lw_forest_new(ntrees, ntrees * per);
    f->nfeatures = 4;
    for (size_t t = 0; t < ntrees; t++) {
        size_t base = t * per, used = 1;
        f->root[t] = (int32_t)base;
        for (size_t i = 0; i < per; i++) {
            bool must = used == i + 1 && used < per; /* the last one left */
            if (used < per && (must || lw_rng_below(rng, 2))) {
                float cut = (float)lw_rng_below(rng, 30) - 10;
                f->node[base + i] = (struct lw_tree_node){
                    i % 3 ? cut : cut * 1e30f, (int32_t)lw_rng_below(rng, 4),
                    (int32_t)(base + used), (int32_t)lw_rng_below(rng, 2)};
                used += 2;
            } else {
                lw_forest_set_leaf(f, base + i, (float)lw_rng_normal(rng));
            }
        }
    }
    return f;
}

static void masks_and_walks_give_the_same_bits(void **state) {
    (void)state;
    struct lw_rng rng;
    struct lw_err err = {0};
    lw_rng_seed(&rng, 77);
    for (int round = 0; round < 60; round++) {
        size_t leaves = 1 + lw_rng_below(&rng, 64);
        struct lw_forest *f = random_forest(&rng, 1 + lw_rng_below(&rng, 40), leaves);
        if (lw_forest_check(f, &err))
            fail_msg("%s", err.msg);
        assert_true(f->masks || leaves == 1);
        for (int i = 0; i < 300; i++) {
            float x[4];
            for (int k = 0; k < 4; k++) {
                x[k] = (float)lw_rng_below(&rng, 60) / 2 - 12;
                x[k] = i % 5 == k ? NAN : i % 7 == k ? x[k] * 1e30f : x[k];
            }
            float way[2] = {(float)lw_forest_score(f, x), (float)lw_forest_walk(f, x)};
            assert_memory_equal(&way[0], &way[1], sizeof *way);
        }
        lw_forest_free(f);
    }
    struct lw_forest *large = random_forest(&rng, 2, 65);
    assert_int_equal(lw_forest_check(large, &err), 0);
    assert_null(large->masks);
    float x[4] = {0};
    assert_true(lw_forest_score(large, x) == lw_forest_walk(large, x));
    lw_forest_free(large);
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
        cmocka_unit_test(damaged_bases_are_refused_or_harmless),
        cmocka_unit_test(a_boosted_model_adds_the_forest_to_its_base),
        cmocka_unit_test(a_correction_can_be_added_to_an_uncorrected_fit),
        cmocka_unit_test(trees_learn_what_the_base_leaves_and_not_its_overfit),
        cmocka_unit_test(masks_and_walks_give_the_same_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
