/* Error by group for `leeway evaluate`.
 *
 * The figures are the task's (core/task.h). A standard error that needs the rows follows
 * from the influence psi of one row on the figure, SE = sqrt(mean(psi^2) / n).
 *
 * Numbers are grouped by their deciles (equal values stay together); categories have one
 * group for each level. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/sort.h"
#include "cli/evaluate.h"
#include "cli/svg.h"

#define NO_VALUE UINT32_MAX

void lw_evaluate_rows_add(struct lw_evaluate_rows *rows,
                          const struct lw_evaluate_row *row) {
    if (rows->n == rows->cap) {
        rows->cap = rows->cap ? 2 * rows->cap : 4096;
        rows->row = lw_realloc(rows->row, rows->cap, sizeof *rows->row);
    }
    rows->row[rows->n++] = *row;
}

/* Returns the group of a row. */
typedef uint32_t pick_group(const struct lw_evaluate_row *row, int32_t first);

static uint32_t pick_all(const struct lw_evaluate_row *row, int32_t first) {
    (void)row;
    (void)first;
    return 0;
}

static uint32_t pick_month(const struct lw_evaluate_row *row, int32_t first) {
    return (uint32_t)(row->month - first);
}

static uint32_t pick_segment(const struct lw_evaluate_row *row, int32_t first) {
    (void)first;
    return row->segment;
}

/* Of figure k. */
static void standard_errors(const struct lw_evaluate_rows *rows, pick_group *pick,
                            int32_t first, size_t k, struct lw_evaluate_figures *group,
                            size_t ngroups) {
    const struct lw_task_figure *f = &rows->task->figure[k];
    for (size_t i = 0; i < rows->n && f->influence; i++) {
        const struct lw_evaluate_row *r = &rows->row[i];
        struct lw_evaluate_figures *g = &group[pick(r, first)];
        double psi = f->influence(&g->losses, r->target, r->prediction);
        g->se[k] += psi * psi;
    }
    for (size_t i = 0; i < ngroups; i++) {
        struct lw_evaluate_figures *g = &group[i];
        double n = (double)g->losses.n;
        g->se[k] = f->se                   ? f->se(&g->losses)
                   : f->influence && n > 2 ? sqrt(g->se[k] / n / n)
                                           : NAN;
    }
}

static void figures_fill(const struct lw_evaluate_rows *rows, pick_group *pick,
                         int32_t first, struct lw_evaluate_figures *group,
                         size_t ngroups) {
    for (size_t i = 0; i < rows->n; i++) {
        const struct lw_evaluate_row *r = &rows->row[i];
        lw_losses_add(&group[pick(r, first)].losses, rows->task, r->target,
                      r->prediction);
    }
    for (size_t k = 0; k < LW_TASK_FIGURES_MAX && rows->task->figure[k].key; k++)
        standard_errors(rows, pick, first, k, group, ngroups);
}

/* ---- months ---- */

