/* Factorised normal equations, with one block eliminated.
 *
 * For (G + P) w = r over rest and eliminated columns, with D = d + p_E diagonal:
 *     S = A + P - C' D^-1 C,   S w_R = r_R - C' D^-1 r_E,   w_E = D^-1 (r_E - C w_R),
 * without loss of accuracy, because D is diagonal. A column can be left out (coefficient
 * 0): scale 0 for a rest column, inverse 0 for a level. S is scaled by the diagonal of A
 * + P, because columns differ by orders of magnitude, and factorised by Cholesky, with
 * or without diagonal pivoting. */
#ifndef LW_MODEL_FACTOR_H
#define LW_MODEL_FACTOR_H

#include <lapacke.h>

#include "model/stats.h"

struct lw_factor {
    const struct lw_stats *s;
    int n;
    double *f;         /* scaled S, then its factor */
    double *scale;     /* of a rest column; 0: left out */
    double *pr;        /* penalty of a rest column */
    double *inverse;   /* 1 / D of a level; 0: left out */
    lapack_int *pivot; /* with pivoting: columns in order, from 1; else NULL */
    int rank;
    uint32_t *col; /* scratch of a level's extras */
    double *val;
};

/* All zero: fill pr and inverse, then factorise. */
void lw_factor_init(struct lw_factor *f, const struct lw_stats *s);
void lw_factor_fini(struct lw_factor *f);

/* keep: rest columns to keep, or NULL for all. False if S is not positive definite. */
bool lw_factor_cholesky(struct lw_factor *f, const bool *keep);
/* Stops at pivots below the tolerance, relative to each column's size, and leaves out
 * the remaining columns, which depend on the others. */
void lw_factor_pivoted(struct lw_factor *f, double tolerance);

/* Solves in place. */
void lw_factor_solve(struct lw_factor *f, double *r_rest, double *r_eliminated);

#endif
