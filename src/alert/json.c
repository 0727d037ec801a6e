/* Helpers over jansson that handle invalid UTF-8, NaN and exhausted memory, which ends
 * the process as everywhere else. Reals have 15 significant digits: 0.1 is written as
 * 0.1, and no figure here is more precise. */
#include "alert/json.h"
#include <string.h>

#include "alert/utf8.h"
#include "base/mem.h"
#include "base/text.h"
#include "json/json.h"

#define TEXT_MAX 4096

void lw__json_set(json_t *object, const char *key, json_t *value) {
    int failed = json_object_set_new(object, key, value ? value : json_null());
    lw_assert(failed == 0);
}

typedef char *safe_fn(char *out, size_t size, const char *text, size_t len);

static void set_safe(json_t *object, const char *key, const char *text, size_t max,
                     safe_fn *safe_text) {
    char safe[TEXT_MAX];
    lw_assert(max < sizeof safe);
    if (text == NULL || text[0] == '\0')
        lw__json_set(object, key, json_null());
    else
        lw__json_set(object, key,
                     json_string(safe_text(safe, max + 1, text, strlen(text))));
}

void lw__json_text(json_t *object, const char *key, const char *text, size_t max) {
    set_safe(object, key, text, max, lw_text_safe);
}

void lw__json_lines(json_t *object, const char *key, const char *text, size_t max) {
    set_safe(object, key, text, max, lw__utf8_clean);
}

void lw__json_real(json_t *object, const char *key, double v) {
    lw__json_set(object, key, lw_json_number(v));
}

void lw__json_time(json_t *object, const char *key, int64_t ms) {
    lw__json_set(object, key, lw_json_instant(ms));
}

static int buf_append(const char *data, size_t len, void *arg) {
    lw_buf_put(arg, data, len);
    return 0;
}

void lw__json_dump(json_t *value, struct lw_buf *out) {
    lw_assert(value != NULL);
    int failed = json_dump_callback(
        value, buf_append, out, JSON_COMPACT | JSON_REAL_PRECISION(15) | JSON_ENCODE_ANY);
    lw_assert(failed == 0);
    json_decref(value);
}
