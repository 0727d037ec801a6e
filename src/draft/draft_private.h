/* Shared by the files of draft/. */
#ifndef LW_DRAFT_DRAFT_PRIVATE_H
#define LW_DRAFT_DRAFT_PRIVATE_H

#include "draft/draft.h"

/* ---- values of the sample ---- */

/* Milliseconds in a unit of a timestamp's numbers. */
double lw__draft_unit_ms(enum lw_unit unit);
/* A column's number in a row; a timestamp's in milliseconds. NAN: missing. */
double lw__draft_value(const struct lw_draft *d, size_t column, size_t row);
/* All present values of a column, sorted; *n of them. free() the result. */
double *lw__draft_sorted(const struct lw_draft *d, size_t column, size_t *n);
/* Quantile of sorted values; NAN if there are none. */
double lw__draft_quantile(const double *sorted, size_t n, double rank);
/* Quantiles and plausible range of sorted values. */
struct lw_draft_range lw__draft_range_of(const double *sorted, size_t n);
/* Minutes from one timestamp to another in each row; free() the result. */
double *lw__draft_minutes(const struct lw_draft *d, size_t from, size_t to);
/* A column's values, one for each row; free() the result. */
double *lw__draft_values(const struct lw_draft *d, size_t column);

/* ---- relations between values ---- */

/* Correlation of the rows in which both are known, each limited to its middle 99.8 %. */
double lw__draft_correlation(const double *a, const double *b, size_t n);

/* A grouping of the rows of the sample: a key for each. */
struct lw_draft_levels {
    size_t n;        /* groups with a usable target */
    double effect;   /* share of the target's variance between them, adjusted for n */
    double in_large; /* share of the rows in groups of at least 8 events */
};
struct lw_draft_levels lw__draft_levels_of(const struct lw_draft *d, const uint64_t *key);
/* Keys of the rows: a category's; the tenth of a number; free() the result. */
uint64_t *lw__draft_keys(const struct lw_draft *d, size_t column);
uint64_t *lw__draft_tenths(const struct lw_draft *d, size_t column);
/* Hour, day of the week, hour of the week of a timestamp. */
enum lw_draft_part { LW_DRAFT_HOUR, LW_DRAFT_WEEKDAY, LW_DRAFT_HOUR_OF_WEEK };
uint64_t *lw__draft_calendar(const struct lw_draft *d, size_t column,
                             enum lw_draft_part part);

/* ---- names ---- */

/* One of the space-separated words is a part of the name ("trip_id", "VendorID": id);
 * its position in the list, or -1. */
int lw__draft_named(const char *name, const char *words);
/* The same for the last part alone. */
bool lw__draft_named_last(const char *name, const char *words);
/* The feature language and names of features can express it. */
bool lw__draft_name_fits(const char *name);
/* A configuration can contain it at all, as a quoted key. */
bool lw__draft_name_writable(const char *name);

/* ---- the steps, in this order; -1 with err ---- */

/* Whether a column's values are times, and in which unit. */
void lw__draft_find_times(struct lw_draft *d);
int lw__draft_choose_time(struct lw_draft *d, const char *wish, struct lw_err *err);
int lw__draft_choose_id(struct lw_draft *d, const char *wish, struct lw_err *err);
int lw__draft_choose_target(struct lw_draft *d, const struct lw_draft_wishes *wishes,
                            struct lw_err *err);
/* Roles of the other columns. */
void lw__draft_choose_kinds(struct lw_draft *d);
void lw__draft_leave_out_leaks(struct lw_draft *d);
void lw__draft_limit_fields(struct lw_draft *d);
void lw__draft_find_pace(struct lw_draft *d);
void lw__draft_find_terms(struct lw_draft *d);

/* A column that a wish names, or -1 with the nearest name. */
int lw__draft_wished(const struct lw_draft *d, const char *option, const char *name,
                     struct lw_err *err);
/* Sets role and reason. */
void lw__draft_set(struct lw_draft *d, size_t column, enum lw_draft_role role,
                   const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* ---- writing ---- */

/* One line of YAML with a comment: behind it where both are short, else above it. The
 * comment may be empty, or hold any names. */
void lw__draft_write_line(struct lw_buf *out, const char *line, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* A heading between the parts of the file. */
void lw__draft_write_heading(struct lw_buf *out, const char *text);
/* A name as a YAML scalar: plain where every reader takes it for text, else quoted. */
struct lw_draft_scalar {
    char text[LW_NAME_MAX * 2 + 3];
};
struct lw_draft_scalar lw__draft_scalar(const char *name);
void lw__draft_write_events(const struct lw_draft *d, struct lw_buf *out);
void lw__draft_write_policy(const struct lw_draft *d, struct lw_buf *out);

#endif
