/* From merged windows to numbers: what rules read, and what dashboards show. */
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "core/monitor_private.h"
#include "core/observe.h"
#include "core/task.h"

static void view_compare(struct lw_monitor *m, struct lw_view *view) {
    const struct lw_spec *spec = m->spec;
    struct lw_drift scores[2];
    lw_match_make(m->reference, view->pane, &view->match);
    struct lw_drift_reference of = lw_match_features(&view->match, m->reference);
    lw_drift_compare_to(&of, view->pane->profile, &spec->drift, view->drift);
    for (size_t i = 0; i <= spec->nfeatures; i++) /* the target is the last */
        view->fault[i] =
            lw_fault_find(&of.profile->members[i], &view->pane->profile->members[i]);
    const struct lw_scores *s = lw_pane_scores(view->pane, m->policy.champion);
    view->drift[spec->nfeatures + 1] =
        (struct lw_drift){.verdict = LW_VERDICT_INSUFFICIENT};
    if (s) {
        of = lw_match_scores(&view->match, m->reference);
        lw_drift_compare_to(&of, s->profile, &spec->drift, scores);
        view->drift[spec->nfeatures + 1] = scores[0];
    }
    view->compared = true;
}

void lw__monitor_view(struct lw_monitor *m, size_t i) {
    struct lw_view *view = &m->view[i];
    lw_windows_counts(m->windows, i, m->policy.champion, m->policy.first, &view->counts);
    view->pane = NULL;
    view->compared = false;
    lw_match_fini(&view->match);
    for (size_t k = 0; k < lw_metric_count(); k++) {
        free(view->statistic[k]);
        view->statistic[k] = NULL;
    }
    view->expected_error =
        m->reference ? m->spec->task->error_of(lw_windows_expected_loss(
                           m->windows, i, m->policy.champion, m->reference->hour_loss))
                     : 0;
}

void lw__monitor_view_merge(struct lw_monitor *m, size_t i) {
    struct lw_view *view = &m->view[i];
    if (view->pane)
        return;
    view->pane = lw_windows_merge(m->windows, i);
    if (m->reference)
        view_compare(m, view);
}

/* A statistic that is computed apart from struct lw_drift, over all columns of a
 * window, once per evaluation. */
static const struct lw_statistic *view_statistic(const struct lw_monitor *m,
                                                 const struct lw_view *view,
                                                 const struct lw_metric *metric) {
    size_t at = 0, nf = m->spec->nfeatures;
    while (lw_metric_at(at) != metric)
        at++;
    struct lw_statistic **made = &view->statistic[at], scores[2];
    if (*made)
        return *made;
    *made = lw_calloc(nf + 2, sizeof **made);
    struct lw_statistic_input in = {
        lw_match_features(&view->match, m->reference).profile, view->pane->profile,
        view->drift, m->spec->drift.correction, metric->columns & LW_ON_CATEGORY};
    lw_statistic_compare(metric->statistic, &in, *made);
    const struct lw_scores *s = lw_pane_scores(view->pane, m->policy.champion);
    if (s && view->drift[nf + 1].verdict != LW_VERDICT_INSUFFICIENT) {
        const struct lw_drift both[2] = {view->drift[nf + 1],
                                         {.verdict = LW_VERDICT_EMPTY}};
        in.reference = lw_match_scores(&view->match, m->reference).profile;
        in.current = s->profile;
        in.judged = both;
        lw_statistic_compare(metric->statistic, &in, scores);
        (*made)[nf + 1] = scores[0];
    }
    return *made;
}

static void input_members(struct lw_metric_input *in) {
    const struct lw_monitor *m = in->m;
    size_t nf = m->spec->nfeatures;
    if (in->column <= nf) {
        in->before = &lw_match_features(&in->view->match, m->reference)
                          .profile->members[in->column];
        in->now = &in->view->pane->profile->members[in->column];
        return;
    }
    const struct lw_scores *s = lw_pane_scores(in->view->pane, m->policy.champion);
    if (s) {
        in->before = &lw_match_scores(&in->view->match, m->reference).profile->members[0];
        in->now = &s->profile->members[0];
    }
}

