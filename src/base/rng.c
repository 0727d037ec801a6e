/* splitmix64 seeds xoshiro256**, as its authors advise: four words of the one state never
 * start near each other even for seeds 0, 1, 2. */
#include "base/rng.h"

#include <math.h>

uint64_t lw_mix64(uint64_t x) {
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

void lw_rng_seed(struct lw_rng *rng, uint64_t seed) {
    for (int i = 0; i < 4; i++) {
        rng->s[i] = lw_mix64(seed);
        seed += UINT64_C(0x9e3779b97f4a7c15);
    }
}

static uint64_t rotate_left(uint64_t x, int k) {
    return (x << k) | (x >> (64 - k));
}

uint64_t lw_rng_next(struct lw_rng *rng) {
    uint64_t *s = rng->s;
    uint64_t result = rotate_left(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate_left(s[3], 45);
    return result;
}

double lw_rng_unit(struct lw_rng *rng) {
    return (double)(lw_rng_next(rng) >> 11) * 0x1.0p-53;
}

uint64_t lw_rng_below(struct lw_rng *rng, uint64_t n) {
    uint64_t limit = UINT64_MAX - UINT64_MAX % n;
    uint64_t x;
    do
        x = lw_rng_next(rng);
    while (x >= limit);
    return x % n;
}

double lw_rng_normal(struct lw_rng *rng) {
    double u = 1.0 - lw_rng_unit(rng); /* (0, 1]: the logarithm is finite */
    double v = lw_rng_unit(rng);
    return sqrt(-2.0 * log(u)) * cos(6.283185307179586 * v);
}
