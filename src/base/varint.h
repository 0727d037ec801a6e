/* Variable-length integers (LEB128): seven bits a byte, the lowest first, at most ten bytes.
 * A tenth byte that overflows 64 bits is refused everywhere. Avro's int and long are
 * zigzag-coded varints. */
#ifndef LW_BASE_VARINT_H
#define LW_BASE_VARINT_H

#include "base/buf.h"

#define LW_VARINT_MAX 10 /* bytes of the longest */

static inline uint64_t lw_zigzag(int64_t v) {
    return ((uint64_t)v << 1) ^ (v < 0 ? UINT64_MAX : 0);
}

static inline int64_t lw_unzigzag(uint64_t v) {
    return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}

size_t lw_varint_size(uint64_t v);
/* Writes lw_varint_size(v) bytes and returns the end. */
uint8_t *lw_varint_write(uint8_t *out, uint64_t v);
void lw_varint_put(struct lw_buf *out, uint64_t v);
/* Avro's int or long. */
void lw_varint_put_long(struct lw_buf *out, int64_t v);

/* Returns the position after the number at `at`; NULL when it is cut off or overflows.
 * `lw_varint_read` decodes the common lengths inline. */
const uint8_t *lw_varint_read_slow(const uint8_t *at, const uint8_t *end, uint64_t *out);

/* From a reader; a number that is cut off or overflows sets r->bad and reads as 0. */
uint64_t lw_varint_get(struct lw_reader *r);
int64_t lw_varint_get_long(struct lw_reader *r);
/* The same, and a number with more bytes than it needs is refused: one value, one form. */
uint64_t lw_varint_get_shortest(struct lw_reader *r);

/* Little-endian words, written out because compilers make one load of this but not of a
 * loop. */
static inline uint32_t lw_le32(const uint8_t *at) {
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static inline uint64_t lw_le64(const uint8_t *at) {
    return at[0] | (uint64_t)at[1] << 8 | (uint64_t)at[2] << 16 | (uint64_t)at[3] << 24 |
           (uint64_t)at[4] << 32 | (uint64_t)at[5] << 40 | (uint64_t)at[6] << 48 |
           (uint64_t)at[7] << 56;
}

/* Needs eight readable bytes. Keeps the bytes up to the first without a continuation bit
 * and merges their groups of seven bits pairwise; a time in milliseconds has six bytes. */
static inline const uint8_t *lw_varint_read_word(const uint8_t *at, const uint8_t *end,
                                                 uint64_t *out) {
    uint64_t w = lw_le64(at), stop = ~w & UINT64_C(0x8080808080808080);
    if (stop == 0)
        return lw_varint_read_slow(at, end, out);
    size_t n = (size_t)__builtin_ctzll(stop) / 8 + 1;
    w &= stop ^ (stop - 1);
    w = (w & UINT64_C(0x7f007f007f007f00)) >> 1 | (w & UINT64_C(0x007f007f007f007f));
    w = (w & UINT64_C(0x3fff00003fff0000)) >> 2 | (w & UINT64_C(0x00003fff00003fff));
    *out = (w & UINT64_C(0x0fffffff00000000)) >> 4 | (w & UINT64_C(0x000000000fffffff));
    return at + n;
}

static inline const uint8_t *lw_varint_read(const uint8_t *at, const uint8_t *end,
                                            uint64_t *out) {
    if (at < end && *at < 0x80) {
        *out = *at;
        return at + 1;
    }
    if (end - at >= 8)
        return lw_varint_read_word(at, end, out);
    return lw_varint_read_slow(at, end, out);
}

#endif
