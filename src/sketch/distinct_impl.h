/* Internals of a distinct count, shared by distinct.c and distinct_serial.c.
 *
 * A coupon is derived from a value's hash: a place (low 26 bits) and the number of leading
 * zeros plus one (1..63, high 6 bits). Few distinct coupons are kept as they are, in a
 * hash table; more of them as the greatest number at each of 4,096 places. */
#ifndef LW_SKETCH_DISTINCT_IMPL_H
#define LW_SKETCH_DISTINCT_IMPL_H

#include "leeway/distinct.h"

#define LW_HLL_LG_K        12
#define LW_HLL_REGISTERS   4096
#define LW_HLL_COUPONS_MAX 384 /* more coupons than these become registers */

struct lw_hll {
    uint32_t *slots; /* 0: free; a power of two of them, NULL at first */
    uint32_t nslots, ncoupons;
    uint8_t *registers; /* NULL until first needed */
    int dense;          /* registers hold the state, not slots */
};

void lw__hll_add_coupon(struct lw_hll *h, uint32_t coupon);

#endif
