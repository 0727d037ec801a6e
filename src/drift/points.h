/* Equality of values. A feed that changes from double to float, or that converts its
 * numbers to another unit and back, changes only their last bits: 0.3 becomes 0.30000001.
 * Every comparison of two samples' values uses this. */
#ifndef LW_DRIFT_POINTS_H
#define LW_DRIFT_POINTS_H

#include <stdbool.h>
#include <stddef.h>

#include "leeway/profile.h"

/* Relative to the value; a float is off by 6e-8. */
#define LW_SAME_VALUE 1e-6

/* The largest distance from v at which a value counts as equal: LW_SAME_VALUE of it. */
double lw_points_same_within(double v);
/* The share of values equal to v. */
double lw_points_share_at(const struct lw_kll_view *view, double v);
/* Between a and b, a < b: a <= edge < b, in the middle where there is room, without
 * overflow. */
double lw_points_midpoint(double a, double b);
/* Whether one side has a single value, and all values of the other are equal to it. */
bool lw_points_one_value(const struct lw_kll *a, const struct lw_kll *b);

/* In ascending values, in place: makes each run of equal values identical to its first,
 * if the run is far from its neighbours. In 1e8 + 1, 1e8 + 2, ... all stay distinct. */
void lw_points_cluster(double *values, size_t n);
/* Replaces each value by the nearest of the reference's points if the two are equal. Both
 * arrays are ascending, and so is the result. */
void lw_points_snap(double *values, size_t n, const double *ref, size_t nref);

#endif
