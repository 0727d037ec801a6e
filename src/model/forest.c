/* Features, and scoring: by masks where they fit, else by walking. Eight trees are walked side by side, because a single walk is a chain
 * of dependent loads; a leaf points to itself, so all eight take the same number of
 * steps and no branch depends on the data. */
#include "model/forest.h"
#include "model/learned.h"
#include "model/masks.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"

#define ABREAST 8

struct lw_forest *lw_forest_new(size_t ntrees, size_t nnodes) {
    struct lw_forest *f = lw_calloc(1, sizeof *f);
    f->ntrees = ntrees;
    f->nnodes = nnodes;
    f->root = lw_calloc(ntrees + ABREAST, sizeof *f->root);
    f->depth = lw_calloc(ntrees + ABREAST, sizeof *f->depth);
    f->node = lw_calloc(nnodes + 1, sizeof *f->node);
    f->leaf = lw_calloc(nnodes + 1, sizeof *f->leaf);
    f->is_leaf = lw_calloc(nnodes + 1, sizeof *f->is_leaf);
    return f;
}

void lw_forest_free(struct lw_forest *f) {
    if (!f)
        return;
    free(f->root);
    free(f->depth);
    free(f->node);
    free(f->leaf);
    free(f->is_leaf);
    free(f->wide);
    lw_masks_free(f->masks);
    for (int k = 0; k < LW_FEATURES_MAX; k++) {
        free(f->key[k]);
        free(f->by_code[k]);
    }
    free(f);
}

size_t lw_forest_nodes(const struct lw_forest *f) {
    return f->nnodes;
}

void lw_forest_set_leaf(struct lw_forest *f, size_t node, float value) {
    f->is_leaf[node] = true;
    f->leaf[node] = value;
    f->node[node] = (struct lw_tree_node){INFINITY, 0, (int32_t)node, 1};
}

void lw_forest_widen(struct lw_forest *f) {
    f->wide = lw_calloc(f->nnodes + 1, sizeof *f->wide);
}

static int forest_damaged(struct lw_err *err, const char *what) {
    return lw_fail(err, LW_EINPUT, "damaged forest: %s", what);
}

/* Sets a split's height from its children's. What is wrong with the split, or NULL. */
static const char *split_check(const struct lw_forest *f, size_t i, int32_t *height) {
    const struct lw_tree_node *n = &f->node[i];
    if (n->left <= (int64_t)i || (size_t)n->left + 1 >= f->nnodes)
        return "a child does not come after its parent, or is out of range";
    if (n->feature < 0 || n->feature >= f->nfeatures || !isfinite(n->value))
        return "a split";
    int32_t left = height[n->left], right = height[n->left + 1];
    height[i] = 1 + (left > right ? left : right);
    return height[i] > LW_DEPTH_MAX ? "a tree is too deep" : NULL;
}

/* Children come after their parents, so heights are computed from the last node
 * backwards. */
int lw_forest_check(struct lw_forest *f, struct lw_err *err) {
    int32_t *height = lw_calloc(f->nnodes + 1, sizeof *height);
    const char *wrong = NULL;
    for (size_t i = f->nnodes; i-- > 0 && !wrong;)
        if (!f->is_leaf[i])
            wrong = split_check(f, i, height);
    for (size_t i = 0; i < f->nnodes && !wrong; i++)
        if (f->is_leaf[i] &&
            (!isfinite(f->leaf[i]) || (f->wide && !isfinite(f->wide[i]))))
            wrong = "a leaf";
    for (size_t t = 0; t < f->ntrees && !wrong; t++) {
        if (f->root[t] < 0 || (size_t)f->root[t] >= f->nnodes)
            wrong = "a root";
        else
            f->depth[t] = height[f->root[t]];
    }
    free(height);
    lw_masks_free(f->masks);
    f->masks = wrong ? NULL : lw_masks_new(f);
    return wrong ? forest_damaged(err, wrong) : 0;
}

static float to_float(double v) {
    float x = (float)v;
    return isfinite(x) ? x : NAN;
}

/* If the fit saw integers, a text has no key. */
static float key_float(const struct lw_cell *cell) {
    return cell->present && !cell->text ? to_float((double)(int64_t)cell->key) : NAN;
}

/* The value of each code; a ranked feature's NAN until its rank is known. */
static void values_by_code(struct lw_forest *f, const struct lw_model *m, int k) {
    const struct lw_dict *dict = &m->dict[f->atom[k]];
    free(f->by_code[k]);
    f->by_code[k] = lw_malloc((dict->n + 1) * sizeof *f->by_code[k]);
    for (uint32_t c = 0; c < dict->n; c++) {
        struct lw_cell cell = lw_dict_cell(dict, c);
        f->by_code[k][c] = f->key[k] ? NAN : key_float(&cell);
    }
}

static int values_rank(struct lw_forest *f, const struct lw_model *m, int k,
                       struct lw_err *err) {
    const struct lw_dict *dict = &m->dict[f->atom[k]];
    for (uint32_t i = 0; i < f->nkeys[k]; i++) {
        uint32_t code = lw_table_get(&dict->table, f->key[k][i]);
        if (code == LW_TABLE_NONE || !isnan(f->by_code[k][code]))
            return forest_damaged(err, "a level is unknown, or listed twice");
        f->by_code[k][code] = (float)i;
    }
    return 0;
}

int lw_forest_index(struct lw_forest *f, const struct lw_model *m, struct lw_err *err) {
    for (int k = 0; k < f->nfeatures; k++) {
        int a = f->atom[k];
        if (a == LW_FOREST_LINEAR || lw_plan_atom_kind(m->plan, (size_t)a) == LW_NUMERIC)
            continue;
        values_by_code(f, m, k);
        if (values_rank(f, m, k, err))
            return -1;
    }
    return 0;
}

