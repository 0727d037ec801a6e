/* See wire.h, and the Avro 1.11 specification, "Binary Encoding". */
#include "model/wire.h"

#include <string.h>

void lw_wire_long(struct lw_buf *out, int64_t v) {
    uint64_t z = ((uint64_t)v << 1) ^ (v < 0 ? UINT64_MAX : 0);
    for (; z >= 0x80; z >>= 7)
        lw_buf_u8(out, (uint8_t)(z | 0x80));
    lw_buf_u8(out, (uint8_t)z);
}

void lw_wire_string(struct lw_buf *out, const char *text, size_t len) {
    lw_wire_long(out, (int64_t)len);
    lw_buf_put(out, text, len);
}

void lw_wire_text(struct lw_buf *out, const char *text) {
    lw_wire_string(out, text, strlen(text));
}

void lw_wire_open(struct lw_buf *out, size_t n) {
    if (n)
        lw_wire_long(out, (int64_t)n);
}

void lw_wire_close(struct lw_buf *out) {
    lw_wire_long(out, 0);
}

void lw_wire_float(struct lw_buf *out, float v) {
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    lw_buf_u32(out, bits);
}

int64_t lw_wire_get_long(struct lw_reader *in) {
    uint64_t z = 0;
    for (int shift = 0; shift < 64; shift += 7) {
        uint8_t byte = lw_reader_u8(in);
        z |= (uint64_t)(byte & 0x7F) << shift;
        if (!(byte & 0x80))
            return (int64_t)(z >> 1) ^ -(int64_t)(z & 1);
    }
    in->bad = true;
    return 0;
}

const char *lw_wire_get_string(struct lw_reader *in, size_t *len) {
    int64_t n = lw_wire_get_long(in);
    *len = 0;
    if (n < 0 || (uint64_t)n > lw_reader_left(in)) {
        in->bad = true;
        return "";
    }
    const char *text = lw_reader_bytes(in, (size_t)n);
    *len = text ? (size_t)n : 0;
    return text ? text : "";
}

double lw_wire_get_double(struct lw_reader *in) {
    return lw_reader_f64(in);
}

float lw_wire_get_float(struct lw_reader *in) {
    uint32_t bits = lw_reader_u32(in);
    float v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

bool lw_wire_get_boolean(struct lw_reader *in) {
    uint8_t byte = lw_reader_u8(in);
    in->bad |= byte > 1;
    return byte == 1;
}

bool lw_wire_more(struct lw_reader *in, uint64_t *left) {
    if (in->bad)
        return false;
    if (*left == 0) {
        int64_t n = lw_wire_get_long(in);
        if (n < 0) { /* then the block's size in bytes follows */
            n = n == INT64_MIN ? 0 : -n;
            in->bad |= n == 0 || lw_wire_get_long(in) < 0;
        }
        in->bad |= (uint64_t)n > lw_reader_left(in);
        if (in->bad || n == 0)
            return false;
        *left = (uint64_t)n;
    }
    --*left;
    return true;
}
