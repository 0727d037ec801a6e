/* The model file's record as JSON and back, by walking its schema: whatever the record
 * can hold, both forms hold. The decoder checks what the values mean.
 *
 * A union is its value, or null. A number that is not finite is a text ("Infinity"). */
#include "exchange/private.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/text.h"
#include "model/schema_text.h"
#include "model/wire.h"

#define DEPTH_MAX 16

struct record_walk {
    const json_t *schema; /* the whole: "Model" means it */
    struct lw_reader in;  /* bytes to JSON */
    struct lw_buf *out;   /* JSON to bytes */
    struct lw_err *err;
};

static const json_t *schema_load(json_t **own) {
    *own = json_loads(lw_model_schema, 0, NULL);
    return *own;
}

/* The type as a name, and its definition where it has one. */
static const char *type_name(const struct record_walk *w, const json_t **type) {
    if (json_is_string(*type) && strcmp(json_string_value(*type), "Model") == 0)
        *type = w->schema;
    if (json_is_array(*type))
        return "union";
    if (json_is_string(*type))
        return json_string_value(*type);
    const json_t *inner = json_object_get(*type, "type");
    return json_string_value(inner);
}

static bool is_type(const char *name, const char *what) {
    return strcmp(name, what) == 0;
}

/* ---- bytes to JSON ---- */

static json_t *json_of(struct record_walk *w, const json_t *type, int depth);

static json_t *record_of(struct record_walk *w, const json_t *type, int depth) {
    json_t *o = json_object();
    size_t i;
    json_t *field;
    json_array_foreach(json_object_get(type, "fields"), i, field)
        json_object_set_new(o, json_string_value(json_object_get(field, "name")),
                            json_of(w, json_object_get(field, "type"), depth + 1));
    return o;
}

static json_t *text_of(struct record_walk *w) {
    size_t len;
    const char *text = lw_wire_get_string(&w->in, &len);
    json_t *v = w->in.bad ? NULL : json_stringn(text, len);
    if (!v)
        lw_fail(w->err, LW_EINPUT, "a name of the model is not UTF-8");
    return v ? v : json_null();
}

static json_t *items_of(struct record_walk *w, const json_t *type, bool map, int depth) {
    json_t *all = map ? json_object() : json_array();
    const json_t *items = json_object_get(type, map ? "values" : "items");
    uint64_t left = 0;
    while (lw_wire_more(&w->in, &left)) {
        json_t *key = map ? text_of(w) : NULL;
        json_t *v = json_of(w, items, depth + 1);
        if (!map)
            json_array_append_new(all, v);
        else if (!json_is_string(key) ||
                 json_object_set_new(all, json_string_value(key), v))
            lw_fail(w->err, LW_EINPUT, "a level of the model is not UTF-8");
        json_decref(key);
    }
    return all;
}

static json_t *real_of(double v) {
    return isfinite(v) ? json_real(v) : json_string(v > 0 ? "Infinity" : "-Infinity");
}

static json_t *json_of(struct record_walk *w, const json_t *type, int depth) {
    const char *name = type_name(w, &type);
    if (is_type(name, "record") && depth <= DEPTH_MAX)
        return record_of(w, type, depth);
    if (is_type(name, "union")) {
        int64_t branch = lw_varint_get_long(&w->in);
        return branch == 1 && depth <= DEPTH_MAX
                   ? json_of(w, json_array_get(type, 1), depth + 1)
                   : json_null();
    }
    if (is_type(name, "array") || is_type(name, "map"))
        return items_of(w, type, is_type(name, "map"), depth);
    if (is_type(name, "string"))
        return text_of(w);
    if (is_type(name, "double"))
        return real_of(lw_wire_get_double(&w->in));
    if (is_type(name, "float"))
        return real_of((double)lw_wire_get_float(&w->in));
    if (is_type(name, "boolean"))
        return json_boolean(lw_wire_get_boolean(&w->in));
    int64_t v = lw_varint_get_long(&w->in);
    if (is_type(name, "enum"))
        return json_incref(json_array_get(json_object_get(type, "symbols"), (size_t)v));
    return json_integer(v);
}

