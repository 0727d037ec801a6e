/* The errors of one model version over a set of events: sums from which every model
 * figure follows.
 *
 * e = prediction - target. A spread is kept as a mean and a sum of squared deviations
 * from it, updated by Welford's rule and merged by that of Chan, Golub and LeVeque
 * (leeway/moments.h): targets of 1e8 +- 1, or Unix times, have the same figures as
 * targets around 0. Panes, partitions and windows merge without loss of meaning; the same
 * events in the same order, merged in the same order, give the same bytes. */
#ifndef LEEWAY_ERRORS_H
#define LEEWAY_ERRORS_H

#include <stdint.h>

#include "leeway/err.h"

#ifdef __cplusplus
extern "C" {
#endif

struct lw_spread {
    double mean, m2; /* m2: sum of squared deviations from the mean */
};

struct lw_errors {
    uint64_t n;                        /* events summed */
    uint64_t unsummed;                 /* others: see lw_errors_add */
    double e2;                         /* sum of e^2 */
    struct lw_spread e, abs_e, square; /* of e, |e|, e^2 */
    struct lw_spread prediction, target;
    double pe; /* sum of (prediction - its mean) (e - its mean) */
};

/* An event whose target or prediction cannot be summed (lw_summable) is only counted, in
 * `unsummed`: one absurd prediction must not make every figure infinite. */
void lw_errors_add(struct lw_errors *s, double target, double prediction);
void lw_errors_merge(struct lw_errors *s, const struct lw_errors *other);

/* All NAN where n is too small for them. */
double lw_errors_rmse(const struct lw_errors *s);
double lw_errors_mae(const struct lw_errors *s);
double lw_errors_bias(const struct lw_errors *s); /* mean of e */
double lw_errors_r2(const struct lw_errors *s);
/* SE(RMSE) = sd(e^2) / (2 sqrt(n) RMSE), by the delta method. */
double lw_errors_rmse_se(const struct lw_errors *s);
/* Upper limit of the RMSE that the events are a sample of: RMSE - 2 SE(RMSE) to this
 * holds it with 95 %, also where a few large errors decide (heavy tails). */
double lw_errors_rmse_high(const struct lw_errors *s);
double lw_errors_mae_se(const struct lw_errors *s);
double lw_errors_bias_se(const struct lw_errors *s);
/* Share of the mean squared error that recalibrating y = a + b * prediction would
 * remove, in [0, 1]: (mean(e)^2 + b^2 Var p) / MSE with b = Cov(p, e) / Var p, less the
 * share expected by chance (2 / n of the residual); at least 0. */
double lw_errors_recalibration_gain(const struct lw_errors *s);

#define LW_ERRORS_BYTES 112
void lw_errors_write(const struct lw_errors *s, uint8_t out[LW_ERRORS_BYTES]);
/* LW_EINPUT unless len is LW_ERRORS_BYTES and all sums are finite and possible. */
int lw_errors_read(struct lw_errors *s, const void *data, unsigned long len,
                   struct lw_err *err);

#ifdef __cplusplus
}
#endif
#endif
