/* LEB128 numbers, for serial forms that are mostly small counts. */
#ifndef LW_SKETCH_VARINT_H
#define LW_SKETCH_VARINT_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

static inline size_t lw__varint_size(uint64_t v) {
    size_t size = 1;
    for (; v >= 128; v >>= 7)
        size++;
    return size;
}

static inline uint8_t *lw__varint_put(uint8_t *out, uint64_t v) {
    for (; v >= 128; v >>= 7)
        *out++ = (uint8_t)(v | 128);
    *out++ = (uint8_t)v;
    return out;
}

/* Sets r->bad on a number that is cut off, longer than 64 bits, or longer than it need
 * be (one value, one form). */
static inline uint64_t lw__varint_get(struct lw_reader *r) {
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint64_t byte = lw_reader_u8(r);
        uint64_t bits = byte & 127;
        if ((bits << shift) >> shift != bits || (byte == 0 && shift > 0))
            break;
        v |= bits << shift;
        if (byte < 128)
            return v;
    }
    r->bad = true;
    return 0;
}

#endif
