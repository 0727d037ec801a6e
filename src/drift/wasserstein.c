/* Wasserstein-1 (earth mover's) distance of two one-dimensional distributions: the
 * integral of |F - G| (Vallender 1974), a sum over the union of retained values. In the
 * values' own unit; the caller divides by the reference's standard deviation.
 *
 * Also the walk over two sketches that it shares with Kolmogorov-Smirnov. */
#include "drift/walk.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "drift/points.h"
#include "drift/stats.h"

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

double lw_wasserstein(const struct lw_kll *ref, const struct lw_kll *cur) {
    struct lw_walk w;
    double area = 0.0;
    lw_walk_init(&w, ref, cur);
    lw_walk_next(&w);
    for (double last = w.value, gap = fabs(w.f[0] - w.f[1]); lw_walk_next(&w);) {
        if (gap > 0.0) /* an infinite step with no gap has no area, not NaN */
            area += gap * (w.value - last);
        last = w.value;
        gap = fabs(w.f[0] - w.f[1]);
    }
    lw_walk_fini(&w);
    return isfinite(area) ? area : 0.0;
}
