/* Writes a forest as XGBoost's JSON, which XGBoost 1.7 and later load.
 *
 * There, a feature is what the forest compares: an expression of the feature language, and
 * of a category with ranked levels the rank. What XGBoost has no place for (levels, zone,
 * calendars, tables) is the model's record in the attribute `leeway`. */
#include "exchange/xgboost.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/forest.h"
#include "model/parts.h"

void lw__xgboost_put_nodes(const struct lw_forest *f, json_t *part) {
    json_t *roots = json_array(), *feature = json_array(), *value = json_array();
    json_t *left = json_array(), *missing = json_array();
    for (size_t t = 0; f && t < f->ntrees; t++)
        json_array_append_new(roots, json_integer(f->root[t]));
    for (size_t i = 0; f && i < f->nnodes; i++) {
        const struct lw_tree_node *n = &f->node[i];
        bool leaf = f->is_leaf[i];
        json_array_append_new(feature, json_integer(leaf ? -1 : n->feature));
        json_array_append_new(value, json_real((double)(leaf ? f->leaf[i] : n->value)));
        json_array_append_new(left, json_integer(leaf ? 0 : n->left));
        json_array_append_new(missing, json_boolean(!leaf && n->missing_left));
    }
    json_object_set_new(part, "roots", roots);
    json_object_set_new(part, "feature", feature);
    json_object_set_new(part, "value", value);
    json_object_set_new(part, "left", left);
    json_object_set_new(part, "missing_left", missing);
}

/* ---- one tree, breadth first ---- */

struct tree_lists {
    json_t *left, *right, *parent, *index, *value, *missing_left, *type, *zero;
};

static void lists_init(struct tree_lists *l) {
    json_t **all[] = {&l->left,  &l->right,        &l->parent, &l->index,
                      &l->value, &l->missing_left, &l->type,   &l->zero};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        *all[i] = json_array();
}

static void push_int(json_t *list, int64_t v) {
    json_array_append_new(list, json_integer(v));
}

static void push_node(struct tree_lists *l, const struct lw_forest *f, size_t i,
                      size_t child) {
    bool leaf = f->is_leaf[i];
    push_int(l->left, leaf ? -1 : (int64_t)child);
    push_int(l->right, leaf ? -1 : (int64_t)child + 1);
    push_int(l->index, leaf ? 0 : f->node[i].feature);
    push_int(l->missing_left, !leaf && f->node[i].missing_left);
    push_int(l->type, 0);
    json_array_append_new(l->zero, json_real(0));
    json_array_append_new(l->value,
                          json_real((double)(leaf ? f->leaf[i] : f->node[i].value)));
}

static json_t *text_number(size_t n) {
    char text[24];
    snprintf(text, sizeof text, "%zu", n);
    return json_string(text);
}

static json_t *tree_object(struct tree_lists *l, size_t id, size_t nodes, int features) {
    static const char *const empty[] = {"categories", "categories_nodes",
                                        "categories_segments", "categories_sizes"};
    json_t *o = json_object(), *param = json_object();
    for (size_t i = 0; i < sizeof empty / sizeof *empty; i++)
        json_object_set_new(o, empty[i], json_array());
    json_object_set_new(param, "num_deleted", json_string("0"));
    json_object_set_new(param, "num_feature", text_number((size_t)features));
    json_object_set_new(param, "num_nodes", text_number(nodes));
    json_object_set_new(param, "size_leaf_vector", json_string("1"));
    json_object_set_new(o, "tree_param", param);
    json_object_set_new(o, "id", json_integer((int64_t)id));
    json_object_set_new(o, "left_children", l->left);
    json_object_set_new(o, "right_children", l->right);
    json_object_set_new(o, "parents", l->parent);
    json_object_set_new(o, "split_indices", l->index);
    json_object_set_new(o, "split_conditions", l->value);
    json_object_set_new(o, "split_type", l->type);
    json_object_set_new(o, "default_left", l->missing_left);
    json_object_set(o, "base_weights", l->zero);
    json_object_set(o, "loss_changes", l->zero);
    json_object_set_new(o, "sum_hessian", l->zero);
    return o;
}

/* NULL: trees share nodes, which XGBoost's cannot. */
static json_t *tree_write(const struct lw_forest *f, size_t t) {
    size_t *from = lw_calloc(f->nnodes + 2, sizeof *from), used = 1;
    struct tree_lists l;
    bool shared = false;
    lists_init(&l);
    from[0] = (size_t)f->root[t];
    push_int(l.parent, INT32_MAX);
    for (size_t k = 0; k < used && !shared; k++) {
        bool leaf = f->is_leaf[from[k]];
        push_node(&l, f, from[k], used);
        shared = !leaf && used + 2 > f->nnodes;
        for (int side = 0; !leaf && !shared && side < 2; side++) {
            push_int(l.parent, (int64_t)k);
            from[used++] = (size_t)f->node[from[k]].left + (size_t)side;
        }
    }
    free(from);
    json_t *o = tree_object(&l, t, used, f->nfeatures);
    if (!shared)
        return o;
    json_decref(o);
    return NULL;
}

