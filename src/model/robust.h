/* Huber's loss, by reweighting.
 *
 * A residual within k = 1.35 sigma counts quadratically, a larger one linearly:
 *     rho(r) = r^2 for |r| <= k, else 2 k |r| - k^2,
 * which is the squared loss with the weight k / |r| on the second kind. sigma is the
 * scale that is estimated along with the fit, as in scikit-learn's HuberRegressor
 * (Huber, "Robust Statistics", 1981): sigma^2 = sum over the first kind of w r^2 / (sum
 * w - 1.35^2 sum over the second kind of w). So absurd labels have a bounded influence,
 * and with normal errors the fit keeps 95 % of the efficiency of least squares. */
#ifndef LW_MODEL_ROBUST_H
#define LW_MODEL_ROBUST_H

#include <stddef.h>

#define LW_ROBUST_STEPS 30

struct lw_robust {
    size_t n;
    double *y, *w;  /* target and weight of each row; filled by the caller */
    double *part;   /* share of w that counts: 1 for the first kind */
    double *fitted; /* by the newest solution; filled by the caller before each step */
    double *before; /* ... and by the one before it */
    double sigma;
};

void lw_robust_init(struct lw_robust *r, size_t n);
void lw_robust_fini(struct lw_robust *r);
/* Sets the first parts from the distances to the median: a start from the squared loss
 * would be drawn to the absurd labels. */
void lw_robust_start(struct lw_robust *r);
/* Computes scale and parts from y - fitted; true on convergence. */
int lw_robust_step(struct lw_robust *r);
/* Sum of the weights. */
double lw_robust_weight(const struct lw_robust *r);

#endif
