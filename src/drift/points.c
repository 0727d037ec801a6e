/* See points.h.
 *
 * Snapping moves a value to the nearest of the reference's points, but only if it is
 * within LW_SAME_VALUE of it. Where the reference's points are dense (a continuous column
 * with a large offset), this moves a value by at most one of the reference's own steps;
 * where they are few, it restores converted prices. */
#include "drift/points.h"

#include <math.h>

double lw_points_same_within(double v) {
    return LW_SAME_VALUE * fabs(v);
}

double lw_points_share_at(const struct lw_kll_view *view, double v) {
    double room = lw_points_same_within(v);
    double lo = room > 0.0 ? v - room : v;
    return lw_kll_view_rank(view, v + room) -
           lw_kll_view_rank(view, nextafter(lo, -INFINITY));
}

double lw_points_midpoint(double a, double b) {
    double mid = (a < 0.0) == (b < 0.0) ? a + (b - a) / 2.0 : (a + b) / 2.0;
    return mid >= a && mid < b ? mid : a;
}

static bool all_near(const struct lw_kll *s, double v) {
    double room = lw_points_same_within(v);
    return v - lw_kll_min(s) <= room && lw_kll_max(s) - v <= room;
}

bool lw_points_one_value(const struct lw_kll *a, const struct lw_kll *b) {
    if (lw_kll_min(a) == lw_kll_max(a) && all_near(b, lw_kll_min(a)))
        return true;
    return lw_kll_min(b) == lw_kll_max(b) && all_near(a, lw_kll_min(b));
}

/* Whether values i to j of n, whose neighbours differ only in their last bits, are one
 * value: their neighbours are ten times as far away as they are apart. This is never true
 * of a part of a continuous column, nor of a whole column. */
static bool stands_alone(const double *v, size_t i, size_t j, size_t n, double before) {
    double apart = 10.0 * (v[j] - v[i]);
    bool left = i == 0 || v[i] - before >= apart;
    bool right = j + 1 == n || v[j + 1] - v[j] >= apart;
    return left && right && !(i == 0 && j + 1 == n);
}

void lw_points_cluster(double *v, size_t n) {
    double before = 0.0; /* the value before i, unchanged */
    for (size_t i = 0, j; i < n; i = j + 1) {
        for (j = i; j + 1 < n && v[j + 1] - v[i] <= lw_points_same_within(v[i]);)
            j++;
        double last = v[j];
        if (j > i && stands_alone(v, i, j, n, before))
            for (size_t k = i + 1; k <= j; k++)
                v[k] = v[i];
        before = last;
    }
}

void lw_points_snap(double *values, size_t n, const double *ref, size_t nref) {
    size_t at = 0;
    for (size_t i = 0; i < n && nref > 0; i++) {
        while (at + 1 < nref &&
               fabs(ref[at + 1] - values[i]) <= fabs(ref[at] - values[i]))
            at++;
        if (fabs(ref[at] - values[i]) <= lw_points_same_within(ref[at]))
            values[i] = ref[at];
    }
}
