/* See convert.h. */
#include "event/convert.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/cell.h"
#include "base/text.h"
#include "base/time.h"
#include "event/event.h"

static bool refuse_whole(struct lw_refusal *no, const char *why, int64_t v) {
    no->why = why;
    snprintf(no->value, sizeof no->value, "%" PRId64, v);
    return false;
}

static bool refuse_real(struct lw_refusal *no, const char *why, double v) {
    no->why = why;
    lw_format_f64(no->value, sizeof no->value, v);
    return false;
}

bool lw_convert_refuse_text(struct lw_refusal *no, const char *why, const char *text,
                            size_t len) {
    no->why = why;
    no->value[0] = '"';
    size_t n = lw_text_show(no->value + 1, sizeof no->value - 2, text, len);
    memcpy(no->value + 1 + n, "\"", 2);
    return false;
}

/* Units in a millisecond, or milliseconds in a unit. */
static int64_t per_ms(enum lw_as as) {
    return as == LW_AS_MICROS ? 1000 : as == LW_AS_NANOS ? 1000000 : 1;
}

static int64_t ms_per(enum lw_as as) {
    return as == LW_AS_SECONDS ? LW_SECOND : as == LW_AS_DAYS ? LW_DAY : 1;
}

static bool put_time(const struct lw_decode_step *step, const struct lw_zone *zone,
                     int64_t ms, struct lw_cell *cell) {
    if (ms > LW_MS_MAX || ms < -LW_MS_MAX)
        return false;
    lw_cell_put_int(cell, step->local ? lw_zone_instant(zone, ms) : ms);
    return true;
}

/* Explains a number that is too large for a time in its unit; at most one unit fits. */
static const char *too_large_a_time(double v) {
    if (!(v > 0 && v < 9e18))
        return "not a plausible time";
    int64_t whole = (int64_t)v;
    if (lw_event_time_plausible(whole / 1000000))
        return "outside the years 1990 to 2100, but plausible in nanoseconds (`unit: ns`)";
    if (lw_event_time_plausible(whole / 1000))
        return "outside the years 1990 to 2100, but plausible in microseconds (`unit: us`)";
    if (lw_event_time_plausible(whole))
        return "outside the years 1990 to 2100, but plausible in milliseconds (`unit: ms`)";
    return "not a plausible time";
}

bool lw_convert_whole(const struct lw_decode_step *step, const struct lw_zone *zone,
                      int64_t v, struct lw_cell *cell, struct lw_refusal *no) {
    enum lw_as as = (enum lw_as)step->as;
    if (as < LW_AS_MILLIS) {
        lw_cell_put_int(cell, v);
        return true;
    }
    int64_t unit = ms_per(as);
    bool fits = v <= LW_MS_MAX / unit && v >= -LW_MS_MAX / unit;
    if (per_ms(as) > 1 || fits)
        if (put_time(step, zone, lw_floor_div(v, per_ms(as)) * unit, cell))
            return true;
    return refuse_whole(no, too_large_a_time((double)v), v);
}

/* A double that must be a whole number to name a category. */
static bool is_whole(double v, int64_t *out) {
    if (!(v >= -9007199254740992.0 && v <= 9007199254740992.0))
        return false;
    *out = (int64_t)v;
    return (double)*out == v;
}

bool lw_convert_real(const struct lw_decode_step *step, const struct lw_zone *zone,
                     double v, struct lw_cell *cell, struct lw_refusal *no) {
    enum lw_as as = (enum lw_as)step->as;
    int64_t whole;
    if (isnan(v)) {
        *cell = lw_cell_missing();
        return true;
    }
    if (as == LW_AS_PLAIN) {
        lw_cell_put(cell, v, 0, true);
        return true;
    }
    if (as == LW_AS_WHOLE) {
        if (!is_whole(v, &whole))
            return refuse_real(no, "a category must be a whole number", v);
        lw_cell_put_int(cell, whole);
        return true;
    }
    double ms = floor(v * (double)ms_per(as) / (double)per_ms(as));
    if (fabs(ms) <= (double)LW_MS_MAX && put_time(step, zone, (int64_t)ms, cell))
        return true;
    return refuse_real(no, too_large_a_time(v), v);
}

bool lw_convert_text(const struct lw_decode_step *step, const struct lw_zone *zone,
                     const char *text, size_t len, struct lw_cell *cell,
                     struct lw_refusal *no) {
    int64_t ms;
    if (step->as == LW_AS_ISO) {
        if (!lw_parse_instant(text, len, zone, &ms))
            return lw_convert_refuse_text(
                no, "not a time such as 2020-03-12T05:00:00+01:00", text, len);
        lw_cell_put_int(cell, ms);
        return true;
    }
    if (len > UINT32_MAX)
        return lw_convert_refuse_text(no, "a text of more than 4 GiB", text, 0);
    lw_cell_put(cell, NAN, step->keyed ? lw_text_key(text, len) : 0, true);
    cell->text = text;
    cell->len = (uint32_t)len;
    cell->form = step->form;
    return true;
}

bool lw_convert_decimal_number(const uint8_t *bytes, size_t len, int scale, double *out) {
    if (len > 64)
        return false;
    if (len <= 8) { /* exact as an integer: one rounding here, one in the division */
        uint64_t v = len > 0 && bytes[0] & 0x80 ? UINT64_MAX : 0;
        for (size_t i = 0; i < len; i++)
            v = v << 8 | bytes[i];
        *out = (double)(int64_t)v / pow(10.0, scale);
        return true;
    }
    double v = (double)(int8_t)bytes[0];
    for (size_t i = 1; i < len; i++)
        v = v * 256.0 + bytes[i];
    *out = v / pow(10.0, scale);
    return true;
}

bool lw_convert_decimal(const struct lw_decode_step *step, const uint8_t *bytes,
                        size_t len, struct lw_cell *cell, struct lw_refusal *no) {
    double v;
    if (!lw_convert_decimal_number(bytes, len, step->scale, &v)) {
        no->why = "a decimal of more than 64 bytes";
        snprintf(no->value, sizeof no->value, "%zu bytes", len);
        return false;
    }
    lw_cell_put_num(cell, v);
    return true;
}
