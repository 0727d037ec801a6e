/* The monitor: one sealed pane in, everything that follows from it out. See monitor.h. */
#include "core/monitor.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "base/text.h"
#include "base/time.h"
#include "core/monitor_private.h"
#include "core/stale.h"

/* Fewer events make an hour's error too noisy for the change detector. */
#define CHANGE_MIN_EVENTS 20

static struct lw_change *new_change(const struct lw_spec *spec) {
    struct lw_change_params params = {.delta = spec->change.delta,
                                      .lambda = spec->change.lambda,
                                      .alpha = spec->change.alpha,
                                      .scale = 1,
                                      .min_n = 24};
    return spec->change.kind[0] ? lw_change_new(spec->change.kind, &params, NULL) : NULL;
}

/* Another model has other errors, so the detector starts again. */
static void renew_change(struct lw_monitor *m) {
    lw_change_free(m->change);
    m->change = new_change(m->spec);
}

struct lw_monitor *lw_monitor_new(const struct lw_spec *spec) {
    struct lw_monitor *m = lw_calloc(1, sizeof *m);
    m->spec = spec;
    m->windows = lw_windows_new(spec);
    m->leapt_from_ms = INT64_MIN;
    m->change = new_change(spec);
    m->nviews = spec->nwindows;
    m->view = lw_calloc(m->nviews, sizeof *m->view);
    for (size_t i = 0; i < m->nviews; i++)
        m->view[i].statistic = lw_calloc(lw_metric_count(), sizeof *m->view[i].statistic);
    for (size_t i = 0; i < spec->nrules; i++) {
        m->state_of[i] = m->nstates;
        m->nstates += lw_rule_subjects(spec, &spec->rule[i]);
    }
    m->state = lw_calloc(m->nstates, sizeof *m->state);
    for (size_t i = 0; i < m->nstates; i++)
        m->state[i].usual = lw_usual_empty();
    lw_policy_init(&m->policy, spec);
    return m;
}

void lw_monitor_free(struct lw_monitor *m) {
    if (!m)
        return;
    lw_windows_free(m->windows);
    lw_reference_free(m->reference);
    lw_reference_free(m->first);
    lw_change_free(m->change);
    for (size_t i = 0; i < m->nviews; i++) {
        for (size_t k = 0; k < lw_metric_count(); k++)
            free(m->view[i].statistic[k]);
        free(m->view[i].statistic);
        lw_match_fini(&m->view[i].match);
    }
    free(m->state);
    free(m->view);
    free(m->figure);
    free(m->shift);
    free(m);
}

static uint64_t monitor_fingerprint(const struct lw_spec *spec, const char *name,
                                    const char *feature) {
    char text[3 * LW_NAME_MAX];
    snprintf(text, sizeof text, "%s\n%s\n%s", spec->stream, name, feature);
    return lw_text_key(text, strlen(text));
}

static struct lw_alert *new_alert(struct lw_monitor *m, struct lw_evaluation *out,
                                  const char *name, const char *feature,
                                  int64_t since_ms) {
    if (out->nalerts == LW_ALERTS_MAX)
        return NULL; /* the state is kept, and reported with its next change */
    struct lw_alert *a = &out->alert[out->nalerts++];
    *a = (struct lw_alert){.fingerprint = monitor_fingerprint(m->spec, name, feature),
                           .once_in_days = NAN,
                           .firing = true,
                           .model_version = m->policy.champion,
                           .since_ms = since_ms,
                           .at_ms = out->at_ms};
    a->incident = lw_mix64(a->fingerprint ^ (uint64_t)since_ms);
    lw_copy(a->name, sizeof a->name, name);
    lw_copy(a->feature, sizeof a->feature, feature);
    return a;
}

static void end_notice(struct lw_monitor *m, struct lw_evaluation *out,
                       enum lw_notice_kind kind, const char *summary) {
    struct lw_notice *n = &m->notice[kind];
    if (!n->firing)
        return;
    n->firing = false;
    struct lw_alert *a =
        new_alert(m, out, lw_alert_notice_name((size_t)kind), "", n->since_ms);
    if (!a)
        return;
    a->firing = false;
    a->severity = n->severity;
    snprintf(a->summary, sizeof a->summary, "Resolved. %.300s", summary);
}

