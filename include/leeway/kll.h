/* KLL quantile sketch over doubles, in the Apache DataSketches layout.
 *
 * Karnin, Lang, Liberty, "Optimal Quantile Approximation in Streams" (FOCS 2016). With k
 * = 200 a rank is within 1.33 % (single rank) or 1.65 % (all ranks at once) at 99 %
 * confidence. Randomness is a function of the seed and the state: the bytes depend only
 * on the seed and the order of updates, so a sketch that was stored, loaded and continued
 * equals one that never stopped. NaN is refused by the caller (an update with NaN is a
 * programming error). Infinities are values. Thread: one at a time per sketch. Cost:
 * update O(1) amortised, no allocation once the sketch has reached its bounded size. */
#ifndef LEEWAY_KLL_H
#define LEEWAY_KLL_H

#include <stddef.h>
#include <stdint.h>

#include "leeway/err.h"

#ifdef __cplusplus
extern "C" {
#endif

#define LW_KLL_K_DEFAULT 200
#define LW_KLL_K_MIN     8
#define LW_KLL_K_MAX     65535

struct lw_kll;

struct lw_kll *lw_kll_new(uint16_t k, uint64_t seed);
void lw_kll_free(struct lw_kll *s);
void lw_kll_reset(struct lw_kll *s, uint64_t seed); /* empty again, memory kept */
struct lw_kll *lw_kll_clone(const struct lw_kll *s);

void lw_kll_update(struct lw_kll *s, double v);
void lw_kll_update_many(struct lw_kll *s, const double *v, size_t n);
/* Adds other's items to s; other is unchanged. The k's may differ: the error is the
 * coarser one's. */
void lw_kll_merge(struct lw_kll *s, const struct lw_kll *other);

uint64_t lw_kll_n(const struct lw_kll *s);
uint16_t lw_kll_k(const struct lw_kll *s);
double lw_kll_min(const struct lw_kll *s); /* NAN when empty */
double lw_kll_max(const struct lw_kll *s);
size_t lw_kll_retained(const struct lw_kll *s);
/* Normalised rank error at 99 %: for one rank (pmf = 0) or for all at once (pmf = 1). */
double lw_kll_rank_error(const struct lw_kll *s, int pmf);

/* A sorted view answers queries; building it is O(retained log retained). Any number of
 * queries on an unchanged sketch share one view. Free with lw_kll_view_free. */
struct lw_kll_view;
struct lw_kll_view *lw_kll_view_new(const struct lw_kll *s);
void lw_kll_view_free(struct lw_kll_view *view);
/* The value at a normalised rank in [0, 1] (inclusive rule); the exact minimum and
 * maximum at 0 and 1; NAN when empty. */
double lw_kll_view_quantile(const struct lw_kll_view *view, double rank);
/* The share of items <= v (inclusive), in [0, 1]; NAN when empty. */
double lw_kll_view_rank(const struct lw_kll_view *view, double v);
/* The distinct retained values in order with their cumulative weights (borrowed). */
size_t lw_kll_view_points(const struct lw_kll_view *view, const double **values,
                          const uint64_t **cumulative);

/* DataSketches serial form. _size is exact. _write returns the bytes written. */
size_t lw_kll_serial_size(const struct lw_kll *s);
size_t lw_kll_write(const struct lw_kll *s, uint8_t *out);
/* Reads and validates; hostile bytes are refused with LW_EINPUT and the reason. The seed
 * is the one the sketch was made with (it is not in the bytes). */
struct lw_kll *lw_kll_read(const uint8_t *data, size_t len, uint64_t seed,
                           struct lw_err *err);

#ifdef __cplusplus
}
#endif
#endif
