/* Where in a file of JSON something is wrong: "learner.trees[3].left_children[0]: ...". */
#include "exchange/private.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

/* The chain from the root down. A key is shown as lw_text_show would. */
static size_t place_put(const struct lw_place *at, char *out, size_t size) {
    char key[80];
    size_t n = at->up ? place_put(at->up, out, size) : 0;
    if (n >= size - 1)
        return n;
    int put;
    if (at->key) {
        lw_text_show(key, sizeof key, at->key, strlen(at->key));
        put = snprintf(out + n, size - n, "%s%s", n ? "." : "", key);
    } else {
        put = snprintf(out + n, size - n, "[%zu]", at->index);
    }
    return put > 0 ? n + (size_t)put : n;
}

int lw__place_context(const struct lw_place *at, struct lw_err *err) {
    char text[240] = "";
    if (at)
        place_put(at, text, sizeof text);
    return text[0] ? lw_err_context(err, "%s", text) : -1;
}

int lw__place_fail(const struct lw_place *at, struct lw_err *err, const char *fmt, ...) {
    char what[400];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    lw_fail(err, LW_EINPUT, "%s", what);
    return lw__place_context(at, err);
}

const char *lw__place_type_name(json_type type) {
    static const char *const names[] = {"an object", "a list", "a text", "a whole number",
                                        "a number",  "true",   "false",  "null"};
    return names[type];
}

json_t *lw__place_member(const struct lw_place *at, const json_t *object, const char *key,
                         json_type type, struct lw_err *err) {
    json_t *v = json_object_get(object, key);
    struct lw_place here = {at, key, 0};
    if (!v)
        lw__place_fail(&here, err, "it is missing");
    else if (json_typeof(v) != type)
        lw__place_fail(&here, err, "%s is expected, not %s", lw__place_type_name(type),
                       lw__place_type_name(json_typeof(v)));
    return v && json_typeof(v) == type ? v : NULL;
}

/* XGBoost 3 writes a list of one number as "[1.5E1]". */
static bool number_parse(const char *text, double *out) {
    char inner[64];
    size_t len = strlen(text);
    if (len >= 2 && len < sizeof inner && text[0] == '[' && text[len - 1] == ']') {
        memcpy(inner, text + 1, len - 2);
        inner[len - 2] = 0;
        return lw_parse_f64(inner, out);
    }
    return lw_parse_f64(text, out);
}

int lw__place_number(const struct lw_place *at, const json_t *value, double *out,
                     struct lw_err *err) {
    if (json_is_number(value))
        *out = json_number_value(value);
    else if (json_is_boolean(value))
        *out = json_is_true(value);
    else if (!json_is_string(value) || !number_parse(json_string_value(value), out))
        return lw__place_fail(at, err, "a number is expected");
    return isfinite(*out) ? 0 : lw__place_fail(at, err, "the number is not finite");
}
