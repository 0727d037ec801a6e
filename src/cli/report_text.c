/* A report for a terminal and as JSON. */
#include <math.h>

#include "base/text.h"
#include "cli/report.h"
#include "cli/svg.h"

/* ---- texts used by every form of the report ---- */

char *lw_report_span(const struct lw_report *r, const struct lw_report_side *side,
                     char *out, size_t size) {
    const struct lw_zone *zone = r->config ? r->config->spec.zone : NULL;
    char from[32], until[32];
    int64_t lo = side->from_ms, hi = side->until_ms;
    out[0] = '\0';
    if (side->times && lw_kll_n(side->times)) {
        struct lw_kll_view *view = lw_kll_view_new(side->times);
        lo = (int64_t)lw_kll_view_quantile(view, 0.001);
        hi = (int64_t)lw_kll_view_quantile(view, 0.999);
        lw_kll_view_free(view);
    }
    if (hi > 0)
        snprintf(out, size, "%.10s to %.10s",
                 lw_format_time(from, sizeof from, lw_zone_clock(zone, lo)),
                 lw_format_time(until, sizeof until, lw_zone_clock(zone, hi)));
    return out;
}

void lw_report_headline(const struct lw_report *r, char *out, size_t size) {
    const struct lw_losses *ref = &r->side[LW_REF].errors, *cur = &r->side[LW_CUR].errors;
    int len = snprintf(out, size, "%zu of %zu columns drifted.", r->drifted, r->n);
    if (r->shifted)
        len += snprintf(out + len, size - (size_t)len, " %zu shifted.", r->shifted);
    if (r->faulty)
        len +=
            snprintf(out + len, size - (size_t)len, " %zu with a data fault.", r->faulty);
    if (json_array_size(r->schema))
        len += snprintf(out + len, size - (size_t)len, " The schema changed.");
    if (r->insufficient)
        len += snprintf(out + len, size - (size_t)len,
                        " %zu with too few values to test.", r->insufficient);
    if (ref->n > 2 && cur->n > 2) {
        double before = lw_losses_error(ref), after = lw_losses_error(cur);
        snprintf(out + len, size - (size_t)len, " %s %s → %s (%s %%).",
                 cur->task->figure[0].label, lw_digits(before, 3).text,
                 lw_digits(after, 3).text,
                 lw_digits_signed(100 * (after / before - 1), 1).text);
    }
}

/* ---- terminal ---- */

static void print_side(const struct lw_report *r, int which, FILE *out) {
    const struct lw_report_side *side = &r->side[which];
    char span[64], count[32];
    fprintf(out, "%-10s %s events", which == LW_REF ? "reference" : "current",
            lw_format_count(count, sizeof count, side->tally.records));
    if (*lw_report_span(r, side, span, sizeof span))
        fprintf(out, ", %s", span);
    uint64_t rejected = lw_input_tally_rejected(&side->tally);
    if (rejected)
        fprintf(out, ", %s rejected", lw_format_count(count, sizeof count, rejected));
    if (side->tally.unusable)
        fprintf(out, ", %s unreadable (first error: %s)",
                lw_format_count(count, sizeof count, side->tally.unusable),
                side->tally.first_unusable);
    fprintf(out, "\n");
}

static const char *p_text(char out[16], double p) {
    snprintf(out, 16, isnan(p) ? "-" : "%.2g", p);
    return out;
}

static void print_column(const struct lw_report_column *c, FILE *out) {
    const struct lw_drift *d = &c->drift;
    char ref[32], cur[32], p[16];
    bool numeric = c->column.kind == LW_NUMERIC;
    fprintf(out, "  %s %-12s %8s %8s ", lw_text_column(c->column.name, 28, 40).text,
            c->fault.kind != LW_FAULT_NONE ? "fault" : lw_verdict_name(d->verdict),
            lw_digits(d->psi, 4).text, lw_digits(d->js, 4).text);
    if (numeric)
        fprintf(out, "%8s %8s", lw_digits(d->ks, 4).text, lw_digits(d->w1, 4).text);
    else
        fprintf(out, "%8s %8s", "", lw_digits(d->cramers_v, 4).text);
    fprintf(out, " %9s %10s %10s  ", p_text(p, d->p_adjusted),
            lw_format_count(ref, sizeof ref, d->n_ref),
            lw_format_count(cur, sizeof cur, d->n_cur));
    fprintf(out, "%.1f%% > %.1f%%\n", 100 * d->missing_ref, 100 * d->missing_cur);
}

static void print_shift(const struct lw_report_column *c, FILE *out) {
    char text[LW_SHIFT_TEXT];
    lw_cli_line(
        out, "    %s",
        lw_shift_describe(&c->drift.shift, c->member[LW_REF], c->member[LW_CUR], text));
}

