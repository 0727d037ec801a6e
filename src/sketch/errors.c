/* Model errors from sums.
 *
 * With e = prediction - target over n events:
 *   MSE = sum e^2 / n,  RMSE = sqrt(MSE),  SE(RMSE) = sd(e^2) / (2 sqrt(n) RMSE)
 * the last by the delta method, sd(e^2) from sum e^4. R^2 = 1 - sum e^2 / sum (y -
 * ybar)^2.
 *
 * Recalibration: least squares of e on the prediction removes of the mean squared error
 *   (mean(e)^2 + b^2 Var p) / MSE,   b = Cov(p, e) / Var p
 * the first part being bias, the second a wrong slope. Fitting two parameters to noise
 * removes 2/n of the residual variance by chance; with the residual variance estimated
 * without bias, MSE (1 - share) n / (n - 2), that is (1 - share) 2 / (n - 2) of the MSE:
 * what adjusted R^2 subtracts. */
#include "leeway/errors.h"

#include <math.h>
#include <string.h>

#include "base/buf.h"

void lw_errors_add(struct lw_errors *s, double target, double prediction) {
    double e = prediction - target, square = e * e;
    s->n++;
    s->e += e;
    s->e2 += square;
    s->e4 += square * square;
    s->abs_e += fabs(e);
    s->p += prediction;
    s->p2 += prediction * prediction;
    s->pe += prediction * e;
    s->y += target;
    s->y2 += target * target;
}

void lw_errors_merge(struct lw_errors *s, const struct lw_errors *other) {
    s->n += other->n;
    s->e += other->e;
    s->e2 += other->e2;
    s->e4 += other->e4;
    s->abs_e += other->abs_e;
    s->p += other->p;
    s->p2 += other->p2;
    s->pe += other->pe;
    s->y += other->y;
    s->y2 += other->y2;
}

/* Unbiased variance of a quantity from its sum and sum of squares; NAN for n < 2. */
static double variance(uint64_t n, double sum, double squares) {
    if (n < 2)
        return NAN;
    double centred = squares - sum * (sum / (double)n);
    return centred > 0 ? centred / (double)(n - 1) : 0;
}

double lw_errors_rmse(const struct lw_errors *s) {
    return s->n > 0 ? sqrt(s->e2 / (double)s->n) : NAN;
}

double lw_errors_mae(const struct lw_errors *s) {
    return s->n > 0 ? s->abs_e / (double)s->n : NAN;
}

double lw_errors_bias(const struct lw_errors *s) {
    return s->n > 0 ? s->e / (double)s->n : NAN;
}

double lw_errors_r2(const struct lw_errors *s) {
    double spread = variance(s->n, s->y, s->y2) * (double)(s->n - 1);
    return spread > 0 ? 1 - s->e2 / spread : NAN;
}

double lw_errors_rmse_se(const struct lw_errors *s) {
    double sd = sqrt(variance(s->n, s->e2, s->e4));
    if (sd == 0) /* every error is the same: the figure is exact, also at RMSE 0 */
        return 0;
    return sd / (2 * sqrt((double)s->n) * lw_errors_rmse(s));
}

double lw_errors_mae_se(const struct lw_errors *s) {
    return sqrt(variance(s->n, s->abs_e, s->e2) / (double)s->n);
}

double lw_errors_bias_se(const struct lw_errors *s) {
    return sqrt(variance(s->n, s->e, s->e2) / (double)s->n);
}

double lw_errors_recalibration_gain(const struct lw_errors *s) {
    if (s->n < 3)
        return NAN;
    double n = (double)s->n, mse = s->e2 / n, bias = s->e / n;
    if (!(mse > 0))
        return 0;
    double var = s->p2 / n - s->p / n * (s->p / n);
    double cov = s->pe / n - s->p / n * bias;
    /* A constant prediction has no slope to correct; its variance is rounding. */
    double slope_part = var > 1e-12 * (s->p2 / n) ? cov * cov / var : 0;
    double share = fmin((bias * bias + slope_part) / mse, 1);
    return fmax(share - (1 - share) * 2 / (n - 2), 0);
}

void lw_errors_write(const struct lw_errors *s, uint8_t out[LW_ERRORS_BYTES]) {
    const double sums[] = {s->e, s->e2, s->e4, s->abs_e, s->p, s->p2, s->pe, s->y, s->y2};
    for (size_t i = 0; i < 8; i++)
        out[i] = (uint8_t)(s->n >> (8 * i));
    for (size_t j = 0; j < sizeof sums / sizeof *sums; j++) {
        uint64_t bits;
        memcpy(&bits, &sums[j], sizeof bits);
        for (size_t i = 0; i < 8; i++)
            out[8 * (j + 1) + i] = (uint8_t)(bits >> (8 * i));
    }
}

/* |a| <= b but for rounding. */
static int at_most(double a, double b) {
    return fabs(a) <= b * (1 + 1e-6) + 1e-300;
}

/* What sums of real events obey: Cauchy-Schwarz, pair by pair. Products are compared by
 * their roots, which cannot overflow. */
static int possible(const struct lw_errors *s) {
    double rn = sqrt((double)s->n);
    if (!(s->e2 >= 0 && s->e4 >= 0 && s->abs_e >= 0 && s->p2 >= 0 && s->y2 >= 0))
        return 0;
    return s->n <= (UINT64_C(1) << 53) && at_most(s->e, s->abs_e) &&
           at_most(s->abs_e, rn * sqrt(s->e2)) && at_most(s->e2, rn * sqrt(s->e4)) &&
           at_most(s->p, rn * sqrt(s->p2)) && at_most(s->y, rn * sqrt(s->y2)) &&
           at_most(s->pe, sqrt(s->p2) * sqrt(s->e2));
}

int lw_errors_read(struct lw_errors *s, const void *data, unsigned long len,
                   struct lw_err *err) {
    *s = (struct lw_errors){0};
    if (len != LW_ERRORS_BYTES)
        return lw_fail(err, LW_EINPUT, "error sums: %lu bytes, want %d", len,
                       LW_ERRORS_BYTES);
    struct lw_reader r = lw_reader_of(data, len);
    struct lw_errors got = {.n = lw_reader_u64(&r)};
    double *const sums[] = {&got.e,  &got.e2, &got.e4, &got.abs_e, &got.p,
                            &got.p2, &got.pe, &got.y,  &got.y2};
    for (size_t i = 0; i < sizeof sums / sizeof *sums; i++) {
        *sums[i] = lw_reader_f64(&r);
        if (!isfinite(*sums[i]))
            return lw_fail(err, LW_EINPUT, "error sums: number %zu is not finite", i + 1);
    }
    if (!possible(&got))
        return lw_fail(err, LW_EINPUT, "error sums: no %llu events can have these sums",
                       (unsigned long long)got.n);
    *s = got;
    return 0;
}
