/* Counts of two samples over the same cells: the input of PSI, Jensen-Shannon, Hellinger
 * and chi-square. Cells are made from frozen bins (numeric) or from categories. */
#ifndef LW_DRIFT_CELLS_H
#define LW_DRIFT_CELLS_H

#include <stdbool.h>
#include <stddef.h>

#include "leeway/drift.h"

/* Cells whose expected count in the smaller sample is below this are merged. */
#define LW_CELL_MIN 5.0

struct lw_cells {
    size_t n, cap;
    size_t unchanged;    /* heavy categories that count as cells and may be unchanged */
    double *ref, *cur;   /* counts */
    double n_ref, n_cur; /* their sums */
    double noise; /* variance that sketches add to a difference of shares; 0: exact */
};

void lw_cells_fini(struct lw_cells *c);
void lw_cells_put(struct lw_cells *c, double ref, double cur);

/* Counts both samples in the bins; noise follows from the sketches. */
void lw_cells_numeric(struct lw_cells *out, const struct lw_numeric *ref,
                      const struct lw_numeric *cur, const struct lw_bins *bins);
/* Merges neighbouring cells until each is large enough (their order is meaningful). */
void lw_cells_merge_ordered(struct lw_cells *c);

/* The expected count in the smaller sample for a cell with these two counts. */
double lw_cells_expected(double ref, double cur, double n_ref, double n_cur);

/* What categories show in addition to their cells. */
struct lw_cats_diff {
    double linf;   /* largest change of one category's share; past a cap, a lower bound */
    bool known;    /* whether unseen, expected and p are known */
    double unseen; /* share of current values in categories new to the reference */
    double expected; /* its expected value without a change */
    double p;        /* p-value of a share at least this large */
};
/* One cell per category that is large enough, and one for all others together. */
struct lw_cats_diff lw_cells_categories(struct lw_cells *out, struct lw_cats *ref,
                                        struct lw_cats *cur);

/* The variance of a normalised rank of a sketch; 0 while it holds every item. */
double lw_cells_sketch_variance(const struct lw_kll *kll);

#endif
