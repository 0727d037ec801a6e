/* Internals of a distinct count, shared by distinct.c and distinct_serial.c.
 *
 * A coupon is derived from a value's hash: a position (low 26 bits) and the number of
 * leading zeros plus one (1..63, high 6 bits). While there are few distinct coupons, a
 * hash table holds them all; beyond that, registers hold the greatest number at each of
 * 4,096 positions. */
#ifndef LW_SKETCH_DISTINCT_IMPL_H
#define LW_SKETCH_DISTINCT_IMPL_H

#include "leeway/distinct.h"

#define LW_HLL_LG_K        12
#define LW_HLL_REGISTERS   4096
#define LW_HLL_COUPONS_MAX 384 /* beyond this number, coupons become registers */

struct lw_hll {
    uint32_t *slots; /* 0 is free; the number is a power of two; NULL at first */
    uint32_t nslots, ncoupons;
    uint8_t *registers; /* NULL until needed */
    int dense;          /* registers are in use, not slots */
};

void lw__hll_add_coupon(struct lw_hll *h, uint32_t coupon);

#endif
