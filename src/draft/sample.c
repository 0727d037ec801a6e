/* See sample.h. The sample of rows is Vitter's algorithm R: row i replaces one of the
 * kept rows with probability cap / i. */
#include "draft/sample.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "event/decoder.h"
#include "event/node.h"

#define DEPTH_MAX  4 /* of records in records */
#define LAG_K      1024
#define TIME_BYTES 40 /* a longer text is no time */
/* Seconds since 1970 in 1990: smaller numbers are no times in any unit. */
#define TIME_LEAST 631152000.0

struct schema_walk {
    struct lw_draft_sample *s;
    const struct lw_schema *schema;
};

static void add_skipped(struct lw_draft_sample *s, const char *name, const char *why) {
    s->skipped = lw_realloc(s->skipped, s->nskipped + 1, sizeof *s->skipped);
    struct lw_draft_skipped *skipped = &s->skipped[s->nskipped++];
    lw_copy(skipped->name, sizeof skipped->name, name);
    skipped->why = why;
}

/* The type of a plain value, or -1. */
static int type_of(const struct lw_node *node) {
    static const int types[] = {
        [LW_T_NULL] = -1,
        [LW_T_BOOLEAN] = LW_DRAFT_FLAG,
        [LW_T_INT] = LW_DRAFT_WHOLE,
        [LW_T_LONG] = LW_DRAFT_WHOLE,
        [LW_T_FLOAT] = LW_DRAFT_REAL,
        [LW_T_DOUBLE] = LW_DRAFT_REAL,
        [LW_T_BYTES] = LW_DRAFT_WORD,
        [LW_T_STRING] = LW_DRAFT_WORD,
        [LW_T_RECORD] = -1,
        [LW_T_ENUM] = LW_DRAFT_WORD,
        [LW_T_FIXED] = LW_DRAFT_WORD,
        [LW_T_ARRAY] = -1,
        [LW_T_MAP] = -1,
        [LW_T_UNION] = -1,
    };
    switch (node->logical) {
    case LW_L_MILLIS:
    case LW_L_MICROS:
    case LW_L_NANOS:
        return LW_DRAFT_TIME;
    case LW_L_DATE:
        return LW_DRAFT_DATE;
    case LW_L_DECIMAL:
        return LW_DRAFT_REAL;
    case LW_L_SPAN:
        return node->type == LW_T_FIXED ? -1 : LW_DRAFT_REAL;
    default:
        return types[node->type];
    }
}

static enum lw_kind kind_read(enum lw_draft_type type) {
    return type == LW_DRAFT_REAL                            ? LW_NUMERIC
           : type == LW_DRAFT_TIME || type == LW_DRAFT_DATE ? LW_TIMESTAMP
                                                            : LW_CATEGORY;
}

static bool can_be_read(const struct lw_schema *schema, const char *name,
                        enum lw_kind kind) {
    struct lw_fields one = {0};
    struct lw_err why = {0};
    if (lw_fields_add(&one, name, kind, false, &why) < 0)
        return false;
    struct lw_decoder *d = lw_decoder_new_avro(schema, schema, &one, &why);
    lw_decoder_free(d);
    return d != NULL;
}

static void add_column(struct schema_walk *w, const char *name,
                       const struct lw_node *node, bool nullable) {
    struct lw_draft_sample *s = w->s;
    int type = type_of(node);
    if (type < 0) {
        add_skipped(s, name, "not a plain value");
    } else if (s->n == LW_DRAFT_COLUMNS) {
        add_skipped(s, name, "the schema has too many fields");
    } else if (!can_be_read(w->schema, name, kind_read((enum lw_draft_type)type))) {
        add_skipped(s, name, "cannot be read");
    } else {
        s->column = lw_realloc(s->column, s->n + 1, sizeof *s->column);
        struct lw_draft_column *c = &s->column[s->n++];
        *c = (struct lw_draft_column){.type = (enum lw_draft_type)type,
                                      .nullable = nullable,
                                      .local = node->local,
                                      .distinct = lw_hll_new()};
        lw_copy(c->name, sizeof c->name, name);
        if (type != LW_DRAFT_REAL && type != LW_DRAFT_FLAG) {
            c->clock = lw_calloc(1, sizeof *c->clock);
            c->clock->lag = lw_kll_new(LAG_K, 0);
        }
    }
}

