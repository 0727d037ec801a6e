/* How one value becomes one cell: types, kinds and promotions.
 *
 * Two questions are answered once, here, so that decoding asks none. May the writer's
 * type be read as the reader's? (Avro 1.11: int to long, float, double; long to float,
 * double; float to double; bytes and string either way; a reader's union takes the first
 * branch that fits; besides, an enum may be read as text. A long read as a float is not
 * rounded to one: a cell holds a double. For the same reason a number that the producers
 * have widened, int to long or double, is read by a reader that still says int.) And can
 * the field's kind be had from it? A unit of time is the writer's; where the writer says
 * nothing (libavro drops logical types when it writes a schema), it is the reader's. */
#include "event/plan.h"

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
static const struct lw_node *match(const struct lw_node *writer,
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

static enum lw_logical logical_of(const struct lw_node *writer,
                                  const struct lw_node *reader) {
    return writer->logical != LW_L_NONE ? writer->logical : reader->logical;
}

static int as_time(const struct lw_node *writer, const struct lw_node *reader) {
    switch (logical_of(writer, reader)) {
    case LW_L_MICROS:
        return LW_AS_MICROS;
    case LW_L_NANOS:
        return LW_AS_NANOS;
    case LW_L_DATE:
        return LW_AS_DAYS;
    case LW_L_MILLIS:
        return LW_AS_MILLIS;
    default: /* a bare long is taken as milliseconds */
        return writer->type == LW_T_LONG ? LW_AS_MILLIS : -1;
    }
}

static int op_of(const struct lw_node *writer, enum lw_logical logical) {
    switch (writer->type) {
    case LW_T_BOOLEAN:
        return LW_OP_BOOLEAN;
    case LW_T_INT:
        return LW_OP_INT;
    case LW_T_LONG:
        return LW_OP_LONG;
    case LW_T_FLOAT:
        return LW_OP_FLOAT;
    case LW_T_DOUBLE:
        return LW_OP_DOUBLE;
    case LW_T_ENUM:
        return LW_OP_ENUM;
    case LW_T_STRING:
        return LW_OP_TEXT;
    case LW_T_BYTES:
        return logical == LW_L_DECIMAL ? LW_OP_DECIMAL : LW_OP_TEXT;
    case LW_T_FIXED:
        return logical == LW_L_DECIMAL ? LW_OP_DECIMAL_FIXED : LW_OP_TEXT_FIXED;
    default:
        return -1;
    }
}

/* Can the kind be had from what that step reads? */
static bool kind_fits(enum lw_kind kind, int op) {
    switch (op) {
    case LW_OP_INT:
    case LW_OP_LONG:
        return true;
    case LW_OP_BOOLEAN:
    case LW_OP_FLOAT:
    case LW_OP_DOUBLE:
        return kind == LW_NUMERIC || kind == LW_CATEGORY;
    case LW_OP_DECIMAL:
    case LW_OP_DECIMAL_FIXED:
        return kind == LW_NUMERIC;
    case LW_OP_ENUM:
    case LW_OP_TEXT:
    case LW_OP_TEXT_FIXED:
        return kind == LW_CATEGORY || kind == LW_TEXT;
    default:
        return false;
    }
}

static int as_of(enum lw_kind kind, const struct lw_node *writer,
                 const struct lw_node *reader) {
    enum lw_logical logical = logical_of(writer, reader);
    bool time = logical >= LW_L_MILLIS && logical <= LW_L_DATE;
    if (kind == LW_TIMESTAMP || (kind == LW_NUMERIC && time))
        return as_time(writer, reader);
    if (kind == LW_CATEGORY &&
        (writer->type == LW_T_FLOAT || writer->type == LW_T_DOUBLE))
        return LW_AS_WHOLE;
    return LW_AS_PLAIN;
}

/* Whether the reader has each symbol, by hash first: enums may have thousands. */
static bool knows_symbol(const struct lw_node *reader, const struct lw_table *symbols,
                         const char *symbol) {
    if (reader->type != LW_T_ENUM)
        return true;
    uint32_t i = lw_table_get(symbols, lw_text_key(symbol, strlen(symbol)));
    return i != LW_TABLE_NONE && strcmp(reader->symbols[i], symbol) == 0;
}

/* Cells of the writer's symbols; one that the reader does not know becomes the reader's
 * default symbol, or a cell that is not present. */
static void add_symbols(struct lw_decoder *d, struct lw_step *step,
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
        if (!knows_symbol(reader, &symbols, symbol))
            symbol = reader->fallback;
        struct lw_cell cell = lw_cell_missing();
        if (symbol)
            cell = lw_cell_text(lw_plan_own(d, symbol, strlen(symbol)), strlen(symbol));
        d->symbol[d->nsymbols++] = cell;
    }
    lw_table_fini(&symbols);
}

