/* Compares two sides' summaries: drift, faults, changed categories, error by segment.
 *
 * A category changed when its shares differ beyond chance: |z| > CHANGED_Z. With a thousand
 * categories and equal sides one report in twenty names a category.
 *
 * A segment's excess is its contribution to the change of the mean loss: its share of the
 * current events times (current mean loss - reference mean loss). The excesses of all
 * segments of a feature and the effect of their changed mix add up to the whole change. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "cli/report.h"
#include "cli/svg.h"

#define CHANGED_Z     4.0
#define SEGMENT_MIN_N 30
#define SEGMENT_BINS  10

/* ---- categories ---- */

static double equal_shares_z(double n1, double all1, double n2, double all2) {
    double p = (n1 + n2) / (all1 + all2);
    double se = sqrt(p * (1 - p) * (1 / all1 + 1 / all2));
    return se > 0 ? (n2 / all2 - n1 / all1) / se : 0;
}

static void consider_category(struct lw_report_column *c, const struct lw_cat *cat,
                              uint64_t n_ref, uint64_t n_cur,
                              const uint64_t error[LW_SIDES]) {
    double all[] = {(double)lw_cats_n(c->member[LW_REF]->cats),
                    (double)lw_cats_n(c->member[LW_CUR]->cats)};
    struct lw_report_category m = {
        .n = {n_ref, n_cur}, .share = {(double)n_ref / all[0], (double)n_cur / all[1]}};
    m.z = equal_shares_z((double)n_ref, all[0], (double)n_cur, all[1]);
    /* A summary beyond its cap may have lost a category. */
    bool known = n_ref + error[LW_REF] < n_cur || n_cur + error[LW_CUR] < n_ref;
    if (fabs(m.z) < CHANGED_Z || !known)
        return;
    lw_cat_name(cat, m.name, sizeof m.name);
    c->appeared += lw_cats_upper(c->member[LW_REF]->cats, cat->key) == 0;
    c->vanished += lw_cats_upper(c->member[LW_CUR]->cats, cat->key) == 0;
    c->changed[c->nchanged++] = m;
}

static int compare_share_change(const void *a, const void *b) {
    const struct lw_report_category *x = a, *y = b;
    double dx = fabs(x->share[LW_CUR] - x->share[LW_REF]);
    double dy = fabs(y->share[LW_CUR] - y->share[LW_REF]);
    return (dx < dy) - (dx > dy);
}

static void find_changed_categories(struct lw_report_column *c) {
    struct lw_cats *ref = c->member[LW_REF]->cats, *cur = c->member[LW_CUR]->cats;
    const uint64_t error[] = {lw_cats_error(ref), lw_cats_error(cur)};
    if (lw_cats_n(ref) == 0 || lw_cats_n(cur) == 0)
        return;
    lw_cats_seal(ref);
    lw_cats_seal(cur);
    c->changed = lw_calloc(lw_cats_size(ref) + lw_cats_size(cur), sizeof *c->changed);
    for (size_t i = 0; i < lw_cats_size(ref); i++) {
        struct lw_cat cat = lw_cats_at(ref, i);
        consider_category(c, &cat, cat.count, lw_cats_count(cur, cat.key), error);
    }
    for (size_t i = 0; i < lw_cats_size(cur); i++) {
        struct lw_cat cat = lw_cats_at(cur, i);
        if (lw_cats_count(ref, cat.key) == 0)
            consider_category(c, &cat, 0, cat.count, error);
    }
    qsort(c->changed, c->nchanged, sizeof *c->changed, compare_share_change);
}

/* ---- segments ---- */

struct value_groups { /* of one feature's values */
    enum lw_kind kind;
    struct lw_bins bins;
    struct lw_cats *both; /* keys of both sides; owned */
    size_t n;
};

static void group_feature(const struct lw_report_column *c, struct value_groups *g) {
    *g = (struct value_groups){.kind = c->column.kind};
    if (g->kind == LW_NUMERIC) {
        lw_bins_from(&c->member[LW_REF]->num, SEGMENT_BINS, &g->bins);
        g->n = (size_t)g->bins.nedges + 1;
        return;
    }
    g->both = lw_cats_clone(c->member[LW_REF]->cats);
    lw_cats_merge(g->both, c->member[LW_CUR]->cats);
    lw_cats_seal(g->both);
    g->n = lw_cats_size(g->both);
}

