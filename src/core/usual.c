/* See usual.h. */
#include "core/usual.h"

#include <math.h>

#include "drift/special.h"

/* Half of an observation is forgotten after so many periods. */
#define HALF_LIFE 60.0
/* The prior: its mean counts as so many periods, its spread has so many degrees of
 * freedom. Ratios vary by 8 % about neutral; other readings lie at half of the effect that
 * matters. */
#define PRIOR_WEIGHT 3.0
#define PRIOR_DF     10.0
#define RATIO_SPREAD 0.08
#define SIZE_SPREAD  0.2
#define SIZE_MEAN    0.5
/* A ratio is at least this: its logarithm is finite. */
#define RATIO_MIN 0.1
/* Standard deviations beyond its bound that a reading counts for at most. */
#define BEYOND 2.0
/* A month of incidents does not silence a rule for a year. */
#define RAISED_MAX 5.0
/* Never narrower than this: a constant stream does not alarm at its first change. */
#define SPREAD_MIN 0.01
#define PI         3.14159265358979323846

struct usual_fit {
    double mean, spread, df;
};

/* Readings on a scale on which they vary about evenly: ratios by their logarithm, others by
 * that of 1 + reading / effect, which is linear far below the effect that matters, where
 * differences mean nothing. */
static double size_of(const struct lw_usual_scale *scale, double value) {
    return scale->neutral > 0 ? log(fmax(value / scale->neutral, RATIO_MIN))
                              : log1p(fmax(value, 0) / scale->effect);
}

static double reading_of(const struct lw_usual_scale *scale, double size) {
    return scale->neutral > 0 ? scale->neutral * exp(size) : scale->effect * expm1(size);
}

/* What is learned and the prior, pooled (conjugate to the normal); the spread is that of
 * the next observation. */
static struct usual_fit usual_fit(const struct lw_usual *u,
                                  const struct lw_usual_scale *scale) {
    bool ratio = scale->neutral > 0;
    double prior = ratio ? 0 : log1p(SIZE_MEAN);
    double spread = ratio ? RATIO_SPREAD : SIZE_SPREAD;
    const struct lw_usual_moments *m = &u->all;
    double weight = m->weight + PRIOR_WEIGHT;
    double apart = m->mean - prior;
    double squares = m->squares + PRIOR_DF * spread * spread +
                     apart * apart * m->weight * PRIOR_WEIGHT / weight;
    struct usual_fit fit = {.df = PRIOR_DF + m->weight};
    fit.mean = (m->weight * m->mean + PRIOR_WEIGHT * prior) / weight;
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
    double quantile = fmax(reading_of(&terms->scale, fit.mean + tail * fit.spread),
                           terms->least[level]);
    double raised = size_of(&terms->scale, quantile) + u->raised[level] * fit.spread;
    return (struct lw_usual_bound){quantile, reading_of(&terms->scale, raised)};
}

double lw_usual_periods(const struct lw_usual *u, const struct lw_usual_terms *terms,
                        double value) {
    struct usual_fit fit = usual_fit(u, &terms->scale);
    double z = (size_of(&terms->scale, value) - fit.mean) / fit.spread;
    return 1 / fmax(lw_special_student_sf(z, fit.df), 1e-9);
}

/* Takes the finished period's largest reading (West, 1979). */
static void usual_learn(struct lw_usual *u) {
    struct lw_usual_moments *m = &u->all;
    double keep = exp2(-1 / HALF_LIFE), before = m->weight * keep;
    m->weight = before + 1;
    double apart = u->largest - m->mean;
    m->mean += apart / m->weight;
    m->squares = m->squares * keep + apart * apart * before / m->weight;
    if (!u->asks)
        u->calm = *m;
}

static void begin_period(struct lw_usual *u, int64_t period, double size, bool asks) {
    u->period = period;
    u->largest = size;
    u->asks = asks;
}

void lw_usual_observe(struct lw_usual *u, const struct lw_usual_terms *terms,
                      const struct lw_usual_reading *reading) {
    int64_t period = reading->at_ms / terms->period_ms;
    const struct lw_usual_scale *scale = &terms->scale;
    double most = size_of(scale, reading->bound) + BEYOND * usual_fit(u, scale).spread;
    double size = fmin(size_of(scale, reading->value), most);
    if (!isfinite(size))
        return;
    if (u->period == INT64_MIN || period < u->period) { /* the clock went back */
        begin_period(u, period, size, reading->asks);
        return;
    }
    if (period == u->period) {
        u->largest = fmax(u->largest, size);
        u->asks |= reading->asks;
        return;
    }
    usual_learn(u);
    double passed = (double)(period - u->period);
    for (int level = 0; level < 2; level++)
        u->raised[level] = fmax(u->raised[level] - passed * terms->rate[level], 0);
    begin_period(u, period, size, reading->asks);
}

void lw_usual_drifted(struct lw_usual *u) {
    u->all = u->calm;
    if (u->asks)
        u->period = INT64_MIN; /* the current one is not taken either */
}

void lw_usual_incident(struct lw_usual *u, enum lw_usual_level level, double cost) {
    u->raised[level] = fmin(u->raised[level] + cost, RAISED_MAX);
}

static void write_moments(const struct lw_usual_moments *m, struct lw_buf *out) {
    lw_buf_f64(out, m->weight);
    lw_buf_f64(out, m->mean);
    lw_buf_f64(out, m->squares);
}

static void read_moments(struct lw_usual_moments *m, struct lw_reader *r) {
    m->weight = lw_reader_f64(r);
    m->mean = lw_reader_f64(r);
    m->squares = lw_reader_f64(r);
    r->bad |= !(m->weight >= 0) || !(m->squares >= 0) || !isfinite(m->weight) ||
              !isfinite(m->mean) || !isfinite(m->squares);
}

void lw_usual_write(const struct lw_usual *u, struct lw_buf *out) {
    write_moments(&u->all, out);
    write_moments(&u->calm, out);
    lw_buf_u8(out, u->asks);
    for (size_t i = 0; i < 2; i++)
        lw_buf_f64(out, u->raised[i]);
    lw_buf_f64(out, u->largest);
    lw_buf_i64(out, u->period);
}

void lw_usual_read(struct lw_usual *u, struct lw_reader *r) {
    read_moments(&u->all, r);
    read_moments(&u->calm, r);
    u->asks = lw_reader_u8(r) != 0;
    for (size_t i = 0; i < 2; i++) {
        u->raised[i] = lw_reader_f64(r);
        r->bad |= !(u->raised[i] >= 0) || !isfinite(u->raised[i]);
    }
    u->largest = lw_reader_f64(r);
    r->bad |= !isfinite(u->largest);
    u->period = lw_reader_i64(r);
}
