/* Values of the sample, and the range in which a number is plausible.
 *
 * The range holds 99.9 % of the values of any distribution whose tail is no heavier than a
 * lognormal's with sigma 1: it ends at the 99.95 % quantile, and at the latest five times
 * as far from the median as the 95 % quantile (a normal distribution: eight standard
 * deviations). What lies beyond that is not the tail, but another population: meters that
 * ran on for a day, distances in the wrong unit. The ends are rounded outwards to a
 * twentieth of the range, so that they read as what they are, a guess. */
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/sort.h"
#include "draft/draft_private.h"

#define TAIL_RANK 0.0005
#define FENCE     5
#define STEPS     20

double lw__draft_unit_ms(enum lw_unit unit) {
    static const double ms[] = {[LW_UNIT_OF_TYPE] = 1,
                                [LW_UNIT_S] = 1000,
                                [LW_UNIT_MS] = 1,
                                [LW_UNIT_US] = 1e-3,
                                [LW_UNIT_NS] = 1e-6};
    return ms[unit];
}

double lw__draft_value(const struct lw_draft *d, size_t column, size_t row) {
    double v = lw_draft_sample_row(d->sample, row)[column].num;
    return d->field[column].instant ? v * lw__draft_unit_ms(d->field[column].unit) : v;
}

double *lw__draft_values(const struct lw_draft *d, size_t column) {
    double *v = lw_calloc(d->sample->rows + 1, sizeof *v);
    for (size_t i = 0; i < d->sample->rows; i++)
        v[i] = lw__draft_value(d, column, i);
    return v;
}

double *lw__draft_sorted(const struct lw_draft *d, size_t column, size_t *n) {
    double *v = lw__draft_values(d, column);
    *n = 0;
    for (size_t i = 0; i < d->sample->rows; i++)
        if (isfinite(v[i]))
            v[(*n)++] = v[i];
    lw_sort_f64(v, *n);
    return v;
}

double *lw__draft_minutes(const struct lw_draft *d, size_t from, size_t to) {
    double *v = lw_calloc(d->sample->rows + 1, sizeof *v);
    for (size_t i = 0; i < d->sample->rows; i++)
        v[i] = (lw__draft_value(d, to, i) - lw__draft_value(d, from, i)) / 60000;
    return v;
}

double lw__draft_quantile(const double *sorted, size_t n, double rank) {
    return n ? sorted[(size_t)(rank * (double)(n - 1) + 0.5)] : NAN;
}

/* The least of 1, 2 and 5 times a power of ten that is at least v. */
static double plain_step(double v) {
    double power = pow(10, floor(log10(v)));
    return v <= power       ? power
           : v <= 2 * power ? 2 * power
           : v <= 5 * power ? 5 * power
                            : 10 * power;
}

static double share_of(const double *v, size_t n, double lo, double hi) {
    size_t inside = 0;
    for (size_t i = 0; i < n; i++)
        inside += v[i] >= lo && v[i] <= hi;
    return n ? (double)inside / (double)n : 0;
}

static void round_range(struct lw_draft_range *r) {
    double step = plain_step((r->hi - r->lo) / STEPS);
    double down = floor(r->lo / step), up = ceil(r->hi / step);
    if (step >= 1 || !r->whole) { /* 7 / 0.1 is not a whole number of steps */
        bool sign_kept = r->lo < 0 || down >= 0;
        r->lo = step < 1 ? down / round(1 / step) : down * step;
        r->hi = step < 1 ? up / round(1 / step) : up * step;
        r->lo = sign_kept ? r->lo : 0;
    } else {
        r->lo = floor(r->lo);
        r->hi = ceil(r->hi);
    }
}

struct lw_draft_range lw__draft_range_of(const double *sorted, size_t n) {
    struct lw_draft_range r = {.n = n, .whole = true};
    for (size_t i = 0; i < n && r.whole; i++)
        r.whole = sorted[i] == floor(sorted[i]);
    r.least = lw__draft_quantile(sorted, n, 0);
    r.q05 = lw__draft_quantile(sorted, n, 0.05);
    r.median = lw__draft_quantile(sorted, n, 0.5);
    r.q95 = lw__draft_quantile(sorted, n, 0.95);
    r.most = lw__draft_quantile(sorted, n, 1);
    r.zeros = share_of(sorted, n, 0, 0);
    r.lo = lw__draft_quantile(sorted, n, TAIL_RANK);
    r.hi = lw__draft_quantile(sorted, n, 1 - TAIL_RANK);
    /* A fence needs a spread: of a number that is mostly zero there is none. */
    if (r.q95 > r.median)
        r.hi = fmin(r.hi, r.median + FENCE * (r.q95 - r.median));
    if (r.q05 < r.median)
        r.lo = fmax(r.lo, r.median - FENCE * (r.median - r.q05));
    if (n > 0 && r.hi > r.lo)
        round_range(&r);
    r.outside = n ? 1 - share_of(sorted, n, r.lo, r.hi) : 0;
    return r;
}
