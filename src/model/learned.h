/* What a fit learns besides coefficients: the tables of impute() and the edges of
 * qbins(). */
#ifndef LW_MODEL_LEARNED_H
#define LW_MODEL_LEARNED_H

#include "model/chunk.h"

/* Learns atom a of the feed's model from the rows; atoms before it are learned already.
 */
int lw_learned_fit(struct lw_model *m, struct lw_chunk *feed, const struct lw_rows *rows,
                   size_t a, struct lw_err *err);

/* The value of a learned atom for its input x (NAN: missing) and the codes of the row
 * that it reads (codes[atom]): a number, a bin as a category, or that bin's code in the
 * atom's dictionary. */
double lw_learned_number(const struct lw_model *m, size_t atom, double x,
                         const uint32_t *codes);
struct lw_cell lw_learned_bin(const struct lw_model *m, size_t atom, double x,
                              const uint32_t *codes);
uint32_t lw_learned_code(const struct lw_model *m, size_t atom, double x,
                         const uint32_t *codes);

#endif
