/* Walks the union of two sketches' values in order, with both distribution functions.
 * What counts as the same value (drift/points.h) is one point. */
#ifndef LW_DRIFT_WALK_H
#define LW_DRIFT_WALK_H

#include "leeway/kll.h"

struct lw_walk {
    struct lw_kll_view *view[2];
    double *values[2]; /* own */
    const uint64_t *cumulative[2];
    size_t n[2], at[2];
    double total[2];
    double value; /* present point */
    double f[2];  /* share <= value on each side */
};

/* a: the reference, whose points the other's values are taken for. */
void lw_walk_init(struct lw_walk *w, const struct lw_kll *a, const struct lw_kll *b);
void lw_walk_fini(struct lw_walk *w);
/* Moves to the next distinct value; 0 at the end. */
int lw_walk_next(struct lw_walk *w);

#endif
