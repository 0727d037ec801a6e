/* The interface of a change detector: a row of functions over a state of fixed size.
 * change.c has the table, the scaling and the reset after an alarm. */
#ifndef LW_DRIFT_DETECTOR_H
#define LW_DRIFT_DETECTOR_H

#include "drift/change.h"

struct lw_detector {
    const char *name;
    size_t size;
    double delta; /* default of params.delta */
    /* LW_ECONFIG if a parameter is out of range. */
    int (*check)(const struct lw_change_params *p, struct lw_err *err);
    void (*reset)(void *state, const struct lw_change_params *p);
    int (*update)(void *state, double v); /* v finite and scaled */
    uint64_t (*width)(const void *state);
    void (*write)(const void *state, struct lw_buf *out);
    /* Returns -1 if a field is invalid (the caller checks whether the reader failed). */
    int (*read)(void *state, struct lw_reader *in);
};

extern const struct lw_detector lw_detector_adwin;
extern const struct lw_detector lw_detector_page_hinkley;
extern const struct lw_detector lw_detector_kswin;

#endif