/* A category: by its code, or, when the fit did not see it, by its own integer. */
static inline bool known_float(const struct lw_forest *f, const struct lw_dict *dict,
                               int k, uint32_t code, float *x) {
    *x = code < dict->n ? f->by_code[k][code] : NAN;
    return code < dict->n || f->key[k];
}

void lw_forest_features(const struct lw_model *m, const struct lw_cell *cells,
                        const struct lw_values *v, double linear, float *x) {
    const struct lw_forest *f = m->forest;
    for (int k = 0; k < f->nfeatures; k++) {
        int a = f->atom[k];
        if (a == LW_FOREST_LINEAR) {
            x[k] = to_float(linear);
            continue;
        }
        const struct lw_atom *atom = lw_plan_atom_at(m->plan, (size_t)a);
        if (atom->kind == LW_NUMERIC) {
            x[k] = to_float(v->num[a]);
            continue;
        }
        if (known_float(f, &m->dict[a], k, v->code[a], &x[k]))
            continue;
        struct lw_cell cell =
            atom->learned ? lw_learned_bin(m, (size_t)a, v->num[atom->from], v->code)
                          : lw_plan_atom_value(m->plan, atom, cells);
        x[k] = key_float(&cell);
    }
}

/* The integer of a category that the fit did not see. */
static float unseen_float(const struct lw_chunk *feed, int a, size_t i, uint32_t idx) {
    const struct lw_atom *atom = lw_plan_atom_at(feed->m->plan, (size_t)a);
    size_t from = (size_t)feed->m->plan_atom[a];
    struct lw_cell cell;
    if (atom->learned) {
        uint32_t codes[LW_ATOMS_MAX];
        for (int j = 0; j < atom->nby; j++)
            codes[atom->by[j]] = feed->code[atom->by[j]][i];
        cell = lw_learned_bin(feed->m, (size_t)a, feed->num[atom->from][i], codes);
    } else {
        cell = lw_dict_cell(lw_dataset_dict(feed->ds, from),
                            lw_dataset_codes(feed->ds, from)[idx]);
    }
    return key_float(&cell);
}

void lw_forest_feed_features(const struct lw_forest *f, const struct lw_chunk *feed,
                             size_t i, uint32_t idx, double linear, float *x) {
    for (int k = 0; k < f->nfeatures; k++) {
        int a = f->atom[k];
        if (a == LW_FOREST_LINEAR)
            x[k] = to_float(linear);
        else if (feed->num[a])
            x[k] = to_float(feed->num[a][i]);
        else if (!known_float(f, &feed->m->dict[a], k, feed->code[a][i], &x[k]))
            x[k] = unseen_float(feed, a, i, idx);
    }
}

/* One step down. NAN is below no threshold and goes right. */
static inline int32_t tree_descend(const struct lw_tree_node *node, const float *x,
                                   int32_t at) {
    const struct lw_tree_node *n = &node[at];
    return n->left + !(x[n->feature] < n->value);
}

/* The same if a feature is missing. */
static inline int32_t descend_missing(const struct lw_tree_node *node, const float *x,
                                      int32_t at) {
    const struct lw_tree_node *n = &node[at];
    float v = x[n->feature];
    return n->left + !((v < n->value) | (isnan(v) & n->missing_left));
}

static void walk_missing(const struct lw_tree_node *node, const float *x, int32_t steps,
                         int32_t at[ABREAST]) {
    for (; steps > 0; steps--)
        for (int j = 0; j < ABREAST; j++)
            at[j] = descend_missing(node, x, at[j]);
}

static void trees_walk(const struct lw_tree_node *node, const float *x, int32_t steps,
                       int32_t at[ABREAST]) {
    int32_t a = at[0], b = at[1], c = at[2], d = at[3];
    int32_t e = at[4], f = at[5], g = at[6], h = at[7];
    for (; steps > 0; steps--) { /* separate variables, so that they stay in registers */
        a = tree_descend(node, x, a);
        b = tree_descend(node, x, b);
        c = tree_descend(node, x, c);
        d = tree_descend(node, x, d);
        e = tree_descend(node, x, e);
        f = tree_descend(node, x, f);
        g = tree_descend(node, x, g);
        h = tree_descend(node, x, h);
    }
    at[0] = a, at[1] = b, at[2] = c, at[3] = d;
    at[4] = e, at[5] = f, at[6] = g, at[7] = h;
}

double lw_forest_score(const struct lw_forest *f, const float *x) {
    if (!f->masks)
        return lw_forest_walk(f, x);
    return f->wide ? lw_masks_score_wide(f->masks, x, (double)f->base)
                   : (double)lw_masks_score(f->masks, x, f->base);
}

double lw_forest_walk(const struct lw_forest *f, const float *x) {
    float sum = f->base;
    double wide = (double)f->base;
    bool missing = false;
    for (int k = 0; k < f->nfeatures; k++)
        missing |= isnan(x[k]);
    for (size_t t = 0; t < f->ntrees; t += ABREAST) {
        int32_t at[ABREAST], steps = 0;
        for (int j = 0; j < ABREAST; j++) { /* beyond the last tree: root 0, depth 0 */
            at[j] = f->root[t + (size_t)j];
            steps = f->depth[t + (size_t)j] > steps ? f->depth[t + (size_t)j] : steps;
        }
        if (missing)
            walk_missing(f->node, x, steps, at);
        else
            trees_walk(f->node, x, steps, at);
        for (size_t j = 0; j < ABREAST && t + j < f->ntrees; j++)
            if (f->wide)
                wide += f->wide[at[j]];
            else
                sum += f->leaf[at[j]];
    }
    return f->wide ? wide : (double)sum;
}
