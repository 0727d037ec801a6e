/* Reading Avro's binary encoding with every bound checked, inlined into the walkers.
 *
 * A cursor is passed by value into a read and the new position comes back, NULL when the
 * bytes end or cannot be: a NULL is final, nothing is read after it. */
#ifndef LW_EVENT_WIRE_H
#define LW_EVENT_WIRE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* More than one byte: at most 10, the tenth holding one bit. */
const uint8_t *lw_wire_varint_slow(const uint8_t *at, const uint8_t *end, uint64_t *out);

static inline const uint8_t *lw_wire_varint(const uint8_t *at, const uint8_t *end,
                                            uint64_t *out) {
    if (at < end && *at < 0x80) {
        *out = *at;
        return at + 1;
    }
    return lw_wire_varint_slow(at, end, out);
}

static inline int64_t lw_wire_zigzag(uint64_t v) {
    return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}

static inline const uint8_t *lw_wire_long(const uint8_t *at, const uint8_t *end,
                                          int64_t *out) {
    uint64_t raw = 0;
    at = lw_wire_varint(at, end, &raw);
    *out = lw_wire_zigzag(raw);
    return at;
}

/* Bytes or text: a length that must fit what is left. *len bytes end at the result. */
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

static inline uint64_t lw_wire_le(const uint8_t *at, size_t bytes) {
    uint64_t v = 0;
    for (size_t i = 0; i < bytes; i++)
        v |= (uint64_t)at[i] << (8 * i);
    return v;
}

static inline double lw_wire_double(const uint8_t *at) {
    uint64_t bits = lw_wire_le(at, 8);
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

static inline double lw_wire_float(const uint8_t *at) {
    uint32_t bits = (uint32_t)lw_wire_le(at, 4);
    float v;
    memcpy(&v, &bits, sizeof v);
    return (double)v;
}

#endif
