/* Solvers over sufficient statistics. Coefficients come in two vectors: those of the rest
 * columns (nr, the intercept first where there is one) and of the eliminated block (ne).
 */
#ifndef LW_MODEL_SOLVE_H
#define LW_MODEL_SOLVE_H

#include "model/stats.h"

struct lw_solution {
    double *wr, *we;
    uint32_t dropped; /* columns that depend on others, with coefficient 0 */
    int sweeps;
};

void lw_solve_init(struct lw_solution *x, const struct lw_layout *l);
void lw_solve_fini(struct lw_solution *x);

/* Penalty of each column: factor x its term's, 0 for the intercept. pr has nr entries;
 * the eliminated block has one penalty. */
void lw_solve_penalties(const struct lw_layout *l, const struct lw_model *m,
                        double factor, double *pr, double *pe);

/* Minimises RSS + alpha sum p_j w_j^2. alpha 0 is least squares. */
void lw_solve_ridge(const struct lw_stats *s, const struct lw_model *m, double alpha,
                    struct lw_solution *x);

/* Minimises RSS / (2 sw) + alpha (l1 sum p_j |w_j| + (1 - l1) / 2 sum p_j w_j^2) by
 * coordinate descent, warm-started over a falling path of alphas. */
void lw_solve_lasso(const struct lw_stats *s, const struct lw_model *m, double alpha,
                    double l1_ratio, struct lw_solution *x);

#endif
