/* See scored.h. Written by hand rather than through libavro: seven fields, once an event.
 */
#include "event/scored.h"

#include <string.h>

static void put_long(struct lw_buf *out, int64_t v) {
    uint64_t z = ((uint64_t)v << 1) ^ (v < 0 ? UINT64_MAX : 0);
    for (; z >= 0x80; z >>= 7)
        lw_buf_u8(out, (uint8_t)(z | 0x80));
    lw_buf_u8(out, (uint8_t)z);
}

static void put_text(struct lw_buf *out, const char *text, size_t len) {
    put_long(out, (int64_t)len);
    lw_buf_put(out, text, len);
}

/* Decimal digits without printf: this runs once an event. */
static size_t digits(int64_t v, char out[24]) {
    uint64_t rest = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    size_t at = 24;
    do
        out[--at] = (char)('0' + rest % 10);
    while ((rest /= 10) != 0);
    if (v < 0)
        out[--at] = '-';
    memmove(out, out + at, 24 - at);
    return 24 - at;
}

/* Text and length of an identifier; NULL when it is missing. */
static const char *id_text(const struct lw_cell *id, char number[24], size_t *len) {
    if (!id || !id->present)
        return NULL;
    *len = id->text ? id->len : digits((int64_t)id->key, number);
    return id->text ? id->text : number;
}

size_t lw_scored_key(const struct lw_cell *id, struct lw_buf *out) {
    char number[24];
    size_t len = 0;
    const char *text = id_text(id, number, &len);
    if (text)
        lw_buf_put(out, text, len);
    return len;
}

void lw_scored_value(const struct lw_scored_event *e, struct lw_buf *out) {
    char number[24];
    size_t len = 0;
    const char *id = id_text(e->id, number, &len);
    lw_buf_u8(out, 0xc3);
    lw_buf_u8(out, 0x01);
    lw_buf_u64(out, LW_SCORED_FINGERPRINT);
    put_long(out, id != NULL);
    if (id)
        put_text(out, id, len);
    put_text(out, e->topic, strlen(e->topic));
    put_long(out, e->partition);
    put_long(out, e->offset);
    put_long(out, e->time_ms);
    lw_buf_f64(out, e->prediction);
    put_long(out, e->version);
}
