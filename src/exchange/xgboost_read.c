/* XGBoost's JSON (and UBJSON, read into the same values): gbtree with a link that is the
 * identity. Nodes are compared and leaves are added as XGBoost does (model/forest.h).
 *
 * A file that leeway wrote has what XGBoost cannot hold in the attribute `leeway`
 * (xgboost_write.c); then the trees are put back into that record. */
#include "exchange/private.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "exchange/xgboost.h"
#include "model/forest.h"
#include "model/parts.h"

/* Objectives whose prediction is the sum of the leaves itself. */
static const char *const identities[] = {"reg:squarederror",     "reg:linear",
                                         "reg:squaredlogerror",  "reg:absoluteerror",
                                         "reg:pseudohubererror", "reg:quantileerror"};

static const struct lw_place learner_place = {NULL, "learner", 0};
static const struct lw_place booster_place = {&learner_place, "gradient_booster", 0};
static const struct lw_place model_place = {&booster_place, "model", 0};
static const struct lw_place trees_place = {&model_place, "trees", 0};
static const struct lw_place params_place = {&learner_place, "learner_model_param", 0};
static const struct lw_place names_place = {&learner_place, "feature_names", 0};

struct xgboost_file {
    json_t *learner, *model, *trees;
    double base;
    struct lw_frame_feature *feature;
    size_t nfeatures;
    struct lw_err *err;
};

/* ---- what the model is ---- */

static int check_objective(struct xgboost_file *f) {
    const struct lw_place at = {&learner_place, "objective", 0};
    struct lw_place name_place = {&at, "name", 0};
    json_t *o =
        lw__place_member(&learner_place, f->learner, "objective", JSON_OBJECT, f->err);
    json_t *name = o ? lw__place_member(&at, o, "name", JSON_STRING, f->err) : NULL;
    if (!name)
        return -1;
    for (size_t i = 0; i < sizeof identities / sizeof *identities; i++)
        if (strcmp(json_string_value(name), identities[i]) == 0)
            return 0;
    return lw__place_fail(
        &name_place, f->err,
        "\"%.60s\" is not a regression whose prediction is the sum of its "
        "leaves (reg:squarederror, reg:absoluteerror, ...), so its link "
        "cannot be held",
        json_string_value(name));
}

static int check_booster(struct xgboost_file *f) {
    struct lw_place name_place = {&booster_place, "name", 0};
    json_t *b = lw__place_member(&learner_place, f->learner, "gradient_booster",
                                 JSON_OBJECT, f->err);
    json_t *name =
        b ? lw__place_member(&booster_place, b, "name", JSON_STRING, f->err) : NULL;
    if (!name)
        return -1;
    if (strcmp(json_string_value(name), "gbtree") != 0)
        return lw__place_fail(&name_place, f->err,
                              "\"%.40s\": only trees of `gbtree` can be held",
                              json_string_value(name));
    f->model = lw__place_member(&booster_place, b, "model", JSON_OBJECT, f->err);
    f->trees = f->model
                   ? lw__place_member(&model_place, f->model, "trees", JSON_ARRAY, f->err)
                   : NULL;
    return f->trees ? 0 : -1;
}

/* Outputs: one. `most` is the largest value that means so. */
static int check_param(struct xgboost_file *f, const json_t *params, const char *key,
                       double most) {
    struct lw_place at = {&params_place, key, 0};
    const json_t *v = json_object_get(params, key);
    double n = 0;
    if (!v)
        return 0;
    if (lw__place_number(&at, v, &n, f->err))
        return -1;
    return n >= 0 && n <= most
               ? 0
               : lw__place_fail(&at, f->err, "%g: the model has more than one output", n);
}

static int check_params(struct xgboost_file *f) {
    struct lw_place at = {&params_place, "base_score", 0};
    json_t *params = lw__place_member(&learner_place, f->learner, "learner_model_param",
                                      JSON_OBJECT, f->err);
    if (!params || check_param(f, params, "num_class", 1) ||
        check_param(f, params, "num_target", 1))
        return -1;
    const json_t *base = json_object_get(params, "base_score");
    if (!base)
        return lw__place_fail(&at, f->err, "it is missing");
    return lw__place_number(&at, base, &f->base, f->err);
}

/* A scikit-learn wrapper predicts with the trees up to the best iteration only. */
static int check_stopped(struct xgboost_file *f) {
    const struct lw_place up = {&learner_place, "attributes", 0};
    struct lw_place at = {&up, "best_iteration", 0};
    const json_t *best =
        json_object_get(json_object_get(f->learner, "attributes"), "best_iteration");
    double n = 0;
    if (!best)
        return 0;
    if (lw__place_number(&at, best, &n, f->err))
        return -1;
    return n + 1 >= (double)json_array_size(f->trees)
               ? 0
               : lw__place_fail(
                     &at, f->err,
                     "training went on for more rounds than the model uses: save "
                     "model.get_booster()[:%g] instead",
                     n + 1);
}

