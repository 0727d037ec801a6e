/* Boosted trees by XGBoost: trained through its C API, exported as JSON, stored and
 * scored as plain arrays (forest.c), so that a worker does not need XGBoost.
 *
 * Features are the factors of the candidate's terms, each once; crosses have no effect.
 * A category is represented by its integer, or by its rank by the mean target
 * (forest.h). XGBoost's own handling of categories is not used: it differs
 * between the versions in Debian. The base score is the mean target. One thread and a
 * fixed seed: the same rows give the same trees. (Two threads wait for each other at every
 * node: on a busy machine, that took twice the time of one.) */
#include "model/trees.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <xgboost/c_api.h>

#include "base/mem.h"
#include "model/forest.h"

bool lw_trees_available(void) {
    return true;
}

static int xgboost_failed(struct lw_err *err) {
    return lw_fail(err, LW_EINPUT, "XGBoost: %.300s", XGBGetLastError());
}

static int choose_features(const struct lw_model *m, struct lw_forest *f,
                           struct lw_err *err) {
    if (m->base)
        f->atom[f->nfeatures++] = LW_FOREST_LINEAR;
    for (size_t t = 0; t < lw_plan_terms(m->plan); t++) {
        const struct lw_term *term = lw_plan_term_at(m->plan, t);
        for (int j = 0; j < term->ncat + term->nnum; j++) {
            int a = term->factor[j];
            bool known = false;
            for (int k = 0; k < f->nfeatures; k++)
                known |= f->atom[k] == a;
            if (!known)
                f->atom[f->nfeatures++] = a;
        }
    }
    return f->nfeatures ? 0 : lw_fail(err, LW_ECONFIG, "trees need at least one term");
}

/* --- levels in the order of the mean target ----------------------------------------- */

#define PULL 20.0 /* a level with this many rows is shrunk half-way to the overall mean */

struct ranked_level {
    uint64_t key;
    double mean;
};

static int by_mean(const void *a, const void *b) {
    const struct ranked_level *x = a, *y = b;
    if (x->mean != y->mean)
        return x->mean < y->mean ? -1 : 1;
    return x->key < y->key ? -1 : x->key > y->key;
}

struct code_sums {
    int atom;
    double *sum, *weight; /* by code, and of all rows last */
};

static void sum_by_code(const struct lw_chunk *feed, const struct lw_rows *rows,
                        const uint32_t *idx, size_t n, const struct code_sums *to) {
    double *sum = to->sum, *weight = to->weight;
    int atom = to->atom;
    double w[LW_CHUNK];
    lw_rows_weights(rows, idx, n, w);
    for (size_t i = 0; i < n; i++) {
        uint32_t code = feed->code[atom][i], all = feed->m->dict[atom].n;
        double y = lw_label_bounded(&rows->labels, lw_dataset_target(rows->ds, idx[i]));
        sum[all] += w[i] * y;
        weight[all] += w[i];
        if (code >= all)
            continue;
        sum[code] += w[i] * y;
        weight[code] += w[i];
    }
}

static void rank_levels(struct lw_chunk *feed, const struct lw_rows *rows,
                        struct lw_forest *f, int k) {
    int atom = f->atom[k];
    const struct lw_dict *dict = &feed->m->dict[atom];
    double *sum = lw_calloc(dict->n + 1, sizeof *sum);
    double *weight = lw_calloc(dict->n + 1, sizeof *weight);
    struct ranked_level *s = lw_calloc(dict->n + 1, sizeof *s);
    uint32_t idx[LW_CHUNK], n = 0;
    for (size_t got, at = rows->begin; (got = lw_rows_next(rows, &at, idx));) {
        lw_chunk_atoms(feed, idx, got, feed->natoms);
        sum_by_code(feed, rows, idx, got, &(struct code_sums){atom, sum, weight});
    }
    double mean = weight[dict->n] > 0 ? sum[dict->n] / weight[dict->n] : 0;
    for (uint32_t c = 0; c < dict->n; c++)
        if (!dict->level[c].missing)
            s[n++] = (struct ranked_level){dict->level[c].key,
                                           (sum[c] + PULL * mean) / (weight[c] + PULL)};
    qsort(s, n, sizeof *s, by_mean);
    f->nkeys[k] = n;
    f->key[k] = lw_malloc((n + 1) * sizeof *f->key[k]);
    for (uint32_t i = 0; i < n; i++)
        f->key[k][i] = s[i].key;
    free(s);
    free(sum);
    free(weight);
}

/* Names: texts, and integers of a field. The parts of a timestamp and bins have an order
 * of their own. */
static bool is_ranked(const struct lw_model *m, int atom) {
    if (atom == LW_FOREST_LINEAR ||
        lw_plan_atom_kind(m->plan, (size_t)atom) != LW_CATEGORY)
        return false;
    return m->dict[atom].texts == 1 ||
           lw_plan_atom_at(m->plan, (size_t)atom)->source == LW_SOURCE_FIELD;
}

