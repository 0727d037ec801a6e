/* See usual.h. */
#include "core/usual.h"

#include <math.h>

#include "drift/special.h"

/* Half of an observation is forgotten after so many periods. */
#define HALF_LIFE 60.0
/* The prior: its mean counts as so many periods, its spread has so many degrees of
 * freedom. Ratios vary by 8 % about neutral. Other readings lie at half of the effect that
 * matters, give or take a third. */
#define PRIOR_WEIGHT 3.0
#define PRIOR_DF     10.0
#define RATIO_SPREAD 0.08
#define SIZE_SPREAD  0.3
#define SIZE_MEAN    0.5
/* Readings below this share of the effect count as this much: their logarithms say
 * nothing. */
#define SMALLEST 0.1
/* Standard deviations beyond its bound that a reading counts for at most. */
#define BEYOND 2.0
/* Never narrower than this: a constant stream does not alarm at its first change. */
#define SPREAD_MIN 0.01
#define PI         3.14159265358979323846

struct usual_fit {
    double mean, spread, df;
};

static double size_log(const struct lw_usual_scale *scale, double value) {
    return log(fmax(value, scale->neutral > 0 ? SMALLEST * scale->neutral
                                              : SMALLEST * scale->effect));
}

/* What is learned and the prior, pooled (conjugate to the normal); the spread is that of
 * the next observation. */
static struct usual_fit usual_fit(const struct lw_usual *u,
                                  const struct lw_usual_scale *scale) {
    bool ratio = scale->neutral > 0;
    double prior = ratio ? log(scale->neutral) : log(SIZE_MEAN * scale->effect);
    double spread = ratio ? RATIO_SPREAD : SIZE_SPREAD;
    double weight = u->weight + PRIOR_WEIGHT;
    double apart = u->mean - prior;
    double squares = u->squares + PRIOR_DF * spread * spread +
                     apart * apart * u->weight * PRIOR_WEIGHT / weight;
    struct usual_fit fit = {.df = PRIOR_DF + u->weight};
    fit.mean = (u->weight * u->mean + PRIOR_WEIGHT * prior) / weight;
    fit.spread = fmax(sqrt(squares / fit.df * (1 + 1 / weight)), SPREAD_MIN);
    return fit;
}

static double student_density(double t, double df) {
    return exp(lgamma((df + 1) / 2) - lgamma(df / 2) - (df + 1) / 2 * log1p(t * t / df)) /
           sqrt(df * PI);
}

/* Upper quantile of Student's distribution, 0 < p < 1/2 and df of the prior or more: the
 * expansion of Cornish and Fisher (Abramowitz and Stegun 26.7.5), and Newton's steps. */
static double student_quantile(double p, double df) {
    double z = -lw_special_normal_quantile(p), z2 = z * z;
    double t = z + z * (z2 + 1) / (4 * df) +
               z * ((5 * z2 + 16) * z2 + 3) / (96 * df * df) +
               z * (((3 * z2 + 19) * z2 + 17) * z2 - 15) / (384 * df * df * df);
    for (int i = 0; i < 2; i++)
        t += (lw_special_student_sf(t, df) - p) / student_density(t, df);
    return t;
}

struct lw_usual lw_usual_empty(void) {
    return (struct lw_usual){.period = INT64_MIN};
}

struct lw_usual_bound lw_usual_threshold(const struct lw_usual *u,
                                         const struct lw_usual_terms *terms,
                                         enum lw_usual_level level) {
    double rate = terms->rate[level];
    if (!(rate > 0))
        return (struct lw_usual_bound){INFINITY, INFINITY};
    struct usual_fit fit = usual_fit(u, &terms->scale);
    double tail = rate < 0.5 ? student_quantile(rate, fit.df) : 0;
    double quantile = fmax(exp(fit.mean + tail * fit.spread), terms->least[level]);
    return (struct lw_usual_bound){quantile,
                                   quantile * exp(u->raised[level] * fit.spread)};
}

double lw_usual_periods(const struct lw_usual *u, const struct lw_usual_terms *terms,
                        double value) {
    struct usual_fit fit = usual_fit(u, &terms->scale);
    double z = (size_log(&terms->scale, value) - fit.mean) / fit.spread;
    return 1 / fmax(lw_special_student_sf(z, fit.df), 1e-9);
}

/* Takes the finished period's largest reading (West, 1979). */
static void usual_learn(struct lw_usual *u) {
    double keep = exp2(-1 / HALF_LIFE), before = u->weight * keep;
    u->weight = before + 1;
    double apart = u->largest - u->mean;
    u->mean += apart / u->weight;
    u->squares = u->squares * keep + apart * apart * before / u->weight;
}

void lw_usual_observe(struct lw_usual *u, const struct lw_usual_terms *terms,
                      double value, double bound, int64_t at_ms) {
    int64_t period = at_ms / terms->period_ms;
    double most = log(bound) + BEYOND * usual_fit(u, &terms->scale).spread;
    double size = fmin(size_log(&terms->scale, value), most);
    if (!isfinite(size))
        return;
    if (u->period == INT64_MIN || period < u->period) { /* the clock went back */
        u->period = period;
        u->largest = size;
        return;
    }
    if (period == u->period) {
        u->largest = fmax(u->largest, size);
        return;
    }
    usual_learn(u);
    double passed = (double)(period - u->period);
    for (int level = 0; level < 2; level++)
        u->raised[level] = fmax(u->raised[level] - passed * terms->rate[level], 0);
    u->period = period;
    u->largest = size;
}

void lw_usual_incident(struct lw_usual *u, enum lw_usual_level level) {
    u->raised[level]++;
}

void lw_usual_write(const struct lw_usual *u, struct lw_buf *out) {
    const double number[] = {u->weight,    u->mean,      u->squares,
                             u->raised[0], u->raised[1], u->largest};
    for (size_t i = 0; i < sizeof number / sizeof *number; i++)
        lw_buf_f64(out, number[i]);
    lw_buf_i64(out, u->period);
}

void lw_usual_read(struct lw_usual *u, struct lw_reader *r) {
    double *number[] = {&u->weight,    &u->mean,      &u->squares,
                        &u->raised[0], &u->raised[1], &u->largest};
    for (size_t i = 0; i < sizeof number / sizeof *number; i++) {
        *number[i] = lw_reader_f64(r);
        r->bad |= !isfinite(*number[i]);
    }
    r->bad |= u->weight < 0 || u->squares < 0 || u->raised[0] < 0 || u->raised[1] < 0;
    u->period = lw_reader_i64(r);
}