static int check_kinds(struct xgboost_file *f) {
    const struct lw_place up = {&learner_place, "feature_types", 0};
    const json_t *types = json_object_get(f->learner, "feature_types");
    size_t i;
    json_t *type;
    json_array_foreach(types, i, type) {
        struct lw_place at = {&up, NULL, i};
        if (json_is_string(type) && strcmp(json_string_value(type), "c") == 0)
            return lw__place_fail(&at, f->err,
                                  "splits on sets of categories cannot be held: train on "
                                  "the category's integer, without enable_categorical");
    }
    return 0;
}

static int read_names(struct xgboost_file *f) {
    json_t *names = json_object_get(f->learner, "feature_names");
    size_t i;
    json_t *name;
    if (!json_is_array(names) || json_array_size(names) == 0)
        return lw__place_fail(&names_place, f->err,
                              "the features have no names: train on a DataFrame, or set "
                              "booster.feature_names, with the configuration's names");
    f->nfeatures = json_array_size(names);
    f->feature = lw_calloc(f->nfeatures, sizeof *f->feature);
    json_array_foreach(names, i, name) {
        struct lw_place at = {&names_place, NULL, i};
        if (!json_is_string(name))
            return lw__place_fail(&at, f->err, "a text is expected");
        f->feature[i].name = json_string_value(name);
    }
    return 0;
}

/* ---- trees ---- */

struct xgboost_tree {
    struct xgboost_file *file;
    const json_t *left, *right, *index, *value, *missing_left, *type;
    size_t n;
    const struct lw_place *at;
    struct lw_forest *forest;
};

static int tree_list(struct xgboost_tree *t, const json_t *tree, const char *key,
                     const json_t **out) {
    struct lw_place at = {t->at, key, 0};
    *out = lw__place_member(t->at, tree, key, JSON_ARRAY, t->file->err);
    if (!*out)
        return -1;
    return json_array_size(*out) == t->n
               ? 0
               : lw__place_fail(&at, t->file->err, "%zu entries of %zu nodes",
                                json_array_size(*out), t->n);
}

static int tree_open(struct xgboost_tree *t, const json_t *tree) {
    struct lw_place at = {t->at, "left_children", 0};
    if (!json_is_object(tree))
        return lw__place_fail(t->at, t->file->err, "an object is expected");
    t->left = lw__place_member(t->at, tree, "left_children", JSON_ARRAY, t->file->err);
    if (!t->left)
        return -1;
    t->n = json_array_size(t->left);
    if (t->n == 0)
        return lw__place_fail(&at, t->file->err, "the tree has no nodes");
    t->type = json_object_get(tree, "split_type");
    return tree_list(t, tree, "right_children", &t->right) ||
                   tree_list(t, tree, "split_indices", &t->index) ||
                   tree_list(t, tree, "split_conditions", &t->value) ||
                   tree_list(t, tree, "default_left", &t->missing_left)
               ? -1
               : 0;
}

static int node_number(const struct xgboost_tree *t, const json_t *list, const char *key,
                       size_t i, double *out) {
    struct lw_place of = {t->at, key, 0}, at = {&of, NULL, i};
    if (lw__place_number(&at, json_array_get(list, i), out, t->file->err))
        return -1;
    return isfinite((float)*out)
               ? 0
               : lw__place_fail(&at, t->file->err, "%g is too large", *out);
}

static int node_child(const struct xgboost_tree *t, const json_t *list, const char *key,
                      size_t i, size_t *out) {
    struct lw_place of = {t->at, key, 0}, at = {&of, NULL, i};
    double v = 0;
    if (node_number(t, list, key, i, &v))
        return -1;
    if (!(v >= 0 && v < (double)t->n) || v != floor(v))
        return lw__place_fail(&at, t->file->err, "there is no node %g", v);
    *out = (size_t)v;
    return 0;
}

static int node_feature(const struct xgboost_tree *t, size_t i, size_t *out) {
    struct lw_place of = {t->at, "split_indices", 0}, at = {&of, NULL, i};
    struct lw_place types = {t->at, "split_type", 0}, type = {&types, NULL, i};
    double v = 0;
    if (node_number(t, t->index, "split_indices", i, &v))
        return -1;
    if (!(v >= 0 && v < (double)t->file->nfeatures) || v != floor(v))
        return lw__place_fail(&at, t->file->err, "there is no feature %g", v);
    if (json_integer_value(json_array_get(t->type, i)) != 0)
        return lw__place_fail(&type, t->file->err,
                              "a split on a set of categories cannot be held");
    *out = (size_t)v;
    return 0;
}

static int tree_node(void *arg, size_t source, size_t at, size_t child[2],
                     struct lw_err *err) {
    struct xgboost_tree *t = arg;
    double left = 0, value = 0, missing = 0;
    size_t feature = 0;
    (void)err;
    if (node_number(t, t->left, "left_children", source, &left) ||
        node_number(t, t->value, "split_conditions", source, &value))
        return -1;
    if (left == -1) {
        lw_forest_set_leaf(t->forest, at, (float)value);
        return 0;
    }
    if (node_child(t, t->left, "left_children", source, &child[0]) ||
        node_child(t, t->right, "right_children", source, &child[1]) ||
        node_feature(t, source, &feature) ||
        node_number(t, t->missing_left, "default_left", source, &missing))
        return -1;
    t->file->feature[feature].used = true;
    t->forest->node[at] = (struct lw_tree_node){
        .value = (float)value, .feature = (int32_t)feature, .missing_left = missing != 0};
    return 1;
}

