/* Wasserstein-1 (earth mover's) distance of two one-dimensional distributions: the
 * integral of |F - G| (Vallender 1974), a sum over the union of retained values. In the
 * values' own unit; the caller divides by the reference's standard deviation.
 *
 * p is an upper bound for any distribution. Without a change, F - G is a Gaussian process
 * with variance s(x)^2 = (1/n + 1/m) F(1 - F), plus that of the sketches. The mean of the
 * area is then sqrt(2/pi) times the integral of s. The area is the largest signed
 * integral of the process, so it exceeds its mean by u with probability at most
 * exp(-u^2/2v), where v is the variance of the integral of the process (Borell;
 * Tsirelson, Ibragimov, Sudakov), which is (1/n + 1/m) times the variance of both samples
 * together.
 *
 * If a few values moved far, that bound is weak: the range over which ranks may err is
 * then thousands of times the column's spread. So the shares beyond the reference's first
 * and 99th percentile are compared as well, because they do not depend on the size of
 * values: by Fisher's exact test and by z with the sketches' variance, whichever is less
 * significant. p is three times the smallest of the three (Bonferroni).
 *
 * This file also has the walk over two sketches, which Kolmogorov-Smirnov uses as
 * well. */
#include "drift/walk.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "drift/points.h"
#include "drift/special.h"
#include "drift/stats.h"

static const double pi = 3.14159265358979323846;

void lw_walk_init(struct lw_walk *w, const struct lw_kll *a, const struct lw_kll *b) {
    const struct lw_kll *side[2] = {a, b};
    *w = (struct lw_walk){0};
    for (int i = 0; i < 2; i++) {
        w->view[i] = lw_kll_view_new(side[i]);
        const double *values = NULL;
        w->n[i] = lw_kll_view_points(w->view[i], &values, &w->cumulative[i]);
        lw_assert(w->n[i] > 0);
        w->values[i] = lw_memdup(values, w->n[i] * sizeof *values);
        w->total[i] = (double)w->cumulative[i][w->n[i] - 1];
    }
    lw_points_cluster(w->values[0], w->n[0]);
    lw_points_snap(w->values[1], w->n[1], w->values[0], w->n[0]);
}

void lw_walk_fini(struct lw_walk *w) {
    lw_kll_view_free(w->view[0]);
    lw_kll_view_free(w->view[1]);
    free(w->values[0]);
    free(w->values[1]);
}

int lw_walk_next(struct lw_walk *w) {
    int more0 = w->at[0] < w->n[0], more1 = w->at[1] < w->n[1];
    if (!more0 && !more1)
        return 0;
    double v0 = more0 ? w->values[0][w->at[0]] : INFINITY;
    double v1 = more1 ? w->values[1][w->at[1]] : INFINITY;
    w->value = fmin(v0, v1);
    for (int i = 0; i < 2; i++)
        while (w->at[i] < w->n[i] && w->values[i][w->at[i]] <= w->value) {
            w->f[i] = (double)w->cumulative[i][w->at[i]] / w->total[i];
            w->at[i]++;
        }
    return 1;
}

/* The share of both samples together that is at or below the current point. */
static double w1_pooled(const struct lw_walk *w) {
    return (w->total[0] * w->f[0] + w->total[1] * w->f[1]) / (w->total[0] + w->total[1]);
}

/* The p-value for equal shares beyond an outer percentile of the reference. */
static double tail_p(double ref, double cur, const struct lw_walk *w, double noise) {
    double n = w->total[0], m = w->total[1], p = (ref * n + cur * m) / (n + m);
    double z = (cur - ref) / sqrt(p * (1.0 - p) * (1.0 / n + 1.0 / m) + noise);
    if (!(p > 0.0 && p < 1.0))
        return 1.0;
    double exact = lw_drift_two_shares_p((uint64_t)(ref * n + 0.5), (uint64_t)n,
                                         (uint64_t)(cur * m + 0.5), (uint64_t)m);
    return fmax(exact, lw_special_normal_two_sided(z));
}

static double tails_p(const struct lw_walk *w, double noise) {
    double least = 1.0;
    for (int upper = 0; upper < 2; upper++) {
        double rank = upper ? 0.99 : 0.01;
        double at = lw_kll_view_quantile(w->view[0], rank);
        if (!upper) /* below the point, not at it: the value may be a heavy one */
            at = nextafter(at - lw_points_same_within(at), -INFINITY);
        else
            at = at + lw_points_same_within(at);
        double ref = lw_kll_view_rank(w->view[0], at);
        double cur = lw_kll_view_rank(w->view[1], at);
        least = fmin(least, upper ? tail_p(1.0 - ref, 1.0 - cur, w, noise)
                                  : tail_p(ref, cur, w, noise));
    }
    return least;
}

struct lw_w1 lw_drift_w1_test(const struct lw_numeric *ref,
                              const struct lw_numeric *cur) {
    struct lw_walk w;
    struct lw_w1 out = {.p = 1.0};
    double noise =
        lw_cells_sketch_variance(ref->kll) + lw_cells_sketch_variance(cur->kll);
    double chance = 0.0, wobble = 0.0;
    lw_walk_init(&w, ref->kll, cur->kll);
    double a = 1.0 / w.total[0] + 1.0 / w.total[1];
    lw_walk_next(&w);
    for (double last = w.value; isfinite(last);) {
        double gap = fabs(w.f[0] - w.f[1]), f = w1_pooled(&w);
        if (!lw_walk_next(&w))
            break;
        double step = w.value - last;
        if (gap > 0.0) /* an infinite step without a gap has area 0, not NaN */
            out.area += gap * step;
        chance += sqrt(a * f * (1.0 - f) + noise) * step;
        wobble += noise * step * step;
        last = w.value;
    }
    out.p = tails_p(&w, noise);
    lw_walk_fini(&w);
    struct lw_moments both = ref->moments;
    lw_moments_merge(&both, &cur->moments);
    double over = out.area - sqrt(2.0 / pi) * chance;
    double variance = a * lw_moments_variance(&both) + wobble;
    if (over > 0.0 && isfinite(over) && isfinite(variance) && variance > 0.0)
        out.p = fmin(out.p, exp(-over * over / (2.0 * variance)));
    out.p = fmin(1.0, 3.0 * out.p);
    out.area = isfinite(out.area) ? out.area : 0.0;
    return out;
}
