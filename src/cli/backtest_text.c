/* Backtest results for a terminal and as JSON. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "cli/backtest.h"
#include "cli/summary.h"

#define SEGMENT_GROUPS 12 /* shown; all are in --json */
#define SEGMENT_MONTHS 6  /* newest */

static const char *digits_text(char out[16], double v) {
    lw_copy(out, 16, lw_digits(v, 3).text);
    return out;
}

static const char *error_text(char out[16], const struct lw_losses *s) {
    return digits_text(out, s->n < 2 ? NAN : lw_losses_error(s));
}

/* Errors of the days of month m (NULL: all days). Returns their number. */
static size_t daily_errors(const struct lw_cli_backtest *b, const struct lw_month *m,
                           double *out) {
    size_t n = 0;
    for (size_t i = 0; i < b->ndays; i++) {
        struct lw_civil c = lw_civil(b->day[i].day * LW_DAY);
        if (!m || (c.year == m->year && c.month == m->month))
            out[n++] = lw_losses_error(&b->day[i].managed);
    }
    return n;
}

static void month_row(const char *name, const struct lw_month *m,
                      const struct lw_cli_backtest_month *w, const char *line) {
    char count[32], frozen[16], managed[16], change[24] = "", retrains[32], alerts[32];
    lw_format_count(count, sizeof count, m->answered.n);
    double a = lw_run_summary_frozen_error(m), z = lw_losses_error(&m->answered);
    if (!isnan(a) && m->answered.n >= 2)
        snprintf(change, sizeof change, "%s%%",
                 lw_digits_signed(100 * (z / a - 1), 1).text);
    snprintf(retrains, sizeof retrains, "%u (%u)", w->retrains, w->promotions);
    snprintf(alerts, sizeof alerts, "%u (%u)", w->alerts, w->criticals);
    printf("  %-8s %10s %9s %9s %8s %9s %9s  %s\n", name, count, digits_text(frozen, a),
           error_text(managed, &m->answered), change, retrains, alerts, line);
}

/* Without models of ours there is nothing to retrain, and no frozen one beside them. */
static void watched_row(const char *name, const struct lw_month *m,
                        const struct lw_cli_backtest_month *w, const char *line) {
    char events[32], error[16], alerts[32];
    lw_format_count(events, sizeof events, m->events);
    snprintf(alerts, sizeof alerts, "%u (%u)", w->alerts, w->criticals);
    printf("  %-8s %10s %9s %9s  %s\n", name, events, error_text(error, &m->answered),
           alerts, line);
}

static void print_row(const struct lw_cli_backtest *b, const char *name,
                      const struct lw_month *m, const struct lw_cli_backtest_month *w,
                      const char *line) {
    if (lw_spec_trains(&b->config->spec))
        month_row(name, m, w, line);
    else
        watched_row(name, m, w, line);
}

static void print_head(const struct lw_cli_backtest *b) {
    const struct lw_task *task = b->config->spec.task;
    if (lw_spec_trains(&b->config->spec))
        printf("  %-8s %10s %9s %9s %8s %9s %9s  %s\n", "", "scored", "frozen", "managed",
               "", "retrains", "alerts", "managed, daily");
    else
        printf("  %-8s %10s %9s %9s  %s\n", "", "events", task->figure[0].label, "alerts",
               "daily");
}

static void print_months(const struct lw_cli_backtest *b) {
    struct lw_month all;
    struct lw_cli_backtest_month w, sum = {0};
    char name[16], line[256];
    double *v = lw_malloc((b->ndays + 1) * sizeof *v), lo = INFINITY, hi = -INFINITY;
    bool trains = lw_spec_trains(&b->config->spec);
    size_t n = daily_errors(b, NULL, v);
    for (size_t i = 0; i < n; i++) {
        lo = fmin(lo, v[i]);
        hi = fmax(hi, v[i]);
    }
    print_head(b);
    for (size_t i = 0; i < b->summary.nmonths; i++) {
        const struct lw_month *m = &b->summary.month[i];
        n = daily_errors(b, m, v);
        lw_cli_backtest_month(b, m, &w);
        sum.retrains += w.retrains;
        sum.promotions += w.promotions;
        sum.alerts += w.alerts;
        sum.criticals += w.criticals;
        if (m->answered.n == 0 && w.retrains == 0 && w.alerts == 0 && trains)
            continue; /* before the first model, or a wrong clock */
        line[0] = '\0';
        if (n)
            lw_sparkline_between(line, sizeof line, v, n, 31, (double[2]){lo, hi});
        print_row(b, lw_summary_month_name(name, m), m, &w, line);
    }
    lw_run_summary_totals(&b->summary, &all);
    print_row(b, "all", &all, &sum, "");
    free(v);
    if (trains)
        printf("  retrains (promoted), alerts (critical); rejected %" PRIu64
               ", failed %" PRIu64 ", rolled back %" PRIu64 "\n",
               b->summary.rejections, b->summary.failures, b->summary.rollbacks);
    else
        printf("  alerts (critical); nothing is trained: there are no candidates\n");
}

