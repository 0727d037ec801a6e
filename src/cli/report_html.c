/* The HTML report: one file with inline style and charts, no script, no requests.
 *
 * On a narrow screen each table row becomes a card whose cells show their own headings
 * (data-k). A verdict is a word as well as a colour. */
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cli/html.h"
#include "cli/report.h"
#include "cli/svg.h"

/* ---- small parts ---- */

static void cell_put(struct lw_buf *out, const char *heading, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* A statistic that does not apply to this kind of column. */
static void td_none(struct lw_buf *out) {
    lw_buf_printf(out, "<td class=\"none\">–</td>");
}

/* A cell of numbers; texts from data go through lw_html_str instead. */
static void cell_put(struct lw_buf *out, const char *heading, const char *fmt, ...) {
    char text[128];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    lw_buf_printf(out, "<td data-k=\"%s\">%s</td>", heading, text);
}

static void td_name(struct lw_buf *out, const char *name) {
    lw_buf_printf(out, "<td>");
    lw_html_str(out, name);
    lw_buf_printf(out, "</td>");
}

static void td_count(struct lw_buf *out, const char *heading, uint64_t n) {
    char text[32];
    cell_put(out, heading, "%s", lw_format_count(text, sizeof text, n));
}

static void td_number(struct lw_buf *out, const char *heading, double v) {
    char text[32];
    cell_put(out, heading, "%s", lw_svg_number(text, sizeof text, v));
}

static void td_percent(struct lw_buf *out, const char *heading, double share) {
    char text[32];
    cell_put(out, heading, "%s", lw_svg_percent(text, sizeof text, share));
}

/* kind: "stack" becomes cards on a narrow screen, "mini" is narrow already. */
static void table_head(struct lw_buf *out, const char *kind, const char *const *heading,
                       size_t n) {
    lw_buf_printf(out, "<table class=\"%s\"><thead><tr>", kind);
    for (size_t i = 0; i < n; i++)
        lw_buf_printf(out, "<th>%s</th>", heading[i]);
    lw_buf_printf(out, "</tr></thead><tbody>\n");
}

static void table_end(struct lw_buf *out) {
    lw_buf_printf(out, "</tbody></table>\n");
}

/* A fault replaces the drift verdict. */
static void verdict_tag(const struct lw_report_column *c, struct lw_buf *out) {
    enum lw_verdict v = c->drift.verdict;
    if (c->fault.kind != LW_FAULT_NONE)
        lw_buf_printf(out, "<span class=\"tag fault\">fault: %s</span>",
                      lw_fault_name(c->fault.kind));
    else
        lw_buf_printf(out, "<span class=\"tag %s\">%s</span>",
                      v == LW_VERDICT_DRIFT     ? "drift"
                      : v == LW_VERDICT_SHIFTED ? "shifted"
                      : v == LW_VERDICT_OK      ? "ok"
                                                : "",
                      lw_verdict_name(v));
}

/* ---- head ---- */

static void side_line(const struct lw_report *r, int which, struct lw_buf *out) {
    const struct lw_report_side *side = &r->side[which];
    char span[64], count[32];
    lw_buf_printf(out,
                  "<p class=\"soft\"><span class=\"key %s\" "
                  "style=\"margin-left:0\"></span>%s: %s events",
                  which == LW_REF ? "r" : "c", which == LW_REF ? "Reference" : "Current",
                  lw_format_count(count, sizeof count, side->tally.records));
    if (*lw_report_span(r, side, span, sizeof span))
        lw_buf_printf(out, ", %s", span);
    for (size_t i = 0; i < side->nfiles && i < 12; i++) {
        lw_buf_printf(out, "%s", i ? ", " : " · ");
        lw_html_str(out, lw_base_name(side->files[i]));
    }
    lw_buf_printf(out, "%s</p>\n", side->nfiles > 12 ? ", …" : "");
}

static void page_head(struct lw_report *r, struct lw_buf *out) {
    char headline[512];
    lw_report_headline(r, headline, sizeof headline);
    lw_buf_printf(out, "<!doctype html>\n<html lang=\"en\"><head><meta "
                       "charset=\"utf-8\"><meta name=\"viewport\" "
                       "content=\"width=device-width,initial-scale=1\">"
                       "<meta name=\"color-scheme\" content=\"light dark\">"
                       "<title>Drift report</title><style>");
    lw_buf_put(out, lw_html_style, strlen(lw_html_style));
    lw_buf_printf(out, "</style></head><body><main>\n<h1>Drift report");
    if (r->config) {
        lw_buf_printf(out, " · ");
        lw_html_str(out, r->config->spec.stream);
    }
    lw_buf_printf(out, "</h1>\n<p class=\"lead\">");
    lw_html_str(out, headline);
    lw_buf_printf(out, "</p>\n");
    side_line(r, LW_REF, out);
    side_line(r, LW_CUR, out);
}

static void faults_list(const struct lw_report *r, struct lw_buf *out) {
    size_t at;
    const json_t *text;
    if (!r->faulty && !json_array_size(r->schema))
        return;
    lw_buf_printf(out, "<h2>Data faults</h2>\n<p class=\"soft\">Repair the feed; do not "
                       "retrain on it.</p>\n<ul>");
    json_array_foreach(r->schema, at, text) {
        lw_buf_printf(out, "<li><span class=\"tag fault\">schema</span> ");
        lw_html_str(out, json_string_value(text));
        lw_buf_printf(out, "</li>\n");
    }
    for (size_t i = 0; i < r->n; i++) {
        const struct lw_report_column *c = &r->column[i];
        char figure[32];
        if (c->fault.kind == LW_FAULT_NONE)
            continue;
        lw_buf_printf(out, "<li><span class=\"tag fault\">%s</span> <b>",
                      lw_fault_name(c->fault.kind));
        lw_html_str(out, c->column.name);
        lw_buf_printf(out, "</b>: ");
        lw_html_str(out, c->fault.text);
        if (c->fault.kind == LW_FAULT_UNIT)
            lw_buf_printf(out, " (medians differ by a factor of %s)</li>\n",
                          lw_svg_number(figure, sizeof figure, c->fault.figure));
        else
            lw_buf_printf(out, " (%s of the rows)</li>\n",
                          lw_svg_percent(figure, sizeof figure, c->fault.figure));
    }
    lw_buf_printf(out, "</ul>\n");
}

/* ---- the table of columns ---- */

static void drift_row(const struct lw_report_column *c, struct lw_buf *out) {
    const struct lw_drift *d = &c->drift;
    lw_buf_printf(out, "<tr>");
    td_name(out, c->column.name);
    lw_buf_printf(out, "<td data-k=\"verdict\"><span>");
    verdict_tag(c, out);
    lw_buf_printf(out, "</span></td>");
    cell_put(out, "PSI", "%s", lw_digits(d->psi, 3).text);
    cell_put(out, "Jensen-Shannon", "%s", lw_digits(d->js, 3).text);
    if (c->column.kind == LW_NUMERIC) {
        cell_put(out, "KS", "%s", lw_digits(d->ks, 3).text);
        cell_put(out, "Wasserstein / sd", "%s", lw_digits(d->w1, 3).text);
        td_none(out);
    } else {
        td_none(out);
        td_none(out);
        cell_put(out, "Cramér’s V", "%s", lw_digits(d->cramers_v, 3).text);
    }
    if (d->p_adjusted < 1e-4)
        cell_put(out, "p, adjusted", "&lt; 0.0001");
    else
        cell_put(out, "p, adjusted", "%s", lw_digits(d->p_adjusted, 4).text);
    td_count(out, "n reference", d->n_ref);
    td_count(out, "n current", d->n_cur);
    lw_buf_printf(out, "</tr>\n");
}

static void drift_table(const struct lw_report *r, struct lw_buf *out) {
    static const char *const heading[] = {
        "column",           "verdict",    "PSI",         "Jensen-Shannon", "KS",
        "Wasserstein / sd", "Cramér’s V", "p, adjusted", "n reference",    "n current"};
    lw_buf_printf(out, "<h2>Columns, by effect</h2>\n");
    table_head(out, "stack", heading, sizeof heading / sizeof *heading);
    for (size_t i = 0; i < r->n; i++)
        drift_row(&r->column[i], out);
    table_end(out);
    lw_buf_printf(
        out,
        "<p class=\"soft\">A column drifts when the difference is significant "
        "for these sample sizes (p &lt; %g after correction over columns) and "
        "its PSI is at least %g. It is shifted when a part of it, such as the "
        "share of one value, changed for certain (p &lt; %g) and by at least %g "
        "standard deviations. With fewer than %" PRIu64
        " values on a side it is not tested.</p>\n",
        r->options.alpha, r->options.floor_psi, LW_DRIFT_STRICT * r->options.alpha,
        r->options.floor_shift, r->options.min_n);
}

/* ---- one card for each column ---- */

static void quantile_table(const struct lw_report_column *c, struct lw_buf *out) {
    static const double rank[] = {0.01, 0.25, 0.5, 0.75, 0.99};
    static const char *const heading[] = {"",     "mean", "1 %", "25 %",
                                          "50 %", "75 %", "99 %"};
    table_head(out, "mini", heading, sizeof heading / sizeof *heading);
    for (int s = 0; s < LW_SIDES; s++) {
        const struct lw_numeric *num = &c->member[s]->num;
        lw_buf_printf(out, "<tr>");
        td_name(out, s == LW_REF ? "reference" : "current");
        td_number(out, heading[1], num->moments.mean);
        for (size_t i = 0; i < sizeof rank / sizeof *rank; i++)
            td_number(out, heading[i + 2], lw_numeric_quantile(num, rank[i]));
        lw_buf_printf(out, "</tr>\n");
    }
    table_end(out);
}

static void changed_table(const struct lw_report_column *c, struct lw_buf *out) {
    enum { SHOWN = 8 };
    static const char *const heading[] = {"category", "", "reference", "current"};
    if (!c->nchanged) {
        lw_buf_printf(out, "<p class=\"soft\">No category changed beyond chance.</p>\n");
        return;
    }
    table_head(out, "mini", heading, sizeof heading / sizeof *heading);
    for (size_t i = 0; i < c->nchanged && i < SHOWN; i++) {
        const struct lw_report_category *m = &c->changed[i];
        lw_buf_printf(out, "<tr>");
        td_name(out, m->name);
        cell_put(out, "", "%s",
                 m->n[LW_REF] == 0   ? "appeared"
                 : m->n[LW_CUR] == 0 ? "vanished"
                 : m->z > 0          ? "grew"
                                     : "shrank");
        td_percent(out, "reference", m->share[LW_REF]);
        td_percent(out, "current", m->share[LW_CUR]);
        lw_buf_printf(out, "</tr>\n");
    }
    table_end(out);
    lw_buf_printf(
        out,
        "<p class=\"soft\">%zu changed beyond chance, %zu of them appeared, %zu vanished.</p>\n",
        c->nchanged, c->appeared, c->vanished);
}

/* What changed, of a shifted or drifted column. */
static void shift_line(const struct lw_report_column *c, struct lw_buf *out) {
    char text[LW_SHIFT_TEXT];
    if (!c->drift.shift.parts)
        return;
    lw_buf_printf(out, "<p>");
    lw_html_str(out, lw_shift_describe(&c->drift.shift, c->member[LW_REF],
                                       c->member[LW_CUR], text));
    lw_buf_printf(out, "</p>\n");
}

static void column_card(const struct lw_report *r, const struct lw_report_column *c,
                        struct lw_buf *out) {
    lw_buf_printf(out, "<section class=\"card\"><div class=\"head\"><h3>");
    lw_html_str(out, c->column.name);
    lw_buf_printf(out, "</h3><span>");
    verdict_tag(c, out);
    lw_buf_printf(out, "</span></div>\n");
    lw_report_chart(r, c, out);
    shift_line(c, out);
    if (c->drift.n_ref == 0 || c->drift.n_cur == 0)
        lw_buf_printf(out, "<p class=\"soft\">No values on one side.</p>\n");
    else if (c->column.kind == LW_NUMERIC)
        quantile_table(c, out);
    else
        changed_table(c, out);
    lw_buf_printf(out, "</section>\n");
}

/* ---- data quality ---- */

static void quality_row(const struct lw_report_column *c, struct lw_buf *out) {
    const struct lw_drift *d = &c->drift;
    lw_buf_printf(out, "<tr>");
    td_name(out, c->column.name);
    td_percent(out, "missing, reference", d->missing_ref);
    td_percent(out, "missing, current", d->missing_cur);
    if (c->column.kind == LW_NUMERIC) {
        td_percent(out, "out of range, reference", d->out_of_range_ref);
        td_percent(out, "out of range, current", d->out_of_range_cur);
        td_none(out);
    } else {
        td_none(out);
        td_none(out);
        if (d->unseen_known)
            td_percent(out, "new categories", d->unseen);
        else
            td_none(out);
    }
    lw_buf_printf(out, "</tr>\n");
}

static void reason_row(const struct lw_report *r, const char *why, uint64_t ref,
                       uint64_t cur, struct lw_buf *out) {
    const struct lw_report_side *side = r->side;
    if (!ref && !cur)
        return;
    lw_buf_printf(out, "<tr>");
    td_name(out, why);
    td_count(out, "reference", ref);
    td_percent(out, "share", (double)ref / fmax(1, (double)side[LW_REF].tally.records));
    td_count(out, "current", cur);
    td_percent(out, "share", (double)cur / fmax(1, (double)side[LW_CUR].tally.records));
    lw_buf_printf(out, "</tr>\n");
}

static void reasons_table(const struct lw_report *r, struct lw_buf *out) {
    static const char *const heading[] = {"rejected", "reference", "share", "current",
                                          "share"};
    const struct lw_input_tally *ref = &r->side[LW_REF].tally,
                                *cur = &r->side[LW_CUR].tally;
    if (!ref->unusable && !cur->unusable && !lw_input_tally_rejected(ref) &&
        !lw_input_tally_rejected(cur))
        return;
    lw_buf_printf(out, "<p></p>");
    table_head(out, "stack", heading, sizeof heading / sizeof *heading);
    for (int i = LW_GOOD + 1; r->config && i < LW_REASONS_MAX; i++) {
        char why[LW_NAME_MAX * 2 + 8];
        snprintf(why, sizeof why, "%s%s", i >= LW_REJECTED_CHECK ? "not " : "",
                 lw_event_reason(&r->config->spec.event, i));
        reason_row(r, why, ref->reason[i], cur->reason[i], out);
    }
    reason_row(r, "cannot be decoded", ref->unusable, cur->unusable, out);
    table_end(out);
}

static void quality_table(const struct lw_report *r, struct lw_buf *out) {
    static const char *const heading[] = {"column",
                                          "missing, reference",
                                          "missing, current",
                                          "out of range, reference",
                                          "out of range, current",
                                          "new categories"};
    lw_buf_printf(out, "<h2>Data quality</h2>\n");
    table_head(out, "stack", heading, sizeof heading / sizeof *heading);
    for (size_t i = 0; i < r->n; i++)
        quality_row(&r->column[i], out);
    table_end(out);
    reasons_table(r, out);
}

/* ---- the model's error ---- */

static struct lw_digits figure_text(const struct lw_task_figure *f,
                                    const struct lw_losses *s) {
    return f->with_sign ? lw_digits_signed(f->value(s), 3) : lw_digits(f->value(s), 3);
}

static void error_row(const char *name, const struct lw_losses *s, struct lw_buf *out) {
    lw_buf_printf(out, "<tr>");
    td_name(out, name);
    td_count(out, "n", s->n);
    for (const struct lw_task_figure *f = s->task->figure; f->key; f++)
        cell_put(out, f->label, "%s%s%s", figure_text(f, s).text, f->se ? " ± " : "",
                 f->se ? lw_digits(f->se(s), 3).text : "");
    lw_buf_printf(out, "</tr>\n");
}

#define CONTRIBUTION "contribution to the change in mean %s"

static void segments_head(const struct lw_task *task, struct lw_buf *out) {
    const char *error = task->figure[0].label;
    lw_buf_printf(out,
                  "<table class=\"stack\"><thead><tr><th>segment</th><th>n reference</th>"
                  "<th>n current</th><th>%s reference</th><th>%s current</th>",
                  error, error);
    for (const struct lw_task_figure *f = task->figure + 1; f->key; f++)
        if (f->with_sign)
            lw_buf_printf(out, "<th>%s current</th>", f->label);
    lw_buf_printf(out, "<th>" CONTRIBUTION "</th></tr></thead><tbody>\n", task->loss);
}

static void segment_row(const struct lw_report_segment *s, struct lw_buf *out) {
    char name[LW_NAME_MAX + 100];
    const struct lw_losses *ref = &s->errors[LW_REF], *cur = &s->errors[LW_CUR];
    const struct lw_task *task = cur->task;
    snprintf(name, sizeof name, "%s: %s", s->column, s->name);
    lw_buf_printf(out, "<tr>");
    td_name(out, name);
    td_count(out, "n reference", ref->n);
    td_count(out, "n current", cur->n);
    cell_put(out, lw_task_error_label(task, "", " reference").text, "%s",
             lw_digits(lw_losses_error(ref), 3).text);
    cell_put(out, lw_task_error_label(task, "", " current").text, "%s ± %s",
             lw_digits(lw_losses_error(cur), 3).text,
             lw_digits(lw_losses_error_se(cur), 3).text);
    for (const struct lw_task_figure *f = task->figure + 1; f->key; f++) {
        snprintf(name, sizeof name, "%s current", f->label);
        if (f->with_sign)
            cell_put(out, name, "%s", figure_text(f, cur).text);
    }
    snprintf(name, sizeof name, CONTRIBUTION, task->loss);
    cell_put(out, name, "%s", lw_digits_signed(s->excess, 3).text);
    lw_buf_printf(out, "</tr>\n");
}

static void segments_table(const struct lw_report *r, struct lw_buf *out) {
    enum { SHOWN = 15 };
    lw_buf_printf(out, "<h2>Segments with the largest increase in error</h2>\n");
    segments_head(r->side[LW_CUR].errors.task, out);
    for (size_t i = 0; i < r->nsegments && i < SHOWN; i++)
        segment_row(&r->segment[i], out);
    table_end(out);
    lw_buf_printf(
        out, "<p class=\"soft\">Each segment is of one feature, so segments overlap. "
             "Segments have at least 30 events on each side.</p>\n");
}

static void errors_table(const struct lw_report *r, struct lw_buf *out) {
    const char *heading[LW_TASK_FIGURES_MAX + 2] = {"", "n"};
    size_t n = 2;
    const struct lw_losses *ref = &r->side[LW_REF].errors, *cur = &r->side[LW_CUR].errors;
    if (ref->n < 3 || cur->n < 3)
        return;
    lw_buf_printf(out, "<h2>The model’s error: ");
    lw_html_str(out, r->model);
    lw_buf_printf(out, "</h2>\n");
    for (const struct lw_task_figure *f = cur->task->figure; f->key; f++)
        heading[n++] = f->label;
    table_head(out, "stack", heading, n);
    error_row("reference", ref, out);
    error_row("current", cur, out);
    table_end(out);
    if (r->nsegments)
        segments_table(r, out);
}

static void left_out_list(const struct lw_report *r, struct lw_buf *out) {
    size_t i;
    const json_t *o;
    if (!json_array_size(r->left_out))
        return;
    lw_buf_printf(out, "<h2>Left out</h2>\n<p class=\"soft\">");
    json_array_foreach(r->left_out, i, o) {
        lw_buf_printf(out, "%s", i ? ", " : "");
        lw_html_str(out, json_string_value(json_object_get(o, "column")));
        lw_buf_printf(out, " (");
        lw_html_str(out, json_string_value(json_object_get(o, "why")));
        lw_buf_printf(out, ")");
    }
    lw_buf_printf(out, "</p>\n");
}

void lw_report_html(struct lw_report *r, struct lw_buf *out) {
    page_head(r, out);
    faults_list(r, out);
    drift_table(r, out);
    lw_buf_printf(out, "<h2>Distributions</h2>\n<p class=\"soft\"><span class=\"key r\" "
                       "style=\"margin-left:0\"></span>reference<span class=\"key "
                       "c\"></span>current · shares of the rows that have a value, the "
                       "middle 99 %% of them</p>\n<div class=\"grid2\">\n");
    for (size_t i = 0; i < r->n; i++)
        column_card(r, &r->column[i], out);
    lw_buf_printf(out, "</div>\n");
    errors_table(r, out);
    quality_table(r, out);
    left_out_list(r, out);
    lw_buf_printf(out, "</main></body></html>\n");
}