/* ---- the file ---- */

static json_t *booster_json(const struct lw_forest *f, struct lw_err *err) {
    json_t *o = json_object(), *model = json_object(), *param = json_object();
    json_t *trees = json_array(), *info = json_array(), *rounds = json_array();
    bool whole = true;
    push_int(rounds, 0);
    for (size_t t = 0; t < f->ntrees && whole; t++) {
        json_t *tree = tree_write(f, t);
        whole = tree != NULL;
        json_array_append_new(trees, tree ? tree : json_null());
        push_int(info, 0);
        push_int(rounds, (int64_t)t + 1);
    }
    json_object_set_new(param, "num_trees", text_number(f->ntrees));
    json_object_set_new(param, "num_parallel_tree", json_string("1"));
    json_object_set_new(model, "gbtree_model_param", param);
    json_object_set_new(model, "tree_info", info);
    json_object_set_new(model, "iteration_indptr", rounds);
    json_object_set_new(model, "trees", trees);
    json_object_set_new(o, "model", model);
    json_object_set_new(o, "name", json_string("gbtree"));
    if (whole)
        return o;
    lw_fail(err, LW_EINPUT, "its trees share nodes, which XGBoost's cannot");
    json_decref(o);
    return NULL;
}

static json_t *params_json(const struct lw_forest *f) {
    char base[40];
    json_t *o = json_object();
    snprintf(base, sizeof base, "%.9E", (double)f->base);
    json_object_set_new(o, "base_score", json_string(base));
    json_object_set_new(o, "boost_from_average", json_string("1"));
    json_object_set_new(o, "num_class", json_string("0"));
    json_object_set_new(o, "num_feature", text_number((size_t)f->nfeatures));
    json_object_set_new(o, "num_target", json_string("1"));
    return o;
}

static json_t *objective_json(void) {
    json_t *o = json_object(), *param = json_object();
    json_object_set_new(param, "scale_pos_weight", json_string("1"));
    json_object_set_new(o, "name", json_string("reg:squarederror"));
    json_object_set_new(o, "reg_loss_param", param);
    return o;
}

static json_t *learner_json(const struct lw_model *m, json_t *booster,
                            const char *record) {
    const struct lw_forest *f = m->forest;
    json_t *o = json_object(), *names = json_array(), *types = json_array();
    json_t *attributes = json_object();
    for (int k = 0; k < f->nfeatures; k++) {
        json_array_append_new(
            names, json_string(lw_plan_atom_text(m->plan, (size_t)f->atom[k])));
        json_array_append_new(types, json_string("float"));
    }
    json_object_set_new(attributes, LW_XGBOOST_ATTRIBUTE, json_string(record));
    json_object_set_new(o, "attributes", attributes);
    json_object_set_new(o, "feature_names", names);
    json_object_set_new(o, "feature_types", types);
    json_object_set_new(o, "gradient_booster", booster);
    json_object_set_new(o, "learner_model_param", params_json(f));
    json_object_set_new(o, "objective", objective_json());
    return o;
}

static int check_forest(const struct lw_model *m, struct lw_err *err) {
    const char *json = "; write it as json or avro";
    if (!m->forest)
        return lw_fail(err, LW_EINPUT, "the model is linear, and has no trees%s", json);
    if (m->base)
        return lw_fail(err, LW_EINPUT,
                       "the trees correct a linear model, which XGBoost cannot hold%s",
                       json);
    if (m->forest->wide)
        return lw_fail(err, LW_EINPUT,
                       "its leaves are in double precision, XGBoost's are not%s", json);
    return 0;
}

/* The model's record without its nodes, as text. */
static char *record_text(const struct lw_model *m, struct lw_err *err) {
    json_t *record = lw__record_json(m, err);
    if (!record)
        return NULL;
    lw__xgboost_put_nodes(NULL, json_object_get(record, "forest"));
    char *text = json_dumps(record, JSON_COMPACT | JSON_REAL_PRECISION(17));
    json_decref(record);
    return text;
}

int lw__xgboost_write(const struct lw_model *m, struct lw_buf *out, struct lw_err *err) {
    if (check_forest(m, err))
        return -1;
    json_t *booster = booster_json(m->forest, err);
    char *record = booster ? record_text(m, err) : NULL;
    if (!record) {
        json_decref(booster);
        return -1;
    }
    json_t *root = json_object();
    json_object_set_new(root, "learner", learner_json(m, booster, record));
    json_object_set_new(root, "version", json_pack("[iii]", 1, 7, 4));
    char *text = json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(9));
    json_decref(root);
    free(record);
    lw_buf_put(out, text, strlen(text));
    free(text);
    return 0;
}