/* An alert without a rule: a rollback, a failed training. It fires until its cause is
 * over, or for a week. */
static void monitor_notice(struct lw_monitor *m, struct lw_evaluation *out,
                           enum lw_notice_kind kind, const char *summary) {
    end_notice(m, out, kind, "It has happened again.");
    m->notice[kind] = (struct lw_notice){
        true, kind == LW_NOTICE_ROLLBACK ? LW_SEVERITY_CRITICAL : LW_SEVERITY_WARN,
        out->at_ms};
    struct lw_alert *a =
        new_alert(m, out, lw_alert_notice_name((size_t)kind), "", out->at_ms);
    if (!a)
        return;
    a->severity = m->notice[kind].severity;
    lw_copy(a->summary, sizeof a->summary, summary);
}

void lw_monitor_unreadable(struct lw_monitor *m, uint64_t panes, const char *text) {
    char *at = m->unread[panes ? LW_NOTICE_PANE : LW_NOTICE_STATE];
    m->unreadable += panes;
    if (!*at) /* only the first of many; the others are in the log and the audit */
        lw_copy(at, sizeof m->unread[0], text);
}

/* One alert covers everything found while it fires: after an upgrade it may be every
 * pane of a window. */
static void unreadable_alert(struct lw_monitor *m, struct lw_evaluation *out) {
    for (int k = LW_NOTICE_PANE; k <= LW_NOTICE_STATE; k++) {
        if (m->unread[k][0] && !m->notice[k].firing)
            monitor_notice(m, out, (enum lw_notice_kind)k, m->unread[k]);
        m->unread[k][0] = '\0';
    }
}

static void age_notices(struct lw_monitor *m, struct lw_evaluation *out) {
    for (int k = 0; k < LW_NOTICES; k++)
        if (out->at_ms - m->notice[k].since_ms >= LW_WEEK)
            end_notice(m, out, (enum lw_notice_kind)k,
                       "A week has passed without another.");
}

/* A rule's change of state on one subject, and the reading that caused it. */
struct rule_change {
    const struct lw_rule *rule;
    int subject;
    const struct lw_rule_state *state;
    struct lw_reading reading;
    enum lw_transition transition;
    struct lw_rule_bounds bounds; /* in force before the change */
    double once_in_days;
};

/* was: the state before the reading, which has the thresholds that were in force. */
static struct rule_change rule_reads(const struct lw_rule *rule, int subject,
                                     const struct lw_rule_state *was,
                                     const struct lw_reading *reading) {
    return (struct rule_change){.rule = rule,
                                .subject = subject,
                                .state = was,
                                .reading = *reading,
                                .transition = LW_STAYS,
                                .bounds = lw_rule_bounds(rule, was),
                                .once_in_days = lw_rule_days(rule, was, reading->value)};
}

static void change_alert(struct lw_monitor *m, const struct rule_change *change,
                         struct lw_evaluation *out) {
    const struct lw_rule *rule = change->rule;
    const struct lw_rule_state *state = change->state;
    const struct lw_reading *reading = &change->reading;
    int subject = change->subject;
    const char *feature =
        lw_metric_per_feature(rule->metric) ? lw_spec_feature_name(m->spec, subject) : "";
    struct lw_alert *a = new_alert(m, out, rule->name, feature, state->since_ms);
    if (!a)
        return;
    a->rule = rule;
    a->firing = change->transition != LW_RESOLVES;
    a->severity = state->severity;
    if (change->transition == LW_FIRES) {
        m->run_summary.warnings += state->severity == LW_SEVERITY_WARN;
        m->run_summary.criticals += state->severity == LW_SEVERITY_CRITICAL;
    }
    if (change->transition == LW_WORSENS) {
        m->run_summary.warnings--;
        m->run_summary.criticals++;
    }
    a->value = reading->value;
    a->threshold = lw_rule_threshold(&change->bounds, state->severity);
    a->once_in_days = change->once_in_days;
    a->n = reading->n == UINT64_MAX ? (uint64_t)reading->value : reading->n;
    if (!lw_metric_live(rule->metric))
        lw_copy(a->window, sizeof a->window, m->spec->window[rule->window].name);
    lw__monitor_summary(m, a, subject);
}