struct lw_metric_input lw__monitor_input(struct lw_monitor *m,
                                         const struct lw_metric *metric, size_t window,
                                         int subject) {
    const struct lw_view *view = &m->view[window];
    struct lw_metric_input in = {.m = m, .view = view, .window = window};
    if (!lw_metric_per_feature(metric))
        return in;
    in.column = lw__monitor_column(m->spec, subject);
    if (m->since_known && subject >= 0 && window == lw_spec_longest(m->spec))
        in.first = &m->since[in.column];
    if (!view->compared || !m->reference) /* the feature may have been removed since */
        return in;
    in.drift = &view->drift[in.column];
    input_members(&in);
    if (metric->statistic)
        in.statistic = &view_statistic(m, view, metric)[in.column];
    return in;
}

struct lw_reading lw__monitor_reading(struct lw_monitor *m, const struct lw_rule *rule,
                                      int subject) {
    if (lw_metric_live(rule->metric))
        return (struct lw_reading){.known = false};
    if (lw_metric_per_feature(rule->metric))
        lw__monitor_view_merge(m, (size_t)rule->window);
    struct lw_metric_input in =
        lw__monitor_input(m, rule->metric, (size_t)rule->window, subject);
    if (lw_metric_per_feature(rule->metric) && !in.drift)
        return (struct lw_reading){.known = false};
    struct lw_view own;
    in.view = lw__monitor_view_of(m, rule, &own);
    in.state = lw__monitor_rule_state(m, rule, subject);
    return lw__monitor_metric_read(rule->metric, &in);
}

int lw__monitor_subject(const struct lw_rule *rule, size_t i) {
    return rule->feature == LW_RULE_EACH ? (int)i : rule->feature;
}

size_t lw__monitor_column(const struct lw_spec *spec, int subject) {
    size_t nf = spec->nfeatures;
    return subject >= 0 ? (size_t)subject : subject == LW_RULE_TARGET ? nf : nf + 1;
}

struct lw_rule_state *lw__monitor_rule_state(const struct lw_monitor *m,
                                             const struct lw_rule *rule, int subject) {
    size_t first = m->state_of[rule - m->spec->rule];
    return &m->state[first + (rule->feature == LW_RULE_EACH ? (size_t)subject : 0)];
}

