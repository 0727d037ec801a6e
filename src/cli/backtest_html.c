/* The HTML report of a backtest: one file with inline style and charts, no script, no
 * requests. All texts from configurations and data are escaped. */
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "base/time.h"
#include "cli/backtest.h"
#include "cli/html.h"
#include "cli/summary.h"
#include "cli/svg.h"

#define GROUPS_SHOWN 31

static const char style[] =
    ".managedline{fill:none;stroke:var(--cur);stroke-width:2}"
    ".frozenline{fill:none;stroke:var(--ref);stroke-width:1.6}"
    ".otherline{fill:none;stroke:var(--good);stroke-width:2}"
    ".promoted{stroke:var(--ink);stroke-width:1;fill:none;opacity:.55}"
    ".rejected{stroke:var(--ink);stroke-width:1;fill:none;opacity:.55;"
    "stroke-dasharray:3 4}"
    ".alert{stroke:var(--bad);stroke-width:1.2;fill:none}.alert.critical{fill:var(--bad)}"
    "svg .mark{font-size:11px;fill:var(--ink)}.scroll{overflow-x:auto}"
    "td.left,th.left{text-align:left}details{margin:8px 0}"
    "summary{cursor:pointer;color:var(--soft)}";

/* ---- small parts ---- */

static void cell_put(struct lw_buf *out, const char *heading, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void cell_put(struct lw_buf *out, const char *heading, const char *fmt, ...) {
    char text[128];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    lw_buf_printf(out, "<td data-k=\"%s\">", heading);
    lw_html_str(out, text);
    lw_buf_printf(out, "</td>");
}

static void td_text(struct lw_buf *out, const char *heading, const char *text) {
    lw_buf_printf(out, "<td class=\"left\" data-k=\"%s\">", heading);
    lw_html_str(out, text);
    lw_buf_printf(out, "</td>");
}

static void td_error(struct lw_buf *out, const char *heading, double v) {
    cell_put(out, heading, "%s", isnan(v) ? "–" : lw_digits(v, 3).text);
}

static void head_row(struct lw_buf *out, const char *const *heading, size_t n) {
    lw_buf_printf(out, "<table class=\"stack\"><thead><tr>");
    for (size_t i = 0; i < n; i++)
        lw_buf_printf(out, "<th>%s</th>", heading[i]);
    lw_buf_printf(out, "</tr></thead><tbody>\n");
}

static void table_end(struct lw_buf *out) {
    lw_buf_printf(out, "</tbody></table>\n");
}

/* ---- months ---- */

static void month_row(const struct lw_task *task, const char *name,
                      const struct lw_month *m, const struct lw_cli_backtest_month *w,
                      struct lw_buf *out) {
    char count[32];
    lw_buf_printf(out, "<tr>");
    td_text(out, "month", name);
    cell_put(out, "scored", "%s", lw_format_count(count, sizeof count, m->answered.n));
    double frozen = lw_run_summary_frozen_error(m);
    double managed = m->answered.n < 2 ? NAN : lw_losses_error(&m->answered);
    td_error(out, lw_task_error_label(task, "frozen ", "").text, frozen);
    td_error(out, lw_task_error_label(task, "managed ", "").text, managed);
    if (!isnan(frozen) && !isnan(managed))
        cell_put(out, "change", "%s %%",
                 lw_digits_signed(100 * (managed / frozen - 1), 1).text);
    else
        cell_put(out, "change", "–");
    cell_put(out, "retrains (promoted)", "%u (%u)", w->retrains, w->promotions);
    cell_put(out, "alerts (critical)", "%u (%u)", w->alerts, w->criticals);
    lw_buf_printf(out, "</tr>\n");
}

static void months_table(const struct lw_cli_backtest *b, struct lw_buf *out) {
    const struct lw_task *task = b->config->spec.task;
    struct lw_task_name frozen = lw_task_error_label(task, "frozen ", "");
    struct lw_task_name managed = lw_task_error_label(task, "managed ", "");
    const char *const heading[] = {"month",
                                   "scored",
                                   frozen.text,
                                   managed.text,
                                   "change",
                                   "retrains (promoted)",
                                   "alerts (critical)"};
    struct lw_cli_backtest_month w, sum = {0};
    struct lw_month all;
    char name[16];
    head_row(out, heading, sizeof heading / sizeof *heading);
    for (size_t i = 0; i < b->summary.nmonths; i++) {
        lw_cli_backtest_month(b, &b->summary.month[i], &w);
        month_row(task, lw_summary_month_name(name, &b->summary.month[i]),
                  &b->summary.month[i], &w, out);
        sum.retrains += w.retrains;
        sum.promotions += w.promotions;
        sum.alerts += w.alerts;
        sum.criticals += w.criticals;
    }
    lw_run_summary_totals(&b->summary, &all);
    month_row(task, "all", &all, &sum, out);
    table_end(out);
}

/* ---- trainings ---- */

static void td_candidates(const struct lw_training *t, struct lw_buf *out) {
    lw_buf_printf(out, "<td class=\"left\" data-k=\"candidates\">");
    for (size_t i = 0; i < t->ntrials; i++) {
        const struct lw_trial *trial = &t->trial[i];
        lw_buf_printf(out, "%s%s", i ? "<br>" : "", i == t->chosen ? "<b>" : "");
        lw_html_str(out, trial->name);
        if (isnan(trial->error))
            lw_buf_printf(out, " failed");
        else
            lw_buf_printf(out, " %s", lw_digits(trial->error, 3).text);
        lw_buf_printf(out, "%s", i == t->chosen ? "</b>" : "");
    }
    lw_buf_printf(out, "</td>");
}

static void td_verdict(const struct lw_cli_backtest_training *r, struct lw_buf *out) {
    bool promoted = !r->failed && r->t.gate.passed;
    lw_buf_printf(
        out, "<td class=\"left\" data-k=\"verdict\"><span class=\"tag %s\">%s</span> ",
        r->failed || r->rolled_back ? "fault"
        : promoted                  ? "ok"
                                    : "drift",
        r->failed        ? "failed"
        : r->rolled_back ? "rolled back"
        : promoted       ? "promoted"
                         : "rejected");
    lw_html_str(out, r->failed ? r->failure : r->t.gate.reason);
    lw_buf_printf(out, "</td>");
}

static void training_row(const struct lw_cli_backtest_training *r,
                         const struct lw_zone *zone, struct lw_buf *out) {
    char when[32], from[32], hold[32];
    const struct lw_training *t = &r->t;
    lw_buf_printf(out, "<tr>");
    cell_put(out, "when", "%s", lw_cli_event_time(when, zone, r->request.as_of_ms));
    td_text(out, "cause", r->request.reason);
    if (r->failed) {
        cell_put(out, "rows", "–");
        cell_put(out, "candidates", "–");
        td_verdict(r, out);
        cell_put(out, "the week after", "–");
        lw_buf_printf(out, "</tr>\n");
        return;
    }
    lw_cli_event_time(from, zone, t->rows_from_ms);
    lw_cli_event_time(hold, zone, t->holdout_from_ms);
    cell_put(out, "rows", "%" PRIu64 " from %.10s, held out %" PRIu64 " from %s", t->rows,
             from, t->holdout_rows, hold);
    td_candidates(t, out);
    td_verdict(r, out);
    if (r->followed.version)
        cell_put(out, "the week after", "%s, v%u would be %s%s",
                 lw_digits(lw_losses_error(&r->followed.now), 3).text,
                 r->followed.previous,
                 lw_digits(lw_losses_error(&r->followed.before), 3).text,
                 r->followed.worse ? ": worse (95 % confidence)" : "");
    else
        cell_put(out, "the week after", "–");
    lw_buf_printf(out, "</tr>\n");
}

static void trainings_table(const struct lw_cli_backtest *b, struct lw_buf *out) {
    static const char *const heading[] = {"when",       "cause",   "rows",
                                          "candidates", "verdict", "the week after"};
    head_row(out, heading, sizeof heading / sizeof *heading);
    for (size_t i = 0; i < b->ntrainings; i++)
        training_row(&b->training[i], b->config->spec.zone, out);
    table_end(out);
    lw_buf_printf(out,
                  "<p class=\"soft\">Candidates with their %s on the held-out "
                  "events, the chosen one bold. The week after: the promoted "
                  "version and the one that it replaced, on the same events.</p>\n",
                  b->config->spec.task->figure[0].label);
}

static void alerts_table(const struct lw_cli_backtest *b, struct lw_buf *out) {
    static const char *const heading[] = {"when", "", "what"};
    char when[32];
    if (b->nalerts == 0) {
        lw_buf_printf(out, "<p class=\"soft\">None.</p>\n");
        return;
    }
    head_row(out, heading, sizeof heading / sizeof *heading);
    for (size_t i = 0; i < b->nalerts; i++) {
        const struct lw_alert *a = &b->alert[i];
        bool critical = a->severity == LW_SEVERITY_CRITICAL;
        lw_buf_printf(out, "<tr>");
        cell_put(out, "when", "%s",
                 lw_cli_event_time(when, b->config->spec.zone, a->at_ms));
        lw_buf_printf(out, "<td class=\"left\"><span class=\"tag %s\">%s</span></td>",
                      !a->firing ? "ok"
                      : critical ? "fault"
                                 : "drift",
                      a->firing ? lw_alert_severity_name(a->severity) : "resolved");
        td_text(out, "what", a->summary);
        lw_buf_printf(out, "</tr>\n");
    }
    table_end(out);
}

/* ---- segments ---- */

static void segment_table(const struct lw_cli_backtest *b,
                          const struct lw_cli_backtest_segment *s, struct lw_buf *out) {
    char name[16], count[32];
    lw_buf_printf(out, "<h2>Error by ");
    lw_html_str(out, s->text);
    lw_buf_printf(
        out, "</h2>\n<div class=\"scroll\"><table><thead><tr><th></th><th>scored</th>");
    for (size_t m = 0; m < b->summary.nmonths; m++)
        lw_buf_printf(out, "<th>%s</th>",
                      lw_summary_month_name(name, &b->summary.month[m]));
    lw_buf_printf(out, "</tr></thead><tbody>\n");
    for (size_t g = 0; g < s->ngroups && g < GROUPS_SHOWN; g++) {
        const struct lw_cli_backtest_group *group = &s->group[g];
        lw_buf_printf(out, "<tr>");
        td_text(out, "", group->name);
        cell_put(out, "scored", "%s", lw_format_count(count, sizeof count, group->all.n));
        for (size_t m = 0; m < b->summary.nmonths; m++) {
            if (group->managed[m].n < 2)
                cell_put(out, "", "–");
            else if (group->frozen[m].n < 2)
                cell_put(out, "", "%s",
                         lw_digits(lw_losses_error(&group->managed[m]), 2).text);
            else
                cell_put(out, "", "%s (%s)",
                         lw_digits(lw_losses_error(&group->managed[m]), 2).text,
                         lw_digits(lw_losses_error(&group->frozen[m]), 2).text);
        }
        lw_buf_printf(out, "</tr>\n");
    }
    table_end(out);
    lw_buf_printf(out, "</div><p class=\"soft\">%s managed (frozen).",
                  b->config->spec.task->figure[0].label);
    if (s->ngroups > GROUPS_SHOWN)
        lw_buf_printf(out, " --json lists %zu more segments.", s->ngroups - GROUPS_SHOWN);
    lw_buf_printf(out, "</p>\n");
}

static void injections_table(const struct lw_cli_backtest *b, struct lw_buf *out) {
    static const char *const heading[] = {"drift",         "from",     "events changed",
                                          "alerts before", "found by", "after"};
    char when[32];
    if (b->injections.n == 0)
        return;
    lw_buf_printf(out, "<h2>Injected drift</h2>\n");
    head_row(out, heading, sizeof heading / sizeof *heading);
    for (size_t i = 0; i < b->injections.n; i++) {
        const struct lw_injection *in = &b->injections.list[i];
        const struct lw_cli_backtest_detection *f = &b->found[i];
        lw_buf_printf(out, "<tr>");
        td_text(out, "drift", lw_inject_name(in->kind));
        cell_put(out, "from", "%s",
                 lw_cli_event_time(when, b->config->spec.zone, in->from_ms));
        cell_put(out, "events changed", "%" PRIu64 " of %" PRIu64, in->touched,
                 in->events);
        cell_put(out, "alerts before", "%u", f->before);
        td_text(out, "found by", f->at_ms ? f->rule : "–");
        if (f->at_ms)
            cell_put(out, "after", "%.0f h", (double)(f->at_ms - in->from_ms) / LW_HOUR);
        else
            cell_put(out, "after", "–");
        lw_buf_printf(out, "</tr>\n");
    }
    table_end(out);
}

/* ---- the page ---- */

static void summary_sentence(const struct lw_cli_backtest *b, struct lw_buf *out) {
    struct lw_month all;
    char scored[32], n[32];
    lw_run_summary_totals(&b->summary, &all);
    lw_html_str(out, b->path);
    lw_buf_printf(out, ": %s events, %s scored; %s <b>%s</b>",
                  lw_format_count(n, sizeof n, b->records),
                  lw_format_count(scored, sizeof scored, all.answered.n),
                  b->config->spec.task->figure[0].label,
                  lw_digits(lw_losses_error(&all.answered), 3).text);
    if (!isnan(lw_run_summary_frozen_error(&all)))
        lw_buf_printf(out, ", with the frozen first model %s",
                      lw_digits(lw_run_summary_frozen_error(&all), 3).text);
    lw_buf_printf(out,
                  "; %" PRIu64 " retrains, %" PRIu64 " promoted, %" PRIu64
                  " rolled back; %" PRIu64 " alerts, %" PRIu64 " of them critical.",
                  b->summary.retrains, b->summary.promotions, b->summary.rollbacks,
                  b->summary.warnings + b->summary.criticals, b->summary.criticals);
}

static void page_head(const struct lw_cli_backtest *b,
                      const struct lw_cli_backtest *other, struct lw_buf *out) {
    lw_buf_printf(out,
                  "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
                  "<meta name=\"viewport\" content=\"width=device-width,"
                  "initial-scale=1\"><meta name=\"color-scheme\" content=\"light dark\">"
                  "<title>Backtest of ");
    lw_html_str(out, b->config->spec.stream);
    lw_buf_printf(out, "</title><style>%s%s</style></head><body><main>\n", lw_html_style,
                  style);
    lw_buf_printf(out, "<h1>Backtest of ");
    lw_html_str(out, b->config->spec.stream);
    lw_buf_printf(out, "</h1>\n<p class=\"lead\">%s", other ? "A, " : "");
    summary_sentence(b, out);
    if (other) {
        lw_buf_printf(out, "</p>\n<p class=\"lead\">B, ");
        summary_sentence(other, out);
    }
    lw_buf_printf(out, "</p>\n<h2>Error day by day</h2>\n<div class=\"scroll\">");
    lw_cli_backtest_chart(b, other, out);
    lw_buf_printf(out, "</div>\n");
}

static void run_details(const struct lw_cli_backtest *b, const char *which,
                        struct lw_buf *out) {
    lw_buf_printf(out, "<h2>%sMonth by month</h2>\n", which);
    months_table(b, out);
    lw_buf_printf(out, "<h2>%sTrainings</h2>\n", which);
    trainings_table(b, out);
    lw_buf_printf(out, "<h2>%sAlerts</h2>\n", which);
    alerts_table(b, out);
    for (size_t i = 0; i < b->nsegments; i++)
        segment_table(b, &b->segment[i], out);
}

void lw_cli_backtest_html(const struct lw_cli_backtest *b,
                          const struct lw_cli_backtest *other, struct lw_buf *out) {
    page_head(b, other, out);
    injections_table(b, out);
    run_details(b, other ? "A: " : "", out);
    if (other) {
        injections_table(other, out);
        run_details(other, "B: ", out);
    }
    lw_buf_printf(out, "</main></body></html>\n");
}
