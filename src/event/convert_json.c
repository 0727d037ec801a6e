/* JSON values; see convert.h. */
#include "event/convert.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "base/text.h"

/* The value is not of the type. The caller reports what it is instead, because a union's
 * branch that does not match ends here too. */
static int json_mismatch(struct lw_refusal *no, const char *must) {
    no->why = must;
    no->value[0] = '\0';
    return -1;
}

size_t lw_convert_room(const json_t *json) {
    if (json_is_object(json)) /* a union's value with its type around it */
        json = json_object_iter_value(json_object_iter((json_t *)(uintptr_t)json));
    return json_string_length(json);
}

void lw_convert_reserve(struct lw_buf *room, size_t bytes) {
    lw_buf_clear(room);
    lw_buf_extend(room, bytes + 1);
    lw_buf_clear(room);
}

/* ---- bytes ---- */

/* Text with one character per byte, U+0000 to U+00FF. */
static bool json_latin1(const char *text, size_t len, struct lw_buf *out) {
    for (size_t i = 0; i < len; i++) {
        uint8_t b = (uint8_t)text[i];
        if (b >= 0x80) {
            if (b > 0xc3 || i + 1 >= len)
                return false;
            b = (uint8_t)(((b & 3) << 6) | ((uint8_t)text[++i] & 0x3f));
        }
        lw_buf_u8(out, b);
    }
    return true;
}

