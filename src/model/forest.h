/* Boosted trees as flat arrays, and the walk that scores them.
 *
 * A feature is an atom of the model's plan as a float: a number itself, an hour or a bin
 * as its integer, and a level of a category field (a name, also when it is a number) as
 * its rank by the mean target of its training rows: the order in which a split separates
 * best (Fisher, "On Grouping for Maximum Homogeneity", 1958). A level that has no rank is
 * missing. An inner node sends
 * float(x) < threshold to the left and a missing x to the side that training chose.
 * Leaves are added in single precision in the order of the trees, starting at the base,
 * as in XGBoost, so predictions are equal to XGBoost's. An imported forest may have leaves
 * in double precision (`wide`), which are added as in LightGBM.
 *
 * In a boosted model one more feature is the linear prediction that the forest corrects
 * (LW_FOREST_LINEAR in place of an atom). */
#ifndef LW_MODEL_FOREST_H
#define LW_MODEL_FOREST_H

#include <stddef.h>
#include <stdint.h>

#include "leeway/err.h"
#include "model/chunk.h"
#include "model/scorer.h"

#define LW_TREES_MAX          10000
#define LW_DEPTH_MAX          64
#define LW_FOREST_LINEAR      (-1)
#define LW_FOREST_LINEAR_TEXT "linear()" /* in the file; no function of the language */
#define LW_FEATURES_MAX       (LW_ATOMS_MAX + 1)

struct lw_tree_node {
    float value;     /* threshold; +infinity for a leaf */
    int32_t feature; /* position in `atom`; 0 for a leaf */
    int32_t left;    /* the right child follows it; a leaf: the leaf itself */
    int32_t missing_left;
};

struct lw_forest {
    float base;
    int nfeatures, atom[LW_FEATURES_MAX]; /* or LW_FOREST_LINEAR */
    uint64_t *key[LW_FEATURES_MAX];       /* of a ranked feature, by rank; else NULL */
    uint32_t nkeys[LW_FEATURES_MAX];
    float *by_code[LW_FEATURES_MAX]; /* value by code of the model's dictionary */
    size_t ntrees, nnodes;
    int32_t *root, *depth; /* of a tree */
    struct lw_tree_node *node;
    float *leaf;  /* value of a leaf, by node */
    double *wide; /* the same in double precision; NULL: single precision */
    bool *is_leaf;
    struct lw_masks *masks; /* masks.h; NULL: the trees are walked */
};

struct lw_forest *lw_forest_new(size_t ntrees, size_t nnodes);
void lw_forest_free(struct lw_forest *forest);
size_t lw_forest_nodes(const struct lw_forest *forest);
/* Computes the values of categories, after the model's dictionaries are complete.
 * LW_EINPUT if a ranked key is not in the dictionary, or is listed twice. */
int lw_forest_index(struct lw_forest *forest, const struct lw_model *m,
                    struct lw_err *err);
void lw_forest_set_leaf(struct lw_forest *forest, size_t node, float value);
/* Gives the forest leaves in double precision, which the caller sets in `wide`. */
void lw_forest_widen(struct lw_forest *forest);
/* Makes the forest ready to score. LW_EINPUT if the nodes do not form trees: a child does not come
 * after its parent (which excludes cycles), is out of range, or is deeper than
 * LW_DEPTH_MAX. */
int lw_forest_check(struct lw_forest *forest, struct lw_err *err);

/* The features of one row, and of row i of a chunk (idx: its row of the dataset);
 * `linear` is the linear prediction, where it is a feature. */
void lw_forest_features(const struct lw_model *m, const struct lw_cell *cells,
                        const struct lw_values *v, double linear, float *x);
void lw_forest_feed_features(const struct lw_forest *forest, const struct lw_chunk *feed,
                             size_t i, uint32_t idx, double linear, float *x);
double lw_forest_score(const struct lw_forest *forest, const float *x);
double lw_forest_walk(const struct lw_forest *forest, const float *x); /* the same bits */

/* The record "Forest" of schemas/model.avsc. */
struct lw_buf;
struct lw_reader;
void lw_forest_write(const struct lw_forest *forest, const struct lw_model *m,
                     struct lw_buf *out);
/* The features must be atoms of the model's plan; the ranked levels, texts or integers by
 * atom, are added to the model's dictionaries, which must be sorted before
 * lw_forest_index. NULL and LW_EINPUT on failure. */
struct lw_forest *lw_forest_read(struct lw_model *m, struct lw_reader *in,
                                 const bool *is_text, struct lw_err *err);

#endif
