/* See wire.h, and the Avro 1.11 specification, "Binary Encoding". */
#include "model/wire.h"

#include <string.h>

void lw_wire_string(struct lw_buf *out, const char *text, size_t len) {
    lw_varint_put_long(out, (int64_t)len);
    lw_buf_put(out, text, len);
}

void lw_wire_text(struct lw_buf *out, const char *text) {
    lw_wire_string(out, text, strlen(text));
}

void lw_wire_open(struct lw_buf *out, size_t n) {
    if (n)
        lw_varint_put_long(out, (int64_t)n);
}

void lw_wire_close(struct lw_buf *out) {
    lw_varint_put_long(out, 0);
}

void lw_wire_put_float(struct lw_buf *out, float v) {
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    lw_buf_u32(out, bits);
}

const char *lw_wire_get_string(struct lw_reader *in, size_t *len) {
    int64_t n = lw_varint_get_long(in);
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
        int64_t n = lw_varint_get_long(in);
        if (n < 0) { /* then the block's size in bytes follows */
            n = n == INT64_MIN ? 0 : -n;
            in->bad |= n == 0 || lw_varint_get_long(in) < 0;
        }
        in->bad |= (uint64_t)n > lw_reader_left(in);
        if (in->bad || n == 0)
            return false;
        *left = (uint64_t)n;
    }
    --*left;
    return true;
}