static int order_levels(struct lw_chunk *feed, const struct lw_rows *rows,
                        struct lw_forest *f, struct lw_err *err) {
    for (int k = 0; k < f->nfeatures; k++)
        if (is_ranked(feed->m, f->atom[k]))
            rank_levels(feed, rows, f, k);
    return lw_forest_index(f, feed->m, err);
}

/* --- rows and XGBoost ----------------------------------------------------------------
 */

struct matrix {
    const double *linear; /* by row, or NULL */
    float *x, *y, *w;
    size_t n, width;
    double mean;
    bool overflow; /* a target too large for single precision */
    bool weighs;   /* any row */
};

static void gather_matrix(struct lw_chunk *feed, const struct lw_rows *rows,
                          const struct lw_forest *f, struct matrix *mat) {
    size_t room = rows->end - rows->begin + 1;
    uint32_t idx[LW_CHUNK];
    double w[LW_CHUNK], sum = 0, weight = 0;
    mat->width = (size_t)f->nfeatures;
    mat->x = lw_malloc(room * mat->width * sizeof *mat->x);
    mat->y = lw_malloc(room * sizeof *mat->y);
    mat->w = lw_malloc(room * sizeof *mat->w);
    for (size_t n, at = rows->begin; (n = lw_rows_next(rows, &at, idx));) {
        lw_chunk_atoms(feed, idx, n, feed->natoms);
        lw_rows_weights(rows, idx, n, w);
        for (size_t i = 0; i < n; i++, mat->n++) {
            double linear = mat->linear ? mat->linear[idx[i] - rows->begin] : 0;
            double y =
                lw_label_bounded(&rows->labels, lw_dataset_target(rows->ds, idx[i])) -
                linear;
            lw_forest_feed_features(f, feed, i, idx[i], linear,
                                    mat->x + mat->n * mat->width);
            mat->y[mat->n] = (float)y;
            mat->w[mat->n] = (float)w[i];
            mat->overflow |= !isfinite(mat->y[mat->n]);
            mat->weighs |= mat->w[mat->n] > 0;
            sum += w[i] * y;
            weight += w[i];
        }
    }
    mat->mean = weight > 0 ? sum / weight : 0;
}

static int booster_set(BoosterHandle b, const char *key, double v) {
    char text[40];
    snprintf(text, sizeof text, "%.9g", v);
    return XGBoosterSetParam(b, key, text);
}

static int booster_configure(BoosterHandle b, const struct lw_tree_params *p,
                             float base) {
    return XGBoosterSetParam(b, "objective", "reg:squarederror") ||
           XGBoosterSetParam(b, "tree_method", "hist") ||
           XGBoosterSetParam(b, "nthread", "1") || XGBoosterSetParam(b, "seed", "1") ||
           XGBoosterSetParam(b, "verbosity", "0") ||
           booster_set(b, "base_score", (double)base) ||
           booster_set(b, "max_depth", p->depth) || booster_set(b, "eta", p->eta) ||
           booster_set(b, "min_child_weight", p->min_child_weight) ||
           booster_set(b, "subsample", p->subsample) ||
           booster_set(b, "lambda", p->lambda);
}

/* Trains and returns the model as JSON, or NULL. */
static json_t *booster_train(const struct matrix *mat, const struct lw_tree_params *p,
                             struct lw_err *err) {
    DMatrixHandle d = NULL;
    BoosterHandle b = NULL;
    char const *text = NULL;
    bst_ulong len = 0;
    json_t *json = NULL;
    int rc = XGDMatrixCreateFromMat(mat->x, mat->n, mat->width, NAN, &d) ||
             XGDMatrixSetFloatInfo(d, "label", mat->y, mat->n) ||
             XGDMatrixSetFloatInfo(d, "weight", mat->w, mat->n) ||
             XGBoosterCreate(&d, 1, &b) || booster_configure(b, p, (float)mat->mean);
    for (int i = 0; i < p->rounds && !rc; i++)
        rc = XGBoosterUpdateOneIter(b, i, d);
    rc = rc || XGBoosterSaveModelToBuffer(b, "{\"format\": \"json\"}", &len, &text);
    if (rc)
        xgboost_failed(err);
    else
        json = json_loadb(text, len, 0, NULL);
    if (b)
        XGBoosterFree(b);
    if (d)
        XGDMatrixFree(d);
    if (!rc && !json)
        lw_fail(err, LW_EINPUT, "XGBoost: the exported model is not JSON");
    return json;
}

static json_t *trees_of(const json_t *model) {
    json_t *at = json_object_get(model, "learner");
    at = json_object_get(at, "gradient_booster");
    at = json_object_get(at, "model");
    return json_object_get(at, "trees");
}

static double json_number_at(const json_t *tree, const char *list, size_t i) {
    json_t *v = json_array_get(json_object_get(tree, list), i);
    return json_is_true(v) ? 1 : json_number_value(v);
}

/* Copies a tree breadth first, so that children come after their parents and siblings
 * are adjacent. `from[k]` is XGBoost's index of our node first + k. */