void lw_monitor_report_unreadable(struct lw_monitor *m, struct lw_evaluation *out) {
    *out = (struct lw_evaluation){.at_ms = lw_monitor_sealed_until(m)};
    if (out->at_ms != INT64_MIN)
        unreadable_alert(m, out);
}

/* The first rule that asks for a training. */
struct verdicts {
    char trigger[LW_NAME_MAX * 2]; /* "": none */
    bool chooses;                  /* it is about a metric with LW_METRIC_CHOOSES */
};

static void note_trigger(const struct lw_monitor *m, const struct lw_rule *rule,
                         int subject, const struct lw_rule_state *state, double value,
                         struct verdicts *v) {
    if (!lw_rule_asks(rule, state) || v->trigger[0])
        return;
    bool per_feature = lw_metric_per_feature(rule->metric);
    v->chooses = rule->metric->flags & LW_METRIC_CHOOSES;
    snprintf(v->trigger, sizeof v->trigger, "rule %s: %s%s%s = %.4g over %s", rule->name,
             lw_metric_name(rule->metric), per_feature ? " of " : "",
             per_feature ? lw_spec_feature_name(m->spec, subject) : "", value,
             m->spec->window[rule->window].name);
}

/* Remembers the kind of a fault that persists, so that its end can be recognised. */
static void note_fault(const struct lw_monitor *m, const struct lw_rule *rule,
                       int subject, const struct lw_reading *reading,
                       struct lw_rule_state *state) {
    if (!rule->metric->fault || !reading->known || reading->value < 1)
        return;
    const struct lw_fault *f =
        &m->view[rule->window].fault[lw__monitor_column(m->spec, subject)];
    state->fault = (uint8_t)f->kind;
    state->unit = f->unit;
}

/* Steps the rule on a subject; what there is to say is worked out when it changes. */
static void rule_step(struct lw_monitor *m, const struct lw_rule *rule, int subject,
                      struct lw_rule_state *state, const struct lw_reading *reading,
                      struct lw_evaluation *out) {
    const struct lw_rule_state was = *state;
    enum lw_transition transition = lw_rule_step(rule, state, reading, out->at_ms);
    note_fault(m, rule, subject, reading, state);
    if (transition == LW_STAYS)
        return;
    struct rule_change change = rule_reads(rule, subject, &was, reading);
    change.state = state;
    change.transition = transition;
    change_alert(m, &change, out);
}

static void apply_rule(struct lw_monitor *m, size_t r, struct lw_evaluation *out,
                       struct verdicts *v) {
    const struct lw_rule *rule = &m->spec->rule[r];
    if (lw_metric_live(rule->metric)) /* judged by lw_monitor_live */
        return;
    if (rule->every_ms && !lw_spec_due(m->spec, out->at_ms, rule->every_ms))
        return;
    for (size_t i = 0; i < lw_rule_subjects(m->spec, rule); i++) {
        int subject = lw__monitor_subject(rule, i);
        struct lw_rule_state *state = &m->state[m->state_of[r] + i];
        struct lw_reading reading = lw__monitor_reading(m, rule, subject);
        rule_step(m, rule, subject, state, &reading, out);
        if (reading.known && reading.n >= rule->min_n)
            note_trigger(m, rule, subject, state, reading.value, v);
    }
}

void lw_monitor_facts(struct lw_monitor *m, const struct lw_live_facts *now) {
    m->live = *now;
    m->live_known = true;
}

void lw_monitor_live(struct lw_monitor *m, size_t r, int64_t at_ms,
                     struct lw_evaluation *out) {
    const struct lw_rule *rule = &m->spec->rule[r];
    struct lw_rule_state *state = &m->state[m->state_of[r]];
    lw_assert(lw_metric_live(rule->metric) && m->live_known);
    struct lw_reading reading = rule->metric->live(&m->live);
    *out = (struct lw_evaluation){.at_ms = at_ms};
    rule_step(m, rule, LW_RULE_MODEL, state, &reading, out);
}

