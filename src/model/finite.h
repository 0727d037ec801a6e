/* Checks that a fit makes before any comparison, because comparisons with NAN are false:
 * sums must not have overflowed, and predictions must be finite. */
#ifndef LW_MODEL_FINITE_H
#define LW_MODEL_FINITE_H

#include "model/chunk.h"
#include "model/stats.h"

/* LW_EINPUT names a term with a number too large to be summed. */
int lw_finite_chunk(const struct lw_chunk *feed, struct lw_err *err);

/* LW_EINPUT names the term, or the target, whose values are too large to be squared and
 * summed, or says that every row has weight 0. */
int lw_finite_stats(const struct lw_stats *s, const struct lw_model *m,
                    struct lw_err *err);

/* Checks that all parts of a prediction are finite; LW_EINPUT names the one that is not.
 */
int lw_finite_model(const struct lw_model *m, struct lw_err *err);

#endif
