/* See scored.h. Hand-written instead of with libavro: eight fields, once per event. */
#include "event/scored.h"

#include <string.h>

#include "base/varint.h"

static void put_text(struct lw_buf *out, const char *text, size_t len) {
    lw_varint_put_long(out, (int64_t)len);
    lw_buf_put(out, text, len);
}

size_t lw_scored_key(const struct lw_cell *id, struct lw_buf *out) {
    size_t len = id && id->present ? lw_cell_show(id, NULL) : 0;
    if (len)
        lw_cell_show(id, lw_buf_extend(out, len));
    return len;
}

void lw_scored_value(const struct lw_scored_event *e, struct lw_buf *out) {
    bool known = e->id && e->id->present;
    lw_buf_u8(out, 0xc3);
    lw_buf_u8(out, 0x01);
    lw_buf_u64(out, LW_SCORED_FINGERPRINT);
    lw_varint_put_long(out, known);
    if (known) {
        size_t len = lw_cell_show(e->id, NULL);
        lw_varint_put_long(out, (int64_t)len);
        lw_cell_show(e->id, lw_buf_extend(out, len));
    }
    put_text(out, e->topic, strlen(e->topic));
    lw_varint_put_long(out, e->partition);
    lw_varint_put_long(out, e->offset);
    lw_varint_put_long(out, e->time_ms);
    lw_buf_f64(out, e->prediction);
    lw_varint_put_long(out, e->version);
    lw_buf_f64(out, e->untracked);
}
