/* Sides of a report from files alone: columns are derived from the Avro schema.
 *
 *   float, double, decimal         number
 *   string, enum, boolean          category; identifiers (mostly distinct) are left out
 *   int, long                      category with at most 30 values, or at most 1,000 and a
 *                                  name like "...ID", "...code", "...type"; else number
 *   timestamp                      its hour
 *   date, record, array, map, ...  left out
 *
 * Whole numbers are read both ways; the choice follows when their values are known. The
 * report lists the columns that it leaves out. */
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "cli/progress.h"
#include "cli/report.h"
#include "event/decoder.h"
#include "event/event.h"
#include "event/file.h"

#define FEW_VALUES   30
#define CODE_VALUES  1000
#define CATEGORY_CAP 4096

enum field_class {
    CLASS_OTHER,
    CLASS_NUMBER,
    CLASS_WHOLE,
    CLASS_CATEGORY,
    CLASS_TIME,
    CLASS_DATE
};

/* How a column comes from a cell. */
enum cell_reading { TAKE_CELL, TAKE_NUMBER, TAKE_HOUR };
struct column_source {
    int field;
    enum cell_reading take;
    bool whole; /* one of the two readings of a whole number */
};

struct derived_columns {
    struct lw_fields fields;
    struct lw_schema *reader;
    size_t n;
    struct column_source source[2 * LW_FIELDS_MAX];
    struct lw_column column[2 * LW_FIELDS_MAX];
    int time; /* field of the first timestamp, or -1 */
};

/* ---- schemas ---- */

/* The other type of a union of null and one type. */
static const json_t *strip_null(const json_t *type) {
    const json_t *found = NULL, *branch;
    size_t i;
    if (!json_is_array(type))
        return type;
    json_array_foreach(type, i, branch) {
        if (json_is_string(branch) && strcmp(json_string_value(branch), "null") == 0)
            continue;
        if (found)
            return type;
        found = branch;
    }
    return found ? found : type;
}

/* The logical type if there is one, else the type. */
static const char *type_name(const json_t *type) {
    type = strip_null(type);
    if (json_is_string(type))
        return json_string_value(type);
    if (json_is_array(type))
        return "union";
    const char *logical = json_string_value(json_object_get(type, "logicalType"));
    const json_t *inner = json_object_get(type, "type");
    return logical                 ? logical
           : json_is_string(inner) ? json_string_value(inner)
                                   : type_name(inner);
}

static enum field_class class_of(const json_t *type) {
    static const struct {
        const char *name;
        enum field_class class;
    } known[] = {
        {"float", CLASS_NUMBER},
        {"double", CLASS_NUMBER},
        {"decimal", CLASS_NUMBER},
        {"int", CLASS_WHOLE},
        {"long", CLASS_WHOLE},
        {"time-millis", CLASS_WHOLE},
        {"time-micros", CLASS_WHOLE},
        {"string", CLASS_CATEGORY},
        {"uuid", CLASS_CATEGORY},
        {"enum", CLASS_CATEGORY},
        {"boolean", CLASS_CATEGORY},
        {"timestamp-millis", CLASS_TIME},
        {"timestamp-micros", CLASS_TIME},
        {"timestamp-nanos", CLASS_TIME},
        {"local-timestamp-millis", CLASS_TIME},
        {"local-timestamp-micros", CLASS_TIME},
        {"local-timestamp-nanos", CLASS_TIME},
        {"date", CLASS_DATE},
    };
    /* unknown logical types are ignored */
    const char *plain = json_string_value(json_object_get(strip_null(type), "type"));
    const char *name[] = {type_name(type), plain ? plain : ""};
    size_t n = sizeof known / sizeof *known;
    for (size_t i = 0; i < 2 * n; i++)
        if (strcmp(known[i % n].name, name[i / n]) == 0)
            return known[i % n].class;
    return CLASS_OTHER;
}

/* True: marked as a time next to its type, or by Kafka Connect's name. */
static bool is_time(const struct lw_schema *schema, const char *name) {
    struct lw_fields one = {0};
    struct lw_event_time_reading reading;
    return lw_fields_add(&one, name, LW_TIMESTAMP, false, NULL) == 0 &&
           lw_event_time_reading(schema, &one, 0, &reading) && !reading.bare &&
           reading.unit != LW_UNIT_OF_TYPE;
}

