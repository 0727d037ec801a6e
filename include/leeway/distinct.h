/* Distinct count: HyperLogLog, in the Apache DataSketches HLL layout.
 *
 * Flajolet et al. 2007, with 2^12 registers: the standard error is 1.04 / 64 = 1.6 %.
 * Small sets are kept as the list of their coupons and are counted almost exactly. The
 * estimate is Ertl's (arXiv:1702.01284, algorithm 6), which needs no tables and no
 * threshold between ranges; it depends on the registers alone, so any order of adds and
 * merges gives the same figure and the same bytes. Integers are hashed as 8 bytes and
 * texts as theirs (MurmurHash3, seed 9001), as DataSketches does: sketches of the same
 * values made by that library can be merged with these. Thread: one at a time per sketch.
 * */
#ifndef LEEWAY_DISTINCT_H
#define LEEWAY_DISTINCT_H

#include <stddef.h>
#include <stdint.h>

#include "leeway/err.h"
#include "leeway/row.h"

#ifdef __cplusplus
extern "C" {
#endif

struct lw_hll;

struct lw_hll *lw_hll_new(void);
void lw_hll_free(struct lw_hll *h);
void lw_hll_reset(struct lw_hll *h); /* empty again, memory kept */
struct lw_hll *lw_hll_clone(const struct lw_hll *h);

void lw_hll_add(struct lw_hll *h, const struct lw_cell *cell); /* missing: no effect */
void lw_hll_add_int(struct lw_hll *h, int64_t v);
void lw_hll_add_text(struct lw_hll *h, const char *text, size_t len); /* "": no effect */
void lw_hll_merge(struct lw_hll *h, const struct lw_hll *other);

double lw_hll_estimate(const struct lw_hll *h);

/* Serial form: list or set mode while small, HLL_8 after, read by every DataSketches
 * library as an out-of-order sketch. */
size_t lw_hll_serial_size(const struct lw_hll *h);
size_t lw_hll_write(const struct lw_hll *h, uint8_t *out);
/* Reads what _write writes, and DataSketches' compact or updatable HLL_8 sketches of
 * 2^12 registers in any mode; everything else is refused with LW_EINPUT and the reason.
 * */
struct lw_hll *lw_hll_read(const uint8_t *data, size_t len, struct lw_err *err);

#ifdef __cplusplus
}
#endif
#endif
