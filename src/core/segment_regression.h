/* Segment regression: a window's losses by value of a category, compared with those of the
 * same version on the hold-out it was proved on. */
#ifndef LW_CORE_SEGMENT_REGRESSION_H
#define LW_CORE_SEGMENT_REGRESSION_H

#include "core/pane.h"
#include "core/reference.h"

struct lw_segment_regression {
    int feature;                      /* index into the spec's features */
    char value[LW_CATS_TEXT_MAX + 1]; /* the category */
    uint64_t n;                       /* events in the window */
    double error, reference_error;
    double share; /* of the feature's total regression, (0, 1] */
};
/* The segments with the largest shares, largest first; at most max. A segment's
 * regression is its loss in the window less the loss expected of as many events: the
 * reference's mean of that value, shrunk towards the overall mean where it has few
 * events. None when the window's errors are another version's, or when the error did
 * not rise. Seals the window's categories. */
size_t lw_segment_regression_find(const struct lw_spec *spec,
                                  const struct lw_reference *reference,
                                  struct lw_pane *window, uint32_t version,
                                  struct lw_segment_regression *out, size_t max);

#endif
