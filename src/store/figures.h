/* An evaluation as readers see it. */
#ifndef LW_STORE_FIGURES_H
#define LW_STORE_FIGURES_H

#include "store/evaluation.h"

/* now, history and windows of an evaluation. */
void lw__figures_put(struct lw_cmd *c, const struct lw_spec *spec,
                     const struct lw_evaluation_step *step);
void lw__figures_put_windows(struct lw_redis *r, struct lw_cmd *c,
                             const struct lw_spec *spec, struct lw_monitor *m);

#endif
