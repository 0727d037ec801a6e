/* Wasserstein-1 (earth mover's) distance of two one-dimensional distributions: the
 * integral of |F - G| (Vallender 1974), a sum over the union of retained values. In the
 * values' own unit; the caller divides by the reference's standard deviation.
 *
 * p: a bound that holds whatever the shape. When nothing changed, F - G is a Gaussian
 * process with variance s(x)^2 = (1/n + 1/m) F(1 - F), and that of the sketches. The
 * area's mean is then sqrt(2/pi) times the integral of s; and because the area is the
 * largest integral of F - G over all signs, it exceeds its mean by u with probability at
 * most exp(-u^2 / 2 v), v the variance of the integral of F - G (Borell; Tsirelson,
 * Ibragimov, Sudakov), which is (1/n + 1/m) times the variance of both samples together.
 *
 * Also the walk over two sketches that it shares with Kolmogorov-Smirnov. */
#include "drift/walk.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "drift/points.h"
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

/* The share of both samples together that lies at or below the present point. */
static double pooled(const struct lw_walk *w) {
    return (w->total[0] * w->f[0] + w->total[1] * w->f[1]) / (w->total[0] + w->total[1]);
}

struct lw_w1 lw_w1_test(const struct lw_numeric *ref, const struct lw_numeric *cur) {
    struct lw_walk w;
    struct lw_w1 out = {.p = 1.0};
    double noise = lw_sketch_variance(ref->kll) + lw_sketch_variance(cur->kll);
    double chance = 0.0, wobble = 0.0;
    lw_walk_init(&w, ref->kll, cur->kll);
    double a = 1.0 / w.total[0] + 1.0 / w.total[1];
    lw_walk_next(&w);
    for (double last = w.value; isfinite(last);) {
        double gap = fabs(w.f[0] - w.f[1]), f = pooled(&w);
        if (!lw_walk_next(&w))
            break;
        double step = w.value - last;
        if (gap > 0.0) /* an infinite step with no gap has no area, not NaN */
            out.area += gap * step;
        chance += sqrt(a * f * (1.0 - f) + noise) * step;
        wobble += noise * step * step;
        last = w.value;
    }
    lw_walk_fini(&w);
    struct lw_moments both = ref->moments;
    lw_moments_merge(&both, &cur->moments);
    double over = out.area - sqrt(2.0 / pi) * chance;
    double variance = a * lw_moments_variance(&both) + wobble;
    if (over > 0.0 && isfinite(over) && isfinite(variance) && variance > 0.0)
        out.p = exp(-over * over / (2.0 * variance));
    out.area = isfinite(out.area) ? out.area : 0.0;
    return out;
}
