/* From merged windows to numbers: what rules read, what dashboards see, what an alert
 * says. */
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "core/monitor_private.h"
#include "drift/stats.h"

/* A rise of a share is more than chance below this two-sided p: three standard errors of
 * large samples. */
#define SHARE_P 0.0027
/* Of drift.alpha: a report looks once, a rule again and again. It resolves at alpha. */
#define RULE_ALPHA 0.01
/* An RMSE must exceed its expectation by this many. */
#define RMSE_Z 2.0

static void compare(struct lw_monitor *m, struct lw_view *view) {
    const struct lw_spec *spec = m->spec;
    struct lw_drift scores[2];
    lw_drift_compare(m->reference->profile, view->pane->profile, m->reference->bins,
                     &spec->drift, view->drift);
    for (size_t i = 0; i <= spec->nfeatures; i++) /* the target is the last */
        view->fault[i] = lw_fault_find(&m->reference->profile->members[i],
                                       &view->pane->profile->members[i]);
    const struct lw_scores *s = lw_pane_scores(view->pane, m->policy.champion);
    view->drift[spec->nfeatures + 1] =
        (struct lw_drift){.verdict = LW_VERDICT_INSUFFICIENT};
    if (s) {
        lw_drift_compare(m->reference->scores, s->profile, NULL, &spec->drift, scores);
        view->drift[spec->nfeatures + 1] = scores[0];
    }
    view->compared = true;
}

void lw__view(struct lw_monitor *m, size_t i) {
    struct lw_view *view = &m->view[i];
    lw_windows_counts(m->windows, i, m->policy.champion, m->policy.first, &view->counts);
    view->pane = NULL;
    view->compared = false;
    view->expected_error =
        m->reference ? m->spec->task->error_of(lw_windows_expected_loss(
                           m->windows, i, m->policy.champion, m->reference->hour_loss))
                     : 0;
}

void lw__view_merge(struct lw_monitor *m, size_t i) {
    struct lw_view *view = &m->view[i];
    if (view->pane)
        return;
    view->pane = lw_windows_merge(m->windows, i);
    if (m->reference)
        compare(m, view);
}

/* A metric's value and the p-value of its own test, corrected over the features. The
 * rule's threshold is the floor of the effect, and no other figure's is. */
static void read_metric(const struct lw_drift *d, enum lw_metric metric, double *value,
                        double *p) {
    *p = d->p_adjusted; /* chi-square, on the cells that PSI and JS look at */
    switch (metric) {
    case LW_METRIC_PSI:
        *value = d->psi;
        return;
    case LW_METRIC_JS:
        *value = d->js;
        return;
    case LW_METRIC_KS:
        *value = d->ks;
        *p = d->ks_p_adjusted;
        return;
    case LW_METRIC_W1:
        *value = d->w1;
        *p = d->w1_p_adjusted;
        return;
    default:
        lw_assert(metric == LW_METRIC_UNSEEN);
        *value = fmax(d->unseen - d->unseen_expected, 0);
        *p = d->unseen_p_adjusted;
    }
}

static struct lw_reading share_reading(double rise, double p, uint64_t rows) {
    return (struct lw_reading){.value = rise,
                               .n = rows,
                               .known = rows > 0,
                               .significant = rise > 0 && p < SHARE_P};
}

/* rows: events behind the window. Shares are of all rows: d->n_cur
 * leaves out just those that a share of missing values is about. A column that is
 * constant on both sides has not moved. */
static struct lw_reading drift_reading(const struct lw_drift *d, enum lw_metric metric,
                                       uint64_t rows, double alpha) {
    if (metric == LW_METRIC_MISSING)
        return share_reading(d->missing_cur - d->missing_ref, d->missing_p, rows);
    if (metric == LW_METRIC_OUT_OF_RANGE)
        return share_reading(d->out_of_range_cur - d->out_of_range_ref, d->out_of_range_p,
                             rows);
    struct lw_reading r = {.n = d->n_cur};
    double p = 1;
    read_metric(d, metric, &r.value, &p);
    r.known = d->verdict == LW_VERDICT_OK || d->verdict == LW_VERDICT_DRIFT ||
              d->verdict == LW_VERDICT_CONSTANT;
    if (metric == LW_METRIC_UNSEEN && !d->unseen_known)
        r.known = false;
    r.significant = r.known && p < RULE_ALPHA * alpha;
    r.likely = r.known && p < alpha;
    return r;
}

