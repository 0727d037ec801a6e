/* A growable byte buffer, and a bounds-checked reader of untrusted bytes.
 * Numbers are little-endian. The reader has a sticky failure: after the first short read
 * every get returns zero and `bad` is set, so that a decoder checks once at its end. */
#ifndef LW_BASE_BUF_H
#define LW_BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lw_buf {
    uint8_t *data;
    size_t len, cap;
};

void lw_buf_fini(struct lw_buf *buf);
void lw_buf_wipe(struct lw_buf *buf);  /* the same for one that held a secret */
void lw_buf_clear(struct lw_buf *buf); /* keeps the memory */
void lw_buf_put(struct lw_buf *buf, const void *data, size_t len);
void lw_buf_u8(struct lw_buf *buf, uint8_t v);
void lw_buf_u16(struct lw_buf *buf, uint16_t v);
void lw_buf_u32(struct lw_buf *buf, uint32_t v);
void lw_buf_u64(struct lw_buf *buf, uint64_t v);
void lw_buf_i64(struct lw_buf *buf, int64_t v);
void lw_buf_f64(struct lw_buf *buf, double v);
/* u32 length, then the bytes. */
void lw_buf_blob(struct lw_buf *buf, const void *data, size_t len);
void lw_buf_printf(struct lw_buf *buf, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void lw_buf_vprintf(struct lw_buf *buf, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));
/* NUL-terminates without counting the NUL, and returns the text (borrowed). */
const char *lw_buf_str(struct lw_buf *buf);
/* Room for len more bytes; returns where they go and counts them as written. */
void *lw_buf_extend(struct lw_buf *buf, size_t len);

struct lw_reader {
    const uint8_t *at, *end;
    bool bad;
};

struct lw_reader lw_reader_of(const void *data, size_t len);
size_t lw_reader_left(const struct lw_reader *r);
const void *lw_reader_bytes(struct lw_reader *r, size_t len); /* NULL when short */
uint8_t lw_reader_u8(struct lw_reader *r);
uint16_t lw_reader_u16(struct lw_reader *r);
uint32_t lw_reader_u32(struct lw_reader *r);
uint64_t lw_reader_u64(struct lw_reader *r);
int64_t lw_reader_i64(struct lw_reader *r);
double lw_reader_f64(struct lw_reader *r);
/* A time or a span, at most LW_STORED_MS_MAX either side of 0, so that sums and
 * differences of two cannot overflow; or `never` as it is. Bad, and 0, otherwise. */
#define LW_STORED_MS_MAX (INT64_C(1) << 61)
int64_t lw_reader_ms(struct lw_reader *r, int64_t never);
/* A blob as written by lw_buf_blob: borrowed bytes, or NULL and *len = 0 when short. */
const void *lw_reader_blob(struct lw_reader *r, size_t *len);
/* A blob that is text, NUL-terminated; bad, and "", where it does not fit or has a NUL.
 */
void lw_reader_text(struct lw_reader *r, char *out, size_t size);

#endif
