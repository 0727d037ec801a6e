/* Model errors from sums.
 *
 * With e = prediction - target over n events:
 *   MSE = sum e^2 / n,  RMSE = sqrt(MSE),  SE(RMSE) = sd(e^2) / (2 sqrt(n) RMSE)
 * The standard error follows from the delta method. With heavy tails it is too small
 * above: most samples lack the largest errors, and with them both RMSE and its standard
 * error are too low. The upper limit therefore corrects for skewness (Johnson, "Modified
 * t Tests and Confidence Intervals for Asymmetrical Populations", JASA 1978). With c the
 * coefficient of variation of e^2 and z = 2:
 *   MSE (1 + c/sqrt n (z + g/(6 sqrt n) (1 + 2 z^2))),   g = 3 c + c^3
 * g is the skewness of a lognormal variable with that c: the sample's own skewness is
 * at most sqrt n, and so fails where it is needed. For normal errors the correction
 * vanishes with n. R^2 = 1 - sum e^2 / sum (y - ybar)^2.
 * No variance is computed as the difference of two large sums: see errors.h.
 *
 * Recalibration: a least-squares regression of e on the prediction p removes this share
 * of the MSE:
 *   (mean(e)^2 + b^2 Var p) / MSE,   b = Cov(p, e) / Var p
 * The first part is bias, the second a wrong slope. Fitting two parameters to noise
 * removes 2/n of the residual variance by chance. The unbiased residual variance is MSE
 * (1 - share) n / (n - 2), so that part is (1 - share) 2 / (n - 2) of the MSE, the same
 * amount that adjusted R^2 subtracts. */
#include "leeway/errors.h"

#include <math.h>
#include <string.h>

#include "base/buf.h"
#include "leeway/moments.h"

/* Adds the n-th value; one_nth = 1 / n. Returns its deviation from the mean of the values
 * before it. */
static inline double spread_add(struct lw_spread *s, double v, double one_nth) {
    double d = v - s->mean;
    s->mean += d * one_nth;
    s->m2 += d * (v - s->mean);
    return d;
}

void lw_errors_add(struct lw_errors *s, double target, double prediction) {
    double e = prediction - target;
    if (!lw_summable(prediction) || !lw_summable(target)) {
        s->unsummed++;
        return;
    }
    double one_nth = 1 / (double)++s->n;
    s->e2 += e * e;
    spread_add(&s->e, e, one_nth);
    spread_add(&s->abs_e, fabs(e), one_nth);
    spread_add(&s->square, e * e, one_nth);
    spread_add(&s->target, target, one_nth);
    s->pe += spread_add(&s->prediction, prediction, one_nth) * (e - s->e.mean);
}

/* Merges spreads of n1 and n2 values; share = n2 / (n1 + n2). Returns the difference of
 * the means. */
static double spread_merge(struct lw_spread *s, const struct lw_spread *other, double n1,
                           double share) {
    double d = other->mean - s->mean;
    s->mean += d * share;
    s->m2 += other->m2 + d * d * (n1 * share);
    return d;
}

void lw_errors_merge(struct lw_errors *s, const struct lw_errors *other) {
    s->unsummed += other->unsummed;
    if (other->n == 0)
        return;
    double n1 = (double)s->n, share = (double)other->n / (n1 + (double)other->n);
    s->n += other->n;
    s->e2 += other->e2;
    double de = spread_merge(&s->e, &other->e, n1, share);
    double dp = spread_merge(&s->prediction, &other->prediction, n1, share);
    spread_merge(&s->abs_e, &other->abs_e, n1, share);
    spread_merge(&s->square, &other->square, n1, share);
    spread_merge(&s->target, &other->target, n1, share);
    s->pe += other->pe + dp * de * (n1 * share);
}

/* Unbiased variance; NAN for n < 2. */
static double spread_variance(const struct lw_errors *s, const struct lw_spread *of) {
    return s->n < 2 ? NAN : of->m2 / (double)(s->n - 1);
}

double lw_errors_rmse(const struct lw_errors *s) {
    return s->n > 0 ? sqrt(s->e2 / (double)s->n) : NAN;
}

double lw_errors_mae(const struct lw_errors *s) {
    return s->n > 0 ? s->abs_e.mean : NAN;
}

double lw_errors_bias(const struct lw_errors *s) {
    return s->n > 0 ? s->e.mean : NAN;
}

double lw_errors_r2(const struct lw_errors *s) {
    return s->n >= 2 && s->target.m2 > 0 ? 1 - s->e2 / s->target.m2 : NAN;
}

double lw_errors_rmse_se(const struct lw_errors *s) {
    double sd = sqrt(spread_variance(s, &s->square));
    if (sd == 0) /* all errors are equal: the standard error is exactly 0 */
        return 0;
    return sd / (2 * sqrt((double)s->n) * lw_errors_rmse(s));
}

