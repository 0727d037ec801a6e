/* See inject_avro.h. libavro's generic values do the work, because they support every
 * schema. They lose the unit of a timestamp, so it is read from the schema's JSON.
 * lw_decoder has decoded the bytes before, so libavro sees no hostile lengths. */
#include "engine/inject_avro.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <avro.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "event/event.h"
#include "event/schema.h"

struct lw_inject_avro {
    const struct lw_fields *fields;
    char *schema_text;     /* of the file that what follows belongs to */
    struct lw_schema *own; /* the same, as we read it */
    avro_schema_t schema;
    avro_value_iface_t *iface;
    avro_value_t value;
    struct lw_buf out;
};

struct lw_inject_avro *lw_inject_avro_new(const struct lw_fields *fields) {
    struct lw_inject_avro *r = lw_calloc(1, sizeof *r);
    r->fields = fields;
    return r;
}

static void drop_schema(struct lw_inject_avro *r) {
    if (r->iface) {
        avro_value_decref(&r->value);
        avro_value_iface_decref(r->iface);
    }
    if (r->schema)
        avro_schema_decref(r->schema);
    lw_schema_free(r->own);
    free(r->schema_text);
    r->iface = NULL;
    r->schema = NULL;
    r->own = NULL;
    r->schema_text = NULL;
}

void lw_inject_avro_free(struct lw_inject_avro *r) {
    if (!r)
        return;
    drop_schema(r);
    lw_buf_fini(&r->out);
    free(r);
}

static int load_schema(struct lw_inject_avro *r, const char *json, struct lw_err *err) {
    size_t len = strlen(json);
    if (r->schema_text && strcmp(r->schema_text, json) == 0)
        return 0;
    drop_schema(r);
    if (avro_schema_from_json_length(json, len, &r->schema))
        return lw_fail(err, LW_ECONFIG, "Avro schema: %s", avro_strerror());
    r->iface = avro_generic_class_from_schema(r->schema);
    if (!r->iface || avro_generic_value_new(r->iface, &r->value)) {
        if (r->iface)
            avro_value_iface_decref(r->iface);
        r->iface = NULL;
        return lw_fail(err, LW_ECONFIG, "Avro schema: %s", avro_strerror());
    }
    r->own = lw_schema_parse(json, len, err);
    if (!r->own)
        return -1;
    r->schema_text = lw_malloc(len + 1);
    memcpy(r->schema_text, json, len + 1);
    return 0;
}

/* An instant as a number in the unit of the file's field. */
static double time_number(const struct lw_inject_avro *r, int field, double ms) {
    static const double per_ms[] = {[LW_UNIT_OF_TYPE] = 1.0 / 86400000,
                                    [LW_UNIT_S] = 1e-3,
                                    [LW_UNIT_MS] = 1,
                                    [LW_UNIT_US] = 1e3,
                                    [LW_UNIT_NS] = 1e6};
    struct lw_event_time_reading reading;
    if (!lw_event_time_reading(r->own, r->fields, (size_t)field, &reading))
        return ms;
    if (reading.local)
        ms += (double)lw_zone_offset(r->fields->zone, (int64_t)ms);
    return ms * per_ms[reading.unit];
}

/* Steps through unions to the branch that holds a value (any but null when there is
 * none yet). */
static int enter_union(avro_value_t *v, bool present) {
    if (avro_value_get_type(v) != AVRO_UNION)
        return 0;
    avro_schema_t schema = avro_value_get_schema(v);
    size_t n = avro_schema_union_size(schema);
    int now = -1;
    avro_value_t branch;
    if (avro_value_get_discriminant(v, &now) || now < 0)
        return -1;
    bool null_now = is_avro_null(avro_schema_union_branch(schema, now));
    for (size_t i = 0; i < n && null_now == present; i++)
        if (is_avro_null(avro_schema_union_branch(schema, (int)i)) != present) {
            now = (int)i;
            null_now = !present;
        }
    if (null_now == present || avro_value_set_branch(v, now, &branch))
        return -1;
    *v = branch;
    return 0;
}

