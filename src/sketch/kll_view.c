/* KLL: queries. A view merges the sorted levels into one list of distinct values, each
 * with the total weight up to and including it; queries are binary searches in that list.
 * Levels are merged from the lowest (the smallest) up, so most items are moved only a few
 * times. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "kll_impl.h"

struct lw_kll_view {
    size_t n;
    double min, max; /* exact, although the list may not contain them */
    double *values;
    uint64_t *cumulative;
};

/* Merges a level, whose items have equal weight, into the n points so far, from the back;
 * returns the new number of points. */
static size_t merge_level(struct lw_kll_view *view, size_t n, const double *v, size_t m,
                          uint64_t weight) {
    size_t total = n + m;
    for (size_t at = total; m > 0; at--) {
        int old = n > 0 && view->values[n - 1] > v[m - 1];
        view->values[at - 1] = old ? view->values[n - 1] : v[m - 1];
        view->cumulative[at - 1] = old ? view->cumulative[n - 1] : weight;
        n -= (size_t)old;
        m -= (size_t)!old;
    }
    return total;
}

/* Combines equal values into one point and turns weights into running totals. */
static size_t view_accumulate(struct lw_kll_view *view, size_t n) {
    size_t points = 0;
    uint64_t total = 0;
    for (size_t i = 0; i < n; i++) {
        total += view->cumulative[i];
        if (points == 0 || view->values[points - 1] != view->values[i])
            points++;
        view->values[points - 1] = view->values[i];
        view->cumulative[points - 1] = total;
    }
    return points;
}

struct lw_kll_view *lw_kll_view_new(const struct lw_kll *s) {
    struct lw_kll_view *view = lw_calloc(1, sizeof *view);
    size_t retained = s->end[0];
    view->min = s->min;
    view->max = s->max;
    view->values = lw_calloc(retained + 1, sizeof *view->values);
    view->cumulative = lw_calloc(retained + 1, sizeof *view->cumulative);
    uint32_t singles = lw__kll_size(s, 0);
    double *level0 = lw_calloc((size_t)singles + 1, sizeof *level0);
    if (singles > 0)
        memcpy(level0, lw__kll_level(s, 0), singles * sizeof *level0);
    lw__kll_sort(level0, singles);
    size_t n = merge_level(view, 0, level0, singles, 1);
    free(level0);
    for (uint32_t h = 1; h < s->levels; h++)
        n = merge_level(view, n, lw__kll_level(s, h), lw__kll_size(s, h),
                        UINT64_C(1) << h);
    view->n = view_accumulate(view, n);
    return view;
}

void lw_kll_view_free(struct lw_kll_view *view) {
    if (!view)
        return;
    free(view->values);
    free(view->cumulative);
    free(view);
}

/* The first point with at least this weight, or the last one if there is none. */
static size_t by_weight(const struct lw_kll_view *view, uint64_t weight) {
    size_t lo = 0, hi = view->n - 1;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (view->cumulative[mid] < weight)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

double lw_kll_view_quantile(const struct lw_kll_view *view, double rank) {
    if (view->n == 0)
        return NAN;
    uint64_t total = view->cumulative[view->n - 1];
    if (!(rank > 0))
        return view->min;
    if (rank >= 1)
        return view->max;
    return view->values[by_weight(view, (uint64_t)ceil(rank * (double)total))];
}

double lw_kll_view_rank(const struct lw_kll_view *view, double v) {
    if (view->n == 0)
        return NAN;
    size_t lo = 0, hi = view->n; /* points before lo are <= v */
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (view->values[mid] <= v)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo == 0)
        return 0;
    return (double)view->cumulative[lo - 1] / (double)view->cumulative[view->n - 1];
}

size_t lw_kll_view_points(const struct lw_kll_view *view, const double **values,
                          const uint64_t **cumulative) {
    *values = view->values;
    *cumulative = view->cumulative;
    return view->n;
}
