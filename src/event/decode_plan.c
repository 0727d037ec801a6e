/* Compiles a writer's schema and the wanted fields into steps.
 *
 * The writer's fields are visited in their order, because that is the order of the
 * bytes. Each is matched with a reader's field (by name, else by one of the reader's
 * aliases, else by one of the writer's); a field is read if it, or one below it
 * ("trip.distance"), is wanted. A record without a wanted field is skipped as a whole.
 * Names of records are not compared, as in Avro's Java library, so that a renamed record
 * can still be read. A field that the writer lacks gets the reader's default in
 * `initial`, from which every decode starts. A null stores nothing: a field that the
 * writer has is missing in `initial`. */
#include "event/decode_plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#define PATH_MAX_BYTES 512

static int plan_record(struct lw_decode_compile *c, const struct lw_node *writer,
                       const struct lw_node *reader, const char *path);

struct lw_decode_step *lw__decode_plan_add(struct lw_decode_compile *c,
                                           enum lw_decode_op op, uint32_t name) {
    struct lw_avro_decoder *d = c->d;
    if ((d->nsteps & (d->nsteps - 1)) == 0)
        d->step = lw_realloc(d->step, d->nsteps ? 2 * d->nsteps : 1, sizeof *d->step);
    d->step[d->nsteps] = (struct lw_decode_step){.op = (uint8_t)op, .name = name};
    return &d->step[d->nsteps++];
}

const char *lw__decode_plan_own(struct lw_avro_decoder *d, const char *text, size_t len) {
    d->text = lw_realloc(d->text, d->ntexts + 1, sizeof *d->text);
    char *copy = lw_malloc(len + 1);
    memcpy(copy, text, len);
    copy[len] = '\0';
    d->text[d->ntexts++] = copy;
    return copy;
}

static uint32_t add_name(struct lw_avro_decoder *d, const char *name) {
    d->name = lw_realloc(d->name, d->nnames + 1, sizeof *d->name);
    d->name[d->nnames] = lw_strdup(name);
    return (uint32_t)d->nnames++;
}

int lw__decode_plan_skip(struct lw_decode_compile *c, const struct lw_node *writer,
                         uint32_t name) {
    uint32_t layout = lw_skip_layout_of(&c->d->layouts, writer);
    struct lw_skip_layout s = c->d->layouts.layout[layout];
    struct lw_decode_step *step = lw__decode_plan_add(c, LW_DECODE_SKIP_LAYOUT, name);
    step->arg = layout;
    if (s.kind > LW_SKIP_FIXED)
        return 0;
    static const uint8_t ops[] = {LW_DECODE_SKIP_VARINT, LW_DECODE_SKIP_BYTES,
                                  LW_DECODE_SKIP_FIXED};
    step->op = ops[s.kind];
    step->arg = s.n;
    return 0;
}

static bool has_alias(const struct lw_node_field *field, const char *name) {
    for (size_t i = 0; i < json_array_size(field->aliases); i++) {
        const char *alias = json_string_value(json_array_get(field->aliases, i));
        if (alias && strcmp(alias, name) == 0)
            return true;
    }
    return false;
}

/* Whether the writer has the reader's field under its name or one of its aliases. */
static bool has_any(const struct lw_node *writer, const struct lw_node_field *read) {
    for (size_t i = 0; i < writer->n; i++)
        if (strcmp(writer->fields[i].name, read->name) == 0 ||
            has_alias(read, writer->fields[i].name))
            return true;
    return false;
}

/* The reader's field for a writer's field: the one with its name; else, as in the
 * specification, the first that lists it as an alias; else the first that the writer's
 * own aliases name, because producers rename fields while a reader still has the old
 * schema. */
static const struct lw_node_field *reader_field(const struct lw_node *reader,
                                                const struct lw_node *writer,
                                                const struct lw_node_field *written) {
    const struct lw_node_field *same = lw_node_find(reader, written->name);
    for (size_t i = 0; !same && i < reader->n; i++)
        if (has_alias(&reader->fields[i], written->name) &&
            !lw_node_find(writer, reader->fields[i].name))
            same = &reader->fields[i];
    for (size_t i = 0; !same && i < reader->n; i++)
        if (has_alias(written, reader->fields[i].name) &&
            !has_any(writer, &reader->fields[i]))
            same = &reader->fields[i];
    return same;
}