static void walk_record(struct schema_walk *w, const struct lw_node *record,
                        const char *prefix, int depth, bool nullable) {
    for (size_t i = 0; i < record->n; i++) {
        const struct lw_node *written = record->fields[i].type;
        const struct lw_node *node = lw_node_strip(written);
        char path[512];
        bool null = nullable || node != written;
        int len = snprintf(path, sizeof path, "%s%s%s", prefix, *prefix ? "." : "",
                           record->fields[i].name);
        if (len >= LW_NAME_MAX)
            add_skipped(w->s, path, "its name is too long");
        else if (node->type == LW_T_RECORD && depth < DEPTH_MAX)
            walk_record(w, node, path, depth + 1, null);
        else
            add_column(w, path, node, null);
    }
}

struct lw_draft_sample *lw_draft_sample_new(const struct lw_schema *schema,
                                            uint64_t seed) {
    struct lw_draft_sample *s = lw_calloc(1, sizeof *s);
    struct schema_walk w = {s, schema};
    walk_record(&w, schema->top, "", 0, false);
    lw_rng_seed(&s->rng, seed);
    size_t most = s->n ? LW_DRAFT_CELLS / s->n : 0;
    s->cap = most < LW_DRAFT_ROWS ? most : LW_DRAFT_ROWS;
    s->cell = lw_calloc(s->cap * s->n + 1, sizeof *s->cell);
    return s;
}

void lw_draft_sample_free(struct lw_draft_sample *s) {
    if (!s)
        return;
    for (size_t i = 0; i < s->n; i++) {
        lw_hll_free(s->column[i].distinct);
        if (s->column[i].clock)
            lw_kll_free(s->column[i].clock->lag);
        free(s->column[i].clock);
    }
    free(s->column);
    free(s->skipped);
    free(s->cell);
    free(s);
}

void lw_draft_sample_fields(const struct lw_draft_sample *s, size_t first,
                            struct lw_fields *out) {
    *out = (struct lw_fields){0};
    for (size_t i = first; i < s->n && out->n < LW_FIELDS_MAX; i++)
        lw_assert(lw_fields_add(out, s->column[i].name, kind_read(s->column[i].type),
                                false, NULL) >= 0);
}

int lw_draft_sample_find(const struct lw_draft_sample *s, const char *name) {
    for (size_t i = 0; i < s->n; i++)
        if (strcmp(s->column[i].name, name) == 0)
            return (int)i;
    return -1;
}

/* A cell's number; the time that a text says, or NAN. */
static double number_of(struct lw_draft_column *c, const struct lw_cell *cell) {
    int64_t ms;
    if (!cell->present)
        return NAN;
    if (!cell->text)
        return cell->num;
    if (cell->len < 10 || cell->len > TIME_BYTES || cell->text[4] != '-' ||
        !lw_parse_instant(cell->text, cell->len, NULL, &ms))
        return NAN;
    c->times++;
    return (double)ms;
}

static double column_add(struct lw_draft_column *c, const struct lw_cell *cell) {
    double v = number_of(c, cell);
    if (cell->present)
        c->present++;
    else
        c->missing++;
    if (cell->present && c->type == LW_DRAFT_REAL)
        lw_hll_add_text(c->distinct, (const char *)&cell->num, sizeof cell->num);
    else
        lw_hll_add(c->distinct, cell);
    if (c->clock && v >= TIME_LEAST)
        lw_draft_clock_add(c->clock, v);
    return v;
}

/* Where the row goes, or NULL. */
static struct lw_draft_cell *row_place(struct lw_draft_sample *s) {
    uint64_t at = s->events++;
    if (s->rows < s->cap)
        at = s->rows++;
    else if (s->cap > 0)
        at = lw_rng_below(&s->rng, at + 1);
    return at < s->cap ? s->cell + at * s->n : NULL;
}

void lw_draft_sample_add(struct lw_draft_sample *s, const struct lw_cell *cells) {
    struct lw_draft_cell *row = row_place(s);
    for (size_t i = 0; i < s->n; i++) {
        double v = column_add(&s->column[i], &cells[i]);
        if (row)
            row[i] =
                (struct lw_draft_cell){v, cells[i].present ? cells[i].key : UINT64_MAX};
    }
}
