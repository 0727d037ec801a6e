/* Fields that the writer lacks: the reader's default, once, as a cell.
 *
 * A default is JSON. For a union Avro 1.11 lets it be of the first branch only; we take
 * the first branch that it fits. For "trip.distance" when the writer lacks "trip", the
 * default of trip is an object and distance is looked up in it, or has its own default.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "event/convert.h"

#include "base/mem.h"

/* JSON text stands for bytes code point by code point, U+0000 to U+00FF. 0 or -1. */
static int latin1(const char *text, size_t len, uint8_t *out, size_t *n) {
    *n = 0;
    for (size_t i = 0; i < len; i++) {
        uint8_t b = (uint8_t)text[i];
        if (b >= 0x80) {
            if (b > 0xc3 || i + 1 >= len)
                return -1;
            b = (uint8_t)(((b & 3) << 6) | ((uint8_t)text[++i] & 0x3f));
        }
        out[(*n)++] = b;
    }
    return 0;
}

static bool from_bytes(struct lw_compile *c, json_t *json, const struct lw_node *type,
                       enum lw_kind kind, struct lw_cell *cell) {
    size_t len = json_string_length(json), n;
    uint8_t *bytes = lw_malloc(len + 1);
    double v;
    bool ok = latin1(json_string_value(json), len, bytes, &n) == 0;
    if (ok && type->logical == LW_L_DECIMAL) {
        ok = kind == LW_NUMERIC && lw_decimal(bytes, n, type->scale, &v);
        if (ok)
            *cell = lw_cell_num(v);
    } else if (ok) {
        ok = kind == LW_CATEGORY || kind == LW_TEXT;
        *cell = lw_cell_text(lw_plan_own(c->d, (const char *)bytes, n), n);
    }
    free(bytes);
    return ok;
}

static bool from_text(struct lw_compile *c, json_t *json, enum lw_kind kind,
                      struct lw_cell *cell) {
    size_t len = json_string_length(json);
    if (kind != LW_CATEGORY && kind != LW_TEXT)
        return false;
    *cell = lw_cell_text(lw_plan_own(c->d, json_string_value(json), len), len);
    return true;
}

static enum lw_as time_unit(const struct lw_node *type) {
    static const enum lw_as units[] = {
        [LW_L_NONE] = LW_AS_MILLIS,   [LW_L_MILLIS] = LW_AS_MILLIS,
        [LW_L_MICROS] = LW_AS_MICROS, [LW_L_NANOS] = LW_AS_NANOS,
        [LW_L_DATE] = LW_AS_DAYS,     [LW_L_DECIMAL] = LW_AS_PLAIN};
    return units[type->logical];
}

static bool from_whole(json_int_t v, const struct lw_node *type, enum lw_kind kind,
                       struct lw_cell *cell) {
    int64_t ms;
    if (type->type == LW_T_INT && (v < INT32_MIN || v > INT32_MAX))
        return false;
    if (kind == LW_TIMESTAMP && type->type == LW_T_INT && type->logical != LW_L_DATE)
        return false;
    if (kind == LW_TIMESTAMP || (kind == LW_NUMERIC && type->logical != LW_L_NONE)) {
        if (!lw_to_ms(v, time_unit(type), &ms))
            return false;
        v = ms;
    }
    *cell = lw_cell_int(v);
    return true;
}

static bool from_real(double v, enum lw_kind kind, struct lw_cell *cell) {
    int64_t whole;
    if (kind == LW_NUMERIC) {
        *cell = lw_cell_num(v);
        return true;
    }
    if (kind != LW_CATEGORY || !lw_to_whole(v, &whole))
        return false;
    *cell = lw_cell_int(whole);
    return true;
}

/* The cell for a default of a type that is no union; false when it does not fit. */
static bool from_json(struct lw_compile *c, json_t *json, const struct lw_node *type,
                      enum lw_kind kind, struct lw_cell *cell) {
    switch (type->type) {
    case LW_T_NULL:
        *cell = lw_cell_missing();
        return json_is_null(json);
    case LW_T_BOOLEAN:
        *cell = lw_cell_int(json_is_true(json));
        return json_is_boolean(json) && (kind == LW_NUMERIC || kind == LW_CATEGORY);
    case LW_T_INT:
    case LW_T_LONG:
        return json_is_integer(json) &&
               from_whole(json_integer_value(json), type, kind, cell);
    case LW_T_FLOAT:
    case LW_T_DOUBLE:
        return json_is_number(json) && from_real(json_number_value(json), kind, cell);
    case LW_T_STRING:
    case LW_T_ENUM:
        return json_is_string(json) && from_text(c, json, kind, cell);
    case LW_T_BYTES:
    case LW_T_FIXED:
        return json_is_string(json) && from_bytes(c, json, type, kind, cell);
    default:
        return false;
    }
}

static bool from_any(struct lw_compile *c, json_t *json, const struct lw_node *type,
                     enum lw_kind kind, struct lw_cell *cell) {
    if (type->type != LW_T_UNION)
        return from_json(c, json, type, kind, cell);
    for (size_t i = 0; i < type->n; i++)
        if (from_json(c, json, type->kids[i], kind, cell))
            return true;
    return false;
}

/* Goes down to the default of the last name; NULL when there is none on the way. */
static json_t *descend(const struct lw_node_field **field, const char *rest) {
    json_t *json = (*field)->fallback;
    while (*rest) {
        const char *dot = strchr(rest, '.');
        size_t len = dot ? (size_t)(dot - rest) : strlen(rest);
        const struct lw_node *record = lw_node_strip((*field)->type);
        for (size_t i = 0; i < record->n; i++)
            if (strncmp(record->fields[i].name, rest, len) == 0 &&
                record->fields[i].name[len] == '\0')
                *field = &record->fields[i];
        if (!json || json_is_null(json))
            return json;
        json_t *below = json_object_get(json, (*field)->name);
        json = below ? below : (*field)->fallback;
        rest += len + (dot ? 1 : 0);
    }
    return json;
}

int lw_plan_fallback(struct lw_compile *c, const struct lw_node_field *at,
                     const char *rest, uint16_t cell) {
    const struct lw_field *field = &c->fields->field[cell];
    struct lw_cell *out = &c->d->initial[cell];
    json_t *json = descend(&at, rest);
    if (json && !json_is_null(json) && !from_any(c, json, at->type, field->kind, out))
        return lw_fail(c->err, LW_ECONFIG,
                       "field \"%s\": its default in the schema is no %s (type %s)",
                       field->name, lw_kind_name(field->kind),
                       lw_type_name(lw_node_strip(at->type)->type));
    if (field->required && !out->present)
        return lw_fail(c->err, LW_ECONFIG,
                       "field \"%s\" is required, but the writer's schema lacks it and "
                       "the reader's gives no default",
                       field->name);
    return 0;
}