static bool wanted_below(const struct lw_decode_compile *c, const char *path) {
    size_t len = strlen(path);
    for (size_t i = 0; i < c->fields->n; i++) {
        const char *name = c->fields->field[i].name;
        if (strncmp(name, path, len) == 0 && name[len] == '.')
            return true;
    }
    return false;
}

/* A union of null and a record with a wanted field. */
static int plan_nullable_record(struct lw_decode_compile *c, const struct lw_node *writer,
                                const struct lw_node *reader, const char *path,
                                uint32_t name) {
    struct lw_avro_decoder *d = c->d;
    size_t at = d->nsteps, first = d->njumps;
    struct lw_decode_step *step = lw__decode_plan_add(c, LW_DECODE_BRANCH, name);
    step->arg = (uint32_t)first;
    step->n = 2;
    d->njumps += 2;
    d->jump = lw_realloc(d->jump, d->njumps, sizeof *d->jump);
    int rc = plan_record(c, lw_node_strip(writer), reader, path);
    size_t null = writer->kids[0]->type == LW_T_NULL ? 0 : 1;
    d->jump[first + null] = (uint32_t)d->nsteps;
    d->jump[first + 1 - null] = (uint32_t)at + 1;
    return rc;
}

static int plan_below(struct lw_decode_compile *c, const struct lw_node *writer,
                      const struct lw_node *reader, const char *path, uint32_t name) {
    const struct lw_node *w = lw_node_strip(writer), *r = lw_node_strip(reader);
    if (w->type != LW_T_RECORD || r->type != LW_T_RECORD)
        return lw_fail(c->err, LW_ECONFIG,
                       "field \"%.80s\" is not a record (writer: %s, reader: %s), so "
                       "its parts cannot be named",
                       path, lw_node_type_name(w->type), lw_node_type_name(r->type));
    if (c->depth == LW_SCHEMA_DEPTH_MAX)
        return lw_fail(c->err, LW_ECONFIG, "field \"%.80s\" is nested too deep", path);
    c->depth++;
    int rc = writer == w ? plan_record(c, w, r, path)
                         : plan_nullable_record(c, writer, r, path, name);
    c->depth--;
    return rc;
}

static int plan_field(struct lw_decode_compile *c, const struct lw_node_field *written,
                      const struct lw_node_field *read, const char *prefix) {
    char path[PATH_MAX_BYTES];
    const char *name = read ? read->name : written->name;
    if (snprintf(path, sizeof path, "%s%s%s", prefix, *prefix ? "." : "", name) >=
        (int)sizeof path)
        read = NULL; /* longer than any wanted name */
    uint32_t label = add_name(c->d, path);
    int cell = read ? lw_fields_find(c->fields, path) : -1;
    if (cell >= 0) {
        c->written[cell] = true;
        return lw__decode_plan_store(c, written->type, read->type, (uint16_t)cell, label);
    }
    if (read && wanted_below(c, path))
        return plan_below(c, written->type, read->type, path, label);
    return lw__decode_plan_skip(c, written->type, label);
}

static int plan_record(struct lw_decode_compile *c, const struct lw_node *writer,
                       const struct lw_node *reader, const char *path) {
    for (size_t i = 0; i < writer->n; i++) {
        const struct lw_node_field *written = &writer->fields[i];
        const struct lw_node_field *read = reader_field(reader, writer, written);
        if (plan_field(c, written, read, path) < 0)
            return -1;
    }
    return 0;
}