static struct lw_reading aside_reading(const struct lw_monitor *m,
                                       const struct lw_view *view) {
    uint64_t n = view->counts.events, aside = n - view->counts.good;
    struct lw_reading r = {.n = n, .known = m->reference && n > 0};
    if (!r.known)
        return r;
    uint64_t before_n = m->reference->events, before = m->reference->aside;
    r.value = (double)aside / (double)n -
              (before_n > 0 ? (double)before / (double)before_n : 0);
    r.significant = r.value > 0 && before_n > 0 &&
                    lw_two_shares_p(before, before_n, aside, n) < SHARE_P;
    return r;
}

static struct lw_reading model_reading(const struct lw_monitor *m,
                                       const struct lw_view *view,
                                       enum lw_metric metric) {
    const struct lw_losses *e = &view->counts.champion;
    struct lw_reading r = {.n = e->n, .known = e->n >= 2, .significant = true};
    double rmse = r.known ? lw_losses_error(e) : 0;
    switch (metric) {
    case LW_METRIC_RMSE:
        r.value = rmse;
        break;
    case LW_METRIC_MAE:
        r.value = r.known ? lw_losses_figure(e, "mae") : 0;
        break;
    case LW_METRIC_BIAS:
        r.value = r.known ? fabs(lw_losses_figure(e, "bias")) : 0;
        break;
    case LW_METRIC_RMSE_RATIO:
        r.known = r.known && view->expected_error > 0;
        r.value = r.known ? rmse / view->expected_error : 0;
        r.significant =
            r.known && rmse - RMSE_Z * lw_losses_error_se(e) > view->expected_error;
        break;
    case LW_METRIC_RECALIBRATION_GAIN:
        r.value = r.known ? lw_losses_recalibration_gain(e) : 0;
        break;
    case LW_METRIC_CHANGE_POINT:
        r.value = m->changed;
        r.known = true;
        break;
    default:
        lw_assert(metric == LW_METRIC_RMSE); /* a metric of the model */
    }
    return r;
}

struct lw_reading lw__reading(struct lw_monitor *m, const struct lw_rule *rule,
                              int subject) {
    const struct lw_view *view = &m->view[rule->window];
    if (rule->metric == LW_METRIC_EVENTS)
        return (struct lw_reading){.value = (double)view->counts.events,
                                   .n =
                                       UINT64_MAX, /* few events are the finding itself */
                                   .known = view->counts.filled,
                                   .significant = true};
    if (rule->metric == LW_METRIC_ASIDE)
        return aside_reading(m, view);
    if (!lw_metric_per_feature(rule->metric))
        return model_reading(m, view, rule->metric);
    lw__view_merge(m, (size_t)rule->window);
    if (!view->compared || !m->reference) /* it may have gone since */
        return (struct lw_reading){.known = false};
    size_t i = lw__column(m->spec, subject);
    if (rule->metric == LW_METRIC_FAULT) {
        struct lw_reading r = lw__fault_reading(
            &m->reference->profile->members[i], &view->pane->profile->members[i],
            &view->fault[i], lw__slot(m, rule, subject));
        r.n = view->counts.events;
        return r;
    }
    return drift_reading(&view->drift[i], rule->metric, view->counts.events,
                         m->spec->drift.alpha);
}

int lw__subject(const struct lw_rule *rule, size_t i) {
    return rule->feature == LW_RULE_EACH ? (int)i : rule->feature;
}

size_t lw__column(const struct lw_spec *spec, int subject) {
    size_t nf = spec->nfeatures;
    return subject >= 0 ? (size_t)subject : subject == LW_RULE_TARGET ? nf : nf + 1;
}

struct lw_slot *lw__slot(const struct lw_monitor *m, const struct lw_rule *rule,
                         int subject) {
    size_t first = m->slot_of[rule - m->spec->rule];
    return &m->slot[first + (rule->feature == LW_RULE_EACH ? (size_t)subject : 0)];
}

bool lw__share_rose(uint64_t before, uint64_t before_n, uint64_t now, uint64_t now_n) {
    return before_n > 0 && now_n > 0 &&
           (double)now / (double)now_n > (double)before / (double)before_n &&
           lw_two_shares_p(before, before_n, now, now_n) < SHARE_P;
}

