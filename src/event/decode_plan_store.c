/* Conversion of one value to one cell: types, kinds and promotions.
 *
 * Two questions are answered here, once, before any record is decoded. Can the writer's
 * type be read as the reader's? Avro 1.11 allows int to long, float, double; long to
 * float, double; float to double; bytes to string and back; a reader's union takes the
 * first branch that fits. In addition, an enum can be read as text, a long read as a
 * float keeps its precision, because a cell is a double, and for the same reason a
 * reader's int can read a writer's long or double. Does the type convert to the field's
 * kind? The unit of a time is the one in the configuration, else the writer's, else the
 * reader's (libavro drops logical types when it writes a schema). */
#include "event/decode_plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/table.h"

static bool is_number(enum lw_type type) {
    return type >= LW_T_INT && type <= LW_T_DOUBLE;
}

static bool may_promote(enum lw_type writer, enum lw_type reader) {
    switch (writer) {
    case LW_T_INT:
    case LW_T_LONG:
    case LW_T_FLOAT:
    case LW_T_DOUBLE:
        return is_number(reader);
    case LW_T_STRING:
        return reader == LW_T_BYTES;
    case LW_T_BYTES:
    case LW_T_ENUM:
        return reader == LW_T_STRING;
    default:
        return false;
    }
}

static bool same_type(const struct lw_node *writer, const struct lw_node *reader) {
    if (writer->type != reader->type)
        return false;
    return writer->type != LW_T_FIXED || writer->n == reader->n;
}

/* The reader's type that a writer's (not a union) is read as, or NULL. */
static const struct lw_node *types_match(const struct lw_node *writer,
                                         const struct lw_node *reader) {
    if (reader->type != LW_T_UNION)
        return same_type(writer, reader) || may_promote(writer->type, reader->type)
                   ? reader
                   : NULL;
    for (size_t i = 0; i < reader->n; i++)
        if (same_type(writer, reader->kids[i]))
            return reader->kids[i];
    for (size_t i = 0; i < reader->n; i++)
        if (may_promote(writer->type, reader->kids[i]->type))
            return reader->kids[i];
    return NULL;
}

/* The type with a logical type: the writer's if it has one, else the reader's. */
static const struct lw_node *meaning_of(const struct lw_node *writer,
                                        const struct lw_node *reader) {
    return writer->logical != LW_L_NONE ? writer : reader;
}

static int op_of(const struct lw_node *writer, enum lw_logical logical) {
    static const int ops[] = {[LW_T_NULL] = -1,
                              [LW_T_BOOLEAN] = LW_DECODE_BOOLEAN,
                              [LW_T_INT] = LW_DECODE_INT,
                              [LW_T_LONG] = LW_DECODE_LONG,
                              [LW_T_FLOAT] = LW_DECODE_FLOAT,
                              [LW_T_DOUBLE] = LW_DECODE_DOUBLE,
                              [LW_T_BYTES] = LW_DECODE_TEXT,
                              [LW_T_STRING] = LW_DECODE_TEXT,
                              [LW_T_RECORD] = -1,
                              [LW_T_ENUM] = LW_DECODE_ENUM,
                              [LW_T_FIXED] = LW_DECODE_TEXT_FIXED,
                              [LW_T_ARRAY] = -1,
                              [LW_T_MAP] = -1,
                              [LW_T_UNION] = -1};
    if (logical == LW_L_DECIMAL && writer->type == LW_T_BYTES)
        return LW_DECODE_DECIMAL;
    if (logical == LW_L_DECIMAL && writer->type == LW_T_FIXED)
        return LW_DECODE_DECIMAL_FIXED;
    return ops[writer->type];
}

/* Does the value of that step convert to the kind? */
static bool kind_fits(enum lw_kind kind, int op) {
    switch (op) {
    case LW_DECODE_INT:
    case LW_DECODE_LONG:
        return true;
    case LW_DECODE_FLOAT:
    case LW_DECODE_DOUBLE:
        return kind != LW_TEXT;
    case LW_DECODE_BOOLEAN:
        return kind == LW_NUMERIC || kind == LW_CATEGORY;
    case LW_DECODE_DECIMAL:
    case LW_DECODE_DECIMAL_FIXED:
        return kind == LW_NUMERIC;
    case LW_DECODE_TEXT:
        return kind != LW_NUMERIC;
    case LW_DECODE_ENUM:
    case LW_DECODE_TEXT_FIXED:
        return kind == LW_CATEGORY || kind == LW_TEXT;
    default:
        return false;
    }
}

/* The conversion of a time; -1: the type is not a time. A bare long is in milliseconds;
 * an int or a floating-point number needs a unit in the configuration. */
