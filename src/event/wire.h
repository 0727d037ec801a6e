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

/* Written out, because compilers make one load of this, but not of a loop. */
static inline uint32_t lw_wire_le32(const uint8_t *at) {
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static inline uint64_t lw_wire_le64(const uint8_t *at) {
    return at[0] | (uint64_t)at[1] << 8 | (uint64_t)at[2] << 16 | (uint64_t)at[3] << 24 |
           (uint64_t)at[4] << 32 | (uint64_t)at[5] << 40 | (uint64_t)at[6] << 48 |
           (uint64_t)at[7] << 56;
}

/* Up to 8 bytes at once: those up to the first without a continuation bit are kept, then
 * groups of 7 bits are drawn together in pairs. A time in milliseconds has 6 bytes. */
static inline const uint8_t *lw_wire_varint_word(const uint8_t *at, const uint8_t *end,
                                                 uint64_t *out) {
    uint64_t w = lw_wire_le64(at), stop = ~w & UINT64_C(0x8080808080808080);
    if (stop == 0)
        return lw_wire_varint_slow(at, end, out);
    size_t n = (size_t)__builtin_ctzll(stop) / 8 + 1;
    w &= stop ^ (stop - 1);
    w = (w & UINT64_C(0x7f007f007f007f00)) >> 1 | (w & UINT64_C(0x007f007f007f007f));
    w = (w & UINT64_C(0x3fff00003fff0000)) >> 2 | (w & UINT64_C(0x00003fff00003fff));
    *out = (w & UINT64_C(0x0fffffff00000000)) >> 4 | (w & UINT64_C(0x000000000fffffff));
    return at + n;
}

static inline const uint8_t *lw_wire_varint(const uint8_t *at, const uint8_t *end,
                                            uint64_t *out) {
    if (at < end && *at < 0x80) {
        *out = *at;
        return at + 1;
    }
    if (end - at >= 8)
        return lw_wire_varint_word(at, end, out);
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

static inline double lw_wire_double(const uint8_t *at) {
    uint64_t bits = lw_wire_le64(at);
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

static inline double lw_wire_float(const uint8_t *at) {
    uint32_t bits = lw_wire_le32(at);
    float v;
    memcpy(&v, &bits, sizeof v);
    return (double)v;
}

#endif