/* One step for a writer's type that is no union. 1 when the kind cannot be had. */
static int store_plain(struct lw_compile *c, const struct lw_node *writer,
                       const struct lw_node *reader, uint16_t cell, uint32_t name) {
    const struct lw_node *as_read = match(writer, reader);
    enum lw_kind kind = c->fields->field[cell].kind;
    int op = as_read ? op_of(writer, logical_of(writer, as_read)) : -1;
    int as = op >= 0 && kind_fits(kind, op) ? as_of(kind, writer, as_read) : -1;
    if (as < 0)
        return 1;
    struct lw_step *step = lw_plan_add(c, (enum lw_op)op, name);
    step->as = (uint8_t)as;
    step->cell = cell;
    step->keyed = kind == LW_CATEGORY;
    if (writer->type == LW_T_FIXED)
        step->arg = (uint32_t)writer->n;
    if (op == LW_OP_DECIMAL || op == LW_OP_DECIMAL_FIXED)
        step->scale =
            (uint16_t)(writer->logical == LW_L_DECIMAL ? writer->scale : as_read->scale);
    if (op == LW_OP_ENUM)
        add_symbols(c->d, step, writer, as_read);
    return 0;
}

/* A union of several types: each branch its own steps, each ending past the last. A
 * branch that cannot be had leaves the cell missing. */
static int store_union(struct lw_compile *c, const struct lw_node *writer,
                       const struct lw_node *reader, uint16_t cell, uint32_t name) {
    struct lw_decoder *d = c->d;
    size_t first = d->njumps, usable = 0;
    struct lw_step *branch = lw_plan_add(c, LW_OP_BRANCH, name);
    branch->arg = (uint32_t)first;
    branch->n = (uint32_t)writer->n;
    d->njumps += writer->n;
    d->jump = lw_realloc(d->jump, d->njumps, sizeof *d->jump);
    size_t from = d->nsteps;
    for (size_t i = 0; i < writer->n; i++) {
        d->jump[first + i] = (uint32_t)d->nsteps;
        if (store_plain(c, writer->kids[i], reader, cell, name) == 0)
            usable++;
        else
            lw_plan_skip(c, writer->kids[i], name);
        lw_plan_add(c, LW_OP_JUMP, name);
    }
    for (size_t i = from; i < d->nsteps; i++)
        if (d->step[i].op == LW_OP_JUMP)
            d->step[i].arg = (uint32_t)d->nsteps;
    return usable > 0 ? 0 : 1;
}

static int refuse(struct lw_compile *c, const struct lw_node *writer,
                  const struct lw_node *reader, uint16_t cell) {
    const struct lw_field *field = &c->fields->field[cell];
    return lw_fail(c->err, LW_ECONFIG,
                   "field \"%s\": a %s cannot be had from type %s%s%s", field->name,
                   lw_kind_name(field->kind), lw_type_name(lw_node_strip(writer)->type),
                   writer == reader ? "" : " as the reader's ",
                   writer == reader ? "" : lw_type_name(lw_node_strip(reader)->type));
}

int lw_plan_store(struct lw_compile *c, const struct lw_node *writer,
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
    return rc == 0 ? 0 : refuse(c, writer, reader, cell);
}
