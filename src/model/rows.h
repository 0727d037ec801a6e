/* The rows that a fit uses, and their weights. */
#ifndef LW_MODEL_ROWS_H
#define LW_MODEL_ROWS_H

#include "model/fit.h"

#define LW_CHUNK 512 /* rows at a time */

/* The rows of a fit: [begin, end) with a finite target, time >= since, in both folds. */
struct lw_rows {
    const struct lw_dataset *ds;
    size_t begin, end;
    int64_t since;
    int64_t as_of, half_life; /* weights; half_life 0: all 1 */
    struct lw_labels labels;  /* bounds of the target */
    struct lw_fold fold;      /* of the caller */
    struct lw_fold part;      /* of the fit, for predictions out of fold */
};
/* Finds the next usable rows from *at on, at most LW_CHUNK; returns 0 at the end. */
size_t lw_rows_next(const struct lw_rows *rows, size_t *at, uint32_t idx[LW_CHUNK]);
void lw_rows_weights(const struct lw_rows *rows, const uint32_t *idx, size_t n,
                     double *w);

#endif
