/* What a fit learns besides coefficients: the tables of impute() and the edges of
 * qbins(). */
#ifndef LW_MODEL_LEARNED_H
#define LW_MODEL_LEARNED_H

#include "model/chunk.h"

/* Learns atom a of the feed's model from the rows; atoms before it are learned already.
 */
int lw_learned_fit(struct lw_model *m, struct lw_chunk *feed, const struct lw_rows *rows,
                   size_t a, struct lw_err *err);

#endif