/* A champion of some age that a recalibration would already improve: no alert, but its
 * challenge need not wait for max_age. */
static void note_staleness(const struct lw_monitor *m, int64_t at_ms,
                           struct verdicts *v) {
    const struct lw_retrain_spec *r = &m->spec->retrain;
    char age[32];
    if (v->trigger[0] || !r->stale_age_ms || !m->nviews || !m->policy.champion ||
        !lw_spec_due(m->spec, at_ms, LW_DAY))
        return;
    int64_t old = lw_policy_unchallenged(&m->policy, at_ms);
    size_t window = lw_spec_longest(m->spec);
    const struct lw_losses *e = &m->view[window].counts.plain;
    if (old < r->stale_age_ms || e->n < m->spec->drift.min_n)
        return;
    struct lw_losses block[LW_STALE_BLOCKS];
    size_t n = lw_stale_blocks(m->windows, window, m->policy.champion, block);
    double gain = lw_stale_gain(block, n);
    if (gain >= r->stale_gain)
        snprintf(v->trigger, sizeof v->trigger,
                 "champion is %s old and recalibration_gain = %.4g over %s",
                 lw_format_duration(age, sizeof age, old / LW_HOUR * LW_HOUR), gain,
                 m->spec->window[window].name);
}

static void watch_change(struct lw_monitor *m, const struct lw_pane *pane) {
    const struct lw_scores *s =
        m->policy.champion ? lw_pane_scores(pane, m->policy.champion) : NULL;
    m->changed = false;
    if (!m->change || !m->reference || !s || s->losses.n < CHANGE_MIN_EVENTS)
        return;
    double expected = m->spec->task->error_of(
        m->reference->hour_loss[lw_hour_of_week(m->spec->zone, pane->start_ms)]);
    m->changed =
        lw_change_update(m->change, lw_losses_error(lw_scores_served(s)) / expected) != 0;
}

void lw__monitor_resolve(struct lw_monitor *m, size_t r, size_t i, const char *why,
                         struct lw_evaluation *out) {
    const struct lw_rule *rule = &m->spec->rule[r];
    struct lw_rule_state *state = &m->state[m->state_of[r] + i], old = *state;
    lw_rule_end(rule, state, !lw_metric_of_feed(rule->metric)); /* else released */
    if (old.state != LW_ALERT_FIRING)
        return;
    int subject = lw__monitor_subject(rule, i);
    struct lw_reading reading = lw__monitor_reading(m, rule, subject);
    size_t before = out->nalerts;
    struct rule_change change = rule_reads(rule, subject, &old, &reading);
    change.transition = LW_RESOLVES;
    change_alert(m, &change, out);
    if (out->nalerts > before)
        lw_copy(out->alert[before].summary, sizeof out->alert[before].summary, why);
}

/* The champion that these alerts were about is gone: they are over, and so are the
 * rules' own counts. Faults of the feed persist whichever version answers: they end
 * when the feed is good again, or when a person releases them. */
static void resolve_all(struct lw_monitor *m, struct lw_evaluation *out, uint32_t version,
                        const char *how) {
    char why[200];
    snprintf(why, sizeof why,
             "Resolved: version %u %s; windows are now compared with its reference.",
             version, how);
    for (size_t r = 0; r < m->spec->nrules; r++) {
        const struct lw_rule *rule = &m->spec->rule[r];
        if (lw_metric_of_feed(rule->metric))
            continue;
        for (size_t i = 0; i < lw_rule_subjects(m->spec, rule); i++)
            lw__monitor_resolve(m, r, i, why, out);
    }
}

static void track_pane(struct lw_monitor *m, const struct lw_pane *pane,
                       bool quarantined) {
    uint32_t version[LW_VERSIONS_MAX + 1] = {m->policy.champion};
    size_t n = 1 + lw_monitor_shadows(m, version + 1);
    if (m->reference)
        lw_tracking_start(&m->tracking, m->spec, m->policy.champion,
                          &m->reference->losses);
    lw_tracking_pane(&m->tracking, m->spec, pane, quarantined, version, n);
}

