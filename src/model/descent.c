#include "model/solve.h"

void lw_solve_lasso(const struct lw_stats *s, const struct lw_model *m, double alpha,
                    double l1_ratio, struct lw_solution *x) {
    (void)s;
    (void)m;
    (void)alpha;
    (void)l1_ratio;
    (void)x;
}
