/* The parts of `leeway evaluate`: rows with their predictions, figures by group, the
 * picture. */
#ifndef LW_CLI_EVALUATE_H
#define LW_CLI_EVALUATE_H

#include "cli/offline.h"
#include "leeway/categories.h"
#include "leeway/errors.h"

struct lw_judged { /* one row */
    double target, prediction;
    int32_t month;    /* year * 12 + month - 1 */
    uint32_t segment; /* index of a group; meaningless without --by */
    double number;    /* value of a numeric --by; NAN when missing */
    uint64_t key;     /* of a categorical one */
    bool present;
};

struct lw_judged_rows {
    struct lw_judged *row;
    size_t n, cap;
    int64_t from_ms, until_ms; /* event times seen */
};
#define LW_DECILES 10
/* Sorts the values; fills the upper ends of their deciles, equal ones once, and returns
 * how many there are. */
size_t lw_deciles(double *value, size_t n, double edge[LW_DECILES]);
/* "<= 2.5", then "2.5 to 4". */
char *lw_decile_name(char *out, size_t size, const double *edge, size_t g);
void lw_judged_push(struct lw_judged_rows *rows, const struct lw_judged *row);

/* One line of a table. */
struct lw_figures {
    char name[160];
    double order; /* groups with a natural order are shown in it; else NAN */
    struct lw_errors errors;
    double r2_se;
};
/* Groups of rows: all[0]; by month, in order; by segment. Free with
 * lw_measures_fini. */
struct lw_measures {
    struct lw_figures all, *month, *segment;
    size_t nmonths, nsegments;
};
/* What --by splits by. */
struct lw_by {
    const char *text; /* as given; NULL: nothing */
    enum lw_kind kind;
    struct lw_cats *texts; /* of a categorical one; owned by the caller */
};
void lw_measure(struct lw_judged_rows *rows, const struct lw_by *by,
                struct lw_measures *out);
void lw_measures_fini(struct lw_measures *m);

/* The picture: prediction against truth as a density of hexagons, and both distributions,
 * as a self-contained SVG. Appended to out. */
struct lw_plot {
    const char *title, *target; /* "minutes", or the target's field */
    double lo, hi;              /* the target's range; may be infinite */
    const struct lw_figures *all;
};
void lw_plot_draw(const struct lw_judged_rows *rows, const struct lw_plot *plot,
                  struct lw_buf *out);

#endif