static void add(struct lw_monitor *m, double value, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* A figure is always a finite number: a chart must not tear where there is nothing to
 * say. */
static void add(struct lw_monitor *m, double value, const char *fmt, ...) {
    if (m->nfigures == m->figures_cap) {
        m->figures_cap = m->figures_cap ? 2 * m->figures_cap : 64;
        m->figure = lw_realloc(m->figure, m->figures_cap, sizeof *m->figure);
    }
    struct lw_figure *f = &m->figure[m->nfigures++];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(f->name, sizeof f->name, fmt, ap);
    va_end(ap);
    f->value = isfinite(value) ? value : 0;
}

static void model_figures(struct lw_monitor *m, const char *w,
                          const struct lw_view *view) {
    const struct lw_losses *e = &view->counts.champion;
    const struct lw_task_figure *f = m->spec->task->figure;
    double error = lw_losses_error(e);
    add(m, (double)e->n, "%s:n", w);
    add(m, error, "%s:%s", w, f->key);
    add(m, (double)e->unsummed, "%s:unsummed", w);
    add(m, lw_losses_error_se(e), "%s:%s_se", w, f->key);
    add(m, view->expected_error, "%s:%s_expected", w, f->key);
    add(m, view->expected_error > 0 ? error / view->expected_error : 0, "%s:%s_ratio", w,
        f->key);
    add(m, lw_losses_error(&view->counts.first), "%s:%s_first", w, f->key);
    for (f++; f->key; f++)
        add(m, lw_losses_figure(e, f->key), "%s:%s", w, f->key);
    add(m, lw_losses_recalibration_gain(e), "%s:recalibration_gain", w);
    add(m, (double)view->counts.events, "%s:events", w);
    double aside = (double)(view->counts.events - view->counts.good);
    add(m, view->counts.events ? aside / (double)view->counts.events : 0, "%s:aside", w);
}

/* What the summaries cannot tell is no figure: 0 would say that nothing is new. */
static bool unseen_unknown(const struct lw_monitor *m, size_t i,
                           const struct lw_drift *d) {
    return m->spec->feature[i].kind == LW_CATEGORY && d->n_ref > 0 && d->n_cur > 0 &&
           !d->unseen_known;
}

static void drift_figures(struct lw_monitor *m, const char *w,
                          const struct lw_view *view) {
    static const struct lw_drift none;
    for (size_t i = 0; i < m->spec->nfeatures + 2; i++) {
        const struct lw_drift *d = view->compared ? &view->drift[i] : &none;
        const char *f = i < m->spec->nfeatures    ? m->spec->feature[i].name
                        : i == m->spec->nfeatures ? "target"
                                                  : "prediction";
        add(m, d->psi, "%s:psi:%s", w, f);
        add(m, d->js, "%s:js:%s", w, f);
        add(m, view->compared && d->verdict == LW_VERDICT_DRIFT, "%s:drift:%s", w, f);
        if (i < m->spec->nfeatures) {
            add(m, d->missing_cur, "%s:missing:%s", w, f);
            add(m, d->out_of_range_cur, "%s:out_of_range:%s", w, f);
            if (!unseen_unknown(m, i, d))
                add(m, d->unseen, "%s:unseen:%s", w, f);
        }
    }
}

/* Of the longest window, the last one: what a slow drift has come to that each new
 * reference forgives. */
static void first_figures(struct lw_monitor *m, size_t window) {
    struct lw_drift since[LW_FEATURES_MAX + 1];
    const struct lw_reference *ref = m->first ? m->first : m->reference;
    struct lw_view *view = &m->view[window];
    bool compared = ref && view->pane;
    if (compared)
        lw_drift_compare(ref->profile, view->pane->profile, ref->bins, &m->spec->drift,
                         since);
    for (size_t i = 0; i < m->spec->nfeatures; i++)
        add(m, compared ? since[i].psi : 0, "%s:psi_first:%s",
            m->spec->window[window].name, m->spec->feature[i].name);
}

static size_t firing(const struct lw_monitor *m) {
    size_t n = 0;
    for (size_t i = 0; i < m->nslots; i++)
        n += m->slot[i].state == LW_ALERT_FIRING;
    for (int k = 0; k < LW_NOTICES; k++)
        n += m->notice[k].firing;
    return n;
}

void lw__figures(struct lw_monitor *m, struct lw_evaluation *out) {
    m->nfigures = 0;
    add(m, (double)out->at_ms, "at");
    add(m, m->policy.champion, "champion");
    add(m,
        m->policy.champion ? (double)(out->at_ms - m->policy.champion_since_ms) / LW_HOUR
                           : 0,
        "champion_age_hours");
    add(m, (double)firing(m), "alerts_firing");
    add(m, m->policy.pending.id != 0, "training");
    add(m, (double)m->unreadable, "unreadable_panes");
    for (size_t i = 0; i < m->nviews; i++) {
        if (!m->lazy)
            lw__view_merge(m, i);
        model_figures(m, m->spec->window[i].name, &m->view[i]);
        drift_figures(m, m->spec->window[i].name, &m->view[i]);
    }
    if (!m->lazy && m->nviews)
        first_figures(m, lw_spec_longest(m->spec));
    out->figure = m->figure;
    out->nfigures = m->nfigures;
}

static void feature_summary(struct lw_monitor *m, struct lw_alert *alert,
                            const char *count) {
    const struct lw_rule *rule = alert->rule;
    lw__view_merge(m, (size_t)rule->window);
    const struct lw_view *view = &m->view[rule->window];
    int i = lw_profile_find(view->pane->profile, alert->feature);
    char *out = alert->summary;
    size_t size = sizeof alert->summary;
    if (rule->metric == LW_METRIC_FAULT && !alert->firing)
        snprintf(out, size,
                 "Data fault in %s over %s is over: its values are back where the "
                 "reference has them (n = %s).",
                 alert->feature, alert->window, count);
    else if (rule->metric == LW_METRIC_FAULT && i >= 0)
        snprintf(out, size, "Data fault in %s over %s: %s (figure %.3g, n = %s).",
                 alert->feature, alert->window, view->fault[i].text,
                 view->fault[i].figure, count);
    else if (rule->metric == LW_METRIC_MISSING || rule->metric == LW_METRIC_OUT_OF_RANGE)
        snprintf(
            out, size,
            "%s of %s over %s is %s percentage points above the reference (n = %s).",
            rule->metric == LW_METRIC_MISSING ? "Share missing" : "Share out of range",
            alert->feature, alert->window, lw_digits(100 * alert->value, 1).text, count);
    else
        snprintf(out, size, "%s has drifted over %s: %s %s, threshold %.3g (n = %s).",
                 alert->feature, alert->window, lw_metric_name(rule->metric),
                 lw_digits(alert->value, 3).text, alert->threshold, count);
}

static void model_summary(const struct lw_monitor *m, struct lw_alert *alert,
                          const char *count) {
    const struct lw_rule *rule = alert->rule;
    const struct lw_view *view = &m->view[rule->window];
    char *out = alert->summary;
    size_t size = sizeof alert->summary;
    if (rule->metric == LW_METRIC_RMSE_RATIO)
        snprintf(out, size,
                 "%s over %s is %s, %s times the %s that version %u should have there "
                 "(threshold %.3g, n = %s).",
                 m->spec->task->figure[0].label, alert->window,
                 lw_digits(lw_losses_error(&view->counts.champion), 3).text,
                 lw_digits(alert->value, 2).text, lw_digits(view->expected_error, 3).text,
                 alert->model_version, alert->threshold, count);
    else if (rule->metric == LW_METRIC_RECALIBRATION_GAIN)
        snprintf(out, size,
                 "%s%% of the %s over %s would go away by recalibrating version %u "
                 "(threshold %.1f%%, n = %s).",
                 lw_digits(100 * alert->value, 1).text, m->spec->task->loss,
                 alert->window, alert->model_version, 100 * alert->threshold, count);
    else
        snprintf(out, size, "%s over %s is %.4g, threshold %.4g (n = %s).",
                 lw_metric_name(rule->metric), alert->window, alert->value,
                 alert->threshold, count);
}

static void live_summary(struct lw_alert *alert) {
    char value[32], threshold[32];
    char *out = alert->summary;
    size_t size = sizeof alert->summary;
    lw_format_count(value, sizeof value, (uint64_t)alert->value);
    lw_format_count(threshold, sizeof threshold, (uint64_t)alert->threshold);
    if (alert->rule->metric == LW_METRIC_SILENCE && alert->firing)
        snprintf(out, size, "No message has come in for %.4g minutes (threshold %.4g).",
                 alert->value, alert->threshold);
    else if (alert->rule->metric == LW_METRIC_SILENCE)
        snprintf(out, size, "Messages come in again.");
    else if (alert->rule->metric == LW_METRIC_LAG)
        snprintf(out, size, "%s messages wait in Kafka unread (threshold %s).", value,
                 threshold);
    else
        snprintf(out, size, "%.1f%% of the newest messages %s (threshold %.1f%%).",
                 100 * alert->value,
                 alert->rule->metric == LW_METRIC_LATE ? "came too late for their pane"
                 : alert->rule->metric == LW_METRIC_SUSPECT
                     ? "have a clock that is not believed"
                     : "could not be read",
                 100 * alert->threshold);
}

void lw__summary(struct lw_monitor *m, struct lw_alert *alert) {
    char count[32];
    lw_format_count(count, sizeof count, alert->n);
    if (lw_metric_live(alert->rule->metric))
        live_summary(alert);
    else if (lw_metric_per_feature(alert->rule->metric))
        feature_summary(m, alert, count);
    else
        model_summary(m, alert, count);
    if (alert->firing)
        return;
    char was[sizeof alert->summary];
    lw_copy(was, sizeof was, alert->summary);
    snprintf(alert->summary, sizeof alert->summary, "Resolved. %.*s",
             (int)sizeof was - 12, was);
}
