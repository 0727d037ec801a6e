/* The parts of `leeway evaluate`: rows with their predictions, figures by group, the
 * picture. */
#ifndef LW_CLI_EVALUATE_H
#define LW_CLI_EVALUATE_H

#include "cli/input.h"
#include "leeway/categories.h"
#include "leeway/errors.h"

struct lw_evaluate_row { /* one row */
    double target, prediction;
    int32_t month;    /* year * 12 + month - 1 */
    uint32_t segment; /* index of a group; meaningless without --by */
    double number;    /* value of a numeric --by; NAN when missing */
    uint64_t key;     /* of a categorical one */
    bool present;
};

struct lw_evaluate_rows {
    struct lw_evaluate_row *row;
    size_t n, cap;
    int64_t from_ms, until_ms; /* event times seen */
};
#define LW_DECILES 10
/* Sorts the values; fills the upper ends of their deciles, equal ones once, and returns
 * how many there are. */
size_t lw_evaluate_deciles(double *value, size_t n, double edge[LW_DECILES]);
/* "<= 2.5", then "2.5 to 4". */
char *lw_evaluate_decile_name(char *out, size_t size, const double *edge, size_t g);
void lw_evaluate_rows_add(struct lw_evaluate_rows *rows,
                          const struct lw_evaluate_row *row);

/* One line of a table. */
struct lw_evaluate_figures {
    char name[160];
    double order; /* groups with a natural order are shown in it; else NAN */
    struct lw_errors errors;
    double r2_se;
};
/* Groups of rows: all[0]; by month, in order; by segment. Free with
 * lw_evaluate_groups_fini. */
struct lw_evaluate_groups {
    struct lw_evaluate_figures all, *month, *segment;
    size_t nmonths, nsegments;
};
/* What --by splits by. */
struct lw_evaluate_by {
    const char *text; /* as given; NULL: nothing */
    enum lw_kind kind;
    struct lw_cats *texts; /* of a categorical one; owned by the caller */
};
void lw_evaluate_group(struct lw_evaluate_rows *rows, const struct lw_evaluate_by *by,
                       struct lw_evaluate_groups *out);
void lw_evaluate_groups_fini(struct lw_evaluate_groups *m);

/* The picture: prediction against truth as a density of hexagons, and both distributions,
 * as a self-contained SVG. Appended to out. */
struct lw_evaluate_plot {
    const char *title, *target; /* "minutes", or the target's field */
    double lo, hi;              /* the target's range; may be infinite */
    const struct lw_evaluate_figures *all;
};
void lw_evaluate_plot_draw(const struct lw_evaluate_rows *rows,
                           const struct lw_evaluate_plot *plot, struct lw_buf *out);

#endif