static int set_whole(avro_value_t *v, avro_type_t type, double x) {
    double whole = nearbyint(x);
    if (type == AVRO_INT32)
        return fabs(whole) > INT32_MAX ? -1 : avro_value_set_int(v, (int32_t)whole);
    return fabs(whole) > 9e18 ? -1 : avro_value_set_long(v, (int64_t)whole);
}

static int set_value(avro_value_t *v, const struct lw_cell *cell, double x) {
    avro_type_t type = avro_value_get_type(v);
    if (!cell->present)
        return type == AVRO_NULL ? avro_value_set_null(v) : -1;
    if (cell->text)
        return type == AVRO_STRING
                   ? avro_value_set_string_len(v, cell->text, cell->len + 1)
                   : -1;
    switch (type) {
    case AVRO_INT32:
    case AVRO_INT64:
        return set_whole(v, type, x);
    case AVRO_FLOAT:
        return avro_value_set_float(v, (float)x);
    case AVRO_DOUBLE:
        return avro_value_set_double(v, x);
    default:
        return -1;
    }
}

static int write_cell(struct lw_inject_avro *r, int index, const struct lw_cell *cell,
                      struct lw_err *err) {
    const struct lw_field *field = &r->fields->field[index];
    const char *path = field->name;
    avro_value_t v = r->value, next;
    char name[LW_NAME_MAX], text[LW_NAME_MAX];
    for (;;) {
        size_t len = strcspn(path, ".");
        lw_copy(name, sizeof name, path);
        name[len] = '\0';
        if (avro_value_get_type(&v) != AVRO_RECORD ||
            avro_value_get_by_name(&v, name, &next, NULL))
            return lw_fail(
                err, LW_ECONFIG,
                "drift cannot be injected into '%s': the file's schema has no such field",
                field->name);
        v = next;
        if (enter_union(&v, path[len] || cell->present))
            return lw_fail(err, LW_ECONFIG, "'%s' cannot be null in the file's schema",
                           field->name);
        if (!path[len])
            break;
        path += len + 1;
    }
    double x = cell->num;
    if (field->kind == LW_TIMESTAMP && cell->present)
        x = time_number(r, index, x);
    if (set_value(&v, cell, x) == 0)
        return 0;
    return lw_fail(err, LW_ECONFIG, "'%s' cannot hold the injected value %s", field->name,
                   cell->present ? lw_format_f64(text, sizeof text, x) : "null");
}

static int encode_value(struct lw_inject_avro *r, struct lw_feed_event *event,
                        struct lw_err *err) {
    size_t size;
    if (avro_value_sizeof(&r->value, &size))
        return lw_fail(err, LW_EINPUT, "Avro: %s", avro_strerror());
    lw_buf_clear(&r->out);
    char *to = lw_buf_extend(&r->out, size);
    avro_writer_t writer = avro_writer_memory(to, (int64_t)size);
    int failed = avro_value_write(writer, &r->value);
    avro_writer_free(writer);
    if (failed)
        return lw_fail(err, LW_EINPUT, "Avro: %s", avro_strerror());
    event->bytes = r->out.data;
    event->len = r->out.len;
    return 0;
}

int lw_inject_avro_event(struct lw_inject_avro *r, const struct lw_injection *list,
                         size_t n, struct lw_feed_event *event, struct lw_err *err) {
    if (load_schema(r, event->schema_json, err))
        return -1;
    avro_reader_t reader =
        avro_reader_memory((const char *)event->bytes, (int64_t)event->len);
    avro_value_reset(&r->value);
    int failed = avro_value_read(reader, &r->value);
    avro_reader_free(reader);
    if (failed)
        return lw_fail(err, LW_EINPUT, "Avro: %s", avro_strerror());
    for (size_t i = 0; i < n; i++)
        if (list[i].hit &&
            write_cell(r, list[i].cell, &event->row.cells[list[i].cell], err))
            return -1;
    return encode_value(r, event, err);
}