static int as_time(const struct lw_field *field, const struct lw_node *writer,
                   const struct lw_node *meaning) {
    static const enum lw_as units[] = {[LW_UNIT_S] = LW_AS_SECONDS,
                                       [LW_UNIT_MS] = LW_AS_MILLIS,
                                       [LW_UNIT_US] = LW_AS_MICROS,
                                       [LW_UNIT_NS] = LW_AS_NANOS};
    static const int logical[] = {[LW_L_NONE] = -1,
                                  [LW_L_MILLIS] = LW_AS_MILLIS,
                                  [LW_L_MICROS] = LW_AS_MICROS,
                                  [LW_L_NANOS] = LW_AS_NANOS,
                                  [LW_L_DATE] = LW_AS_DAYS,
                                  [LW_L_SPAN] = -1,
                                  [LW_L_DECIMAL] = -1,
                                  [LW_L_UUID] = -1};
    if (writer->type == LW_T_STRING)
        return LW_AS_ISO;
    if (writer->type == LW_T_BYTES)
        return -1;
    if (field->unit != LW_UNIT_OF_TYPE)
        return (int)units[field->unit];
    if (meaning->logical == LW_L_NONE && writer->type == LW_T_LONG)
        return LW_AS_MILLIS;
    return logical[meaning->logical];
}

static int as_of(const struct lw_field *field, const struct lw_node *writer,
                 const struct lw_node *meaning) {
    bool time = meaning->logical >= LW_L_MILLIS && meaning->logical <= LW_L_DATE;
    if (field->kind == LW_TIMESTAMP || (field->kind == LW_NUMERIC && time))
        return as_time(field, writer, meaning);
    if (field->kind == LW_CATEGORY &&
        (writer->type == LW_T_FLOAT || writer->type == LW_T_DOUBLE))
        return LW_AS_WHOLE;
    return LW_AS_PLAIN;
}

static enum lw_form form_of(const struct lw_node *reader, const struct lw_node *meaning) {
    if (reader->type != LW_T_BYTES && reader->type != LW_T_FIXED)
        return LW_FORM_TEXT;
    return meaning->logical == LW_L_UUID ? LW_FORM_UUID : LW_FORM_BYTES;
}

bool lw__decode_plan_reading(const struct lw_field *field, const struct lw_node *writer,
                             const struct lw_node *reader, const struct lw_zone *zone,
                             struct lw_decode_step *step) {
    const struct lw_node *meaning = meaning_of(writer, reader);
    int op = op_of(writer, meaning->logical);
    int as = kind_fits(field->kind, op) ? as_of(field, writer, meaning) : -1;
    if (as < 0)
        return false;
    step->op = (uint8_t)op;
    step->as = (uint8_t)as;
    step->keyed = field->kind == LW_CATEGORY;
    step->strict = field->required || field->strict;
    step->local =
        as >= LW_AS_MILLIS && field->unit == LW_UNIT_OF_TYPE && zone && meaning->local;
    step->form = (uint8_t)form_of(reader, meaning);
    step->scale = (uint16_t)meaning->scale;
    if (writer->type == LW_T_FIXED)
        step->arg = (uint32_t)writer->n;
    return true;
}

/* Whether the reader has each symbol; compares hashes first, because enums may have
 * thousands. */
static bool knows_symbol(const struct lw_node *reader, const struct lw_table *symbols,
                         const char *symbol) {
    if (reader->type != LW_T_ENUM)
        return true;
    uint32_t i = lw_table_get(symbols, lw_text_key(symbol, strlen(symbol)));
    return i != LW_TABLE_NONE && strcmp(reader->symbols[i], symbol) == 0;
}

/* Cells of the writer's symbols; one that the reader does not know becomes the reader's
 * default symbol, or a cell that is not present. */
static void add_symbols(struct lw_avro_decoder *d, struct lw_decode_step *step,
                        const struct lw_node *writer, const struct lw_node *reader) {
    struct lw_table symbols = {0};
    int fresh;
    for (size_t i = 0; reader->type == LW_T_ENUM && i < reader->n; i++)
        lw_table_index(&symbols,
                       lw_text_key(reader->symbols[i], strlen(reader->symbols[i])),
                       &fresh);
    step->arg = (uint32_t)d->nsymbols;
    step->n = (uint32_t)writer->n;
    d->symbol = lw_realloc(d->symbol, d->nsymbols + writer->n, sizeof *d->symbol);
    for (size_t i = 0; i < writer->n; i++) {
        const char *symbol = writer->symbols[i];
        bool known = knows_symbol(reader, &symbols, symbol);
        if (!known && reader->fallback)
            symbol = reader->fallback;
        struct lw_cell cell =
            lw_cell_text(lw__decode_plan_own(d, symbol, strlen(symbol)), strlen(symbol));
        cell.present = known || reader->fallback;
        d->symbol[d->nsymbols++] = cell;
    }
    lw_table_fini(&symbols);
}