static size_t group_of(const struct value_groups *g, uint64_t value) {
    size_t at = 0;
    double v;
    if (g->kind != LW_NUMERIC)
        return lw_cats_index(g->both, value);
    memcpy(&v, &value, sizeof v);
    while (at < (size_t)g->bins.nedges && v > g->bins.edge[at])
        at++;
    return at;
}

static void name_group(const struct value_groups *g, size_t i, char *out, size_t size) {
    char lo[32], hi[32];
    const double *edge = g->bins.edge;
    if (g->kind == LW_CATEGORY) {
        struct lw_cat cat = lw_cats_at(g->both, i);
        lw_cat_name(&cat, out, size);
    } else if (g->n == 1) {
        snprintf(out, size, "any");
    } else if (i == 0) {
        snprintf(out, size, "up to %s", lw_svg_number(hi, sizeof hi, edge[0]));
    } else if (i + 1 == g->n) {
        snprintf(out, size, "above %s", lw_svg_number(lo, sizeof lo, edge[i - 1]));
    } else {
        lw_svg_range(out, size, edge[i - 1], edge[i]);
    }
}

static double mean_squared_error(const struct lw_losses *s) {
    return s->loss / (double)s->n;
}

static void add_segment(struct lw_report *r, const char *column, const char *name,
                        const struct lw_losses errors[LW_SIDES]) {
    const struct lw_losses *ref = &errors[LW_REF], *cur = &errors[LW_CUR];
    if (ref->n < SEGMENT_MIN_N || cur->n < SEGMENT_MIN_N)
        return;
    r->segment = lw_realloc(r->segment, r->nsegments + 1, sizeof *r->segment);
    struct lw_report_segment *s = &r->segment[r->nsegments++];
    *s = (struct lw_report_segment){.errors = {*ref, *cur}};
    lw_copy(s->column, sizeof s->column, column);
    lw_copy(s->name, sizeof s->name, name);
    s->excess = (double)cur->n / (double)r->side[LW_CUR].errors.n *
                (mean_squared_error(cur) - mean_squared_error(ref));
}

static void segment_feature(struct lw_report *r, size_t feature) {
    const struct lw_report_column *c = &r->column[feature];
    struct value_groups g;
    char name[96];
    group_feature(c, &g);
    /* One more group: missing values. */
    struct lw_losses(*sums)[LW_SIDES] = lw_calloc(g.n + 1, sizeof *sums);
    for (int s = 0; s < LW_SIDES; s++) {
        const struct lw_report_rows *rows = &r->side[s].rows;
        for (size_t i = 0; i < rows->n; i++) {
            size_t at = i * rows->width + feature;
            size_t group = rows->present[at] ? group_of(&g, rows->value[at]) : g.n;
            if (group != SIZE_MAX)
                lw_losses_add(&sums[group][s], r->config->spec.task, rows->target[i],
                              rows->prediction[i]);
        }
    }
    for (size_t i = 0; i < g.n; i++) {
        name_group(&g, i, name, sizeof name);
        add_segment(r, c->column.name, name, sums[i]);
    }
    add_segment(r, c->column.name, "(missing)", sums[g.n]);
    lw_cats_free(g.both);
    free(sums);
}

static int compare_excess(const void *a, const void *b) {
    const struct lw_report_segment *x = a, *y = b;
    return (x->excess < y->excess) - (x->excess > y->excess);
}

void lw_report_segments(struct lw_report *r) {
    for (size_t i = 0; i < r->config->spec.nfeatures; i++)
        segment_feature(r, i);
    if (r->nsegments)
        qsort(r->segment, r->nsegments, sizeof *r->segment, compare_excess);
}

/* ---- columns ---- */