static void figure_add(struct lw_monitor *m, double value, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void figure_add(struct lw_monitor *m, double value, const char *fmt, ...) {
    if (m->nfigures == m->figures_cap) {
        m->figures_cap = m->figures_cap ? 2 * m->figures_cap : 64;
        m->figure = lw_realloc(m->figure, m->figures_cap, sizeof *m->figure);
    }
    struct lw_figure *f = &m->figure[m->nfigures++];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(f->name, sizeof f->name, fmt, ap);
    va_end(ap);
    f->value = value;
}

static void figure_publish(struct lw_monitor *m, const struct lw_metric *metric,
                           size_t window, int subject) {
    struct lw_metric_input in = lw__monitor_input(m, metric, window, subject);
    double value = lw__monitor_metric_figure(metric, &in);
    const char *w = m->spec->window[window].name;
    if (metric->scope == LW_SCOPE_MODEL && lw_observe_is_all(m->spec))
        return; /* there are no errors, and no zeros in their place */
    if (!isfinite(value) && !(metric->flags & LW_METRIC_ZERO))
        return;
    if (!isfinite(value))
        value = 0;
    if (lw_metric_per_feature(metric))
        figure_add(m, value, "%s:%s:%s", w, metric->name,
                   lw_spec_feature_name(m->spec, subject));
    else
        figure_add(m, value, "%s:%s", w, metric->name);
}

static void window_figures(struct lw_monitor *m, size_t window, bool columns) {
    const struct lw_metric *metric;
    int nf = (int)m->spec->nfeatures;
    bool longest = !m->lazy && window == lw_spec_longest(m->spec);
    for (size_t k = 0; (metric = lw_metric_at(k)); k++) {
        if (lw_metric_live(metric) || (metric->flags & LW_METRIC_LONGEST && !longest))
            continue;
        if (!lw_metric_per_feature(metric)) {
            figure_publish(m, metric, window, LW_RULE_MODEL);
            continue;
        }
        if (!columns || (m->lazy && metric->statistic))
            continue;
        for (int i = 0; i < nf + 2; i++)
            if (lw_metric_has_column(metric, m->spec, (size_t)i))
                figure_publish(m, metric, window,
                               i < nf    ? i
                               : i == nf ? LW_RULE_TARGET
                                         : LW_RULE_PREDICTION);
    }
}

static void shift_add(struct lw_monitor *m, size_t window, int subject,
                      const struct lw_metric_input *in) {
    if (m->nshifts == m->shifts_cap) {
        m->shifts_cap = m->shifts_cap ? 2 * m->shifts_cap : 16;
        m->shift = lw_realloc(m->shift, m->shifts_cap, sizeof *m->shift);
    }
    struct lw_shift_note *note = &m->shift[m->nshifts++];
    snprintf(note->name, sizeof note->name, "%s:shift:%s", m->spec->window[window].name,
             lw_spec_feature_name(m->spec, subject));
    lw_shift_describe(&in->drift->shift, in->before, in->now, note->text);
}

/* What changed in the columns that are shifted or drifted. */
static void window_shifts(struct lw_monitor *m, size_t window) {
    static const int others[] = {LW_RULE_TARGET, LW_RULE_PREDICTION};
    int nf = (int)m->spec->nfeatures;
    for (int i = 0; i < nf + 2; i++) {
        int subject = i < nf ? i : others[i - nf];
        struct lw_metric_input in =
            lw__monitor_input(m, lw_metric_find("shifted"), window, subject);
        if (in.drift && in.before && in.drift->shift.parts)
            shift_add(m, window, subject, &in);
    }
}

/* Drift since version 1 over the longest window: it shows a slow drift that each new
 * reference hides. */
static void compare_since_first(struct lw_monitor *m) {
    const struct lw_reference *ref = m->first ? m->first : m->reference;
    if (!m->nviews)
        return;
    struct lw_view *view = &m->view[lw_spec_longest(m->spec)];
    if (!ref || !view->pane)
        return;
    struct lw_match match;
    lw_match_make(ref, view->pane, &match);
    struct lw_drift_reference of = lw_match_features(&match, ref);
    lw_drift_compare_to(&of, view->pane->profile, &m->spec->drift, m->since);
    lw_match_fini(&match);
    m->since_known = true;
}

static size_t alerts_firing(const struct lw_monitor *m) {
    size_t n = 0;
    for (size_t i = 0; i < m->nstates; i++)
        n += m->state[i].state == LW_ALERT_FIRING;
    for (int k = 0; k < LW_NOTICES; k++)
        n += m->notice[k].firing;
    return n;
}

void lw__monitor_figures(struct lw_monitor *m, struct lw_evaluation *out) {
    m->nfigures = 0;
    figure_add(m, (double)out->at_ms, "at");
    figure_add(m, m->policy.champion, "champion");
    figure_add(m,
               m->policy.champion
                   ? (double)(out->at_ms - m->policy.champion_since_ms) / LW_HOUR
                   : 0,
               "champion_age_hours");
    figure_add(m, (double)alerts_firing(m), "alerts_firing");
    figure_add(m, m->policy.pending.id != 0, "training");
    figure_add(m, (double)m->unreadable, "unreadable_panes");
    out->columns = out->at_ms % lw_spec_publish_ms(m->spec) == 0;
    for (size_t i = 0; i < m->nviews && out->columns && !m->lazy; i++)
        lw__monitor_view_merge(m, i);
    m->since_known = false;
    if (out->columns && !m->lazy)
        compare_since_first(m);
    m->nshifts = 0;
    for (size_t i = 0; i < m->nviews; i++) {
        window_figures(m, i, out->columns);
        if (out->columns && !m->lazy)
            window_shifts(m, i);
    }
    out->shift = m->shift;
    out->nshifts = m->nshifts;
    out->figure = m->figure;
    out->nfigures = m->nfigures;
}
