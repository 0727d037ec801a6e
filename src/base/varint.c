#include "base/varint.h"

size_t lw_varint_size(uint64_t v) {
    size_t size = 1;
    for (; v >= 0x80; v >>= 7)
        size++;
    return size;
}

uint8_t *lw_varint_write(uint8_t *out, uint64_t v) {
    for (; v >= 0x80; v >>= 7)
        *out++ = (uint8_t)(v | 0x80);
    *out++ = (uint8_t)v;
    return out;
}

void lw_varint_put(struct lw_buf *out, uint64_t v) {
    uint8_t bytes[LW_VARINT_MAX];
    lw_buf_put(out, bytes, (size_t)(lw_varint_write(bytes, v) - bytes));
}

void lw_varint_put_long(struct lw_buf *out, int64_t v) {
    lw_varint_put(out, lw_zigzag(v));
}

const uint8_t *lw_varint_read_slow(const uint8_t *at, const uint8_t *end, uint64_t *out) {
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 70 && at < end; shift += 7) {
        uint8_t b = *at++;
        if (shift == 63 && b > 1)
            return NULL;
        v |= (uint64_t)(b & 0x7f) << shift;
        if (b < 0x80) {
            *out = v;
            return at;
        }
    }
    return NULL;
}

uint64_t lw_varint_get(struct lw_reader *r) {
    uint64_t v = 0;
    const uint8_t *after = r->bad ? NULL : lw_varint_read(r->at, r->end, &v);
    if (!after) {
        r->bad = true;
        return 0;
    }
    r->at = after;
    return v;
}

int64_t lw_varint_get_long(struct lw_reader *r) {
    return lw_unzigzag(lw_varint_get(r));
}

uint64_t lw_varint_get_shortest(struct lw_reader *r) {
    const uint8_t *start = r->at;
    uint64_t v = lw_varint_get(r);
    if (!r->bad && (size_t)(r->at - start) == lw_varint_size(v))
        return v;
    r->bad = true;
    return 0;
}
