/* Tails of the chi-square, Kolmogorov, normal, F and Student distributions.
 *
 * Chi-square: Q(a, x), a = df/2, by the power series of P for x < a + 1 and by the
 * continued fraction of Q (modified Lentz) above it; each converges fast on its side
 * (Numerical Recipes 6.2; DLMF 8.7.1, 8.9.2). Both are scaled by exp(-x + a log x -
 * lgamma a), so tails stay accurate until they underflow.
 *
 * Kolmogorov: the alternating series above t = 1.18, its theta-function dual below, where
 * the alternating series needs hundreds of terms and loses digits (Marsaglia, Tsang, Wang
 * 2003).
 *
 * Normal quantile: Acklam's rational approximation (relative error 1.15e-9) with one
 * Halley step on erfc, which brings it to double precision.
 *
 * F and Student: the incomplete beta function I_x(a, b) by its continued fraction
 * (modified Lentz), on the side where it converges fast, with the tail that is wanted
 * computed without a subtraction from 1 where it is small (Numerical Recipes 6.4; DLMF
 * 8.17.22). */
#include "drift/special.h"

#include <math.h>

#include "base/mem.h"

static const double pi = 3.14159265358979323846;

static double gamma_scale(double a, double x) {
    return exp(-x + a * log(x) - lgamma(a));
}

static double gamma_p_series(double a, double x) {
    double term = 1.0 / a, sum = term;
    for (int i = 1; i < 100000 && term > sum * 1e-17; i++) {
        term *= x / (a + i);
        sum += term;
    }
    return sum * gamma_scale(a, x);
}

static double gamma_q_fraction(double a, double x) {
    const double tiny = 1e-300;
    double b = x + 1.0 - a, c = 1.0 / tiny, d = 1.0 / b, h = d;
    for (int i = 1; i < 100000; i++) {
        double an = -(double)i * ((double)i - a);
        b += 2.0;
        d = an * d + b;
        c = b + an / c;
        d = 1.0 / (fabs(d) < tiny ? tiny : d);
        c = fabs(c) < tiny ? tiny : c;
        double step = d * c;
        h *= step;
        if (fabs(step - 1.0) < 1e-16)
            break;
    }
    return h * gamma_scale(a, x);
}

double lw_special_chi2_sf(double x, double df) {
    if (!(df > 0.0) || !(x > 0.0)) /* NaN shares are not evidence */
        return 1.0;
    double a = df / 2.0, y = x / 2.0;
    if (y > 1e8 + 10.0 * a)
        return 0.0;
    double q = y < a + 1.0 ? 1.0 - gamma_p_series(a, y) : gamma_q_fraction(a, y);
    return q < 0.0 ? 0.0 : q > 1.0 ? 1.0 : q;
}

static double kolmogorov_cdf_small(double t) {
    double w = -pi * pi / (8.0 * t * t), sum = 0.0;
    for (int k = 1; k <= 9; k += 2)
        sum += exp(w * (double)(k * k));
    return sqrt(2.0 * pi) / t * sum;
}

double lw_special_kolmogorov_sf(double t) {
    if (!(t > 0.04))
        return 1.0; /* 1 - 1e-330 */
    if (t < 1.18)
        return 1.0 - kolmogorov_cdf_small(t);
    double q = exp(-2.0 * t * t);
    return 2.0 * (q - pow(q, 4) + pow(q, 9) - pow(q, 16));
}

double lw_special_normal_two_sided(double z) {
    return erfc(fabs(z) / sqrt(2.0));
}

static double special_poly(const double *c, int n, double x) {
    double v = c[0];
    for (int i = 1; i < n; i++)
        v = v * x + c[i];
    return v;
}

static double special_acklam(double p) {
    static const double a[] = {-3.969683028665376e+01, 2.209460984245205e+02,
                               -2.759285104469687e+02, 1.383577518672690e+02,
                               -3.066479806614716e+01, 2.506628277459239e+00};
    static const double b[] = {-5.447609879822406e+01, 1.615858368580409e+02,
                               -1.556989798598866e+02, 6.680131188771972e+01,
                               -1.328068155288572e+01, 1.0};
    static const double c[] = {-7.784894002430293e-03, -3.223964580411365e-01,
                               -2.400758277161838e+00, -2.549732539343734e+00,
                               4.374664141464968e+00,  2.938163982698783e+00};
    static const double d[] = {7.784695709041462e-03, 3.224671290700398e-01,
                               2.445134137142996e+00, 3.754408661907416e+00, 1.0};
    if (p < 0.02425) {
        double q = sqrt(-2.0 * log(p));
        return special_poly(c, 6, q) / special_poly(d, 5, q);
    }
    double q = p - 0.5, r = q * q;
    return special_poly(a, 6, r) * q / special_poly(b, 6, r);
}

double lw_special_normal_quantile(double p) {
    lw_assert(p > 0.0 && p < 1.0);
    if (p > 0.5)
        return -lw_special_normal_quantile(1.0 - p);
    double x = special_acklam(p);
    double e = 0.5 * erfc(-x / sqrt(2.0)) - p;
    double u = e * sqrt(2.0 * pi) * exp(x * x / 2.0);
    return x - u / (1.0 + x * u / 2.0);
}

/* The continued fraction of I_x(a, b). */
static double beta_fraction(double a, double b, double x) {
    const double tiny = 1e-300;
    double c = 1, d = 1 / (1 - (a + b) * x / (a + 1)), h = d;
    for (int i = 1; i < 100000; i++) {
        double m = i, even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        d = 1 + even * d;
        c = 1 + even / c;
        d = 1 / (fabs(d) < tiny ? tiny : d);
        c = fabs(c) < tiny ? tiny : c;
        h *= d * c;
        d = 1 + odd * d;
        c = 1 + odd / c;
        d = 1 / (fabs(d) < tiny ? tiny : d);
        c = fabs(c) < tiny ? tiny : c;
        h *= d * c;
        if (fabs(d * c - 1) < 1e-15)
            break;
    }
    return h;
}

/* I_x(a, b), given x and 1 - x, each with its own precision. */
static double beta_share(double a, double b, double x, double rest) {
    if (x <= 0)
        return 0;
    if (rest <= 0)
        return 1;
    double scale =
        exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log(rest));
    return x < (a + 1) / (a + b + 2) ? scale * beta_fraction(a, b, x) / a
                                     : 1 - scale * beta_fraction(b, a, rest) / b;
}

double lw_special_f_sf(double x, double df1, double df2) {
    if (!(x > 0) || !(df1 > 0) || !(df2 > 0))
        return 1;
    double y = df1 * x / df2;
    return isinf(y) ? 0 : beta_share(df2 / 2, df1 / 2, 1 / (1 + y), y / (1 + y));
}

double lw_special_student_sf(double t, double df) {
    double tail = lw_special_f_sf(t * t, 1, df) / 2;
    return t < 0 ? 1 - tail : tail;
}
