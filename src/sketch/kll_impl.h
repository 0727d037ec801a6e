/* Internals of a KLL sketch, shared by kll.c (updates, merges), kll_view.c (queries) and
 * kll_serial.c.
 *
 * All levels share one array, the top level first and level 0 last, so that an update is
 * a push at the end and growing is a realloc:
 *
 *   | level 2 (weight 4) | level 1 (weight 2) | level 0 (weight 1), newest last |
 *   0                 end[2]               end[1]                            end[0]
 *
 * end[h] is therefore also the number of items in levels h and above. Levels above 0 are
 * sorted. */
#ifndef LW_SKETCH_KLL_IMPL_H
#define LW_SKETCH_KLL_IMPL_H

#include "leeway/kll.h"

#define LW_KLL_M 8 /* minimum capacity of a level; part of the serial form */
/* Maximum number of values in a sketch that is read: thousands of them can be merged
 * without exceeding LEVELS_MAX. */
#define LW_KLL_N_MAX      (UINT64_C(1) << 48)
#define LW_KLL_LEVELS_MAX 61

struct lw_kll {
    double *items;
    uint64_t n, seed;
    double min, max;                      /* +inf, -inf if empty */
    uint32_t allocated;                   /* items that fit in memory now */
    uint32_t capacity;                    /* items allowed at this number of levels */
    uint32_t levels;                      /* at least 1 */
    uint16_t k, min_k;                    /* min_k: the coarsest k that was merged in */
    uint32_t end[LW_KLL_LEVELS_MAX + 1];  /* end[levels] = 0 */
    uint16_t by_depth[LW_KLL_LEVELS_MAX]; /* capacity by distance from the top */
};

static inline uint32_t lw__kll_size(const struct lw_kll *s, uint32_t level) {
    return s->end[level] - s->end[level + 1];
}

/* NULL without an array: adding even 0 to NULL is undefined. */
static inline const double *lw__kll_level(const struct lw_kll *s, uint32_t level) {
    return s->items ? s->items + s->end[level + 1] : NULL;
}

/* Adds a value that is not NaN. Inline while there is room. */
static inline void lw__kll_push(struct lw_kll *s, double v) {
    if (s->end[0] >= s->capacity || s->end[0] >= s->allocated) {
        lw_kll_update(s, v);
        return;
    }
    v += 0.0; /* negative zero is stored as zero */
    s->items[s->end[0]++] = v;
    s->n++;
    s->min = v < s->min ? v : s->min;
    s->max = v > s->max ? v : s->max;
}

/* Adds an empty top level and raises the limit accordingly. */
void lw__kll_add_level(struct lw_kll *s);
/* Makes room for `items` items in memory. */
void lw__kll_reserve(struct lw_kll *s, uint32_t items);
/* Sorts in place, ascending. */
void lw__kll_sort(double *v, uint32_t n);
/* Merges the sorted b (nb items, in another array) into the sorted na items at v, which
 * has room for both. */
void lw__kll_merge_in(double *v, size_t na, const double *b, size_t nb);

#endif