static json_t *first_schema(const struct lw_report_side *side, struct lw_err *err) {
    struct lw_file *file = lw_file_open(side->files[0], err);
    if (!file)
        return NULL;
    json_t *schema = json_loads(lw_file_schema_json(file), JSON_ALLOW_NUL, NULL);
    lw_file_close(file);
    if (json_is_array(json_object_get(schema, "fields")))
        return schema;
    json_decref(schema);
    lw_fail(err, LW_EINPUT, "%s: the schema is not a record", side->files[0]);
    return NULL;
}

static const json_t *find_field(const json_t *schema, const char *name) {
    size_t i;
    const json_t *field;
    json_array_foreach(json_object_get(schema, "fields"), i, field) {
        const char *other = json_string_value(json_object_get(field, "name"));
        if (other && strcmp(other, name) == 0)
            return field;
    }
    return NULL;
}

static const char *field_name(const json_t *field) {
    const char *name = json_string_value(json_object_get(field, "name"));
    return name ? name : "";
}

static void add_note(json_t *list, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
static void add_note(json_t *list, const char *fmt, ...) {
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    json_array_append_new(list, lw_json_text(text, SIZE_MAX));
}

/* float and double, or int and long: the values remain comparable. */
static bool same_numbers(const char *was, const char *is) {
    bool real = strcmp(was, "float") == 0 || strcmp(was, "double") == 0;
    bool whole = strcmp(was, "int") == 0 || strcmp(was, "long") == 0;
    return (real && (strcmp(is, "float") == 0 || strcmp(is, "double") == 0)) ||
           (whole && (strcmp(is, "int") == 0 || strcmp(is, "long") == 0));
}

int lw_report_schemas(struct lw_report *r, json_t **reference, json_t **current,
                      struct lw_err *err) {
    size_t i;
    const json_t *field;
    *reference = first_schema(&r->side[LW_REF], err);
    *current = *reference ? first_schema(&r->side[LW_CUR], err) : NULL;
    if (!*current)
        return -1;
    json_array_foreach(json_object_get(*reference, "fields"), i, field) {
        const json_t *now = find_field(*current, field_name(field));
        const char *was = type_name(json_object_get(field, "type"));
        const char *is = now ? type_name(json_object_get(now, "type")) : NULL;
        if (!now)
            add_note(r->schema, "field %s (%s) was removed", field_name(field), was);
        else if (strcmp(was, is) != 0)
            add_note(same_numbers(was, is) ? r->widths : r->schema,
                     "field %s changed from %s to %s", field_name(field), was, is);
    }
    json_array_foreach(json_object_get(*current, "fields"), i, field)
        if (!find_field(*reference, field_name(field)))
            add_note(r->schema, "field %s (%s) was added", field_name(field),
                     type_name(json_object_get(field, "type")));
    return 0;
}

/* ---- deriving ---- */

static void leave_out(struct lw_report *r, const char *column, const char *why) {
    json_t *o = json_object();
    lw_json_set_text(o, "column", column);
    lw_json_set_text(o, "why", why);
    json_array_append_new(r->left_out, o);
}

static void add_column(struct derived_columns *d, int field, const char *name,
                       enum lw_kind kind, enum cell_reading take, bool whole) {
    struct lw_column *c = &d->column[d->n];
    *c = (struct lw_column){.kind = kind,
                            .lo = -INFINITY,
                            .hi = INFINITY,
                            .k = LW_REPORT_K,
                            .cap = CATEGORY_CAP,
                            .distinct = kind == LW_CATEGORY};
    lw_copy(c->name, sizeof c->name, name);
    d->source[d->n++] =
        (struct column_source){.field = field, .take = take, .whole = whole};
}

static int derive_field(struct lw_report *r, struct derived_columns *d,
                        const json_t *field, const json_t *current, struct lw_err *err) {
    const char *name = field_name(field);
    const json_t *now = find_field(current, name);
    enum field_class class = class_of(json_object_get(field, "type"));
    char hour[LW_NAME_MAX + 8];
    enum lw_kind kind = class == CLASS_NUMBER ? LW_NUMERIC
                        : class == CLASS_TIME ? LW_TIMESTAMP
                                              : LW_CATEGORY;
    if (class == CLASS_OTHER || class == CLASS_DATE) {
        leave_out(r, name, class == CLASS_DATE ? "a date" : "not a plain value");
        return 0;
    }
    if (now && class_of(json_object_get(now, "type")) != class) {
        leave_out(r, name, "different type on the current side");
        return 0;
    }
    if (class == CLASS_WHOLE && is_time(d->reader, name)) {
        class = CLASS_TIME;
        kind = LW_TIMESTAMP;
    }
    if (d->fields.n == LW_FIELDS_MAX) {
        leave_out(r, name, "too many fields");
        return 0;
    }
    int at = lw_fields_add(&d->fields, name, kind, false, err);
    if (at < 0)
        return -1;
    if (class == CLASS_TIME) {
        snprintf(hour, sizeof hour, "hour(%s)", name);
        d->time = d->time < 0 ? at : d->time;
        add_column(d, at, hour, LW_CATEGORY, TAKE_HOUR, false);
    } else {
        add_column(d, at, name, kind, TAKE_CELL, class == CLASS_WHOLE);
        if (class == CLASS_WHOLE)
            add_column(d, at, name, LW_NUMERIC, TAKE_NUMBER, true);
    }
    return 0;
}

static int derive_columns(struct lw_report *r, struct derived_columns *d,
                          struct lw_err *err) {
    json_t *schema[LW_SIDES] = {NULL};
    const json_t *field;
    size_t i;
    d->time = -1;
    int rc = lw_report_schemas(r, &schema[LW_REF], &schema[LW_CUR], err);
    if (rc == 0) {
        char *text = json_dumps(schema[LW_REF], JSON_COMPACT);
        d->reader = lw_schema_parse(text, strlen(text), err);
        free(text);
        rc = d->reader ? 0 : lw_err_context(err, "%s", r->side[LW_REF].files[0]);
    }
    if (rc == 0)
        json_array_foreach(json_object_get(schema[LW_REF], "fields"), i, field)
            rc = rc ? rc : derive_field(r, d, field, schema[LW_CUR], err);
    json_decref(schema[LW_REF]);
    json_decref(schema[LW_CUR]);
    if (rc == 0 && d->n == 0)
        rc = lw_fail(err, LW_EINPUT, "%s: the schema has no comparable field",
                     r->side[LW_REF].files[0]);
    return rc;
}

/* ---- reading ---- */

static struct lw_cell hour_of(const struct lw_cell *time) {
    if (!time->present)
        return lw_cell_missing();
    return lw_cell_int(lw_civil((int64_t)time->key).hour);
}

static void add_record(const struct derived_columns *d, struct lw_report_side *side,
                       const struct lw_cell *cells) {
    struct lw_cell value[2 * LW_FIELDS_MAX];
    for (size_t i = 0; i < d->n; i++) {
        const struct lw_cell *cell = &cells[d->source[i].field];
        value[i] = d->source[i].take == TAKE_HOUR ? hour_of(cell) : *cell;
    }
    lw_profile_add(side->profile, value);
    if (d->time >= 0 && cells[d->time].present)
        lw_kll_update(side->times, cells[d->time].num);
}

/* A file being read. */
struct report_file {
    struct lw_file *file;
    struct lw_decoder *decoder;
    struct lw_progress *progress;
    size_t at; /* index in the side's files */
};

static int read_records(const struct derived_columns *d, struct lw_report_side *side,
                        const struct report_file *in, struct lw_err *err) {
    struct lw_cell cells[LW_FIELDS_MAX];
    const uint8_t *data;
    size_t len;
    int got;
    while ((got = lw_file_next(in->file, &data, &len, err)) > 0) {
        struct lw_err why = {0};
        struct lw_input_tally *t = &side->tally;
        t->records++;
        if (lw_decoder_decode_bytes(in->decoder, data, len, cells, &why) == 0)
            add_record(d, side, cells);
        else if (t->unusable++ == 0)
            lw_copy(t->first_unusable, sizeof t->first_unusable, why.msg);
        if (t->records % 4096 == 0)
            lw_progress_at(in->progress,
                           ((double)in->at + lw_file_progress(in->file)) /
                               (double)side->nfiles,
                           t->records);
    }
    return got;
}

static int read_file(const struct derived_columns *d, struct lw_report_side *side,
                     size_t at, struct lw_progress *progress, struct lw_err *err) {
    struct lw_file *file = lw_file_open(side->files[at], err);
    if (!file)
        return -1;
    struct lw_decoder *decoder = lw_file_decoder(file, d->reader, &d->fields, err);
    struct report_file in = {file, decoder, progress, at};
    int rc = decoder ? read_records(d, side, &in, err)
                     : lw_err_context(err, "%s", side->files[at]);
    lw_decoder_free(decoder);
    lw_file_close(file);
    return rc;
}

static int read_side(struct lw_report *r, const struct derived_columns *d, int which,
                     struct lw_err *err) {
    struct lw_report_side *side = &r->side[which];
    struct lw_progress progress;
    int rc = 0;
    side->profile = lw_profile_new(r->columns, d->n, 0);
    side->times = lw_kll_new(LW_REPORT_K, 0);
    lw_progress_start(&progress, which == LW_REF ? "reference" : "current");
    for (size_t i = 0; i < side->nfiles && rc == 0; i++)
        rc = read_file(d, side, i, &progress, err);
    lw_progress_end(&progress);
    return rc;
}

/* ---- deciding ---- */

static bool named_like_a_code(const char *name) {
    static const char *const ends[] = {"id",   "code",  "type",  "zone",
                                       "flag", "class", "status"};
    size_t len = strlen(name);
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        size_t n = strlen(ends[i]);
        if (len >= n && strcasecmp(name + len - n, ends[i]) == 0)
            return true;
    }
    return false;
}

