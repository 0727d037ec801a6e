/* A forest compiled for scoring without walking it.
 *
 * The leaves of a tree are numbered from left to right. A node that sends a row to the
 * right rules out all leaves of its left subtree. Of the leaves that no node of the tree
 * rules out, the first is the one that the row reaches (Lucchese et al., "QuickScorer",
 * 2015). What the nodes over one feature rule out depends only on the feature's bin: the
 * number of their thresholds that are not above the value. So for each feature, bin and
 * tree the remaining leaves are computed in advance as the bits of a word, and a row
 * takes one AND for each feature and tree, over contiguous memory, without a branch. The
 * bin decides every comparison exactly, and leaves are added in the same order, so the
 * sum has the same bits as a walk's. */
#ifndef LW_MODEL_MASKS_H
#define LW_MODEL_MASKS_H

#include <stddef.h>

struct lw_forest;
struct lw_masks;

/* NULL if a tree has more than 64 leaves, if trees share nodes, or if the words would
 * take more than LW_MASKS_BYTES. The forest must have passed lw_forest_check. */
#define LW_MASKS_BYTES ((size_t)16 << 20)
struct lw_masks *lw_masks_new(const struct lw_forest *forest);
void lw_masks_free(struct lw_masks *masks);

/* `sum` plus the leaves that the features x reach. No allocation. */
float lw_masks_score(const struct lw_masks *masks, const float *x, float sum);
/* The same for leaves in double precision. */
double lw_masks_score_wide(const struct lw_masks *masks, const float *x, double sum);

#endif
