/* Huber's loss, by weights.
 *
 * A residual within k = 1.35 sigma counts squared, one beyond only linearly:
 *     rho(r) = r^2 for |r| <= k, else 2 k |r| - k^2,
 * which is the squared loss with the weight k / |r| on the second kind. sigma is the
 * scale that is estimated along with the fit, as in scikit-learn's HuberRegressor (Huber,
 * "Robust Statistics", 1981): sigma^2 = sum over the first kind of w r^2 / (sum w
 * - 1.35^2 sum over the second kind of w). So a share of absurd labels pulls with a
 * bounded force, and 95 % of the efficiency of least squares is kept where errors are
 * normal. */
#ifndef LW_MODEL_ROBUST_H
#define LW_MODEL_ROBUST_H

#include <stddef.h>

#define LW_ROBUST_STEPS 30

struct lw_robust {
    size_t n;
    double *y, *w;  /* target and weight of each row; filled by the caller */
    double *part;   /* how much of w counts: 1 for the first kind */
    double *fitted; /* by the newest solution; filled by the caller before each step */
    double *before; /* ... and by the one before it */
    double sigma;
};

void lw_robust_init(struct lw_robust *r, size_t n);
void lw_robust_fini(struct lw_robust *r);
/* First parts, from the distances to the median: a fit that begins with the squared loss
 * would begin where the absurd labels are. */
void lw_robust_start(struct lw_robust *r);
/* Scale and parts from y - fitted; true when the fit has come to rest. */
int lw_robust_step(struct lw_robust *r);
/* Sum of the weights. */
double lw_robust_weight(const struct lw_robust *r);

#endif