/* ---- segments ---- */

static void print_segment(const struct lw_cli_backtest *b,
                          const struct lw_cli_backtest_segment *s) {
    char name[16], a[16], z[16], cell[40], count[32];
    size_t nmonths = b->summary.nmonths, from = 0, shown = s->ngroups;
    double loss = 0;
    from = nmonths > SEGMENT_MONTHS ? nmonths - SEGMENT_MONTHS : 0;
    shown = shown > SEGMENT_GROUPS && isnan(s->group[0].order) ? SEGMENT_GROUPS : shown;
    shown = shown > 31 ? SEGMENT_GROUPS : shown;
    for (size_t g = 0; g < s->ngroups; g++)
        loss += s->group[g].all.loss;
    snprintf(cell, sizeof cell, "of %s", b->config->spec.task->loss_label);
    printf("\n  managed (frozen) by %s\n  %-20s %10s %6s", s->text, "", "scored", cell);
    for (size_t m = from; m < nmonths; m++)
        printf(" %15s", lw_summary_month_name(name, &b->summary.month[m]));
    printf("\n");
    for (size_t g = 0; g < shown; g++) {
        const struct lw_cli_backtest_group *group = &s->group[g];
        printf("  %s %10s %5s%%", lw_text_column(group->name, 20, 30).text,
               lw_format_count(count, sizeof count, group->all.n),
               lw_digits(100 * group->all.loss / loss, 1).text);
        for (size_t m = from; m < nmonths; m++) {
            snprintf(cell, sizeof cell, "%s (%s)", error_text(a, &group->managed[m]),
                     error_text(z, &group->frozen[m]));
            printf(" %15s", cell);
        }
        printf("\n");
    }
    if (shown < s->ngroups)
        printf("  ... and %zu more (--json lists all)\n", s->ngroups - shown);
}

static void print_found(const struct lw_cli_backtest *b) {
    for (size_t i = 0; i < b->injections.n; i++) {
        const struct lw_injection *in = &b->injections.list[i];
        const struct lw_cli_backtest_detection *f = &b->found[i];
        printf("\n  %s: %" PRIu64 " of %" PRIu64
               " events changed; %u alerts fired before it, ",
               lw_inject_name(in->kind), in->touched, in->events, f->before);
        if (f->at_ms)
            printf("%s %.0f hours after its onset\n", f->rule,
                   (double)(f->at_ms - in->from_ms) / LW_HOUR);
        else
            printf("none after it\n");
    }
}

static void print_followed(const struct lw_cli_backtest *b) {
    struct lw_cli_backtest_following f = lw_cli_backtest_following(b);
    if (f.promotions)
        printf("  in the week after, %u of %u promotions did worse than the version "
               "before, %u of them at 95 %% confidence\n",
               f.higher, f.promotions, f.worse);
}

void lw_cli_backtest_print(const struct lw_cli_backtest *b) {
    printf("\n");
    print_months(b);
    print_followed(b);
    for (size_t i = 0; i < b->nsegments; i++)
        print_segment(b, &b->segment[i]);
    print_found(b);
}

/* ---- two configurations ---- */

static void against_row(const char *name, const struct lw_month *a,
                        const struct lw_cli_backtest_month *wa, const struct lw_month *z,
                        const struct lw_cli_backtest_month *wz) {
    char ra[16], rz[16], difference[16] = "";
    double va = lw_losses_error(&a->answered), vz = lw_losses_error(&z->answered);
    if (a->answered.n >= 2 && z->answered.n >= 2)
        lw_copy(difference, sizeof difference, lw_digits_signed(vz - va, 3).text);
    printf("  %-8s %9s %9u %6u (%u) %12s %9u %6u (%u) %10s\n", name,
           error_text(ra, &a->answered), wa->retrains, wa->alerts, wa->criticals,
           error_text(rz, &z->answered), wz->retrains, wz->alerts, wz->criticals,
           difference);
}

static const struct lw_month *same_month(const struct lw_run_summary *l,
                                         const struct lw_month *m) {
    static const struct lw_month none;
    for (size_t i = 0; i < l->nmonths; i++)
        if (l->month[i].year == m->year && l->month[i].month == m->month)
            return &l->month[i];
    return &none;
}

