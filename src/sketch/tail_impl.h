/* The inside of a tail sketch, shared by tail.c and tail_serial.c.
 *
 * A bucket's code is its signed place on the number line: 0 is zero, +c and -c are the
 * magnitudes of bucket c >= 1. A sketch of a few values is a plain list of codes, so that
 * the many small panes of a window stay small; from LW_TAIL_PENDING + 1 values on it is
 * two runs of counters, one a sign. Which of the two follows from n alone. */
#ifndef LW_TAIL_IMPL_H
#define LW_TAIL_IMPL_H

#include "leeway/tail.h"

#define LW_TAIL_PENDING  24
#define LW_TAIL_CODE_MAX 72332

/* Counts of buckets base .. base + room - 1; those in use lie in lo .. hi. */
struct lw__tail_run {
    uint64_t *counts;
    int32_t base, room;
    int32_t lo, hi; /* hi < lo: empty */
};

struct lw_tail {
    uint64_t n, zeros;
    struct lw__tail_run run[2]; /* magnitudes of positive, of negative values */
    int32_t pending[LW_TAIL_PENDING];
};

void lw__tail_add_code(struct lw_tail *t, int32_t code, uint64_t count);
/* Calls back for each bucket with a count, in order of value, until the callback returns
 * nonzero. */
void lw__tail_each(const struct lw_tail *t,
                   int (*visit)(void *arg, int32_t code, uint64_t count), void *arg);

#endif