const struct lw_tracking_set *lw_monitor_tracking(const struct lw_monitor *m) {
    return &m->tracking.set;
}

static void decide_probation(struct lw_monitor *m, struct lw_evaluation *out) {
    struct lw_decision *d = &out->decision[out->ndecisions];
    if (!lw_policy_probation(&m->policy, m->spec, out->at_ms, d))
        return;
    out->ndecisions++;
    if (d->kind == LW_DECIDED_ROLL_BACK)
        lw__monitor_champion_returned(m, d, out);
}

void lw__monitor_champion_returned(struct lw_monitor *m, const struct lw_decision *d,
                                   struct lw_evaluation *out) {
    char text[320];
    m->run_summary.rollbacks++;
    snprintf(text, sizeof text, "Version %u was rolled back to version %u: %.200s",
             d->version, d->other, d->reason);
    monitor_notice(m, out, LW_NOTICE_ROLLBACK, text);
    resolve_all(m, out, d->other, "is champion again");
    lw_reference_free(m->reference); /* the caller brings the old champion's */
    m->reference = NULL;
    renew_change(m);
}

/* Asks for a training when there is cause, nothing blocks it, and no fault is about to
 * be recognised in the rows that it would use. */
static void monitor_request(struct lw_monitor *m, const struct verdicts *v,
                            struct lw_evaluation *out) {
    int subject;
    struct lw_policy was = m->policy;
    if (!lw_policy_request(&m->policy, m->spec, out->at_ms,
                           v->trigger[0] ? v->trigger : NULL,
                           lw__monitor_blocked_by(m, &subject) != NULL))
        return;
    if (v->chooses && strcmp(m->policy.pending.reason, v->trigger) == 0)
        m->policy.pending.looks = lw_policy_looks(&was, m->spec, out->at_ms);
    if (lw__monitor_reference_is_thin(
            m) || /* checked only when there is cause, because it is expensive */
        lw__monitor_suspected_by(m, &subject))
        m->policy = was;
    else {
        m->policy.pending.tracked = m->policy.pending.bootstrap
                                        ? m->spec->tracking.time_constant_ms > 0
                                        : m->tracking.set.served;
        out->request = m->policy.pending;
    }
}

void lw_monitor_seal(struct lw_monitor *m, struct lw_pane *pane,
                     struct lw_evaluation *out) {
    struct verdicts v = {0};
    int64_t end = lw_windows_end(m->windows);
    *out = (struct lw_evaluation){.at_ms = pane->start_ms + m->spec->pane_ms};
    if (end != INT64_MIN && pane->start_ms - end > m->spec->max_jump_ms)
        m->leapt_from_ms = end;
    lw_windows_push(m->windows, pane);
    bool quarantined = lw_quarantine_touches(&m->quarantine, pane->start_ms, out->at_ms);
    lw_policy_pane(&m->policy, m->spec, pane, quarantined);
    track_pane(m, pane, quarantined);
    lw_run_summary_pane(&m->run_summary, pane, m->policy.first);
    watch_change(m, pane);
    for (size_t i = 0; i < m->nviews; i++)
        lw__monitor_view(m, i);
    for (size_t i = 0; i < m->spec->nrules; i++)
        apply_rule(m, i, out, &v);
    age_notices(m, out);
    unreadable_alert(m, out);
    lw__monitor_update_quarantine(m, out);
    decide_probation(m, out);
    note_staleness(m, out->at_ms, &v);
    monitor_request(m, &v, out);
    lw__monitor_figures(m, out);
}

int64_t lw_monitor_next(const struct lw_monitor *m, int64_t start_ms) {
    int64_t end = lw_windows_end(m->windows);
    bool gap = end != INT64_MIN && start_ms > end && !lw_windows_empty(m->windows);
    return gap ? end : start_ms;
}

bool lw_monitor_blank(const struct lw_monitor *m) {
    return lw_windows_empty(m->windows);
}

