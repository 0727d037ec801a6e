/* Means of blocks of event time, such as days, and what their spread says.
 *
 * Events of one day share their weather, so the mean of a day's errors differs from the
 * next day's by more than the errors within a day suggest. The spread between whole
 * blocks, measured on history, contains that part. */
#ifndef LW_CORE_BLOCKS_H
#define LW_CORE_BLOCKS_H

#include <stddef.h>
#include <stdint.h>

struct lw_block_spread {
    double variance; /* of the mean of `span` blocks; 0 where df is 0 */
    double df;       /* degrees of freedom of that estimate; 0: unknown */
};
/* Means of blocks in order of time, in parts that have a level each; NAN: a block without
 * one. */
struct lw_block_part {
    const double *mean;
    size_t n;
};
/* The variance of the mean of `span` neighbouring blocks around the level of their part:
 * from all such neighbours, overlapping, so that weather that lasts some days counts. One
 * lasting change of level, which explains most of a part's spread, does not. A part tells
 * nothing unless it is longer than the span. */
struct lw_block_spread lw_blocks_spread(const struct lw_block_part *part, size_t nparts,
                                        size_t span);

/* The z that the best of k competitors must reach where one alone must reach `z`.
 * difference: k rows of n block sums, each competitor's gain on the same blocks. The
 * distribution of the largest of k correlated means is drawn with normal multipliers
 * (White, "A Reality Check for Data Snooping", 2000; Chernozhukov, Chetverikov, Kato
 * 2013), always from the same seed. */
double lw_blocks_best_z(const double *difference, size_t k, size_t n, double z);

/* The same for the largest of n independent ones (Sidak, 1967). */
double lw_blocks_largest_z(uint32_t n, double z);

#endif