/* Every wanted name must exist in the reader. */
static int check_name(const struct lw_decode_compile *c, const char *name) {
    const struct lw_node *record = c->reader->top;
    const char *rest = name;
    for (;;) {
        const struct lw_node_field *field = lw_node_step(record, rest, &rest);
        if (!field) {
            const char *near = lw_nearest(name, c->reader->names, c->reader->top->n);
            return lw_fail(c->err, LW_ECONFIG, "schema %.100s has no field \"%s\"%s%s%s",
                           c->reader->top->name, name, near ? "; did you mean \"" : "",
                           near ? near : "", near ? "\"?" : "");
        }
        if (*rest == '\0')
            return 0;
        record = lw_node_strip(field->type);
        if (record->type != LW_T_RECORD)
            return lw_fail(c->err, LW_ECONFIG,
                           "\"%s\": field \"%.80s\" is of type %s, which has no fields",
                           name, field->name, lw_node_type_name(record->type));
    }
}

/* Handles the first name of the path that the writer lacks, and its default. */
static int fall_back(struct lw_decode_compile *c, const struct lw_node *writer,
                     uint16_t cell) {
    const struct lw_node *record = c->reader->top;
    const char *rest = c->fields->field[cell].name;
    for (;;) {
        const struct lw_node_field *field = lw_node_step(record, rest, &rest);
        lw_assert(field); /* check_name has found it */
        const struct lw_node_field *written = NULL;
        for (size_t i = 0; !written && i < writer->n; i++)
            if (reader_field(record, writer, &writer->fields[i]) == field)
                written = &writer->fields[i];
        if (!written || *rest == '\0')
            return lw__decode_plan_fallback(c, field, rest, cell);
        writer = lw_node_strip(written->type);
        record = lw_node_strip(field->type);
    }
}

static void plan_init(struct lw_decode_compile *c) {
    struct lw_avro_decoder *d = c->d;
    d->ncells = c->fields->n;
    d->zone = c->fields->zone;
    d->initial = lw_calloc(d->ncells + 1, sizeof *d->initial);
    d->required = lw_calloc(d->ncells + 1, sizeof *d->required);
    d->field_name = lw_calloc(d->ncells + 1, sizeof *d->field_name);
    for (size_t i = 0; i < d->ncells; i++) {
        d->initial[i] = lw_cell_missing();
        lw_copy(d->field_name[i], LW_NAME_MAX, c->fields->field[i].name);
        if (c->fields->field[i].required)
            d->required[d->nrequired++] = (uint16_t)i;
    }
}

static int plan_compile(struct lw_decode_compile *c, const struct lw_node *writer) {
    for (size_t i = 0; i < c->fields->n; i++)
        if (check_name(c, c->fields->field[i].name) < 0)
            return -1;
    if (plan_record(c, writer, c->reader->top, "") < 0)
        return -1;
    for (size_t i = 0; i < c->fields->n; i++)
        if (!c->written[i] && fall_back(c, writer, (uint16_t)i) < 0)
            return -1;
    lw_skip_layout_seal(&c->d->layouts);
    return 0;
}

static void avro_free(struct lw_decoder *decoder) {
    struct lw_avro_decoder *d = (struct lw_avro_decoder *)decoder;
    for (size_t i = 0; i < d->nnames; i++)
        free(d->name[i]);
    for (size_t i = 0; i < d->ntexts; i++)
        free(d->text[i]);
    lw_skip_layout_fini(&d->layouts);
    free(d->step);
    free(d->jump);
    free(d->name);
    free(d->symbol);
    free(d->initial);
    free(d->required);
    free(d->text);
    free(d->field_name);
    free(d);
}

static const struct lw_decoder_type avro_type = {lw__decode_plan_run, avro_free};

struct lw_decoder *lw_decoder_new_avro(const struct lw_schema *writer,
                                       const struct lw_schema *reader,
                                       const struct lw_fields *fields,
                                       struct lw_err *err) {
    lw_assert(fields->n <= LW_FIELDS_MAX);
    struct lw_decode_compile c = {
        .d = lw_calloc(1, sizeof *c.d), .fields = fields, .reader = reader, .err = err};
    c.d->base.type = &avro_type;
    plan_init(&c);
    if (plan_compile(&c, writer->top) < 0) {
        avro_free(&c.d->base);
        return NULL;
    }
    return &c.d->base;
}