/* Statistics that the table of metrics has and struct lw_drift has not. */
static void compare_statistics(struct lw_report *r, const struct lw_profile *side,
                               const struct lw_drift *drift) {
    const struct lw_metric *metric;
    struct lw_statistic *values = lw_calloc(r->n, sizeof *values);
    for (size_t i = 0; i < r->n; i++)
        r->column[i].statistic =
            lw_calloc(lw_metric_count(), sizeof *r->column[i].statistic);
    for (size_t k = 0; (metric = lw_metric_at(k)); k++) {
        if (!metric->statistic)
            continue;
        const struct lw_statistic_input in = {&side[LW_REF], &side[LW_CUR], drift,
                                              r->options.correction,
                                              metric->columns & LW_ON_CATEGORY};
        lw_statistic_compare(metric->statistic, &in, values);
        for (size_t i = 0; i < r->n; i++)
            r->column[i].statistic[k] = values[i];
    }
    free(values);
}

/* The correction covers the columns of one call, so all columns are compared in one call,
 * through temporary profiles with borrowed members. */
static void compare_columns(struct lw_report *r) {
    struct lw_column *columns = lw_calloc(r->n, sizeof *columns);
    struct lw_drift *drift = lw_calloc(r->n, sizeof *drift);
    struct lw_profile side[LW_SIDES + 1]; /* the last: what has been seen */
    for (int s = 0; s <= LW_SIDES; s++) {
        side[s] = (struct lw_profile){.n = r->n, .columns = columns};
        side[s].members = lw_calloc(r->n, sizeof *side[s].members);
        for (size_t i = 0; i < r->n; i++)
            side[s].members[i] =
                s < LW_SIDES ? *r->column[i].member[s] : *r->column[i].seen;
    }
    for (size_t i = 0; i < r->n; i++)
        columns[i] = r->column[i].column;
    const struct lw_drift_reference of = {&side[LW_REF], NULL, &side[LW_SIDES], r->rows};
    lw_drift_compare_to(&of, &side[LW_CUR], &r->options, drift);
    for (size_t i = 0; i < r->n; i++)
        r->column[i].drift = drift[i];
    compare_statistics(r, side, drift);
    for (int s = 0; s <= LW_SIDES; s++)
        free(side[s].members);
    free(drift);
    free(columns);
}

static bool is_prediction(const struct lw_report *r, const struct lw_report_column *c) {
    return r->config && strcmp(c->column.name, "prediction") == 0;
}

static int compare_effect(const void *a, const void *b) {
    const struct lw_report_column *x = a, *y = b;
    int fault = (y->fault.kind != LW_FAULT_NONE) - (x->fault.kind != LW_FAULT_NONE);
    int drift =
        (y->drift.verdict == LW_VERDICT_DRIFT) - (x->drift.verdict == LW_VERDICT_DRIFT);
    int shift = (y->drift.verdict == LW_VERDICT_SHIFTED) -
                (x->drift.verdict == LW_VERDICT_SHIFTED);
    if (fault || drift || shift)
        return fault ? fault : drift ? drift : shift;
    return (x->drift.psi < y->drift.psi) - (x->drift.psi > y->drift.psi);
}

void lw_report_compare(struct lw_report *r) {
    if (r->n == 0)
        return;
    compare_columns(r);
    for (size_t i = 0; i < r->n; i++) {
        struct lw_report_column *c = &r->column[i];
        c->fault = is_prediction(r, c)
                       ? (struct lw_fault){.kind = LW_FAULT_NONE, .text = ""}
                       : lw_fault_find(c->member[LW_REF], c->member[LW_CUR]);
        if (c->column.kind == LW_CATEGORY)
            find_changed_categories(c);
        bool faulty =
            c->fault.kind != LW_FAULT_NONE; /* a fault explains the difference */
        r->drifted += !faulty && c->drift.verdict == LW_VERDICT_DRIFT;
        r->shifted += !faulty && c->drift.verdict == LW_VERDICT_SHIFTED;
        r->faulty += faulty;
        r->insufficient += c->drift.verdict == LW_VERDICT_INSUFFICIENT;
    }
    qsort(r->column, r->n, sizeof *r->column, compare_effect);
}
