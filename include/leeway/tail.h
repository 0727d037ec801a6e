/* Quantiles within a relative error, at any rank: the tails that a rank sketch misses.
 *
 * A DDSketch (Masson, Rim, Lee, "DDSketch: A Fast and Fully-Mergeable Quantile Sketch
 * with Relative-Error Guarantees", VLDB 2019): counts of values in buckets whose ends are
 * at most a ratio of 1.02 apart. Because counts are exact, the value of rank r lies
 * in a known bucket, and the bucket's middle is within LW_TAIL_ACCURACY of it.
 * Negative values mirror positive ones, zero has its own count. At most
 * LW_TAIL_BUCKETS_MAX buckets a sign are kept, below the largest magnitude; smaller
 * values (by a factor of some 1e17) are counted in the smallest one kept.
 *
 * Merging is exact: any order of adds and merges gives the same sketch, to the byte.
 * Thread: one at a time per sketch. Cost: add O(1), no allocation once the range of
 * magnitudes has been seen. */
#ifndef LEEWAY_TAIL_H
#define LEEWAY_TAIL_H

#include <stddef.h>
#include <stdint.h>

#include "leeway/err.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Chosen a hair below 1 % so that a whole bucket is narrower than 2 %. */
#define LW_TAIL_ACCURACY    0.0099
#define LW_TAIL_BUCKETS_MAX 2048

struct lw_tail;
struct lw_buf;

struct lw_tail *lw_tail_new(void);
void lw_tail_free(struct lw_tail *t);
void lw_tail_reset(struct lw_tail *t); /* empty again, memory kept */
struct lw_tail *lw_tail_clone(const struct lw_tail *t);

/* NaN is a programming error. Infinities count as the largest finite value, magnitudes
 * below 2.2e-308 as zero. */
void lw_tail_add(struct lw_tail *t, double v);
void lw_tail_merge(struct lw_tail *t, const struct lw_tail *other);

uint64_t lw_tail_n(const struct lw_tail *t);
/* The value at a normalised rank in [0, 1] (inclusive rule); NAN when empty. Cost:
 * O(buckets). */
double lw_tail_quantile(const struct lw_tail *t, double rank);
/* The ends of the bucket that the value of that rank lies in; NAN when empty. A bucket
 * that took in smaller magnitudes reaches to zero. */
void lw_tail_bounds(const struct lw_tail *t, double rank, double *lo, double *hi);

/* How many values are zero, and how many lie above or below the whole bucket of v: exact,
 * unlike a rank of a KLL sketch. Cost: O(buckets). */
struct lw_tail_counts {
    uint64_t zeros, above, below;
};
struct lw_tail_counts lw_tail_counts(const struct lw_tail *t, double v);

/* Appends the versioned serial form: equal contents, equal bytes. */
void lw_tail_write(const struct lw_tail *t, struct lw_buf *out);
/* Hostile bytes are refused with LW_EINPUT and the reason. */
struct lw_tail *lw_tail_read(const void *data, size_t len, struct lw_err *err);

#ifdef __cplusplus
}
#endif
#endif