static void print_changed(const struct lw_report_column *c, FILE *out) {
    enum { SHOWN = 6 };
    for (size_t i = 0; i < c->nchanged && i < SHOWN; i++)
        fprintf(out, "%s%s %.1f%% > %.1f%%", i ? ", " : "    ", c->changed[i].name,
                100 * c->changed[i].share[LW_REF], 100 * c->changed[i].share[LW_CUR]);
    if (c->nchanged)
        fprintf(out, "%s\n", c->nchanged > SHOWN ? ", ..." : "");
}

static void print_segments(const struct lw_report *r, FILE *out) {
    enum { SHOWN = 10 };
    char ref[32], cur[32];
    if (!r->nsegments)
        return;
    const struct lw_task *task = r->side[LW_CUR].errors.task;
    fprintf(out, "\n  largest increase in error%*s %10s %10s %9s %9s\n", 15, "", "n ref",
            "n cur", lw_task_error_label(task, "", " ref").text,
            lw_task_error_label(task, "", " cur").text);
    for (size_t i = 0; i < r->nsegments && i < SHOWN; i++) {
        const struct lw_report_segment *s = &r->segment[i];
        fprintf(out, "  %s %s %10s %10s %9s %9s\n",
                lw_text_column(s->column, 24, 40).text,
                lw_text_column(s->name, 14, 40).text,
                lw_format_count(ref, sizeof ref, s->errors[LW_REF].n),
                lw_format_count(cur, sizeof cur, s->errors[LW_CUR].n),
                lw_digits(lw_losses_error(&s->errors[LW_REF]), 3).text,
                lw_digits(lw_losses_error(&s->errors[LW_CUR]), 3).text);
    }
}

void lw_report_print(struct lw_report *r, FILE *out) {
    char headline[512];
    size_t at;
    const json_t *text;
    lw_report_headline(r, headline, sizeof headline);
    print_side(r, LW_REF, out);
    print_side(r, LW_CUR, out);
    fprintf(out, "%s\n\n", headline);
    json_array_foreach(r->schema, at, text)
        lw_cli_line(out, "  SCHEMA %s", json_string_value(text));
    json_array_foreach(r->widths, at, text)
        lw_cli_line(out, "  note   %s, values remain comparable",
                    json_string_value(text));
    for (size_t i = 0; i < r->n; i++)
        if (r->column[i].fault.kind != LW_FAULT_NONE)
            lw_cli_line(out, "  FAULT %s: %s (%.4g)", r->column[i].column.name,
                        r->column[i].fault.text, r->column[i].fault.figure);
    fprintf(out, "  %-28s %-12s %8s %8s %8s %8s %9s %10s %10s  %s\n", "column", "verdict",
            "PSI", "JS", "KS", "W1 or V", "p", "n ref", "n cur", "missing");
    for (size_t i = 0; i < r->n; i++) {
        print_column(&r->column[i], out);
        if (r->column[i].drift.verdict == LW_VERDICT_DRIFT)
            print_changed(&r->column[i], out);
        if (r->column[i].drift.verdict == LW_VERDICT_SHIFTED)
            print_shift(&r->column[i], out);
    }
    print_segments(r, out);
    json_array_foreach(r->left_out, at, text)
        fprintf(out, "%s%s (%s)", at ? ", " : "\n  left out: ",
                json_string_value(json_object_get(text, "column")),
                json_string_value(json_object_get(text, "why")));
    if (json_array_size(r->left_out))
        fprintf(out, "\n");
}

/* ---- JSON ---- */

static json_t *side_json(const struct lw_report *r, int which) {
    const struct lw_report_side *side = &r->side[which];
    char span[64];
    json_t *o = json_object();
    if (r->config) {
        lw_input_tally_json(&side->tally, &r->config->spec.event, o);
    } else {
        lw_json_set_count(o, "records", side->tally.records);
        lw_json_set_count(o, "unusable", side->tally.unusable);
    }
    lw_json_set_text(o, "times", lw_report_span(r, side, span, sizeof span));
    if (side->errors.n) {
        lw_json_set_count(o, "scored", side->errors.n);
        const struct lw_task *task = side->errors.task;
        for (const struct lw_task_figure *f = task->figure; f->key; f++)
            lw_json_set_number(o, f->key, f->value(&side->errors));
        lw_json_set_number(o, lw_task_error_key(task, "", "_se").text,
                           lw_losses_error_se(&side->errors));
        lw_json_set_number(o, lw_task_error_key(task, "", "_high").text,
                           lw_losses_error_high(&side->errors));
    }
    return o;
}

