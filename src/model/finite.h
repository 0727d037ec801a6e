/* What a fit must refuse: sums that have overflowed, and a model whose predictions would
 * not be finite. Every comparison with NAN is false, so the checks come before anything
 * is compared. */
#ifndef LW_MODEL_FINITE_H
#define LW_MODEL_FINITE_H

#include "model/chunk.h"
#include "model/stats.h"

/* LW_EINPUT names a term whose rows held a number too large to be summed. */
int lw_chunk_check(const struct lw_chunk *feed, struct lw_err *err);

/* LW_EINPUT names the term whose values cannot be squared and summed, or says that it is
 * the target, or that no row has any weight. */
int lw_stats_check(const struct lw_stats *s, const struct lw_model *m,
                   struct lw_err *err);

/* Everything that a prediction is made of is finite; LW_EINPUT says what is not. */
int lw_model_check(const struct lw_model *m, struct lw_err *err);

#endif