json_t *lw__record_json(const struct lw_model *m, struct lw_err *err) {
    struct lw_buf file = {0}, record = {0};
    json_t *schema, *o = NULL;
    struct lw_err why = {0};
    if (lw_model_encode(m, &file, &why) == 0 &&
        lw_wire_unwrap(file.data, file.len, lw_model_schema, &record, &why) == 0) {
        struct record_walk w = {.err = &why};
        w.in = lw_reader_of(record.data, record.len);
        w.schema = schema_load(&schema);
        o = json_of(&w, w.schema, 0);
        json_decref(schema);
    }
    lw_buf_fini(&file);
    lw_buf_fini(&record);
    if (!why.code)
        return o;
    lw_fail(err, why.code, "%s", why.msg);
    json_decref(o);
    return NULL;
}

/* ---- JSON to bytes ---- */

static int put_value(struct record_walk *w, const struct lw_place *at, const json_t *type,
                     const json_t *v, int depth);

static int wrong_type(struct record_walk *w, const struct lw_place *at, const char *want,
                      const json_t *v) {
    return lw__place_fail(at, w->err, "%s is expected, not %s", want,
                          lw__place_type_name(json_typeof(v)));
}

static bool has_field(const json_t *fields, const char *key) {
    size_t i;
    json_t *field;
    json_array_foreach(fields, i, field)
        if (strcmp(json_string_value(json_object_get(field, "name")), key) == 0)
            return true;
    return false;
}

static int put_record(struct record_walk *w, const struct lw_place *at,
                      const json_t *type, const json_t *v, int depth) {
    const json_t *fields = json_object_get(type, "fields");
    const char *key;
    json_t *value, *field;
    size_t i;
    if (!json_is_object(v))
        return wrong_type(w, at, "an object", v);
    json_object_foreach((json_t *)(uintptr_t)v, key, value)
        if (!has_field(fields, key))
            return lw__place_fail(&(struct lw_place){at, key, 0}, w->err,
                                  "a model has no such part");
    json_array_foreach(fields, i, field) {
        const char *name = json_string_value(json_object_get(field, "name"));
        struct lw_place here = {at, name, 0};
        value = json_object_get(v, name);
        if (!value)
            return lw__place_fail(&here, w->err, "it is missing");
        if (put_value(w, &here, json_object_get(field, "type"), value, depth + 1))
            return -1;
    }
    return 0;
}

static int put_list(struct record_walk *w, const struct lw_place *at, const json_t *type,
                    const json_t *v, int depth) {
    const json_t *items = json_object_get(type, "items");
    size_t i, n = json_array_size(v);
    json_t *item;
    if (!json_is_array(v))
        return wrong_type(w, at, "a list", v);
    lw_wire_open(w->out, n);
    json_array_foreach(v, i, item)
        if (put_value(w, &(struct lw_place){at, NULL, i}, items, item, depth + 1))
            return -1;
    lw_wire_close(w->out);
    return 0;
}

static int put_map(struct record_walk *w, const struct lw_place *at, const json_t *type,
                   const json_t *v, int depth) {
    const json_t *values = json_object_get(type, "values");
    const char *key;
    json_t *item;
    if (!json_is_object(v))
        return wrong_type(w, at, "an object", v);
    lw_wire_open(w->out, json_object_size(v));
    json_object_foreach((json_t *)(uintptr_t)v, key, item) {
        lw_wire_text(w->out, key);
        if (put_value(w, &(struct lw_place){at, key, 0}, values, item, depth + 1))
            return -1;
    }
    lw_wire_close(w->out);
    return 0;
}

