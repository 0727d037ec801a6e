/* Seeded random numbers: splitmix64 for one word, xoshiro256** for streams. No other
 * randomness exists in leeway; the same seed gives the same run. Sources: Vigna,
 * prng.di.unimi.it. */
#ifndef LW_BASE_RNG_H
#define LW_BASE_RNG_H

#include <stdint.h>

struct lw_rng {
    uint64_t s[4];
};

uint64_t lw_mix64(uint64_t x); /* splitmix64's finaliser: a good hash of a counter */
void lw_rng_seed(struct lw_rng *rng, uint64_t seed);
uint64_t lw_rng_next(struct lw_rng *rng);
double lw_rng_unit(struct lw_rng *rng);                /* [0, 1) */
uint64_t lw_rng_below(struct lw_rng *rng, uint64_t n); /* [0, n), unbiased */
double lw_rng_normal(struct lw_rng *rng);              /* N(0, 1) */

#endif
