/* Boosted trees as a kind of fit, by the XGBoost C API if the build has it. */
#ifndef LW_MODEL_TREES_H
#define LW_MODEL_TREES_H

#include "model/chunk.h"
#include "model/fit.h"

/* Whether this build can fit trees (it can always score them). */
bool lw_trees_available(void);
/* Fits m->forest on the rows; m must have a frame (frame.h). With `linear`, the linear
 * prediction of each row from rows->begin on, trees learn what it leaves, and it is a
 * feature. */
int lw_trees_fit(struct lw_model *m, struct lw_chunk *feed, const struct lw_rows *rows,
                 const double *linear, const struct lw_tree_params *params,
                 struct lw_err *err);

#endif