static void set_drift(json_t *o, const struct lw_drift *d, bool numeric) {
    lw_json_set_count(o, "n_reference", d->n_ref);
    lw_json_set_count(o, "n_current", d->n_cur);
    lw_json_set_number(o, "psi", d->psi);
    lw_json_set_number(o, "psi_raw", d->psi_raw);
    lw_json_set_number(o, "js", d->js);
    lw_json_set_number(o, "hellinger", d->hellinger);
    lw_json_set_number(o, "chi2", d->chi2);
    lw_json_set_number(o, "cramers_v", d->cramers_v);
    lw_json_set_number(o, "p", d->p);
    lw_json_set_number(o, "p_adjusted", d->p_adjusted);
    if (numeric) {
        lw_json_set_number(o, "ks", d->ks);
        lw_json_set_number(o, "ks_p", d->ks_p);
        lw_json_set_number(o, "w1", d->w1);
        lw_json_set_number(o, "w1_p", d->w1_p);
        lw_json_set_number(o, "mean_reference", d->mean_ref);
        lw_json_set_number(o, "mean_current", d->mean_cur);
        lw_json_set_number(o, "out_of_range_reference", d->out_of_range_ref);
        lw_json_set_number(o, "out_of_range_current", d->out_of_range_cur);
        lw_json_set_number(o, "out_of_range_p", d->out_of_range_p);
    } else {
        lw_json_set_number(o, "linf", d->linf);
        lw_json_set_number(o, "unseen", d->unseen_known ? d->unseen : NAN);
        lw_json_set_number(o, "unseen_expected",
                           d->unseen_known ? d->unseen_expected : NAN);
        lw_json_set_number(o, "unseen_p", d->unseen_p);
    }
    lw_json_set_number(o, "missing_reference", d->missing_ref);
    lw_json_set_number(o, "missing_current", d->missing_cur);
    lw_json_set_number(o, "missing_p", d->missing_p);
}

static json_t *share_json(struct lw_shift_share s) {
    json_t *o = json_object();
    lw_json_set_number(o, "reference", s.ref);
    lw_json_set_number(o, "current", s.cur);
    return o;
}

/* What changed, also of a column that drifted; null: nothing for certain. */
static json_t *shift_json(const struct lw_report_column *c) {
    const struct lw_shift *s = &c->drift.shift;
    char text[LW_SHIFT_TEXT], name[256];
    if (!s->parts)
        return json_null();
    json_t *o = json_object();
    const struct lw_member *ref = c->member[LW_REF], *cur = c->member[LW_CUR];
    lw_json_set_text(o, "text", lw_shift_describe(s, ref, cur, text));
    lw_json_set_number(o, "p_adjusted", s->p_adjusted);
    if (s->parts & LW_SHIFT_SHARE) {
        json_t *share = share_json(s->share);
        if (c->column.kind == LW_CATEGORY) {
            struct lw_cat cat = lw_shift_category(s, ref->cats, cur->cats);
            lw_json_set_text(share, "category", lw_cat_name(&cat, name, sizeof name));
        } else {
            lw_json_set_number(share, "value", s->value);
        }
        lw_json_set(o, "share", share);
    }
    if (s->parts & LW_SHIFT_MEDIAN)
        lw_json_set(o, "median",
                    share_json((struct lw_shift_share){s->median_ref, s->median_cur}));
    if (s->parts & LW_SHIFT_ABOVE) {
        lw_json_set(o, "above", share_json(s->above));
        lw_json_set_number(json_object_get(o, "above"), "than", s->above_at);
    }
    if (s->parts & LW_SHIFT_BELOW) {
        lw_json_set(o, "below", share_json(s->below));
        lw_json_set_number(json_object_get(o, "below"), "than", s->below_at);
    }
    if (s->parts & LW_SHIFT_MISSING)
        lw_json_set(o, "missing", share_json(s->missing));
    return o;
}

static void set_statistics(json_t *o, const struct lw_report_column *c) {
    const struct lw_metric *metric;
    char key[80];
    for (size_t k = 0; (metric = lw_metric_at(k)); k++) {
        const struct lw_statistic *s = &c->statistic[k];
        if (!metric->statistic || !s->known)
            continue;
        lw_json_set_number(o, metric->name, s->value);
        snprintf(key, sizeof key, "%s_p", metric->name);
        lw_json_set_number(o, key, s->p);
    }
}

#define CHANGED_JSON 100 /* the others are only counted */

