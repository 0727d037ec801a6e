/* Walks the union of two sketches' values in order, with both distribution functions.
 * Values that count as equal (drift/points.h) are one point. */
#ifndef LW_DRIFT_WALK_H
#define LW_DRIFT_WALK_H

#include "leeway/kll.h"

struct lw_walk {
    struct lw_kll_view *view[2];
    double *values[2]; /* owned */
    const uint64_t *cumulative[2];
    size_t n[2], at[2];
    double total[2];
    double value; /* current point */
    double f[2];  /* share <= value on each side */
};

/* a is the reference; values of b that equal one of its points count as that point. */
void lw_walk_init(struct lw_walk *w, const struct lw_kll *a, const struct lw_kll *b);
void lw_walk_fini(struct lw_walk *w);
/* Moves to the next distinct value; 0 at the end. */
int lw_walk_next(struct lw_walk *w);

#endif