static int compare_i32(const void *a, const void *b) {
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

/* Real files contain stray rows of 2009 or 2041, so groups are created only for months
 * that occur. */
static void group_by_month(struct lw_evaluate_rows *rows,
                           struct lw_evaluate_groups *out) {
    int32_t *seen = lw_calloc(rows->n ? rows->n : 1, sizeof *seen);
    size_t n = 0;
    for (size_t i = 0; i < rows->n; i++)
        if (i == 0 || rows->row[i].month != rows->row[i - 1].month)
            seen[n++] = rows->row[i].month;
    qsort(seen, n, sizeof *seen, compare_i32);
    size_t unique = 0;
    for (size_t i = 0; i < n; i++)
        if (i == 0 || seen[i] != seen[i - 1])
            seen[unique++] = seen[i];
    out->month = lw_calloc(unique ? unique : 1, sizeof *out->month);
    out->nmonths = unique;
    for (size_t i = 0; i < unique; i++) {
        snprintf(out->month[i].name, sizeof out->month[i].name, "%04d-%02d", seen[i] / 12,
                 seen[i] % 12 + 1);
        out->month[i].order = seen[i];
    }
    for (size_t i = 0; i < rows->n; i++) { /* month becomes the group's index */
        const int32_t *at =
            bsearch(&rows->row[i].month, seen, unique, sizeof *seen, compare_i32);
        rows->row[i].month = (int32_t)(at - seen);
    }
    figures_fill(rows, pick_month, 0, out->month, out->nmonths);
    free(seen);
}

/* ---- segments ---- */

size_t lw_evaluate_deciles(double *value, size_t n, double edge[LW_DECILES]) {
    size_t nedges = 0;
    lw_sort_f64(value, n);
    for (size_t g = 1; n && g <= LW_DECILES; g++) {
        double v = value[(n * g - 1) / LW_DECILES];
        if (nedges == 0 || v > edge[nedges - 1])
            edge[nedges++] = v;
    }
    return nedges;
}

char *lw_evaluate_decile_name(char *out, size_t size, const double *edge, size_t g) {
    char hi[32];
    if (g > 0)
        return lw_svg_range(out, size, edge[g - 1], edge[g]);
    snprintf(out, size, "<= %s", lw_svg_number(hi, sizeof hi, edge[g]));
    return out;
}

struct lw_plan *lw_evaluate_plan(const struct lw_spec *spec, const char *text,
                                 enum lw_kind *kind, struct lw_err *err) {
    const char *expression = text;
    for (size_t i = 0; i < spec->nfeatures; i++)
        if (strcmp(spec->feature[i].name, text) == 0)
            expression = lw_plan_atom_text(spec->watch, (size_t)spec->feature_atom[i]);
    struct lw_plan *plan = lw_spec_plan(spec);
    int atom = lw_plan_atom(plan, expression, err);
    if (atom >= 0 && lw_plan_atoms(plan) == 1) {
        *kind = lw_plan_atom_kind(plan, (size_t)atom);
        return plan;
    }
    if (atom >= 0)
        lw_fail(err, LW_ECONFIG, "%s: must have exactly one value for each row", text);
    lw_plan_free(plan);
    return NULL;
}

static size_t present_deciles(const struct lw_evaluate_rows *rows,
                              double edge[LW_DECILES]) {
    double *value = lw_malloc((rows->n + 1) * sizeof *value);
    size_t n = 0;
    for (size_t i = 0; i < rows->n; i++)
        if (rows->row[i].present)
            value[n++] = rows->row[i].number;
    n = lw_evaluate_deciles(value, n, edge);
    free(value);
    return n;
}

static void name_missing(struct lw_evaluate_figures *group,
                         const struct lw_evaluate_rows *rows, size_t at) {
    snprintf(group[at].name, sizeof group[at].name, "(missing)");
    group[at].order = INFINITY;
    for (size_t i = 0; i < rows->n; i++)
        if (rows->row[i].segment == NO_VALUE)
            rows->row[i].segment = (uint32_t)at;
}

static void group_by_decile(struct lw_evaluate_rows *rows,
                            struct lw_evaluate_groups *out) {
    double edge[LW_DECILES];
    size_t n = present_deciles(rows, edge);
    out->segment = lw_calloc(n + 1, sizeof *out->segment);
    out->nsegments = n + 1;
    for (size_t g = 0; g < n; g++) {
        lw_evaluate_decile_name(out->segment[g].name, sizeof out->segment[g].name, edge,
                                g);
        out->segment[g].order = (double)g;
    }
    for (size_t i = 0; i < rows->n; i++) {
        struct lw_evaluate_row *r = &rows->row[i];
        uint32_t g = 0;
        while (r->present && g + 1 < n && r->number > edge[g])
            g++;
        r->segment = r->present ? g : NO_VALUE;
    }
    name_missing(out->segment, rows, n);
}

static void group_by_category(struct lw_evaluate_rows *rows, struct lw_cats *cats,
                              struct lw_evaluate_groups *out) {
    lw_cats_seal(cats);
    size_t n = lw_cats_size(cats);
    out->segment = lw_calloc(n + 2, sizeof *out->segment);
    out->nsegments = n + 2;
    for (size_t g = 0; g < n; g++) {
        struct lw_cat cat = lw_cats_at(cats, g);
        struct lw_evaluate_figures *f = &out->segment[g];
        f->order = cat.text ? NAN : (double)(int64_t)cat.key;
        lw_cat_name(&cat, f->name, sizeof f->name);
    }
    snprintf(out->segment[n].name, sizeof out->segment[n].name, "(rare)");
    for (size_t i = 0; i < rows->n; i++) {
        struct lw_evaluate_row *r = &rows->row[i];
        size_t at = r->present ? lw_cats_index(cats, r->key) : 0;
        r->segment = !r->present ? NO_VALUE : at == SIZE_MAX ? (uint32_t)n : (uint32_t)at;
    }
    name_missing(out->segment, rows, n + 1);
}

struct sort_key {
    double by; /* ascending */
    size_t at;
};

static int compare_keys(const void *a, const void *b) {
    const struct sort_key *x = a, *y = b;
    return x->by != y->by ? (x->by > y->by) - (x->by < y->by)
                          : (x->at > y->at) - (x->at < y->at);
}

void lw_evaluate_sort(void *groups, size_t n, size_t size, lw_evaluate_rank_fn *rank) {
    enum { ORDERED_MAX = 31 };
    struct sort_key *key = lw_calloc(n + 1, sizeof *key);
    char *list = groups, *sorted = lw_calloc(n + 1, size);
    bool ordered = n <= ORDERED_MAX;
    for (size_t i = 0; i < n; i++)
        ordered &= !isnan(rank(list + i * size).order);
    for (size_t i = 0; i < n; i++) {
        struct lw_evaluate_rank r = rank(list + i * size);
        key[i] = (struct sort_key){ordered ? r.order : -r.loss, i};
    }
    qsort(key, n, sizeof *key, compare_keys);
    for (size_t i = 0; i < n; i++)
        memcpy(sorted + i * size, list + key[i].at * size, size);
    memcpy(list, sorted, n * size);
    free(sorted);
    free(key);
}

static struct lw_evaluate_rank figures_rank(const void *group) {
    const struct lw_evaluate_figures *f = group;
    return (struct lw_evaluate_rank){f->order, f->losses.loss};
}

/* Without the empty groups. */
static void segments_sort(struct lw_evaluate_groups *out) {
    size_t n = 0;
    for (size_t i = 0; i < out->nsegments; i++)
        if (out->segment[i].losses.n)
            out->segment[n++] = out->segment[i];
    out->nsegments = n;
    lw_evaluate_sort(out->segment, n, sizeof *out->segment, figures_rank);
}

void lw_evaluate_group(struct lw_evaluate_rows *rows, const struct lw_evaluate_by *by,
                       struct lw_evaluate_groups *out) {
    *out = (struct lw_evaluate_groups){.all = {.name = "all"}};
    figures_fill(rows, pick_all, 0, &out->all, 1);
    group_by_month(rows, out);
    if (!by->text)
        return;
    if (by->kind == LW_NUMERIC)
        group_by_decile(rows, out);
    else
        group_by_category(rows, by->texts, out);
    figures_fill(rows, pick_segment, 0, out->segment, out->nsegments);
    segments_sort(out);
}

void lw_evaluate_groups_fini(struct lw_evaluate_groups *m) {
    free(m->month);
    free(m->segment);
}
