/* Sufficient statistics of a linear fit: all that the solvers need to know about the
 * rows. Their size depends only on the features.
 *
 * The one-hot block of the term with the most levels is kept apart, because its Gram
 * matrix is diagonal. With its columns called E and all others R ("rest"; column 0 may
 * be the intercept), and rows weighted:
 *     A = R'R (dense, lower triangle), d = diag(E'E), C = E'R, bR = R'y, bE = E'y, y'y.
 * Squares of values far from 0 lose the differences between rows: 1.7e9 +- 1 squared is
 * 2.9e18, and a double has 16 digits. So where there is an intercept, the target and
 * each single column are shifted by a typical value (the median of the first chunk, if
 * it is large compared with the interquartile range); lw_stats_intercept undoes the
 * shift. A row of C has three parts: `dense` columns (numbers and small blocks), `fixed`
 * ones (blocks whose categories are among E's: one known column per level), and `sparse`
 * ones (big blocks, kept by pair). Rest columns are in that order. */
#ifndef LW_MODEL_STATS_H
#define LW_MODEL_STATS_H

#include "model/chunk.h"
#include "model/layout.h"

struct lw_pair_row { /* the sparse part of one level's row of C, after sealing */
    uint32_t begin, end;
};

struct lw_stats {
    const struct lw_layout *layout; /* borrowed */
    uint64_t n;
    bool placed;            /* the shifts are known */
    double y_shift, *shift; /* subtracted from the target; from each rest term's column
                             */
    double sw, yy;
    double *a, *br;        /* nr x nr by rows, lower triangle; nr */
    double *d, *be;        /* ne */
    double *c;             /* ne x (ndense + nfixed) */
    struct lw_table pairs; /* level * nr + column to index */
    uint64_t *pair_key;
    double *pair;
    size_t pair_cap;
    struct lw_pair_row *row; /* ne; made by _seal */
    uint32_t *row_col;
    double *row_val;
    struct lw_gram_side *side; /* of the current chunk */
};

void lw_stats_init(struct lw_stats *s, const struct lw_layout *layout);
void lw_stats_fini(struct lw_stats *s);
/* Adds the last chunk, with weights w and targets y. */
void lw_stats_add(struct lw_stats *s, const struct lw_chunk *feed, size_t n,
                  const double *w, const double *target);
/* Gives sums without rows the shifts of others, so that they can be merged. */
void lw_stats_align(struct lw_stats *s, const struct lw_stats *with);
/* Adds the sums of other rows with the same shifts; not after _seal. */
void lw_stats_merge(struct lw_stats *s, const struct lw_stats *from);
/* The intercept of the unshifted rows, for rest coefficients wr. */
double lw_stats_intercept(const struct lw_stats *s, const double *wr);
/* Orders the pairs by level; call once, after the last row. */
void lw_stats_seal(struct lw_stats *s);

static inline size_t lw_stats_stride(const struct lw_layout *l) {
    return l->ndense + (size_t)l->nfixed;
}

/* The rest columns beyond the dense ones that occur with level l, and their values: at
 * most nfixed + sparse entries; col and val must have room for nr. */
size_t lw_stats_extras(const struct lw_stats *s, uint32_t l, uint32_t *col, double *val);

/* out = G w for w = (rest, eliminated), both parts. */
void lw_stats_multiply(const struct lw_stats *s, const double *wr, const double *we,
                       double *out_r, double *out_e);
/* Weighted residual sum of squares of coefficients, given gr, ge = G w. */
double lw_stats_rss(const struct lw_stats *s, const double *wr, const double *we,
                    const double *gr, const double *ge);

#endif
