/* The parts of `leeway evaluate`: predicted rows, error by group, the plot. */
#ifndef LW_CLI_EVALUATE_H
#define LW_CLI_EVALUATE_H

#include "cli/input.h"
#include "core/losses.h"
#include "leeway/categories.h"

struct lw_evaluate_row { /* one row */
    double target, prediction;
    int32_t month;    /* year * 12 + month - 1 */
    uint32_t segment; /* index of its group, with --by */
    double number;    /* value of a numeric --by; NAN when missing */
    uint64_t key;     /* value of a categorical --by */
    bool present;
};

struct lw_evaluate_rows {
    const struct lw_task *task; /* set by the caller */
    struct lw_evaluate_row *row;
    size_t n, cap;
    int64_t from_ms, until_ms; /* event times seen */
};
#define LW_DECILES 10
/* Sorts the values, sets the distinct upper ends of their deciles, and returns how many
 * there are. */
size_t lw_evaluate_deciles(double *value, size_t n, double edge[LW_DECILES]);
/* "<= 2.5", then "2.5 to 4". */
char *lw_evaluate_decile_name(char *out, size_t size, const double *edge, size_t g);
/* Compiles a feature's name or any expression of the feature language; NULL: an error. */
struct lw_plan *lw_evaluate_plan(const struct lw_spec *spec, const char *text,
                                 enum lw_kind *kind, struct lw_err *err);
/* Sorts groups of `size` bytes each: at most 31 that all have a natural order by it,
 * others by their share of the loss, largest first. */
struct lw_evaluate_rank {
    double order; /* NAN: none */
    double loss;
};
typedef struct lw_evaluate_rank lw_evaluate_rank_fn(const void *group);
void lw_evaluate_sort(void *groups, size_t n, size_t size, lw_evaluate_rank_fn *rank);
void lw_evaluate_rows_add(struct lw_evaluate_rows *rows,
                          const struct lw_evaluate_row *row);

/* One line of a table. */
struct lw_evaluate_figures {
    char name[160];
    double order; /* NAN for groups without a natural order */
    struct lw_losses losses;
    double se[LW_TASK_FIGURES_MAX]; /* of the task's figures; NAN: none */
};
/* Groups of rows: all[0]; by month, in order; by segment. Free with
 * lw_evaluate_groups_fini. */
struct lw_evaluate_groups {
    struct lw_evaluate_figures all, *month, *segment;
    size_t nmonths, nsegments;
};
/* The value of --by. */
struct lw_evaluate_by {
    const char *text; /* as given; NULL: no --by */
    enum lw_kind kind;
    struct lw_cats *texts; /* of a categorical one; owned by the caller */
};
void lw_evaluate_group(struct lw_evaluate_rows *rows, const struct lw_evaluate_by *by,
                       struct lw_evaluate_groups *out);
void lw_evaluate_groups_fini(struct lw_evaluate_groups *m);

/* Appends a self-contained SVG: predictions against actual values as a density of
 * hexagons, and both distributions. */
struct lw_evaluate_plot {
    const char *title, *target; /* "minutes", or the target's field */
    double lo, hi;              /* the target's range; may be infinite */
    const struct lw_evaluate_figures *all;
};
void lw_evaluate_plot_draw(const struct lw_evaluate_rows *rows,
                           const struct lw_evaluate_plot *plot, struct lw_buf *out);

#endif
