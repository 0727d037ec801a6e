/* The linear part of a boosted model: what trees learn from, and what corrects them. */
#ifndef LW_MODEL_BOOST_H
#define LW_MODEL_BOOST_H

#include "model/fit.h"

/* Fits m->base, without its correction, and returns predictions of the rows [begin, end)
 * of `from` out of fold: each by a fit that has not seen the row (end - begin entries,
 * free()). NULL and LW_EINPUT if a fit fails. */
double *lw_boost_base(struct lw_model *m, const struct lw_fit_rows *from,
                      const struct lw_fit_spec *base, struct lw_err *err);
/* Adds the correction of `base`, if it has one, to m->base: on what base and forest
 * together leave. */
int lw_boost_correct(struct lw_model *m, const struct lw_fit_rows *from,
                     const struct lw_fit_spec *base, struct lw_err *err);

#endif
