/* Numbers as Avro means them to cells: times to milliseconds, decimals to doubles. Shared
 * by the decode loop and by defaults. */
#ifndef LW_EVENT_CONVERT_H
#define LW_EVENT_CONVERT_H

#include "event/plan.h"

/* The largest instant that a double holds exactly, some 285,000 years either way. */
#define LW_MS_MAX (INT64_C(1) << 53)

/* Rounds towards the past, so that order is kept before 1970 too. */
static inline int64_t lw_floor_div(int64_t v, int64_t by) {
    return v / by - (v % by < 0);
}

/* Unix milliseconds of a time in the step's unit; false when out of LW_MS_MAX. */
static inline bool lw_to_ms(int64_t v, enum lw_as as, int64_t *ms) {
    if (as == LW_AS_MICROS)
        v = lw_floor_div(v, 1000);
    else if (as == LW_AS_NANOS)
        v = lw_floor_div(v, 1000000);
    else if (as == LW_AS_DAYS)
        v *= INT64_C(86400000); /* days are 32 bits: no overflow */
    *ms = v;
    return v <= LW_MS_MAX && v >= -LW_MS_MAX;
}

/* A double that must be a whole number to name a category. */
static inline bool lw_to_whole(double v, int64_t *out) {
    if (!(v >= -9007199254740992.0 && v <= 9007199254740992.0))
        return false;
    *out = (int64_t)v;
    return (double)*out == v;
}

/* Two's complement, big-endian, over 10^scale; false when longer than 64 bytes. */
bool lw_decimal(const uint8_t *bytes, size_t len, int scale, double *out);

#endif
