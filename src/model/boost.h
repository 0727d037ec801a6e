/* The linear part of a boosted model, and what trees learn from it. */
#ifndef LW_MODEL_BOOST_H
#define LW_MODEL_BOOST_H

#include "model/fit.h"

/* Fits m->base, and returns its predictions of the rows [begin, end) of `from` out of
 * fold: each by a fit that has not seen the row (end - begin entries, free()). NULL and
 * LW_EINPUT if a fit fails. */
double *lw_boost_base(struct lw_model *m, const struct lw_fit_rows *from,
                      const struct lw_fit_spec *base, struct lw_err *err);

#endif