double lw_errors_rmse_high(const struct lw_errors *s) {
    const double z = 2;
    double n = (double)s->n, mse = s->e2 / n, sd = sqrt(spread_variance(s, &s->square));
    if (sd == 0)
        return lw_errors_rmse(s);
    double c = sd / mse, skewness = 3 * c + c * c * c;
    double width = z + skewness / (6 * sqrt(n)) * (1 + 2 * z * z);
    return lw_errors_rmse(s) * sqrt(1 + c / sqrt(n) * width);
}

double lw_errors_mae_se(const struct lw_errors *s) {
    return sqrt(spread_variance(s, &s->abs_e) / (double)s->n);
}

double lw_errors_bias_se(const struct lw_errors *s) {
    return sqrt(spread_variance(s, &s->e) / (double)s->n);
}

double lw_errors_recalibration_gain(const struct lw_errors *s) {
    if (s->n < 3)
        return NAN;
    double n = (double)s->n, mse = s->e2 / n, bias = s->e.mean;
    if (!(mse > 0))
        return 0;
    double p = s->prediction.mean, var = s->prediction.m2 / n, cov = s->pe / n;
    /* A constant prediction has no slope to correct; its computed variance is rounding
     * error. */
    double slope_part = var > 1e-28 * p * p ? cov / var * cov : 0;
    double share = fmin((bias * bias + slope_part) / mse, 1);
    return fmax(share - (1 - share) * 2 / (n - 2), 0);
}

/* The numbers in their serial order. */
#define NUMBERS 12
static void numbers_of(struct lw_errors *s, double *out[NUMBERS]) {
    struct lw_spread *spread[] = {&s->e, &s->abs_e, &s->square, &s->prediction,
                                  &s->target};
    size_t n = 0;
    out[n++] = &s->e2;
    for (size_t i = 0; i < sizeof spread / sizeof *spread; i++) {
        out[n++] = &spread[i]->mean;
        out[n++] = &spread[i]->m2;
    }
    out[n] = &s->pe;
}

static void put_u64(uint8_t *out, uint64_t v) {
    for (size_t i = 0; i < 8; i++)
        out[i] = (uint8_t)(v >> (8 * i));
}

void lw_errors_write(const struct lw_errors *s, uint8_t out[LW_ERRORS_BYTES]) {
    struct lw_errors copy = *s;
    double *number[NUMBERS];
    numbers_of(&copy, number);
    put_u64(out, s->n);
    put_u64(out + 8, s->unsummed);
    for (size_t i = 0; i < NUMBERS; i++) {
        uint64_t bits;
        memcpy(&bits, number[i], sizeof bits);
        put_u64(out + 16 + 8 * i, bits);
    }
}

/* Whether |a| <= b, allowing for rounding and for underflow: the square of 1e-162 is
 * 0. */
static int value_at_most(double a, double b, double lost) {
    return fabs(a) <= b * (1 + 1e-6) + lost;
}

/* Whether real events could have these sums (Cauchy-Schwarz). Products are compared by
 * their square roots, which cannot overflow. */
static int sums_possible(const struct lw_errors *s) {
    const uint64_t most = UINT64_C(1) << 53;
    double n = (double)s->n, root = sqrt(s->prediction.m2), lost = n * 1e-150;
    if (!(s->e2 >= 0 && s->e.m2 >= 0 && s->abs_e.m2 >= 0 && s->square.m2 >= 0 &&
          s->prediction.m2 >= 0 && s->target.m2 >= 0 && s->abs_e.mean >= 0))
        return 0;
    const struct lw_errors none = {.unsummed = s->unsummed};
    if (s->n == 0)
        /* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison) -0 is no sum of nothing */
        return memcmp(s, &none, sizeof none) == 0 && s->unsummed <= most;
    return s->n <= most && s->unsummed <= most &&
           value_at_most(s->e.mean, s->abs_e.mean, lost) &&
           value_at_most(s->abs_e.mean, sqrt(s->e2 / n), lost) &&
           value_at_most(sqrt(s->e.m2), sqrt(s->e2), lost) &&
           value_at_most(s->pe, root * sqrt(s->e.m2), lost * (1 + root + sqrt(s->e.m2)));
}

int lw_errors_read(struct lw_errors *s, const void *data, unsigned long len,
                   struct lw_err *err) {
    *s = (struct lw_errors){0};
    if (len != LW_ERRORS_BYTES)
        return lw_fail(err, LW_EINPUT, "error sums: %lu bytes, want %d", len,
                       LW_ERRORS_BYTES);
    struct lw_reader r = lw_reader_of(data, len);
    struct lw_errors got = {.n = lw_reader_u64(&r)};
    double *number[NUMBERS];
    got.unsummed = lw_reader_u64(&r);
    numbers_of(&got, number);
    for (size_t i = 0; i < NUMBERS; i++) {
        *number[i] = lw_reader_f64(&r);
        if (!isfinite(*number[i]))
            return lw_fail(err, LW_EINPUT, "error sums: number %zu is not finite", i + 1);
    }
    if (!sums_possible(&got))
        return lw_fail(err, LW_EINPUT, "error sums: no %llu events can have these sums",
                       (unsigned long long)got.n);
    *s = got;
    return 0;
}
