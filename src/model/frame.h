/* The frame of a fit: a model with terms, dictionaries, learned tables and levels, but no
 * coefficients yet. */
#ifndef LW_MODEL_FRAME_H
#define LW_MODEL_FRAME_H

#include "model/chunk.h"
#include "model/fit.h"

/* The model with its terms, over the fields that they read. LW_ECONFIG. */
struct lw_model *lw_frame_new(const struct lw_plan *plan, const struct lw_fit_spec *spec,
                              struct lw_err *err);
/* Dictionaries and learned tables, then the levels of all blocks, from the rows. The feed
 * is set up for the model. */
int lw_frame_learn(struct lw_model *m, struct lw_chunk *feed, const struct lw_rows *rows,
                   struct lw_err *err);

#endif
