/* What is kept of the events that a configuration is drafted from.
 *
 * Every event updates a few sketches for each field (distinct values, order of arrival),
 * and a uniform random sample of rows is kept for what compares fields with each other.
 * Memory is bounded whatever the number of events: LW_DRAFT_CELLS cells, and some KiB for
 * each field. The same events and seed give the same sample. */
#ifndef LW_DRAFT_SAMPLE_H
#define LW_DRAFT_SAMPLE_H

#include "base/rng.h"
#include "event/schema.h"
#include "leeway/distinct.h"
#include "leeway/kll.h"

#define LW_DRAFT_COLUMNS 512     /* fields that are read; the others are left out */
#define LW_DRAFT_ROWS    32768   /* in the sample, at most */
#define LW_DRAFT_CELLS   2097152 /* in the sample, at most */
#define LW_DRAFT_CROWD   16      /* event times that a lag is measured against */

/* How the schema describes a field. */
enum lw_draft_type {
    LW_DRAFT_REAL,  /* float, double, decimal, a time of day */
    LW_DRAFT_WHOLE, /* int, long */
    LW_DRAFT_WORD,  /* string, enum, bytes, uuid */
    LW_DRAFT_FLAG,  /* boolean */
    LW_DRAFT_TIME,  /* a long with the logical type of an instant */
    LW_DRAFT_DATE
};

/* How far events lie behind those that arrived just before them: the median of the latest
 * 16 values less the event's own, so that a few wrong times do no harm. */
struct lw_draft_clock {
    uint32_t n, at;
    double latest[LW_DRAFT_CROWD]; /* in order of arrival */
    double sorted[LW_DRAFT_CROWD];
    struct lw_kll *lag;
};
void lw_draft_clock_add(struct lw_draft_clock *c, double v);

struct lw_draft_column {
    char name[LW_NAME_MAX];
    enum lw_draft_type type;
    bool nullable;             /* by the schema */
    bool local;                /* a time of local clocks, by the schema */
    uint64_t present, missing; /* values */
    uint64_t times;            /* texts that are times in ISO 8601 */
    struct lw_hll *distinct;
    struct lw_draft_clock *clock; /* NULL: cannot be a time */
};

/* A cell of the sample: a number (a time as text: milliseconds), NAN if missing; and the
 * key of a category. */
struct lw_draft_cell {
    double num;
    uint64_t key;
};

struct lw_draft_skipped {
    char name[LW_NAME_MAX];
    const char *why;
};

struct lw_draft_sample {
    size_t n; /* columns */
    struct lw_draft_column *column;
    size_t nskipped; /* fields that cannot be read */
    struct lw_draft_skipped *skipped;
    uint64_t events;
    size_t rows, cap; /* in the sample */
    struct lw_draft_cell *cell;
    struct lw_rng rng;
};

/* Columns from the fields of a record and of the records in it ("a.b"). */
struct lw_draft_sample *lw_draft_sample_new(const struct lw_schema *schema,
                                            uint64_t seed);
void lw_draft_sample_free(struct lw_draft_sample *s);
/* The fields to decode for the columns from `first` on, at most LW_FIELDS_MAX of them. A
 * whole number is read as a category, whose cell has both number and key. */
void lw_draft_sample_fields(const struct lw_draft_sample *s, size_t first,
                            struct lw_fields *out);
/* One event: a cell for each column. */
void lw_draft_sample_add(struct lw_draft_sample *s, const struct lw_cell *cells);
/* The index of a column, or -1. */
int lw_draft_sample_find(const struct lw_draft_sample *s, const char *name);

static inline const struct lw_draft_cell *
lw_draft_sample_row(const struct lw_draft_sample *s, size_t row) {
    return s->cell + row * s->n;
}

#endif
