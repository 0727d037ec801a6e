/* Frozen bins: inner edges at quantiles of the reference, outer bins open.
 *
 * For each of the bins - 1 targets i / bins the edge is the retained value whose
 * cumulative share is nearest to the target; (edge[i-1], edge[i]] is a bin. Ties make
 * edges coincide (whole seconds, counts): equal ones are dropped, and "nearest" rather
 * than "first at or above" keeps the split that a heavy value at either end would
 * swallow. A column of at most `bins` distinct values gets one bin a value, and an edge
 * below the least and at the greatest, so that a value never seen falls into a bin of its
 * own even when the reference is constant. */
#include "leeway/drift.h"

#include <math.h>

#include "base/mem.h"

static void put_edge(struct lw_bins *out, double edge) {
    if (out->nedges < LW_BINS_MAX - 1 && isfinite(edge) &&
        (out->nedges == 0 || edge > out->edge[out->nedges - 1]))
        out->edge[out->nedges++] = edge;
}

static void bins_of_few(const double *values, size_t n, struct lw_bins *out) {
    put_edge(out, nextafter(values[0], -INFINITY));
    for (size_t i = 0; i < n; i++)
        put_edge(out, values[i]);
}

/* First index whose cumulative weight reaches `target`, or the one before if nearer. */
static size_t nearest(const uint64_t *cumulative, size_t n, double target) {
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
    struct lw_kll_view *view = lw_kll_view_new(reference->kll);
    const double *values = NULL;
    const uint64_t *cumulative = NULL;
    size_t n = lw_kll_view_points(view, &values, &cumulative);
    if (n <= (size_t)bins && n + 1 < LW_BINS_MAX) {
        bins_of_few(values, n, out);
    } else {
        double total = (double)cumulative[n - 1];
        for (int i = 1; i < bins; i++) {
            size_t at = nearest(cumulative, n, total * i / bins);
            if (at + 1 < n) /* an edge at the greatest value would leave an empty bin */
                put_edge(out, values[at]);
        }
    }
    lw_kll_view_free(view);
}
