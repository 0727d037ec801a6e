/* Reads Avro's binary encoding with every bound checked; inlined into the walkers.
 *
 * A read takes a cursor by value and returns the new position, or NULL if the bytes end
 * or are invalid; after NULL nothing is read. */
#ifndef LW_EVENT_WIRE_H
#define LW_EVENT_WIRE_H

#include <string.h>

#include "base/varint.h"

static inline const uint8_t *lw_wire_long(const uint8_t *at, const uint8_t *end,
                                          int64_t *out) {
    uint64_t raw = 0;
    at = lw_varint_read(at, end, &raw);
    *out = lw_unzigzag(raw);
    return at;
}

/* Bytes or text: a length that must fit the remaining bytes. *len bytes end at the
 * result. */
static inline const uint8_t *lw_wire_bytes(const uint8_t *at, const uint8_t *end,
                                           size_t *len) {
    int64_t n;
    at = lw_wire_long(at, end, &n);
    if (!at || n < 0 || (uint64_t)n > (uint64_t)(end - at))
        return NULL;
    *len = (size_t)n;
    return at + n;
}

static inline const uint8_t *lw_wire_skip(const uint8_t *at, const uint8_t *end,
                                          size_t len) {
    return len <= (size_t)(end - at) ? at + len : NULL;
}

static inline double lw_wire_double(const uint8_t *at) {
    uint64_t bits = lw_le64(at);
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

static inline double lw_wire_float(const uint8_t *at) {
    uint32_t bits = lw_le32(at);
    float v;
    memcpy(&v, &bits, sizeof v);
    return (double)v;
}

#endif