static int hex_nibble(char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* "f81d4fae-7dec-11d0-a765-00a0c91e6bf6", with dashes or without. */
static bool json_uuid(const char *text, size_t len, struct lw_buf *out) {
    uint8_t byte = 0;
    size_t digits = 0;
    for (size_t i = 0; i < len; i++) {
        bool dash = len == 36 && (i == 8 || i == 13 || i == 18 || i == 23);
        int n = hex_nibble(text[i]);
        if (dash ? text[i] != '-' : n < 0)
            return false;
        if (dash)
            continue;
        byte = (uint8_t)(byte << 4 | n);
        if (++digits % 2 == 0)
            lw_buf_u8(out, byte);
    }
    return digits == 32;
}

/* The bytes that a text represents, in the room; NULL if it does not represent any. */
static const char *bytes_of(const struct lw_json_value *v, const json_t *json,
                            size_t *len) {
    const char *text = json_string_value(json);
    size_t n = json_string_length(json), at = v->room->len;
    bool found =
        v->type->logical == LW_L_UUID && !v->is_default && json_uuid(text, n, v->room);
    if (!found) {
        v->room->len = at;
        found = json_latin1(text, n, v->room);
    }
    *len = v->room->len - at;
    if (!found || (v->type->type == LW_T_FIXED && *len != v->type->n)) {
        v->room->len = at;
        return NULL;
    }
    return (const char *)v->room->data + at;
}

static int take_bytes(const struct lw_json_value *v, const struct lw_decode_step *step,
                      const json_t *json, struct lw_cell *cell, struct lw_refusal *no) {
    size_t len;
    const char *bytes = json_is_string(json) ? bytes_of(v, json, &len) : NULL;
    if (!bytes)
        return json_mismatch(
            no, v->type->logical == LW_L_UUID
                    ? "must be a uuid"
                    : "must be text with a character up to U+00FF for each of its "
                      "bytes, as in Avro's JSON encoding");
    if (step->op == LW_DECODE_DECIMAL || step->op == LW_DECODE_DECIMAL_FIXED)
        return lw_convert_decimal(step, (const uint8_t *)bytes, len, cell, no);
    return lw_convert_text(step, v->zone, bytes, len, cell, no);
}

static int take_decimal(const struct lw_json_value *v, const struct lw_decode_step *step,
                        const json_t *json, struct lw_cell *cell, struct lw_refusal *no) {
    double number;
    if (v->is_default)
        return take_bytes(v, step, json, cell, no);
    if (json_is_number(json))
        number = json_number_value(json);
    else if (!json_is_string(json) || !lw_parse_f64(json_string_value(json), &number))
        return json_mismatch(no, "must be a number");
    *cell = lw_cell_num(number);
    return 1;
}

/* ---- numbers ---- */

/* "NaN", "Infinity": values without a JSON number. */
static bool not_finite(const json_t *json, double *out) {
    const char *text = json_string_value(json);
    if (text && strcmp(text, "NaN") == 0)
        *out = NAN;
    else if (text && (strcmp(text, "Infinity") == 0 || strcmp(text, "INF") == 0))
        *out = INFINITY;
    else if (text && (strcmp(text, "-Infinity") == 0 || strcmp(text, "-INF") == 0))
        *out = -INFINITY;
    else
        return false;
    return true;
}

static int take_real(const struct lw_json_value *v, const struct lw_decode_step *step,
                     const json_t *json, struct lw_cell *cell, struct lw_refusal *no) {
    double number = json_number_value(json);
    if (!json_is_number(json) && !not_finite(json, &number))
        return json_mismatch(no, "must be a number");
    if (v->type->type == LW_T_FLOAT && fabs(number) <= (double)FLT_MAX)
        number = (double)(float)number; /* as in Avro */
    return lw_convert_real(step, v->zone, number, cell, no);
}

/* An int or a long. A record's number may be wider than the type, as in Avro after
 * producers widen a field. */
static int take_whole(const struct lw_json_value *v, struct lw_decode_step *step,
                      const json_t *json, struct lw_cell *cell, struct lw_refusal *no) {
    if (json_is_integer(json)) {
        json_int_t n = json_integer_value(json);
        if (v->is_default && v->type->type == LW_T_INT &&
            (n < INT32_MIN || n > INT32_MAX))
            return json_mismatch(no, "must be a whole number of 32 bits");
        return lw_convert_whole(step, v->zone, n, cell, no);
    }
    if (v->is_default || !json_is_real(json))
        return json_mismatch(no, "must be a number");
    if (step->as == LW_AS_PLAIN && v->field->kind != LW_NUMERIC)
        step->as = LW_AS_WHOLE;
    return lw_convert_real(step, v->zone, json_real_value(json), cell, no);
}

/* ---- texts ---- */

static int take_symbol(const struct lw_json_value *v, const struct lw_decode_step *step,
                       const json_t *json, struct lw_cell *cell, struct lw_refusal *no) {
    const struct lw_node *type = v->type;
    const char *text = json_string_value(json);
    if (!text)
        return json_mismatch(no, "must be text");
    size_t i = 0;
    while (i < type->n && strcmp(type->symbols[i], text) != 0)
        i++;
    if (i == type->n && !type->fallback)
        return lw_convert_refuse_text(no, "not a symbol of the schema's enum", text,
                                      strlen(text));
    const char *symbol = i < type->n ? type->symbols[i] : type->fallback;
    return lw_convert_text(step, v->zone, symbol, strlen(symbol), cell, no);
}

/* A time as text for a numeric type. */
static int take_date(const struct lw_json_value *v, const struct lw_decode_step *step,
                     const json_t *json, struct lw_cell *cell, struct lw_refusal *no) {
    struct lw_decode_step iso = *step;
    iso.as = LW_AS_ISO;
    if (lw_convert_text(&iso, v->zone, json_string_value(json), json_string_length(json),
                        cell, no))
        return 1;
    return json_mismatch(no, "must be a time: a number in its unit, or text such as "
                             "\"2020-03-12T05:00:00+01:00\"");
}

static int take_text(const struct lw_json_value *v, const struct lw_decode_step *step,
                     const json_t *json, struct lw_cell *cell, struct lw_refusal *no) {
    if (!json_is_string(json))
        return json_mismatch(no, step->as == LW_AS_ISO ? "must be a time as text"
                                                       : "must be text");
    return lw_convert_text(step, v->zone, json_string_value(json),
                           json_string_length(json), cell, no);
}

/* ---- one value ---- */

/* Whether the JSON value fits a type that does not convert to the field: the cell is
 * missing. */
static bool is_of(const struct lw_node *type, const json_t *json) {
    switch (type->type) {
    case LW_T_NULL:
        return json_is_null(json);
    case LW_T_BOOLEAN:
        return json_is_boolean(json);
    case LW_T_INT:
    case LW_T_LONG:
        return json_is_integer(json);
    case LW_T_FLOAT:
    case LW_T_DOUBLE:
        return json_is_number(json);
    case LW_T_ARRAY:
        return json_is_array(json);
    case LW_T_MAP:
    case LW_T_RECORD:
        return json_is_object(json);
    default:
        return json_is_string(json);
    }
}

static int take_unwanted(const struct lw_json_value *v, const json_t *json,
                         struct lw_refusal *no) {
    return json_mismatch(no, "is of a type that does not convert to this field") +
           is_of(v->type, json);
}

static int take_plain(const struct lw_json_value *v, const json_t *json,
                      struct lw_cell *cell, struct lw_refusal *no) {
    struct lw_decode_step step = {0};
    if (!lw__decode_plan_reading(v->field, v->type, v->type, v->zone, &step))
        return take_unwanted(v, json, no);
    if (step.as == LW_AS_ISO)
        return take_text(v, &step, json, cell, no);
    if (!v->is_default && step.as >= LW_AS_MILLIS && json_is_string(json))
        return take_date(v, &step, json, cell, no);
    switch (step.op) {
    case LW_DECODE_BOOLEAN:
        if (!json_is_boolean(json))
            return json_mismatch(no, "must be true or false");
        *cell = lw_cell_int(json_is_true(json));
        return 1;
    case LW_DECODE_INT:
    case LW_DECODE_LONG:
        return take_whole(v, &step, json, cell, no);
    case LW_DECODE_FLOAT:
    case LW_DECODE_DOUBLE:
        return take_real(v, &step, json, cell, no);
    case LW_DECODE_ENUM:
        return take_symbol(v, &step, json, cell, no);
    case LW_DECODE_DECIMAL:
    case LW_DECODE_DECIMAL_FIXED:
        return take_decimal(v, &step, json, cell, no);
    default:
        return v->type->type == LW_T_STRING ? take_text(v, &step, json, cell, no)
                                            : take_bytes(v, &step, json, cell, no);
    }
}

/* {"double": 3.5}: the branch with that name, or NULL. */
static const struct lw_node *named_branch(const struct lw_json_value *v,
                                          const json_t *json, const json_t **inner) {
    void *pair = json_object_iter((json_t *)(uintptr_t)json);
    if (v->is_default || json_object_size(json) != 1)
        return NULL;
    const char *name = json_object_iter_key(pair);
    *inner = json_object_iter_value(pair);
    for (size_t i = 0; i < v->type->n; i++) {
        const struct lw_node *kid = v->type->kids[i];
        const char *full = kid->name ? kid->name : lw_node_type_name(kid->type);
        const char *dot = strrchr(full, '.');
        if (strcmp(full, name) == 0 || (dot && strcmp(dot + 1, name) == 0))
            return kid;
    }
    return NULL;
}

int lw_convert_json(const struct lw_json_value *v, const json_t *json,
                    struct lw_cell *cell, struct lw_refusal *no) {
    struct lw_json_value branch = *v;
    const json_t *inner = json;
    struct lw_refusal why;
    int best = -1;
    if (v->type->type == LW_T_UNION)
        branch.type = named_branch(v, json, &inner);
    if (!branch.type) {
        inner = json;
        branch.type = lw_node_strip(v->type);
    }
    if (branch.type->type != LW_T_UNION)
        return take_plain(&branch, inner, cell, no);
    json_mismatch(no, "does not match any branch of the schema's union");
    for (size_t i = 0; i < v->type->n && best < 1; i++) {
        branch.type = v->type->kids[i];
        int got = take_plain(&branch, json, cell, &why);
        if (got == 0 && best < 0)
            *no = why;
        best = got > best ? got : best;
    }
    return best;
}