void lw_cli_backtest_print_against(const struct lw_cli_backtest *b,
                                   const struct lw_cli_backtest *other) {
    struct lw_cli_backtest_month wa, wz, sa = {0}, sz = {0};
    struct lw_month all_a, all_z;
    char name[16];
    printf("\n");
    lw_cli_line(stdout, "  A %s", b->path);
    lw_cli_line(stdout, "  B %s", other->path);
    printf("\n");
    printf("  %-8s %9s %9s %10s %12s %9s %10s %10s\n", "", "A managed", "retrains",
           "alerts", "B managed", "retrains", "alerts", "B - A");
    for (size_t i = 0; i < b->summary.nmonths; i++) {
        const struct lw_month *m = &b->summary.month[i];
        lw_cli_backtest_month(b, m, &wa);
        lw_cli_backtest_month(other, m, &wz);
        against_row(lw_summary_month_name(name, m), m, &wa,
                    same_month(&other->summary, m), &wz);
        sa.retrains += wa.retrains;
        sa.alerts += wa.alerts;
        sa.criticals += wa.criticals;
        sz.retrains += wz.retrains;
        sz.alerts += wz.alerts;
        sz.criticals += wz.criticals;
    }
    lw_run_summary_totals(&b->summary, &all_a);
    lw_run_summary_totals(&other->summary, &all_z);
    against_row("all", &all_a, &sa, &all_z, &sz);
    printf("  frozen: A %s, B %s\n",
           digits_text(name, lw_run_summary_frozen_error(&all_a)),
           digits_text((char[16]){0}, lw_run_summary_frozen_error(&all_z)));
}

/* ---- JSON ---- */

static json_t *days_json(const struct lw_cli_backtest *b) {
    json_t *list = json_array();
    char when[32];
    for (size_t i = 0; i < b->ndays; i++) {
        const struct lw_cli_backtest_day *d = &b->day[i];
        json_t *o = json_object();
        lw_format_time(when, sizeof when, d->day * LW_DAY);
        when[10] = '\0'; /* the date */
        lw_json_set_text(o, "day", when);
        lw_summary_errors_json(b->config->spec.task, lw_losses_error(&d->frozen),
                               lw_losses_error(&d->managed), o);
        lw_json_set_int(o, "champion", d->champion);
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *segment_json(const struct lw_cli_backtest *b,
                            const struct lw_cli_backtest_segment *s) {
    const struct lw_task *task = b->config->spec.task;
    json_t *o = json_object(), *groups = json_array();
    char name[16];
    for (size_t g = 0; g < s->ngroups; g++) {
        const struct lw_cli_backtest_group *group = &s->group[g];
        json_t *row = json_object(), *months = json_array();
        lw_json_set_text(row, "segment", group->name);
        lw_json_set_count(row, "scored", group->all.n);
        lw_json_set_number(row, lw_task_error_key(task, "managed_", "").text,
                           lw_losses_error(&group->all));
        for (size_t m = 0; m < b->summary.nmonths; m++) {
            json_t *month = json_object();
            lw_json_set_text(month, "month",
                             lw_summary_month_name(name, &b->summary.month[m]));
            lw_json_set_count(month, "scored", group->managed[m].n);
            lw_summary_errors_json(task, lw_losses_error(&group->frozen[m]),
                                   lw_losses_error(&group->managed[m]), month);
            json_array_append_new(months, month);
        }
        lw_json_set(row, "months", months);
        json_array_append_new(groups, row);
    }
    lw_json_set_text(o, "by", s->text);
    lw_json_set(o, "segments", groups);
    return o;
}

static json_t *injections_json(const struct lw_cli_backtest *b) {
    json_t *list = lw_injections_json(&b->injections, &b->config->spec.event), *o;
    size_t i;
    json_array_foreach(list, i, o) {
        const struct lw_cli_backtest_detection *f = &b->found[i];
        lw_json_set_int(o, "alerts_before", f->before);
        lw_json_set_text(o, "found_by", f->at_ms ? f->rule : NULL);
        lw_json_set_number(o, "delay_hours",
                           f->at_ms ? (double)(f->at_ms - b->injections.list[i].from_ms) /
                                          LW_HOUR
                                    : NAN);
    }
    return list;
}

json_t *lw_cli_backtest_json(const struct lw_cli_backtest *b) {
    json_t *o = json_object(), *month;
    size_t i;
    lw_json_set_count(o, "events", b->records);
    lw_json_set_count(o, "unusable", b->unusable);
    lw_json_set_count(o, "rejected", b->counter[LW_COUNT_REJECTED]);
    lw_json_set_count(o, "late", b->counter[LW_COUNT_LATE]);
    lw_json_set_count(o, "suspect", b->counter[LW_COUNT_SUSPECT]);
    lw_summary_json(&b->summary, b->config->spec.task, o);
    json_array_foreach(json_object_get(o, "months"), i, month) {
        struct lw_cli_backtest_month w;
        lw_cli_backtest_month(b, &b->summary.month[i], &w);
        lw_json_set_int(month, "retrains", w.retrains);
        lw_json_set_int(month, "promotions", w.promotions);
        lw_json_set_int(month, "alerts", w.alerts);
        lw_json_set_int(month, "critical_alerts", w.criticals);
    }
    lw_json_set_int(o, "worse_promotions", lw_cli_backtest_following(b).worse);
    lw_json_set(o, "daily", days_json(b));
    json_object_set(o, "log", b->log);
    if (b->nsegments) {
        json_t *list = json_array();
        for (i = 0; i < b->nsegments; i++)
            json_array_append_new(list, segment_json(b, &b->segment[i]));
        lw_json_set(o, "segments", list);
    }
    if (b->injections.n)
        lw_json_set(o, "injections", injections_json(b));
    return o;
}