int64_t lw_monitor_return(struct lw_monitor *m, int64_t until_ms) {
    int64_t to = m->leapt_from_ms <= until_ms && m->leapt_from_ms != INT64_MIN
                     ? m->leapt_from_ms
                     : until_ms - until_ms % m->spec->pane_ms;
    lw_windows_return(m->windows, to);
    lw_policy_return(&m->policy, m->spec, to);
    lw_tracking_return(&m->tracking, m->spec, to);
    for (size_t i = 0; i < m->nstates; i++)
        lw_not_after(&m->state[i].since_ms, to);
    for (int k = 0; k < LW_NOTICES; k++)
        lw_not_after(&m->notice[k].since_ms, to);
    return to;
}

void lw_monitor_trained(struct lw_monitor *m, uint64_t request, uint32_t version,
                        const struct lw_training *training, const char *reason,
                        struct lw_evaluation *out) {
    *out = (struct lw_evaluation){.at_ms = lw_windows_end(m->windows)};
    if (request != m->policy.pending.id)
        return; /* an answer to a request that is no longer pending */
    struct lw_decision *d = &out->decision[out->ndecisions++];
    bool retrain = !m->policy.pending.bootstrap;
    bool made = training && !training->early;
    const struct lw_training_outcome outcome = {version, training, reason, out->at_ms};
    lw_policy_trained(&m->policy, m->spec, &outcome, d);
    m->run_summary.retrains += retrain;
    m->run_summary.promotions += retrain && d->kind == LW_DECIDED_PROMOTE;
    m->run_summary.rejections += retrain && made && d->kind == LW_DECIDED_REJECT;
    m->run_summary.failures += !made;
    if (!made) {
        char text[320];
        snprintf(text, sizeof text, "Training failed: %.280s", reason);
        monitor_notice(m, out, LW_NOTICE_FAILED, text);
        return;
    }
    end_notice(m, out, LW_NOTICE_FAILED, "A training has ended with a model.");
    if (d->kind == LW_DECIDED_PROMOTE) {
        lw_tracking_prove(&m->tracking, training->day, training->ndays);
        end_notice(m, out, LW_NOTICE_ROLLBACK, "A newer version was promoted.");
        end_notice(m, out, LW_NOTICE_STATE, "A newer version was promoted.");
        resolve_all(m, out, version, "was promoted");
    }
}

void lw_monitor_crowned(struct lw_monitor *m, uint32_t version,
                        struct lw_evaluation *out) {
    *out = (struct lw_evaluation){.at_ms = lw_windows_end(m->windows)};
    if (out->at_ms == INT64_MIN)
        out->at_ms = 0;
    end_notice(m, out, LW_NOTICE_ROLLBACK, "A person has chosen a version.");
    end_notice(m, out, LW_NOTICE_STATE, "A person has chosen a version.");
    resolve_all(m, out, version, "was promoted by a person");
}

/* The state of a rule and subject by its fingerprint, or NULL. */
static const struct lw_rule_state *
find_rule_state(const struct lw_monitor *m, uint64_t print, size_t *rule, int *subject) {
    for (size_t r = 0; r < m->spec->nrules; r++) {
        const struct lw_rule *a = &m->spec->rule[r];
        for (size_t i = 0; i < lw_rule_subjects(m->spec, a); i++) {
            *rule = r;
            *subject = lw__monitor_subject(a, i);
            const char *feature = lw_metric_per_feature(a->metric)
                                      ? lw_spec_feature_name(m->spec, *subject)
                                      : "";
            if (monitor_fingerprint(m->spec, a->name, feature) == print)
                return &m->state[m->state_of[r] + i];
        }
    }
    return NULL;
}

bool lw_monitor_fires(const struct lw_monitor *m, uint64_t print) {
    size_t rule;
    int subject;
    for (int k = 0; k < LW_NOTICES; k++)
        if (monitor_fingerprint(m->spec, lw_alert_notice_name((size_t)k), "") == print)
            return m->notice[k].firing;
    const struct lw_rule_state *state = find_rule_state(m, print, &rule, &subject);
    return state && state->state == LW_ALERT_FIRING;
}