/* Adds one step for a writer's type other than a union. 1: the type does not convert to
 * the kind. */
static int store_plain(struct lw_decode_compile *c, const struct lw_node *writer,
                       const struct lw_node *reader, uint16_t cell, uint32_t name) {
    const struct lw_node *as_read = types_match(writer, reader);
    struct lw_decode_step made = {.name = name, .cell = cell};
    if (!as_read || !lw__decode_plan_reading(&c->fields->field[cell], writer, as_read,
                                             c->fields->zone, &made))
        return 1;
    struct lw_decode_step *step =
        lw__decode_plan_add(c, (enum lw_decode_op)made.op, name);
    *step = made;
    if (made.op == LW_DECODE_ENUM)
        add_symbols(c->d, step, writer, as_read);
    return 0;
}

/* A union of several types: each branch has its own steps and ends with a jump past the
 * last. A branch that does not convert leaves the cell missing. */
static int store_union(struct lw_decode_compile *c, const struct lw_node *writer,
                       const struct lw_node *reader, uint16_t cell, uint32_t name) {
    struct lw_avro_decoder *d = c->d;
    size_t first = d->njumps, usable = 0, nulls = 0;
    struct lw_decode_step *branch = lw__decode_plan_add(c, LW_DECODE_BRANCH, name);
    branch->arg = (uint32_t)first;
    branch->n = (uint32_t)writer->n;
    d->njumps += writer->n;
    d->jump = lw_realloc(d->jump, d->njumps + 1, sizeof *d->jump);
    size_t from = d->nsteps;
    for (size_t i = 0; i < writer->n; i++) {
        d->jump[first + i] = (uint32_t)d->nsteps;
        nulls += writer->kids[i]->type == LW_T_NULL;
        if (store_plain(c, writer->kids[i], reader, cell, name) == 0)
            usable++;
        else
            lw__decode_plan_skip(c, writer->kids[i], name);
        lw__decode_plan_add(c, LW_DECODE_JUMP, name);
    }
    for (size_t i = from; i < d->nsteps; i++)
        if (d->step[i].op == LW_DECODE_JUMP)
            d->step[i].arg = (uint32_t)d->nsteps;
    return usable > 0 || nulls == writer->n ? 0 : 1; /* only null: always missing */
}

/* A hint for a timestamp that cannot be read. */
static const char *refusal_advice(const struct lw_field *field,
                                  const struct lw_node *type) {
    if (field->kind != LW_TIMESTAMP)
        return "";
    if (type->logical == LW_L_SPAN)
        return ", which is a time of day or a duration";
    return is_number(type->type) ? "; set its unit since 1970: `unit: s`, ms, us or ns"
                                 : "";
}

static int store_refuse(struct lw_decode_compile *c, const struct lw_node *writer,
                        const struct lw_node *reader, uint16_t cell) {
    const struct lw_field *field = &c->fields->field[cell];
    const struct lw_node *type = lw_node_strip(writer);
    const char *from = lw_node_type_name(type->type);
    const char *as = lw_node_type_name(lw_node_strip(reader)->type);
    bool same = strcmp(from, as) == 0;
    return lw_fail(c->err, LW_ECONFIG,
                   "field \"%s\": cannot read Avro type %s as %s%s%s%s%s", field->name,
                   from, lw_kind_name(field->kind), same ? "" : " (the reader's type is ",
                   same ? "" : as, same ? "" : ")", refusal_advice(field, type));
}

int lw__decode_plan_store(struct lw_decode_compile *c, const struct lw_node *writer,
                          const struct lw_node *reader, uint16_t cell, uint32_t name) {
    const struct lw_node *inner = lw_node_strip(writer);
    int rc;
    if (inner->type == LW_T_UNION) {
        rc = store_union(c, writer, reader, cell, name);
    } else if (writer->type == LW_T_NULL) {
        return 0; /* always null: no bytes, always missing */
    } else {
        rc = store_plain(c, inner, reader, cell, name);
        if (rc == 0 && inner != writer)
            c->d->step[c->d->nsteps - 1].null =
                writer->kids[0]->type == LW_T_NULL ? 1 : 2;
    }
    return rc == 0 ? 0 : store_refuse(c, writer, reader, cell);
}