static size_t copy_tree(struct lw_forest *f, size_t first, const json_t *tree,
                        size_t *from, size_t size) {
    size_t used = 1;
    from[0] = 0;
    for (size_t k = 0; k < used; k++) {
        double left = json_number_at(tree, "left_children", from[k]);
        float value = (float)json_number_at(tree, "split_conditions", from[k]);
        if (left < 0 || used + 2 > size) {
            lw_forest_set_leaf(f, first + k, value);
            continue;
        }
        f->node[first + k] = (struct lw_tree_node){
            value, (int32_t)json_number_at(tree, "split_indices", from[k]),
            (int32_t)(first + used), json_number_at(tree, "default_left", from[k]) != 0};
        from[used++] = (size_t)left;
        from[used++] = (size_t)json_number_at(tree, "right_children", from[k]);
    }
    return used;
}

static struct lw_forest *forest_of_json(const json_t *model, struct lw_err *err) {
    json_t *trees = trees_of(model);
    size_t ntrees = json_array_size(trees), nnodes = 0, largest = 0, at = 0;
    for (size_t t = 0; t < ntrees; t++) {
        json_t *left = json_object_get(json_array_get(trees, t), "left_children");
        size_t n = json_array_size(left);
        nnodes += n;
        largest = n > largest ? n : largest;
    }
    if (ntrees == 0 || nnodes == 0 || nnodes > INT32_MAX / 2) {
        lw_fail(err, LW_EINPUT, "XGBoost: the exported model has no trees");
        return NULL;
    }
    struct lw_forest *f = lw_forest_new(ntrees, nnodes);
    size_t *from = lw_calloc(largest + 2, sizeof *from);
    for (size_t t = 0; t < ntrees; t++) {
        json_t *tree = json_array_get(trees, t);
        json_t *left = json_object_get(tree, "left_children");
        f->root[t] = (int32_t)at;
        at += copy_tree(f, at, tree, from, json_array_size(left));
    }
    f->nnodes = at;
    free(from);
    return f;
}

static int check_matrix(const struct matrix *mat, struct lw_err *err) {
    if (mat->overflow)
        return lw_fail(err, LW_EINPUT, "a target is too large for trees (3.4e38)");
    if (!mat->weighs)
        return lw_fail(
            err, LW_EINPUT,
            "every row has weight 0: half_life is too short for the age of the rows");
    return 0;
}

static int check_params(const struct lw_tree_params *p, struct lw_err *err) {
    if (p->rounds < 1 || p->rounds > LW_TREES_MAX || p->depth < 1 || p->depth > 16 ||
        !(p->eta > 0 && p->eta <= 1) || !(p->subsample > 0 && p->subsample <= 1) ||
        !(p->lambda >= 0) || !(p->min_child_weight >= 0))
        return lw_fail(
            err, LW_ECONFIG,
            "trees: rounds 1 to %d, depth 1 to 16, eta and subsample in (0, 1], "
            "lambda and min_child_weight 0 or more",
            LW_TREES_MAX);
    return 0;
}

/* Moves the features, which were chosen before training, into the trained forest. */
static void forest_adopt(struct lw_forest *f, struct lw_forest *chosen) {
    f->nfeatures = chosen->nfeatures;
    memcpy(f->atom, chosen->atom, sizeof f->atom);
    memcpy(f->key, chosen->key, sizeof f->key);
    memcpy(f->nkeys, chosen->nkeys, sizeof f->nkeys);
    memcpy(f->by_code, chosen->by_code, sizeof f->by_code);
    memset(chosen->key, 0, sizeof chosen->key);
    memset(chosen->by_code, 0, sizeof chosen->by_code);
}

static struct lw_forest *forest_grow(struct lw_chunk *feed, const struct lw_rows *rows,
                                     const double *linear, struct lw_forest *chosen,
                                     const struct lw_tree_params *params,
                                     struct lw_err *err) {
    struct matrix mat = {.linear = linear};
    gather_matrix(feed, rows, chosen, &mat);
    json_t *json = check_matrix(&mat, err) ? NULL : booster_train(&mat, params, err);
    struct lw_forest *f = json ? forest_of_json(json, err) : NULL;
    json_decref(json);
    free(mat.x);
    free(mat.y);
    free(mat.w);
    if (f) {
        f->base = (float)mat.mean;
        forest_adopt(f, chosen);
    }
    return f;
}

int lw_trees_fit(struct lw_model *m, struct lw_chunk *feed, const struct lw_rows *rows,
                 const double *linear, const struct lw_tree_params *params,
                 struct lw_err *err) {
    if (check_params(params, err))
        return -1;
    struct lw_forest *chosen = lw_forest_new(0, 0);
    int rc = choose_features(m, chosen, err);
    if (!rc)
        rc = order_levels(feed, rows, chosen, err);
    if (!rc)
        m->forest = forest_grow(feed, rows, linear, chosen, params, err);
    lw_forest_free(chosen);
    if (rc || !m->forest)
        return -1;
    m->intercept = (double)m->forest->base + (m->base ? m->base->intercept : 0);
    return lw_forest_check(m->forest, err);
}
