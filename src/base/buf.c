/* Byte buffers. Little-endian on the wire whatever the machine: bytes are shifted, not
 * cast. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/secret.h"

#define SECRETS_MAX ((size_t)256 * 1024)

void lw_buf_fini(struct lw_buf *buf) {
    free(buf->data);
    *buf = (struct lw_buf){0};
}

void lw_buf_wipe(struct lw_buf *buf) {
    lw_secret_free(buf->data, buf->cap);
    *buf = (struct lw_buf){0};
}

void lw_buf_clear(struct lw_buf *buf) {
    buf->len = 0;
}

/* A small buffer may hold a secret, so its old bytes are wiped. Large ones hold data and
 * are left to realloc, which may not need to copy them. */
static uint8_t *buf_moved_data(const struct lw_buf *buf, size_t cap) {
    if (cap > SECRETS_MAX)
        return lw_realloc(buf->data, cap, 1);
    uint8_t *data = lw_malloc(cap);
    if (buf->len > 0)
        memcpy(data, buf->data, buf->len);
    lw_secret_free(buf->data, buf->cap);
    return data;
}

static void buf_reserve(struct lw_buf *buf, size_t more) {
    if (buf->cap - buf->len >= more)
        return;
    size_t cap = buf->cap ? buf->cap : 64;
    while (cap - buf->len < more) {
        lw_assert(cap <= SIZE_MAX / 2);
        cap *= 2;
    }
    buf->data = buf_moved_data(buf, cap);
    buf->cap = cap;
}

void *lw_buf_extend(struct lw_buf *buf, size_t len) {
    buf_reserve(buf, len);
    void *at = buf->data + buf->len;
    buf->len += len;
    return at;
}

void lw_buf_put(struct lw_buf *buf, const void *data, size_t len) {
    if (len > 0)
        memcpy(lw_buf_extend(buf, len), data, len);
}

static void put_le(struct lw_buf *buf, uint64_t v, size_t bytes) {
    uint8_t *at = lw_buf_extend(buf, bytes);
    for (size_t i = 0; i < bytes; i++)
        at[i] = (uint8_t)(v >> (8 * i));
}

void lw_buf_u8(struct lw_buf *buf, uint8_t v) {
    put_le(buf, v, 1);
}
void lw_buf_u16(struct lw_buf *buf, uint16_t v) {
    put_le(buf, v, 2);
}
void lw_buf_u32(struct lw_buf *buf, uint32_t v) {
    put_le(buf, v, 4);
}
void lw_buf_u64(struct lw_buf *buf, uint64_t v) {
    put_le(buf, v, 8);
}

void lw_buf_i64(struct lw_buf *buf, int64_t v) {
    put_le(buf, (uint64_t)v, 8);
}

void lw_buf_f64(struct lw_buf *buf, double v) {
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    put_le(buf, bits, 8);
}

void lw_buf_blob(struct lw_buf *buf, const void *data, size_t len) {
    lw_assert(len <= UINT32_MAX);
    lw_buf_u32(buf, (uint32_t)len);
    lw_buf_put(buf, data, len);
}

void lw_buf_printf(struct lw_buf *buf, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    lw_buf_vprintf(buf, fmt, ap);
    va_end(ap);
}

void lw_buf_vprintf(struct lw_buf *buf, const char *fmt, va_list ap) {
    va_list first;
    va_copy(first, ap);
    int len = vsnprintf(NULL, 0, fmt, first);
    va_end(first);
    lw_assert(len >= 0);
    buf_reserve(buf, (size_t)len + 1);
    vsnprintf((char *)buf->data + buf->len, (size_t)len + 1, fmt, ap);
    buf->len += (size_t)len;
}

const char *lw_buf_str(struct lw_buf *buf) {
    buf_reserve(buf, 1);
    buf->data[buf->len] = '\0';
    return (const char *)buf->data;
}

struct lw_reader lw_reader_of(const void *data, size_t len) {
    const uint8_t *at = data;
    return (struct lw_reader){.at = at, .end = at ? at + len : at};
}

size_t lw_reader_left(const struct lw_reader *r) {
    return (size_t)(r->end - r->at);
}

const void *lw_reader_bytes(struct lw_reader *r, size_t len) {
    if (r->bad || lw_reader_left(r) < len) {
        r->bad = true;
        return NULL;
    }
    const uint8_t *at = r->at;
    r->at += len;
    return at;
}

static uint64_t get_le(struct lw_reader *r, size_t bytes) {
    const uint8_t *at = lw_reader_bytes(r, bytes);
    uint64_t v = 0;
    for (size_t i = 0; at && i < bytes; i++)
        v |= (uint64_t)at[i] << (8 * i);
    return v;
}

uint8_t lw_reader_u8(struct lw_reader *r) {
    return (uint8_t)get_le(r, 1);
}
uint16_t lw_reader_u16(struct lw_reader *r) {
    return (uint16_t)get_le(r, 2);
}
uint32_t lw_reader_u32(struct lw_reader *r) {
    return (uint32_t)get_le(r, 4);
}
uint64_t lw_reader_u64(struct lw_reader *r) {
    return get_le(r, 8);
}

int64_t lw_reader_i64(struct lw_reader *r) {
    return (int64_t)get_le(r, 8);
}

int64_t lw_reader_ms(struct lw_reader *r, int64_t never) {
    int64_t ms = lw_reader_i64(r);
    if ((ms >= -LW_STORED_MS_MAX && ms <= LW_STORED_MS_MAX) || ms == never)
        return ms;
    r->bad = true;
    return 0;
}

double lw_reader_f64(struct lw_reader *r) {
    uint64_t bits = get_le(r, 8);
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

const void *lw_reader_blob(struct lw_reader *r, size_t *len) {
    uint32_t n = lw_reader_u32(r);
    const void *at = lw_reader_bytes(r, n);
    *len = at ? n : 0;
    return at;
}

void lw_reader_text(struct lw_reader *r, char *out, size_t size) {
    size_t len;
    const char *text = lw_reader_blob(r, &len);
    r->bad |= text && (len >= size || memchr(text, '\0', len));
    len = r->bad ? 0 : len;
    if (len)
        memcpy(out, text, len);
    out[len] = '\0';
}
