/* Internals of a tail sketch, shared by tail.c and tail_serial.c.
 *
 * A bucket's code is its signed position on the number line: 0 is zero, +c and -c are the
 * magnitudes of bucket c >= 1. A sketch of a few values is a plain list of codes, so that
 * the many small panes of a window stay small; from LW_TAIL_PENDING + 1 values on it is
 * two runs of counters, one per sign. n alone determines which of the two forms is
 * used. */
#ifndef LW_SKETCH_TAIL_IMPL_H
#define LW_SKETCH_TAIL_IMPL_H

#include <string.h>

#include "leeway/tail.h"

#define LW_TAIL_PENDING  24
#define LW_TAIL_CODE_MAX 72332

/* Counts of buckets base .. base + room - 1; those in use are lo .. hi. */
struct lw__tail_run {
    uint64_t *counts;
    int32_t base, room;
    int32_t lo, hi; /* hi < lo if empty */
};

struct lw_tail {
    uint64_t n, zeros;
    struct lw__tail_run run[2]; /* magnitudes of positive and of negative values */
    int32_t pending[LW_TAIL_PENDING];
};

#define LW_TAIL_SCALE 35.3525 /* buckets per doubling */

/* The fractional part of L; see tail.c. */
static inline double lw__tail_cubic(double s) {
    return ((6.0 / 35 * s - 3.0 / 5) * s + 10.0 / 7) * s;
}

/* The value must not be NaN. */
static inline int32_t lw__tail_code(double v) {
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    int32_t exponent = (int32_t)(bits >> 52 & 2047); /* biased by 1023 */
    uint64_t mantissa = bits & ((UINT64_C(1) << 52) - 1);
    if (exponent == 0)
        return 0;
    if (exponent == 2047) { /* infinity */
        exponent = 2046;
        mantissa = (UINT64_C(1) << 52) - 1;
    }
    double s = (double)(int64_t)mantissa * 0x1p-52;
    int32_t code = 1 + (int32_t)(LW_TAIL_SCALE * (exponent - 1 + lw__tail_cubic(s)));
    return bits >> 63 ? -code : code;
}

void lw__tail_add_code(struct lw_tail *t, int32_t code, uint64_t count);

/* Adds a value that is not NaN. Inline if its bucket is in use. Returns what the caller
 * must add to n, 1 or 0, so that it can add up many values first. */
static inline uint64_t lw__tail_count(struct lw_tail *t, double v) {
    int32_t code = lw__tail_code(v), magnitude = code < 0 ? -code : code;
    struct lw__tail_run *run = &t->run[code < 0];
    if (t->n > LW_TAIL_PENDING && magnitude >= run->lo && magnitude <= run->hi) {
        run->counts[magnitude - run->base]++;
        return 1;
    }
    if (t->n > LW_TAIL_PENDING && code == 0) {
        t->zeros++;
        return 1;
    }
    lw__tail_add_code(t, code, 1);
    return 0;
}

static inline void lw__tail_push(struct lw_tail *t, double v) {
    uint64_t counted = lw__tail_count(t, v); /* first, because it may change n itself */
    t->n += counted;
}

/* Calls back for each bucket with a count, in order of value, until the callback returns
 * nonzero. */
void lw__tail_each(const struct lw_tail *t,
                   int (*visit)(void *arg, int32_t code, uint64_t count), void *arg);

#endif
