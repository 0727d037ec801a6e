/* Detection of change points in a stream of values: ADWIN, Page-Hinkley, KSWIN. One-sided
 * (growth), reset after an alarm, of fixed size, with a serial state so that another
 * process can continue. There is one static table of implementations; a new one is a file
 * and a row. */
#ifndef LW_DRIFT_CHANGE_H
#define LW_DRIFT_CHANGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "leeway/err.h"

struct lw_change_params {
    double delta; /* ADWIN: confidence (.002); Page-Hinkley: tolerated change, in units of
                     scale (.005) */
    double lambda;  /* Page-Hinkley: threshold, in units of scale (50) */
    double alpha;   /* KSWIN: significance (1e-4) */
    double scale;   /* values are first divided by it; 1: unchanged */
    uint64_t min_n; /* number of values before the first alarm (30) */
    uint64_t seed;  /* reserved: no implementation is random (see kswin.c) */
};

/* The defaults in parentheses above, by kind; scale 1, seed 0. An unknown kind gets those
 * of ADWIN, and lw_change_new reports the error. */
struct lw_change_params lw_change_defaults(const char *kind);

struct lw_change;
/* kind: "adwin", "page_hinkley", "kswin". NULL and LW_ECONFIG with the nearest name, or
 * with the parameter that is out of range. One allocation here, none later. */
struct lw_change *lw_change_new(const char *kind, const struct lw_change_params *params,
                                struct lw_err *err);
void lw_change_free(struct lw_change *c);
/* Returns 1 if this value shows growth (the detector then restarts), else 0. Ignores
 * values that are not finite. O(1) amortised. Thread: one at a time. */
int lw_change_update(struct lw_change *c, double v);
/* The number of values in the present regime: right after an alarm, those since the
 * estimated change; otherwise all since the last restart. */
uint64_t lw_change_width(const struct lw_change *c);
/* Versioned bytes; a detector that reads them continues exactly as the writer would.
 * _read requires the same kind and scale; invalid bytes are LW_EINPUT and leave the
 * detector empty. */
void lw_change_write(const struct lw_change *c, struct lw_buf *out);
int lw_change_read(struct lw_change *c, const void *data, size_t len, struct lw_err *err);

#endif