static int put_real(struct record_walk *w, const struct lw_place *at, const char *name,
                    const json_t *v) {
    double x = json_number_value(v);
    if (json_is_string(v) && strcmp(json_string_value(v), "Infinity") == 0)
        x = INFINITY;
    else if (json_is_string(v) && strcmp(json_string_value(v), "-Infinity") == 0)
        x = -INFINITY;
    else if (!json_is_number(v))
        return wrong_type(w, at, "a number", v);
    if (is_type(name, "float"))
        lw_wire_put_float(w->out, (float)x);
    else
        lw_buf_f64(w->out, x);
    return 0;
}

static int put_symbol(struct record_walk *w, const struct lw_place *at,
                      const json_t *type, const json_t *v) {
    size_t i;
    json_t *symbol;
    if (!json_is_string(v))
        return wrong_type(w, at, "a text", v);
    json_array_foreach(json_object_get(type, "symbols"), i, symbol)
        if (json_equal(symbol, v)) {
            lw_varint_put_long(w->out, (int64_t)i);
            return 0;
        }
    return lw__place_fail(at, w->err, "\"%.60s\" is not one of the kinds",
                          json_string_value(v));
}

static int put_union(struct record_walk *w, const struct lw_place *at, const json_t *type,
                     const json_t *v, int depth) {
    lw_varint_put_long(w->out, !json_is_null(v));
    return json_is_null(v) ? 0 : put_value(w, at, json_array_get(type, 1), v, depth + 1);
}

static int put_scalar(struct record_walk *w, const struct lw_place *at, const char *name,
                      const json_t *v) {
    if (is_type(name, "string")) {
        if (!json_is_string(v))
            return wrong_type(w, at, "a text", v);
        lw_wire_string(w->out, json_string_value(v), json_string_length(v));
        return 0;
    }
    if (is_type(name, "boolean")) {
        if (!json_is_boolean(v))
            return wrong_type(w, at, "true or false", v);
        lw_buf_u8(w->out, json_is_true(v));
        return 0;
    }
    if (!json_is_integer(v))
        return wrong_type(w, at, "a whole number", v);
    int64_t n = json_integer_value(v);
    if (is_type(name, "int") && (n < INT32_MIN || n > INT32_MAX))
        return lw__place_fail(at, w->err, "%" PRId64 " is too large", n);
    lw_varint_put_long(w->out, n);
    return 0;
}

static int put_value(struct record_walk *w, const struct lw_place *at, const json_t *type,
                     const json_t *v, int depth) {
    const char *name = type_name(w, &type);
    if (depth > DEPTH_MAX)
        return lw__place_fail(at, w->err, "values are nested too deeply");
    if (is_type(name, "record"))
        return put_record(w, at, type, v, depth);
    if (is_type(name, "union"))
        return put_union(w, at, type, v, depth);
    if (is_type(name, "array"))
        return put_list(w, at, type, v, depth);
    if (is_type(name, "map"))
        return put_map(w, at, type, v, depth);
    if (is_type(name, "enum"))
        return put_symbol(w, at, type, v);
    if (is_type(name, "double") || is_type(name, "float"))
        return put_real(w, at, name, v);
    return put_scalar(w, at, name, v);
}

int lw__record_bytes(const json_t *record, struct lw_buf *out, struct lw_err *err) {
    struct lw_buf bytes = {0};
    json_t *schema;
    struct record_walk w = {.out = &bytes, .err = err};
    w.schema = schema_load(&schema);
    int rc = put_value(&w, NULL, w.schema, record, 0);
    if (!rc)
        rc = lw_wire_wrap(out, lw_model_schema, &bytes, err);
    json_decref(schema);
    lw_buf_fini(&bytes);
    return rc;
}

struct lw_model *lw__record_model(const json_t *record, struct lw_err *err) {
    struct lw_buf file = {0};
    struct lw_model *m = NULL;
    if (lw__record_bytes(record, &file, err) == 0)
        m = lw_model_decode(file.data, file.len, err);
    lw_buf_fini(&file);
    return m;
}
