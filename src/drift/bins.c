/* Frozen bins: inner edges at quantiles of the reference, outer bins open.
 *
 * For each of the bins - 1 targets i / bins, the split follows the retained value whose
 * cumulative share is nearest to the target. "Nearest" instead of "first at or above"
 * keeps a split next to a heavy value at either end. With ties (whole seconds, counts)
 * splits coincide; duplicates are dropped. (edge[i-1], edge[i]] is a bin.
 *
 * An edge lies midway between two neighbouring values, never on a value: otherwise the
 * same prices sent as float instead of double would fall on the other side, and a feed
 * that only changed its type would appear to drift.
 *
 * A column of at most `bins` distinct values gets one bin per value, and an edge below
 * the smallest and above the greatest (by half the gap to the neighbour; for a constant,
 * by the tolerance for equal values), so that a new value falls into a bin of its own
 * even if the reference is constant. */
#include "leeway/drift.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "drift/points.h"

static void put_edge(struct lw_bins *out, double edge) {
    if (out->nedges < LW_BINS_MAX - 1 && isfinite(edge) &&
        (out->nedges == 0 || edge > out->edge[out->nedges - 1]))
        out->edge[out->nedges++] = edge;
}

/* The retained values of a sketch; values that count as equal are one point. */
struct bin_points {
    double *value;
    uint64_t *cumulative;
    size_t n;
};

static struct bin_points points_of(const struct lw_kll *kll) {
    struct lw_kll_view *view = lw_kll_view_new(kll);
    const double *values = NULL;
    const uint64_t *cumulative = NULL;
    size_t n = lw_kll_view_points(view, &values, &cumulative);
    struct bin_points p = {lw_memdup(values, n * sizeof *values),
                           lw_memdup(cumulative, n * sizeof *cumulative), 0};
    lw_points_cluster(p.value, n);
    for (size_t i = 0; i < n; i++) {
        if (p.n == 0 || p.value[i] > p.value[p.n - 1])
            p.value[p.n++] = p.value[i];
        p.cumulative[p.n - 1] = p.cumulative[i];
    }
    lw_kll_view_free(view);
    return p;
}

/* An edge below v, the lowest value: by half of `gap`, the distance to the next value, or
 * without a gap by the tolerance for equal values. At 0 that tolerance is 0, so the edge
 * is the next double below. */
static double bins_below(double v, double gap) {
    double edge = v - (gap > 0.0 ? gap / 2.0 : lw_points_same_within(v));
    return edge < v ? edge : nextafter(v, -INFINITY);
}

static void bins_of_few(const struct bin_points *p, struct lw_bins *out) {
    size_t last = p->n - 1;
    double first = p->n > 1 ? p->value[1] - p->value[0] : 0.0;
    double final = p->n > 1 ? p->value[last] - p->value[last - 1] : 0.0;
    put_edge(out, bins_below(p->value[0], first));
    for (size_t i = 0; i < last; i++)
        put_edge(out, lw_points_midpoint(p->value[i], p->value[i + 1]));
    double above = p->value[last] +
                   (final > 0.0 ? final / 2.0 : lw_points_same_within(p->value[last]));
    put_edge(out, above);
}

/* The index whose cumulative weight is nearest to `target`. */
static size_t bins_nearest(const uint64_t *cumulative, size_t n, double target) {
    size_t lo = 0, hi = n - 1;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if ((double)cumulative[mid] < target)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo > 0 && target - (double)cumulative[lo - 1] <= (double)cumulative[lo] - target)
        lo--;
    return lo;
}

void lw_bins_from(const struct lw_numeric *reference, int bins, struct lw_bins *out) {
    lw_assert(bins >= 2 && bins <= LW_BINS_MAX);
    *out = (struct lw_bins){0};
    if (lw_kll_n(reference->kll) == 0)
        return;
    struct bin_points p = points_of(reference->kll);
    if (p.n <= (size_t)bins && p.n + 1 < LW_BINS_MAX) {
        bins_of_few(&p, out);
    } else {
        double total = (double)p.cumulative[p.n - 1];
        for (int i = 1; i < bins; i++) {
            size_t at = bins_nearest(p.cumulative, p.n, total * i / bins);
            if (at + 1 < p.n) /* else the bin above the greatest value would be empty */
                put_edge(out, lw_points_midpoint(p.value[at], p.value[at + 1]));
        }
    }
    free(p.value);
    free(p.cumulative);
}
