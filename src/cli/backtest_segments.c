/* Error by segment and month. Numbers are grouped by their deciles over the whole run
 * (equal values stay together), so months are comparable; categories have one group for
 * each level. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/time.h"
#include "cli/backtest.h"
#include "cli/evaluate.h"
#include "cli/options.h"
#include "cli/svg.h"

#define LEVELS_MAX 65536 /* rarer levels share one group */

int lw_cli_backtest_segments_open(struct lw_cli_backtest *b, const struct lw_texts *names,
                                  struct lw_err *err) {
    for (size_t i = 0; i < names->n; i++) {
        struct lw_cli_backtest_segment *s = &b->segment[b->nsegments++];
        *s = (struct lw_cli_backtest_segment){.text = names->text[i]};
        s->texts = lw_cats_new(LEVELS_MAX);
        s->plan = lw_evaluate_plan(&b->config->spec, s->text, &s->kind, err);
        if (!s->plan)
            return lw_err_context(err, "--segment");
    }
    return 0;
}

void lw_cli_backtest_segments_row(struct lw_cli_backtest *b, const struct lw_row *row,
                                  const struct lw_scored *scored, size_t nscored) {
    struct lw_civil when = lw_zone_civil(b->config->spec.zone, row->time_ms);
    uint32_t first = lw_monitor_first_version(lw_backtest_monitor(b->backtest));
    const struct lw_scored *frozen = NULL;
    for (size_t i = 0; i < nscored; i++)
        if (scored[i].version == first)
            frozen = &scored[i];
    for (size_t i = 0; i < b->nsegments; i++) {
        struct lw_cli_backtest_segment *s = &b->segment[i];
        struct lw_cell cell;
        lw_plan_eval(s->plan, row, &cell);
        if (s->kind == LW_CATEGORY && cell.present)
            lw_cats_add(s->texts, &cell);
        if (s->n == s->cap) {
            s->cap = s->cap ? 2 * s->cap : 65536;
            s->row = lw_realloc(s->row, s->cap, sizeof *s->row);
        }
        s->row[s->n++] = (struct lw_cli_backtest_row){
            .month = when.year * 12 + when.month - 1,
            .present = cell.present,
            .frozen = frozen != NULL,
            .number = cell.num,
            .key = cell.key,
            .target = (float)row->target,
            .managed_p = (float)scored[0].served,
            .frozen_p = frozen ? (float)frozen->prediction : 0};
    }
}

/* ---- groups ---- */

static size_t segment_deciles(const struct lw_cli_backtest_segment *s,
                              double edge[LW_DECILES]) {
    double *value = lw_malloc((s->n + 1) * sizeof *value);
    size_t n = 0;
    for (size_t i = 0; i < s->n; i++)
        if (s->row[i].present)
            value[n++] = s->row[i].number;
    n = lw_evaluate_deciles(value, n, edge);
    free(value);
    return n;
}

static void name_deciles(struct lw_cli_backtest_segment *s, const double *edge) {
    for (size_t g = 0; g + 2 < s->ngroups; g++) {
        struct lw_cli_backtest_group *group = &s->group[g];
        lw_evaluate_decile_name(group->name, sizeof group->name, edge, g);
        group->order = (double)g;
    }
}

static void name_levels(struct lw_cli_backtest_segment *s) {
    for (size_t g = 0; g + 2 < s->ngroups; g++) {
        struct lw_cat cat = lw_cats_at(s->texts, g);
        struct lw_cli_backtest_group *group = &s->group[g];
        group->order = cat.text ? NAN : (double)(int64_t)cat.key;
        lw_cat_name(&cat, group->name, sizeof group->name);
    }
}

/* The last two groups hold rare levels and missing values. */
static size_t group_of(const struct lw_cli_backtest_segment *s,
                       const struct lw_cli_backtest_row *row, const double *edge) {
    size_t n = s->ngroups - 2, g = 0;
    if (!row->present)
        return n + 1;
    if (s->kind == LW_CATEGORY) {
        g = lw_cats_index(s->texts, row->key);
        return g == SIZE_MAX ? n : g;
    }
    while (g + 1 < n && row->number > edge[g])
        g++;
    return g;
}

static size_t month_index(const struct lw_run_summary *l, int32_t month) {
    for (size_t i = 0; i < l->nmonths; i++)
        if (l->month[i].year * 12 + l->month[i].month - 1 == month)
            return i;
    return SIZE_MAX;
}

static void group_free(struct lw_cli_backtest_group *g) {
    free(g->managed);
    free(g->frozen);
}

static struct lw_evaluate_rank group_rank(const void *group) {
    const struct lw_cli_backtest_group *g = group;
    return (struct lw_evaluate_rank){g->order, g->all.loss};
}

/* Without the empty groups. */
static void groups_sort(struct lw_cli_backtest_segment *s) {
    size_t n = 0;
    for (size_t i = 0; i < s->ngroups; i++)
        if (s->group[i].all.n)
            s->group[n++] = s->group[i];
        else
            group_free(&s->group[i]);
    s->ngroups = n;
    lw_evaluate_sort(s->group, n, sizeof *s->group, group_rank);
}

static void segment_close(const struct lw_task *task,
                          const struct lw_run_summary *summary,
                          struct lw_cli_backtest_segment *s) {
    double edge[LW_DECILES];
    bool numeric = s->kind != LW_CATEGORY;
    lw_cats_seal(s->texts);
    s->ngroups = (numeric ? segment_deciles(s, edge) : lw_cats_size(s->texts)) + 2;
    s->group = lw_calloc(s->ngroups, sizeof *s->group);
    for (size_t g = 0; g < s->ngroups; g++) {
        s->group[g].managed = lw_calloc(summary->nmonths + 1, sizeof(struct lw_losses));
        s->group[g].frozen = lw_calloc(summary->nmonths + 1, sizeof(struct lw_losses));
    }
    if (numeric)
        name_deciles(s, edge);
    else
        name_levels(s);
    struct lw_cli_backtest_group *rare = &s->group[s->ngroups - 2], *missing = rare + 1;
    snprintf(rare->name, sizeof rare->name, "(rare)");
    snprintf(missing->name, sizeof missing->name, "(missing)");
    rare->order = missing->order = INFINITY;
    for (size_t i = 0; i < s->n; i++) {
        const struct lw_cli_backtest_row *row = &s->row[i];
        size_t month = month_index(summary, row->month);
        struct lw_cli_backtest_group *g = &s->group[group_of(s, row, edge)];
        lw_losses_add(&g->all, task, row->target, row->managed_p);
        if (month == SIZE_MAX)
            continue;
        lw_losses_add(&g->managed[month], task, row->target, row->managed_p);
        if (row->frozen)
            lw_losses_add(&g->frozen[month], task, row->target, row->frozen_p);
    }
    groups_sort(s);
}

void lw_cli_backtest_segments_close(struct lw_cli_backtest *b) {
    for (size_t i = 0; i < b->nsegments; i++)
        segment_close(b->config->spec.task, &b->summary, &b->segment[i]);
}

void lw_cli_backtest_segments_fini(struct lw_cli_backtest *b) {
    for (size_t i = 0; i < b->nsegments; i++) {
        struct lw_cli_backtest_segment *s = &b->segment[i];
        for (size_t g = 0; s->group && g < s->ngroups; g++)
            group_free(&s->group[g]);
        free(s->group);
        free(s->row);
        lw_plan_free(s->plan);
        lw_cats_free(s->texts);
    }
}
