/* Regression: a number is predicted and judged by its squared error. The sums and their
 * figures are those of leeway/errors.h. */
#include <assert.h>
#include <math.h>
#include <stdbool.h>

#include "core/losses.h"
#include "leeway/moments.h"

static_assert(offsetof(struct lw_losses, n) == offsetof(struct lw_losses, errors.n) &&
                  offsetof(struct lw_losses, unsummed) ==
                      offsetof(struct lw_losses, errors.unsummed) &&
                  offsetof(struct lw_losses, loss) ==
                      offsetof(struct lw_losses, errors.e2),
              "the sums of a task begin with events, unsummed events and loss");

static double regression_rmse(const struct lw_losses *s) {
    return lw_errors_rmse(&s->errors);
}
static double regression_rmse_se(const struct lw_losses *s) {
    return lw_errors_rmse_se(&s->errors);
}
static double regression_rmse_high(const struct lw_losses *s) {
    return lw_errors_rmse_high(&s->errors);
}
static double regression_mae(const struct lw_losses *s) {
    return lw_errors_mae(&s->errors);
}
static double regression_mae_se(const struct lw_losses *s) {
    return lw_errors_mae_se(&s->errors);
}
static double regression_bias(const struct lw_losses *s) {
    return lw_errors_bias(&s->errors);
}
static double regression_bias_se(const struct lw_losses *s) {
    return lw_errors_bias_se(&s->errors);
}
static double regression_r2(const struct lw_losses *s) {
    return lw_errors_r2(&s->errors);
}

/* R^2 = 1 - M/V with M the mean squared error and V the variance of the target has, by the
 * delta method, the influence M/V^2 (y - mean)^2 - e^2/V. */
static double regression_r2_influence(const struct lw_losses *s, double target,
                                      double prediction) {
    double n = (double)s->n, mse = s->errors.e2 / n, var = s->errors.target.m2 / n;
    double e = prediction - target, d = target - s->errors.target.mean;
    return mse / (var * var) * d * d - e * e / var;
}

static double regression_recalibration_gain(const struct lw_losses *s) {
    return lw_errors_recalibration_gain(&s->errors);
}

static struct lw_residuals regression_residuals(const struct lw_losses *s) {
    const struct lw_errors *e = &s->errors;
    return (struct lw_residuals){.n = (double)e->n,
                                 .mean = -e->e.mean,
                                 .squares = e->e2,
                                 .prediction = e->prediction.mean,
                                 .prediction_m2 = e->prediction.m2,
                                 .with_prediction = -e->pe};
}

static double regression_loss_of(double target, double prediction) {
    double e = prediction - target;
    return lw_summable(prediction) && lw_summable(target) ? e * e : NAN;
}

static double regression_error_of(double mean_loss) {
    return sqrt(mean_loss);
}

static double regression_distance(double target, double prediction) {
    return fabs(prediction - target);
}

/* a^2 - b^2 without the difference of two large squares where the cap is not reached. */
static struct lw_loss_pair regression_compare(double target, double champion,
                                              double challenger, double cap) {
    double a = champion - target, b = challenger - target;
    double x = fmin(fabs(a), cap), y = fmin(fabs(b), cap);
    bool capped = !(fabs(a) <= cap && fabs(b) <= cap);
    return (struct lw_loss_pair){
        .champion = a * a,
        .challenger = b * b,
        .capped = x * x,
        .difference = capped ? (x - y) * (x + y) : (champion - challenger) * (a + b)};
}

static void regression_add(struct lw_losses *s, const double *target,
                           const double *prediction, size_t n) {
    for (size_t i = 0; i < n; i++)
        lw_errors_add(&s->errors, target[i], prediction[i]);
}

static void regression_merge(struct lw_losses *s, const struct lw_losses *other) {
    lw_errors_merge(&s->errors, &other->errors);
}

static void regression_write(const struct lw_losses *s, uint8_t *out) {
    lw_errors_write(&s->errors, out);
}

static int regression_read(struct lw_losses *s, const void *data, struct lw_err *err) {
    return lw_errors_read(&s->errors, data, LW_ERRORS_BYTES, err);
}

const struct lw_task lw_task_regression = {
    .name = "regression",
    .link = "identity",
    .loss = "squared error",
    .loss_label = "SE",
    .figure =
        {{.key = "rmse",
          .label = "RMSE",
          .value = regression_rmse,
          .se = regression_rmse_se,
          .high = regression_rmse_high},
         {.key = "mae", .label = "MAE", .value = regression_mae, .se = regression_mae_se},
         {.key = "bias",
          .label = "bias",
          .value = regression_bias,
          .se = regression_bias_se,
          .with_sign = true},
         {.key = "r2",
          .label = "R²",
          .value = regression_r2,
          .influence = regression_r2_influence}},
    .loss_of = regression_loss_of,
    .error_of = regression_error_of,
    .distance = regression_distance,
    .compare = regression_compare,
    .recalibration_gain = regression_recalibration_gain,
    .residuals = regression_residuals,
    .add = regression_add,
    .merge = regression_merge,
    .bytes = LW_ERRORS_BYTES,
    .write = regression_write,
    .read = regression_read,
};
