/* Small changes that are real: one share of a column, or the distance of its values.
 * Internal to the layer. */
#ifndef LW_DRIFT_SHIFT_H
#define LW_DRIFT_SHIFT_H

#include "leeway/drift.h"

/* Fills d->shift of a column that can be judged from its other figures and the two
 * summaries. p_adjusted is the caller's. */
void lw__shift_find(const struct lw_member *ref, const struct lw_member *cur,
                    const struct lw_drift_options *options, struct lw_drift *d);

#endif
