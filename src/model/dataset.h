/* Rows kept for training: the atoms of a plan as columns, with target and event time.
 * Numbers are doubles, categories 32-bit codes of the dataset's own dictionaries (with
 * their texts), about 8 bytes per number and 4 per category: 850,000 taxi trips take
 * about 60 MB. Rows may arrive in any order; lw_dataset_sort orders them by time.
 * Append-only otherwise. */
#ifndef LW_MODEL_DATASET_H
#define LW_MODEL_DATASET_H

#include "model/plan.h"

struct lw_dataset;

/* Borrows the plan; its atoms must all have been added before. */
struct lw_dataset *lw_dataset_new(const struct lw_plan *plan);
void lw_dataset_free(struct lw_dataset *ds);

void lw_dataset_add(struct lw_dataset *ds, const struct lw_row *row);
/* Appends the rows [begin, end) of another dataset over the same plan. */
void lw_dataset_append_rows(struct lw_dataset *ds, const struct lw_dataset *other,
                            size_t begin, size_t end);
/* By time; rows of one time by a hash of their values, so that the same rows in any order
 * of arrival give the same fits, bit for bit. */
void lw_dataset_sort(struct lw_dataset *ds);

const struct lw_plan *lw_dataset_plan(const struct lw_dataset *ds);
size_t lw_dataset_rows(const struct lw_dataset *ds);
int64_t lw_dataset_time(const struct lw_dataset *ds, size_t row);
double lw_dataset_target(const struct lw_dataset *ds, size_t row);
size_t lw_dataset_bytes(const struct lw_dataset *ds);
/* First row of a sorted dataset with time >= ms. */
size_t lw_dataset_lower_bound(const struct lw_dataset *ds, int64_t ms);
/* Bounds of labels. A few absurd labels (a counter that wrapped, seconds among minutes)
 * would otherwise dominate every sum of squares, in a fit and in a comparison of models.
 * A handful is one in a hundred, at least five. A label that is further from the median
 * than 10 times the furthest of the others counts as if it were at that distance. In a
 * normal distribution that is 23 standard deviations away, in a log-normal one of sigma
 * 1.5 some 300 medians. Labels are unbounded if there are fewer than 20, or if all but a
 * handful have the same value (a rare event is not an absurd label). */
struct lw_labels {
    double lo, hi;
};
/* Of rows [begin, end). */
struct lw_labels lw_dataset_labels(const struct lw_dataset *ds, size_t begin, size_t end);
static inline double lw_label_bounded(const struct lw_labels *labels, double y) {
    return y < labels->lo ? labels->lo : y > labels->hi ? labels->hi : y;
}

/* The atom values of a row as lw_plan_eval gave them (texts borrowed from the
 * dictionary). */
void lw_dataset_cells(const struct lw_dataset *ds, size_t row, struct lw_cell *out);

#endif