bool lw_monitor_alert(struct lw_monitor *m, uint64_t print, struct lw_evaluation *out) {
    size_t r;
    int subject;
    *out = (struct lw_evaluation){.at_ms = lw_windows_end(m->windows)};
    const struct lw_rule_state *state = find_rule_state(m, print, &r, &subject);
    if (out->at_ms == INT64_MIN || !state || state->state != LW_ALERT_FIRING ||
        lw_metric_live(m->spec->rule[r].metric))
        return false;
    struct lw_reading reading = lw__monitor_reading(m, &m->spec->rule[r], subject);
    struct rule_change change = rule_reads(&m->spec->rule[r], subject, state, &reading);
    if (reading.known)
        change_alert(m, &change, out);
    return out->nalerts == 1;
}

void lw_monitor_champion(struct lw_monitor *m, uint32_t version, struct lw_reference *ref,
                         int64_t since_ms) {
    if (version != m->policy.champion) /* else only its reference is restored */
        renew_change(m);
    lw_policy_champion(&m->policy, m->spec, version, since_ms);
    lw_reference_free(m->reference);
    m->reference = ref;
}

void lw_monitor_ask(struct lw_monitor *m, const char *who, struct lw_evaluation *out) {
    *out = (struct lw_evaluation){.at_ms = lw_windows_end(m->windows)};
    lw_copy(m->policy.asked, sizeof m->policy.asked, who);
    if (out->at_ms == INT64_MIN)
        return;
    monitor_request(m, &(struct verdicts){0}, out);
    if (!out->request.id)
        lw__monitor_explain_wait(m, out);
}

size_t lw_monitor_shadows(const struct lw_monitor *m, uint32_t out[LW_VERSIONS_MAX]) {
    const struct lw_policy *p = &m->policy;
    size_t n = 0;
    if (!lw_spec_trains(m->spec)) /* every version has the same predictions */
        return 0;
    if (m->spec->retrain.keep_first && p->first && p->first != p->champion)
        out[n++] = p->first;
    if (p->probation_until_ms && p->previous && p->previous != p->champion &&
        !(n && out[0] == p->previous))
        out[n++] = p->previous;
    return n;
}

void lw_monitor_first(struct lw_monitor *m, struct lw_reference *ref) {
    lw_reference_free(m->first);
    m->first = ref;
}

uint32_t lw_monitor_first_version(const struct lw_monitor *m) {
    return m->policy.first;
}

uint32_t lw_monitor_champion_version(const struct lw_monitor *m) {
    return m->policy.champion;
}
int64_t lw_monitor_sealed_until(const struct lw_monitor *m) {
    return lw_windows_end(m->windows);
}
uint64_t lw_monitor_pending(const struct lw_monitor *m) {
    return m->policy.pending.id;
}
struct lw_request lw_monitor_request(const struct lw_monitor *m) {
    return m->policy.pending;
}

struct lw_pane *lw_monitor_window(struct lw_monitor *m, size_t window) {
    if (lw_windows_end(m->windows) != INT64_MIN)
        lw__monitor_view_merge(m, window);
    return m->view[window].pane;
}

void lw_monitor_lazy(struct lw_monitor *m) {
    m->lazy = true;
}

struct lw_pane *lw_monitor_recent(const struct lw_monitor *m, int64_t span_ms) {
    int64_t end = lw_windows_end(m->windows);
    if (end != INT64_MIN) /* without panes it is empty */
        end = lw_quarantine_back(&m->quarantine, end, span_ms);
    struct lw_pane *pane = lw_windows_since(m->windows, end, &m->quarantine);
    lw_policy_level(&m->policy, m->spec->zone, &m->quarantine, &pane->answered);
    return pane;
}

const struct lw_reference *lw_monitor_reference(const struct lw_monitor *m) {
    return m->reference;
}

const struct lw_run_summary *lw_monitor_run_summary(const struct lw_monitor *m) {
    return &m->run_summary;
}

void lw_monitor_refill(struct lw_monitor *m, struct lw_pane *pane) {
    int64_t oldest = lw_windows_oldest(m->windows);
    lw_windows_push(m->windows, pane);
    if (oldest != INT64_MAX) /* already known from the state or from an earlier pane */
        lw_windows_reach(m->windows, oldest);
}
