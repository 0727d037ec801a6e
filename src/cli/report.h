/* The parts of `leeway report`: reading two sides, comparing them, writing the result.
 *
 * Sides come from Avro files with a configuration, from Avro files alone (columns are
 * derived from their schema), or from Redis (a live window and its champion's reference).
 * Reading produces one summary for each column and side; everything else uses those. */
#ifndef LW_CLI_REPORT_H
#define LW_CLI_REPORT_H

#include "cli/input.h"
#include "core/losses.h"
#include "core/reference.h"
#include "core/spec.h"
#include "leeway/drift.h"
#include "leeway/fault.h"

enum { LW_REF, LW_CUR, LW_SIDES };

#define LW_REPORT_COLUMNS (LW_FIELDS_MAX + 2)
/* KLL size for files: a histogram of 48 bars needs ranks within a thousandth. */
#define LW_REPORT_K 4096

/* Rows for error by segment: values of the features, target, prediction. A value is a
 * number's bits or a category's key. */
struct lw_report_rows {
    size_t n, cap, width;
    double *target, *prediction;
    uint64_t *value;
    uint8_t *present;
};

struct lw_report_side {
    char **files;
    size_t nfiles;
    struct lw_input_tally tally;
    struct lw_kll *times; /* of events; NULL without any */
    struct lw_losses errors;
    struct lw_report_rows rows;
    struct lw_profile *profile, *scores; /* owned */
    struct lw_reference *reference;      /* owned: from Redis */
    struct lw_match match;               /* of the reference with the window */
    struct lw_windows *windows;          /* owned: from Redis */
    struct lw_pane *pane;                /* borrowed from windows */
    int64_t from_ms, until_ms;
};

/* A category whose share changed. */
struct lw_report_category {
    char name[LW_CATS_TEXT_MAX + 1];
    uint64_t n[LW_SIDES];
    double share[LW_SIDES];
    double z; /* of equal shares */
};

struct lw_report_column {
    struct lw_column column;
    struct lw_member *member[LW_SIDES]; /* borrowed */
    struct lw_member
        *seen; /* whose categories are not new: the reference, or what it is a
                               part of; borrowed */
    struct lw_drift drift;
    struct lw_statistic *statistic; /* by row of the table of metrics; owned */
    struct lw_fault fault;
    /* Categories whose shares differ beyond chance, largest change first. */
    struct lw_report_category *changed; /* owned */
    size_t nchanged, appeared, vanished;
};

struct lw_report_segment {
    char column[LW_NAME_MAX], name[96];
    struct lw_losses errors[LW_SIDES];
    double excess; /* contribution to the change of the mean loss */
};

struct lw_report {
    const struct lw_config *config; /* or NULL */
    struct lw_column *columns;      /* columns created by the report; owned */
    struct lw_report_side side[LW_SIDES];
    char model[LW_NAME_MAX + 40];
    bool approximate; /* from a window's sketches: fewer bars in histograms */
    struct lw_drift_options options;
    double rows; /* that a reference's parts rest on; else INFINITY */
    size_t n;
    struct lw_report_column *column; /* by effect, largest first; owned */
    size_t nsegments;
    struct lw_report_segment *segment; /* by excess, largest first; owned */
    json_t *left_out;                  /* [{column, why}] */
    json_t *schema;                    /* [text]: changes */
    json_t *widths;                    /* [text]: notes on changed widths of numbers */
    size_t drifted, shifted, faulty, insufficient;
};

struct lw_report *lw_report_new(const struct lw_config *config);
void lw_report_free(struct lw_report *r);

/* ---- reading; each leaves r->column with names and members, in order of columns ---- */

int lw_report_read_configured(struct lw_report *r, const struct lw_model *model,
                              struct lw_err *err);
int lw_report_read_plain(struct lw_report *r, struct lw_err *err);
int lw_report_read_window(struct lw_report *r, const char *window, struct lw_err *err);
/* Adds a column over the two members of profiles at index i. */
void lw_report_add_column(struct lw_report *r, const struct lw_column *column,
                          struct lw_member *ref, struct lw_member *cur);
/* Reads the schemas of the first files (the caller frees them) and adds their differences
 * to r->schema and r->widths. */
int lw_report_schemas(struct lw_report *r, json_t **reference, json_t **current,
                      struct lw_err *err);

/* ---- comparing ---- */

/* Finds drift, faults and changed categories; sorts the columns. */
void lw_report_compare(struct lw_report *r);
/* Error by segment of every feature; needs columns in the order of the rows' values. */
void lw_report_segments(struct lw_report *r);
bool lw_report_met(const struct lw_report *r); /* drift, fault or schema change */

/* ---- writing ---- */

json_t *lw_report_json(struct lw_report *r);
void lw_report_print(struct lw_report *r, FILE *out);
void lw_report_html(struct lw_report *r, struct lw_buf *out);
/* The picture of a column, as inline SVG. */
void lw_report_chart(const struct lw_report *r, const struct lw_report_column *c,
                     struct lw_buf *out);
/* "2020-03-01 to 2020-03-31" (the middle 99.8 % of times), or "". */
char *lw_report_span(const struct lw_report *r, const struct lw_report_side *side,
                     char *out, size_t size);
/* Sentences on drift, faults, the schema and the error. */
void lw_report_headline(const struct lw_report *r, char *out, size_t size);

#endif
