/* Means of blocks of event time, such as days, and what their spread says.
 *
 * Events of one day share their weather, so the mean of a day's errors differs from the
 * next day's by more than the errors within a day suggest. The spread between whole
 * blocks, measured on history, contains that part. It is taken from the median difference
 * of blocks a week apart: weekly rhythm cancels, weather that lasts some days counts, and
 * one lasting change, in the minority of the pairs, does not. */
#ifndef LW_CORE_BLOCKS_H
#define LW_CORE_BLOCKS_H

#include <stddef.h>

struct lw_block_spread {
    double variance; /* of one block's mean; 0 where df is 0 */
    double df;       /* degrees of freedom of that estimate; 0: unknown */
};
/* Of n means in order of time; NAN: a block without one. period: blocks in a week. With
 * fewer than four periods, neighbours are compared. */
struct lw_block_spread lw_blocks_spread(const double *mean, size_t n, size_t period);

/* The z that the best of k competitors must reach where one alone must reach `z`.
 * difference: k rows of n block sums, each competitor's gain on the same blocks. The
 * distribution of the largest of k correlated means is drawn with normal multipliers
 * (White, "A Reality Check for Data Snooping", 2000; Chernozhukov, Chetverikov, Kato
 * 2013), always from the same seed. */
double lw_blocks_best_z(const double *difference, size_t k, size_t n, double z);

#endif