static json_t *changed_json(const struct lw_report_column *c) {
    json_t *list = json_array();
    for (size_t i = 0; i < c->nchanged && i < CHANGED_JSON; i++) {
        const struct lw_report_category *m = &c->changed[i];
        json_t *o = json_object();
        lw_json_set_text(o, "category", m->name);
        lw_json_set_number(o, "share_reference", m->share[LW_REF]);
        lw_json_set_number(o, "share_current", m->share[LW_CUR]);
        lw_json_set_number(o, "z", m->z);
        lw_json_set_text(o, "what",
                         m->n[LW_REF] == 0   ? "appeared"
                         : m->n[LW_CUR] == 0 ? "vanished"
                         : m->z > 0          ? "grew"
                                             : "shrank");
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *column_json(const struct lw_report_column *c) {
    json_t *o = json_object(), *fault = json_null();
    bool numeric = c->column.kind == LW_NUMERIC;
    lw_json_set_text(o, "column", c->column.name);
    lw_json_set_text(o, "kind", lw_kind_name(c->column.kind));
    lw_json_set_text(o, "verdict", lw_verdict_name(c->drift.verdict));
    set_drift(o, &c->drift, numeric);
    set_statistics(o, c);
    lw_json_set(o, "shift", shift_json(c));
    if (c->fault.kind != LW_FAULT_NONE) {
        fault = json_object();
        lw_json_set_text(fault, "kind", lw_fault_name(c->fault.kind));
        lw_json_set_text(fault, "text", c->fault.text);
        lw_json_set_number(fault, "figure", c->fault.figure);
    }
    lw_json_set(o, "fault", fault);
    if (numeric)
        return o;
    size_t more = c->nchanged > CHANGED_JSON ? c->nchanged - CHANGED_JSON : 0;
    lw_json_set(o, "moved", changed_json(c));
    lw_json_set_count(o, "moved_more", more);
    for (int side = 0; side < LW_SIDES; side++)
        lw_json_set_count(o, side == LW_REF ? "dropped_reference" : "dropped_current",
                          lw_cats_dropped(c->member[side]->cats));
    return o;
}

/* The error, and the figures that say in which direction it is. */
static void set_errors(json_t *o, const struct lw_losses side[LW_SIDES]) {
    const struct lw_task_figure *first = side[LW_CUR].task->figure;
    char key[80];
    for (const struct lw_task_figure *f = first; f->key; f++) {
        if (f != first && !f->with_sign)
            continue;
        snprintf(key, sizeof key, "%s_reference", f->key);
        lw_json_set_number(o, key, lw_losses_figure(&side[LW_REF], f->key));
        snprintf(key, sizeof key, "%s_current", f->key);
        lw_json_set_number(o, key, lw_losses_figure(&side[LW_CUR], f->key));
    }
}

static json_t *segments_json(const struct lw_report *r) {
    json_t *list = json_array();
    for (size_t i = 0; i < r->nsegments; i++) {
        const struct lw_report_segment *s = &r->segment[i];
        json_t *o = json_object();
        lw_json_set_text(o, "column", s->column);
        lw_json_set_text(o, "segment", s->name);
        lw_json_set_count(o, "n_reference", s->errors[LW_REF].n);
        lw_json_set_count(o, "n_current", s->errors[LW_CUR].n);
        set_errors(o, s->errors);
        lw_json_set_number(o, "excess", s->excess);
        json_array_append_new(list, o);
    }
    return list;
}

json_t *lw_report_json(struct lw_report *r) {
    char headline[512];
    json_t *o = json_object(), *columns = json_array();
    lw_report_headline(r, headline, sizeof headline);
    lw_json_set_bool(o, "found", lw_report_met(r));
    lw_json_set_text(o, "headline", headline);
    lw_json_set_count(o, "drifted", r->drifted);
    lw_json_set_count(o, "shifted", r->shifted);
    lw_json_set_count(o, "faults", r->faulty);
    lw_json_set_number(o, "alpha", r->options.alpha);
    lw_json_set_number(o, "floor_psi", r->options.floor_psi);
    lw_json_set_number(o, "floor_shift", r->options.floor_shift);
    lw_json_set_count(o, "min_n", r->options.min_n);
    lw_json_set(o, "reference", side_json(r, LW_REF));
    lw_json_set(o, "current", side_json(r, LW_CUR));
    for (size_t i = 0; i < r->n; i++)
        json_array_append_new(columns, column_json(&r->column[i]));
    lw_json_set(o, "columns", columns);
    json_object_set(o, "schema_changes", r->schema);
    json_object_set(o, "schema_notes", r->widths);
    json_object_set(o, "left_out", r->left_out);
    if (r->model[0])
        lw_json_set_text(o, "model", r->model);
    if (r->nsegments)
        lw_json_set(o, "segments", segments_json(r));
    return o;
}
