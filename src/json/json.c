/* See json.h. */
#include "json/json.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

json_t *lw_json_number(double v) {
    return isfinite(v) ? json_real(v) : json_null();
}

/* An escaped byte takes at most ten. */
json_t *lw_json_text(const char *text, size_t max) {
    if (!text)
        return json_null();
    size_t len = strlen(text), size = 10 * len + 4;
    size = max < size ? max + 1 : size;
    char *safe = lw_malloc(size);
    json_t *value = json_string(lw_text_safe(safe, size, text, len));
    free(safe);
    return value;
}

void lw_json_set(json_t *o, const char *key, json_t *value) {
    int failed = json_object_set_new(o, key, value ? value : json_null());
    lw_assert(failed == 0);
}

void lw_json_set_bool(json_t *o, const char *key, bool v) {
    lw_json_set(o, key, json_boolean(v));
}

void lw_json_set_int(json_t *o, const char *key, int64_t v) {
    lw_json_set(o, key, json_integer(v));
}

void lw_json_set_int_if(json_t *o, const char *key, bool known, int64_t v) {
    lw_json_set(o, key, known ? json_integer(v) : NULL);
}

void lw_json_set_count(json_t *o, const char *key, uint64_t n) {
    lw_json_set(o, key, json_integer((json_int_t)n));
}

void lw_json_set_number(json_t *o, const char *key, double v) {
    lw_json_set(o, key, lw_json_number(v));
}

void lw_json_set_whole(json_t *o, const char *key, double v) {
    lw_json_set(o, key, isfinite(v) ? json_integer((json_int_t)v) : NULL);
}

void lw_json_set_version(json_t *o, const char *key, uint32_t version) {
    lw_json_set_int_if(o, key, version != 0, version);
}

void lw_json_set_hex(json_t *o, const char *key, uint64_t v) {
    char hex[20];
    snprintf(hex, sizeof hex, "%016" PRIx64, v);
    lw_json_set(o, key, json_string(hex));
}

void lw_json_set_ms(json_t *o, const char *key, int64_t ms) {
    lw_json_set_int_if(o, key, ms != INT64_MIN && ms != 0, ms);
}

void lw_json_set_time(json_t *o, const char *key, int64_t ms) {
    bool known = ms != INT64_MIN && ms != INT64_MAX;
    char text[32];
    lw_json_set(o, key,
                known ? json_string(lw_format_time(text, sizeof text, ms)) : NULL);
}

void lw_json_set_duration(json_t *o, const char *key, int64_t ms) {
    char text[40];
    if (ms)
        lw_json_set(o, key, json_string(lw_format_duration(text, sizeof text, ms)));
}

void lw_json_set_text(json_t *o, const char *key, const char *text) {
    lw_json_set(o, key, lw_json_text(text, SIZE_MAX));
}

void lw_json_set_text_or_null(json_t *o, const char *key, const char *text) {
    lw_json_set_text_cut(o, key, text, SIZE_MAX);
}

void lw_json_set_text_cut(json_t *o, const char *key, const char *text, size_t max) {
    lw_json_set(o, key, text && text[0] ? lw_json_text(text, max) : NULL);
}

static int buf_append(const char *data, size_t len, void *arg) {
    lw_buf_put(arg, data, len);
    return 0;
}

void lw_json_dump(json_t *value, unsigned digits, struct lw_buf *out) {
    lw_assert(value != NULL);
    int failed =
        json_dump_callback(value, buf_append, out,
                           JSON_COMPACT | JSON_REAL_PRECISION(digits) | JSON_ENCODE_ANY);
    lw_assert(failed == 0);
    json_decref(value);
}