static double distinct_values(const struct lw_report *r, size_t column) {
    double a = lw_hll_estimate(r->side[LW_REF].profile->members[column].hll);
    double b = lw_hll_estimate(r->side[LW_CUR].profile->members[column].hll);
    return a > b ? a : b;
}

static double present_values(const struct lw_report *r, size_t column) {
    double a = (double)lw_cats_n(r->side[LW_REF].profile->members[column].cats);
    double b = (double)lw_cats_n(r->side[LW_CUR].profile->members[column].cats);
    return a > b ? a : b;
}

/* Columns are in schema order; the two readings of a whole number are adjacent. */
static void choose_columns(struct lw_report *r, const struct derived_columns *d) {
    for (size_t i = 0; i < d->n; i++) {
        struct lw_member *ref = &r->side[LW_REF].profile->members[i];
        struct lw_member *cur = &r->side[LW_CUR].profile->members[i];
        const struct lw_column *c = &d->column[i];
        bool category = c->kind == LW_CATEGORY;
        double values = category ? distinct_values(r, i) : 0,
               n = category ? present_values(r, i) : 0;
        if (d->source[i].whole && category) {
            bool code = named_like_a_code(c->name);
            bool as_category = values <= FEW_VALUES || (code && values <= CODE_VALUES);
            bool identifier = code && n >= 100 && values > n / 2;
            if (identifier)
                leave_out(r, c->name, "an identifier");
            else if (as_category)
                lw_report_add_column(r, &r->columns[i], ref, cur);
            else
                lw_report_add_column(r, &r->columns[i + 1], ref + 1, cur + 1);
            i++; /* the other reading */
        } else if (category && n >= 100 && values > n / 2) {
            leave_out(r, c->name, "an identifier");
        } else {
            lw_report_add_column(r, &r->columns[i], ref, cur);
        }
    }
}

int lw_report_read_plain(struct lw_report *r, struct lw_err *err) {
    struct derived_columns *d = lw_calloc(1, sizeof *d);
    int rc = derive_columns(r, d, err);
    r->columns = lw_memdup(d->column, sizeof d->column);
    if (rc == 0 && (read_side(r, d, LW_REF, err) || read_side(r, d, LW_CUR, err)))
        rc = -1;
    if (rc == 0)
        choose_columns(r, d);
    lw_schema_free(d->reader);
    free(d);
    return rc;
}
