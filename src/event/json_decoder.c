/* Decodes records in JSON. Fields are resolved once, when the decoder is created; each
 * record is then looked up by name. */
#include "event/decoder.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "event/convert.h"

#define PATH_MAX_PARTS 8

struct wanted {
    const struct lw_field *field;
    const struct lw_node *type;
    const char *part[PATH_MAX_PARTS];
    size_t nparts;
    const json_t *fallback; /* of the last name, or NULL; borrowed */
    bool nullable;
};

struct json_decoder {
    struct lw_decoder base;
    const struct lw_schema *schema;
    const struct lw_zone *zone;
    size_t n;
    struct wanted *wanted;
    const char **name; /* top names of the schema, sorted */
};

static int by_text(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool may_be_null(const struct lw_node *type) {
    bool null = type->type == LW_T_NULL;
    for (size_t i = 0; type->type == LW_T_UNION && i < type->n; i++)
        null |= type->kids[i]->type == LW_T_NULL;
    return null;
}

/* The record's field "a.b" by its names in the schema. */
static int find_path(struct wanted *w, const struct lw_schema *schema,
                     struct lw_err *err) {
    const struct lw_node *at = schema->top;
    const struct lw_node_field *f = NULL;
    for (const char *rest = w->field->name; *rest;) {
        f = at->type == LW_T_RECORD && w->nparts < PATH_MAX_PARTS
                ? lw_node_step(at, rest, &rest)
                : NULL;
        if (!f)
            return lw_fail(err, LW_ECONFIG, "field \"%s\" is not in the schema",
                           w->field->name);
        w->part[w->nparts++] = f->name;
        w->nullable |= may_be_null(f->type);
        at = lw_node_strip(f->type);
    }
    w->type = f ? f->type : schema->top;
    w->fallback = f ? f->fallback : NULL;
    return 0;
}

/* ---- a record ---- */

static int check_names(const struct json_decoder *d, const json_t *record,
                       struct lw_err *err) {
    const char *name;
    json_t *ignored;
    size_t n = d->schema->top->n;
    json_object_foreach((json_t *)(uintptr_t)record, name, ignored) {
        if (bsearch(&name, d->name, n, sizeof *d->name, by_text))
            continue;
        const char *near = lw_nearest(name, d->name, n);
        return lw_fail(err, LW_EINPUT, "there is no field \"%.80s\"%s%s%s", name,
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

static int fail_value(const struct wanted *w, int got, const struct lw_refusal *no,
                      const json_t *v, struct lw_err *err) {
    char shown[80];
    if (got == 0)
        return lw_fail(err, LW_EINPUT, "field \"%s\": %s: %s", w->field->name, no->why,
                       no->value);
    char *text = json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT);
    lw_text_show(shown, sizeof shown, text ? text : "", text ? strlen(text) : 0);
    free(text);
    return lw_fail(err, LW_EINPUT, "field \"%s\" %s, not %s", w->field->name, no->why,
                   shown);
}

static int decode_one(const struct json_decoder *d, const struct wanted *w,
                      const json_t *record, struct lw_buf *room, struct lw_cell *cell,
                      struct lw_err *err) {
    const json_t *v = look_up(w, record);
    struct lw_json_value value = {.type = w->type,
                                  .field = w->field,
                                  .zone = d->zone,
                                  .is_default = !v,
                                  .room = room};
    struct lw_refusal no;
    *cell = lw_cell_missing();
    v = v ? v : w->fallback;
    int got = v && !json_is_null(v) ? lw_convert_json(&value, v, cell, &no) : 1;
    if (got == 1)
        return 0;
    *cell = lw_cell_missing();
    bool strict = w->field->required || w->field->strict;
    bool excused = (got == 0 || value.is_default) && !strict;
    return excused ? 0 : fail_value(w, got, &no, v, err);
}

static int check_needed(const struct wanted *w, const json_t *record,
                        const struct lw_cell *cell, struct lw_err *err) {
    const json_t *v = look_up(w, record);
    if (cell->present || !(w->field->required || !w->nullable) ||
        (v && !json_is_null(v))) /* a present value that does not convert was reported
                                  * above */
        return 0;
    return lw_fail(err, LW_EINPUT, "field \"%s\" %s", w->field->name,
                   v ? "must not be null" : "is missing");
}

static int record_decode(const struct json_decoder *d, const json_t *record,
                         const bool *needed, struct lw_cell *cells, struct lw_buf *room,
                         struct lw_err *err) {
    size_t bytes = 0;
    if (!json_is_object(record))
        return lw_fail(err, LW_EINPUT, "a record must be an object");
    if (check_names(d, record, err))
        return -1;
    for (size_t i = 0; i < d->n; i++) {
        const json_t *v = look_up(&d->wanted[i], record);
        bytes += lw_convert_room(v ? v : d->wanted[i].fallback);
    }
    lw_convert_reserve(room, bytes);
    for (size_t i = 0; i < d->n; i++) {
        const struct wanted *w = &d->wanted[i];
        if (decode_one(d, w, record, room, &cells[i], err) ||
            ((!needed || needed[i]) && check_needed(w, record, &cells[i], err)))
            return -1;
    }
    return 0;
}

/* The document stays in the scratch until the next record, because cells point into it.
 */
static const json_t *document_parse(const struct lw_encoded_record *record,
                                    struct lw_decoder_scratch *scratch,
                                    struct lw_err *err) {
    json_error_t at;
    json_decref(scratch->document);
    scratch->document = json_loadb((const char *)record->data, record->len,
                                   JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &at);
    if (!scratch->document)
        lw_fail(err, LW_EINPUT, "not JSON: line %d, column %d: %s", at.line, at.column,
                at.text);
    return scratch->document;
}

static int json_decoder_decode(const struct lw_decoder *decoder,
                               const struct lw_encoded_record *record,
                               struct lw_decoder_scratch *scratch, struct lw_cell *cells,
                               struct lw_err *err) {
    const struct json_decoder *d = (const struct json_decoder *)decoder;
    const json_t *json =
        record->json ? record->json : document_parse(record, scratch, err);
    return json ? record_decode(d, json, record->needed, cells, &scratch->room, err) : -1;
}

static void json_decoder_free(struct lw_decoder *decoder) {
    struct json_decoder *d = (struct json_decoder *)decoder;
    free(d->wanted);
    free(d->name);
    free(d);
}

static const struct lw_decoder_type json_decoder_type = {json_decoder_decode,
                                                         json_decoder_free};

struct lw_decoder *lw_decoder_new_json(const struct lw_schema *schema,
                                       const struct lw_fields *fields,
                                       struct lw_err *err) {
    struct json_decoder *d = lw_calloc(1, sizeof *d);
    d->base.type = &json_decoder_type;
    d->schema = schema;
    d->zone = fields->zone;
    d->n = fields->n;
    d->wanted = lw_calloc(fields->n + 1, sizeof *d->wanted);
    d->name = lw_calloc(schema->top->n + 1, sizeof *d->name);
    for (size_t i = 0; i < schema->top->n; i++)
        d->name[i] = schema->top->fields[i].name;
    qsort(d->name, schema->top->n, sizeof *d->name, by_text);
    for (size_t i = 0; i < fields->n; i++) {
        d->wanted[i].field = &fields->field[i];
        if (find_path(&d->wanted[i], schema, err)) {
            json_decoder_free(&d->base);
            return NULL;
        }
    }
    return &d->base;
}