static int read_tree(struct xgboost_file *f, struct lw_forest *forest, size_t i,
                     size_t *used) {
    struct lw_place at = {&trees_place, NULL, i};
    struct xgboost_tree t = {.file = f, .at = &at, .forest = forest};
    if (tree_open(&t, json_array_get(f->trees, i)))
        return -1;
    const struct lw_tree_source source = {&t, t.n, tree_node};
    struct lw_err why = {0};
    forest->root[i] = (int32_t)*used;
    size_t took = lw__tree_copy(forest, *used, &source, &why);
    if (took == 0 && why.code)
        return lw__place_fail(&at, f->err, "%s", why.msg);
    *used += took;
    return took ? 0 : -1;
}

static size_t count_nodes(const json_t *trees) {
    size_t i, n = 0;
    json_t *tree;
    json_array_foreach(trees, i, tree)
        n += json_array_size(json_object_get(tree, "left_children"));
    return n;
}

/* The trees, whose nodes name features by their index in the file. */
static struct lw_forest *read_forest(struct xgboost_file *f) {
    size_t ntrees = json_array_size(f->trees), nnodes = count_nodes(f->trees), used = 0;
    if (ntrees == 0 || ntrees > LW_TREES_MAX || nnodes > INT32_MAX / 2) {
        lw__place_fail(&trees_place, f->err, "%zu trees; a model has 1 to %d", ntrees,
                       LW_TREES_MAX);
        return NULL;
    }
    struct lw_forest *forest = lw_forest_new(ntrees, nnodes);
    int rc = 0;
    for (size_t i = 0; i < ntrees && !rc; i++)
        rc = read_tree(f, forest, i, &used);
    forest->nnodes = used;
    forest->base = (float)f->base;
    if (!rc)
        return forest;
    lw_forest_free(forest);
    return NULL;
}

static void renumber_features(const struct xgboost_file *f, struct lw_forest *forest) {
    for (size_t i = 0; i < forest->nnodes; i++)
        if (!forest->is_leaf[i])
            forest->node[i].feature = (int32_t)f->feature[forest->node[i].feature].at;
}

static struct lw_model *forest_model(const struct lw_exchange *to, struct xgboost_file *f,
                                     struct lw_forest *forest) {
    const char **text = lw_calloc(f->nfeatures + 1, sizeof *text);
    size_t n = 0;
    int rc = lw__frame_check(to, f->feature, f->nfeatures, f->err);
    for (size_t k = 0; k < f->nfeatures; k++)
        if (f->feature[k].used)
            text[n++] = f->feature[k].name;
    struct lw_model *m = rc ? NULL : lw__frame_new(to, text, n, f->err);
    free(text);
    if (!m) {
        lw_forest_free(forest);
        return NULL;
    }
    renumber_features(f, forest);
    lw_model_add_param(m, "from", "XGBoost");
    if (lw__frame_plant(m, forest, f->err) == 0)
        return m;
    lw_model_free(m);
    return NULL;
}

/* ---- a file that leeway wrote ---- */

/* Puts the trees into the record, of which the file has everything else. */
static struct lw_model *own_model(struct xgboost_file *f, const char *text,
                                  struct lw_forest *forest) {
    const struct lw_place up = {&learner_place, "attributes", 0};
    struct lw_place at = {&up, LW_XGBOOST_ATTRIBUTE, 0};
    struct lw_model *m = NULL;
    json_t *record = lw__json_read(text, strlen(text), f->err);
    json_t *part = json_object_get(record, "forest");
    if (record && !json_is_object(part))
        lw__place_fail(NULL, f->err, "it is not the record of a forest");
    else if (record) {
        lw__xgboost_put_nodes(forest, part);
        m = lw__record_model(record, f->err);
    }
    json_decref(record);
    lw_forest_free(forest);
    if (!m)
        lw__place_context(&at, f->err);
    return m;
}

static struct lw_model *file_model(const struct lw_exchange *to, struct xgboost_file *f) {
    if (check_objective(f) || check_booster(f) || check_params(f) || check_stopped(f) ||
        check_kinds(f) || read_names(f))
        return NULL;
    struct lw_forest *forest = read_forest(f);
    const json_t *own =
        json_object_get(json_object_get(f->learner, "attributes"), LW_XGBOOST_ATTRIBUTE);
    if (!forest)
        return NULL;
    return json_is_string(own) ? own_model(f, json_string_value(own), forest)
                               : forest_model(to, f, forest);
}

struct lw_model *lw__xgboost_read(const struct lw_exchange *to, const json_t *root,
                                  struct lw_err *err) {
    struct xgboost_file f = {.err = err};
    f.learner = lw__place_member(NULL, root, "learner", JSON_OBJECT, err);
    struct lw_model *m = f.learner ? file_model(to, &f) : NULL;
    free(f.feature);
    return m;
}
