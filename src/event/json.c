/* See json.h. Fields are found once, when the decoder is made; a record is then looked up
 * name by name. */
#include "event/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cell.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "event/convert.h"

#define PATH_MAX_PARTS 8

struct wanted {
    const struct lw_field *field;
    const struct lw_node *type; /* without the null of a union */
    const char *part[PATH_MAX_PARTS];
    size_t nparts;
    const json_t *fallback; /* of the last name, or NULL; borrowed */
    bool nullable;
};

struct lw_json_decoder {
    const struct lw_schema *schema;
    size_t n;
    struct wanted *wanted;
    const char **name; /* top names of the schema, sorted */
};

static int by_text(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The record's field "a.b" by its names in the schema. */
static int find_path(struct wanted *w, const struct lw_schema *schema,
                     struct lw_err *err) {
    const struct lw_node *at = schema->top;
    const struct lw_node_field *f = NULL;
    char name[LW_NAME_MAX];
    for (const char *text = w->field->name; *text;) {
        size_t len = strcspn(text, ".");
        lw_copy(name, len + 1 < sizeof name ? len + 1 : sizeof name, text);
        f = at->type == LW_T_RECORD && w->nparts < PATH_MAX_PARTS ? lw_node_find(at, name)
                                                                  : NULL;
        if (!f)
            return lw_fail(err, LW_ECONFIG, "field \"%s\" is not in the schema",
                           w->field->name);
        w->part[w->nparts++] = f->name;
        w->nullable |= lw_node_strip(f->type) != f->type;
        at = lw_node_strip(f->type);
        text += len + (text[len] == '.');
    }
    w->type = at;
    w->fallback = f ? f->fallback : NULL;
    return 0;
}

struct lw_json_decoder *lw_json_decoder_new(const struct lw_schema *schema,
                                            const struct lw_fields *fields,
                                            struct lw_err *err) {
    struct lw_json_decoder *d = lw_calloc(1, sizeof *d);
    d->schema = schema;
    d->n = fields->n;
    d->wanted = lw_calloc(fields->n + 1, sizeof *d->wanted);
    d->name = lw_calloc(schema->top->n + 1, sizeof *d->name);
    for (size_t i = 0; i < schema->top->n; i++)
        d->name[i] = schema->top->fields[i].name;
    qsort(d->name, schema->top->n, sizeof *d->name, by_text);
    for (size_t i = 0; i < fields->n; i++) {
        d->wanted[i].field = &fields->field[i];
        if (find_path(&d->wanted[i], schema, err)) {
            lw_json_decoder_free(d);
            return NULL;
        }
    }
    return d;
}

void lw_json_decoder_free(struct lw_json_decoder *d) {
    if (!d)
        return;
    free(d->wanted);
    free(d->name);
    free(d);
}

/* ---- one value; each returns NULL or what it must be ---- */

static enum lw_as unit_of(enum lw_logical logical) {
    return logical == LW_L_MICROS  ? LW_AS_MICROS
           : logical == LW_L_NANOS ? LW_AS_NANOS
           : logical == LW_L_DATE  ? LW_AS_DAYS
                                   : LW_AS_MILLIS;
}

static const char *take_time(const struct lw_node *type, const json_t *v,
                             struct lw_cell *cell) {
    int64_t ms;
    if (json_is_string(v) && lw_parse_time(json_string_value(v), &ms)) {
        lw_cell_put_int(cell, ms);
        return NULL;
    }
    int64_t raw = json_is_integer(v) ? json_integer_value(v) : 0;
    bool days = type->logical == LW_L_DATE;
    if (!json_is_integer(v) || (days && (raw < INT32_MIN || raw > INT32_MAX)) ||
        !lw_to_ms(raw, unit_of(type->logical), &ms))
        return "must be a time: a whole number in the schema's unit, or text such as "
               "\"2020-03-12T05:00:00Z\"";
    lw_cell_put_int(cell, ms);
    return NULL;
}

static const char *take_whole(const struct lw_node *type, enum lw_kind kind,
                              const json_t *v, struct lw_cell *cell) {
    bool time = type->logical != LW_L_NONE && type->logical != LW_L_DECIMAL;
    if (kind == LW_TIMESTAMP || (kind == LW_NUMERIC && time))
        return take_time(type, v, cell);
    if (!json_is_integer(v))
        return "must be a whole number";
    json_int_t n = json_integer_value(v);
    if (type->type == LW_T_INT && (n < INT32_MIN || n > INT32_MAX))
        return "must be a whole number of 32 bits";
    lw_cell_put_int(cell, n);
    return NULL;
}

static const char *take_real(enum lw_kind kind, const json_t *v, struct lw_cell *cell) {
    int64_t whole;
    if (!json_is_number(v))
        return "must be a number";
    if (kind == LW_NUMERIC) {
        *cell = lw_cell_num(json_number_value(v));
        return NULL;
    }
    if (!lw_to_whole(json_number_value(v), &whole))
        return "must be a whole number, as a category";
    lw_cell_put_int(cell, whole);
    return NULL;
}

static const char *take_text(const struct lw_node *type, enum lw_kind kind,
                             const json_t *v, struct lw_cell *cell) {
    if (!json_is_string(v))
        return "must be text";
    const char *text = json_string_value(v);
    size_t len = json_string_length(v);
    bool known = type->type != LW_T_ENUM;
    for (size_t i = 0; !known && i < type->n; i++)
        known = strcmp(type->symbols[i], text) == 0;
    if (!known)
        return "must be a symbol of the schema's enum";
    for (size_t i = 0; type->type == LW_T_BYTES && i < len; i++)
        if ((unsigned char)text[i] >= 0x80)
            return "must be ASCII, being bytes (send Avro for others)";
    if (type->type == LW_T_FIXED && len != type->n)
        return "must have the length of the schema's fixed";
    *cell = (struct lw_cell){.num = NAN,
                             .key = kind == LW_CATEGORY ? lw_text_key(text, len) : 0,
                             .text = text,
                             .len = (uint32_t)len,
                             .present = true};
    return NULL;
}

static const char *take(const struct lw_node *type, enum lw_kind kind, const json_t *v,
                        struct lw_cell *cell) {
    switch (type->type) {
    case LW_T_BOOLEAN:
        lw_cell_put_int(cell, json_is_true(v));
        return json_is_boolean(v) ? NULL : "must be true or false";
    case LW_T_INT:
    case LW_T_LONG:
        return take_whole(type, kind, v, cell);
    case LW_T_FLOAT:
    case LW_T_DOUBLE:
        return take_real(kind, v, cell);
    case LW_T_STRING:
    case LW_T_ENUM:
        return take_text(type, kind, v, cell);
    case LW_T_BYTES:
    case LW_T_FIXED:
        return type->logical == LW_L_DECIMAL ? take_real(kind, v, cell)
                                             : take_text(type, kind, v, cell);
    default:
        return "is of a type that JSON records cannot have";
    }
}

/* The first branch of a union of several types that the value fits. */
static const char *take_any(const struct lw_node *type, enum lw_kind kind,
                            const json_t *v, struct lw_cell *cell) {
    if (type->type != LW_T_UNION)
        return take(type, kind, v, cell);
    for (size_t i = 0; i < type->n; i++)
        if (type->kids[i]->type != LW_T_NULL && !take(type->kids[i], kind, v, cell))
            return NULL;
    return "fits no branch of the schema's union";
}

/* ---- a record ---- */

static int check_names(const struct lw_json_decoder *d, const json_t *record,
                       struct lw_err *err) {
    const char *name;
    json_t *ignored;
    size_t n = d->schema->top->n;
    json_object_foreach((json_t *)(uintptr_t)record, name, ignored) {
        if (bsearch(&name, d->name, n, sizeof *d->name, by_text))
            continue;
        const char *near = lw_nearest(name, d->name, n);
        return lw_fail(err, LW_EINPUT, "no field is called \"%.80s\"%s%s%s", name,
                       near ? "; did you mean \"" : "", near ? near : "",
                       near ? "\"?" : "");
    }
    (void)ignored;
    return 0;
}

static const json_t *look_up(const struct wanted *w, const json_t *record) {
    const json_t *v = record;
    for (size_t i = 0; i < w->nparts && v; i++)
        v = json_object_get(v, w->part[i]);
    return v;
}

static int decode_one(const struct wanted *w, const json_t *record, bool needed,
                      struct lw_cell *cell, struct lw_err *err) {
    const json_t *v = look_up(w, record);
    bool absent = !v;
    *cell = lw_cell_missing();
    v = v ? v : w->fallback;
    if (v && !json_is_null(v)) {
        const char *must = take_any(w->type, w->field->kind, v, cell);
        return must ? lw_fail(err, LW_EINPUT, "field \"%s\" %s", w->field->name, must)
                    : 0;
    }
    if (needed && (w->field->required || !w->nullable))
        return lw_fail(err, LW_EINPUT, "field \"%s\" %s", w->field->name,
                       absent ? "is missing" : "must not be null");
    return 0;
}

int lw_json_decode(const struct lw_json_decoder *d, const json_t *record,
                   const bool *needed, struct lw_cell *cells, struct lw_err *err) {
    if (!json_is_object(record))
        return lw_fail(err, LW_EINPUT, "a record must be an object");
    if (check_names(d, record, err))
        return -1;
    for (size_t i = 0; i < d->n; i++)
        if (decode_one(&d->wanted[i], record, needed[i], &cells[i], err))
            return -1;
    return 0;
}
