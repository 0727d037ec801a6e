/* What blocks training: open incidents of blocking rules, and the quarantine that they
 * leave behind.
 *
 * A rule is evaluated now and then and over a whole window, while a fault begins at
 * some pane of it. So when an incident begins, the panes are judged one by one, from
 * the newest back (several together where one has too few values), and the span begins
 * with the first broken pane. Before the rule's window only an unbroken run of broken
 * panes counts: an earlier fault that had ended belongs to another incident. */
#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "base/text.h"
#include "base/time.h"
#include "core/monitor_private.h"

/* A rule on one feature, or on the target, that casts doubt on the values themselves.
 * Other blocking rules (few events, a silent producer, a growing error) leave no
 * spoiled rows behind. */
static bool spoils_rows(const struct lw_rule *rule) {
    return (rule->actions & LW_ACTION_BLOCK) && lw_metric_per_feature(rule->metric) &&
           lw_metric_of_feed(rule->metric);
}

static bool is_open(const struct lw_rule_state *state) {
    return state->state == LW_ALERT_FIRING && state->severity == LW_SEVERITY_CRITICAL;
}

const struct lw_rule *lw__monitor_blocked_by(const struct lw_monitor *m, int *subject) {
    for (size_t r = 0; r < m->spec->nrules; r++) {
        const struct lw_rule *rule = &m->spec->rule[r];
        if (!(rule->actions & LW_ACTION_BLOCK))
            continue;
        for (size_t i = 0; i < lw_rule_subjects(m->spec, rule); i++) {
            *subject = lw__monitor_subject(rule, i);
            if (is_open(&m->state[m->state_of[r] + i]))
                return rule;
        }
    }
    return NULL;
}

/* ---- panes one by one ---- */

enum health { UNKNOWN, WELL, BROKEN };

static enum health member_judge(const struct lw_monitor *m, const struct lw_rule *rule,
                                int subject, const struct lw_member *before,
                                struct lw_member *now) {
    if (rule->metric->fault) {
        struct lw_fault found = lw_fault_find(before, now);
        struct lw_rule_state *state = lw__monitor_rule_state(m, rule, subject);
        if (!lw__monitor_fault_judged(before, now, &found))
            return UNKNOWN;
        return lw__monitor_fault_in_piece(before, now, &found, state) ? BROKEN : WELL;
    }
    struct lw_metric_share a = rule->metric->share(
        &m->reference->profile->members[lw__monitor_column(m->spec, subject)]);
    struct lw_metric_share b = rule->metric->share(now);
    if (a.n < LW_FAULT_MIN_N || b.n < LW_FAULT_MIN_N)
        return UNKNOWN;
    double rise = (double)b.bad / (double)b.n - (double)a.bad / (double)a.n;
    return rise >= rule->critical && lw__monitor_share_rose(a.bad, a.n, b.bad, b.n)
               ? BROKEN
               : WELL;
}

static enum health block_judge(const struct lw_monitor *m, const struct lw_rule *rule,
                               int subject, struct lw_pane *pane) {
    size_t at = lw__monitor_column(m->spec, subject);
    struct lw_match match;
    if (pane->events < m->spec->drift.min_n)
        return UNKNOWN;
    lw_match_column(m->reference, pane, at, &match);
    const struct lw_profile *before = lw_match_features(&match, m->reference).profile;
    enum health health =
        member_judge(m, rule, subject, &before->members[at], &pane->profile->members[at]);
    lw_match_fini(&match);
    return health;
}

/* A walk from the newest pane back, in pieces that are large enough to be judged. */
struct walk {
    const struct lw_monitor *m;
    const struct lw_rule *rule;
    int subject;
    size_t left; /* panes not yet visited */
    struct lw_pane *piece;
    int64_t from_ms, until_ms; /* of the piece */
};

static struct walk walk_begin(const struct lw_monitor *m, const struct lw_rule *rule,
                              int subject) {
    return (struct walk){.m = m,
                         .rule = rule,
                         .subject = subject,
                         .left = m->reference ? lw_windows_panes(m->windows) : 0,
                         .piece = lw_pane_new(m->spec, 0, 0)};
}

/* The next piece and its verdict; UNKNOWN: no more pieces. */
static enum health walk_next(struct walk *w) {
    enum health health = UNKNOWN;
    bool fresh = true;
    while (health == UNKNOWN && w->left > 0) {
        const struct lw_pane *pane = lw_windows_pane(w->m->windows, --w->left);
        if (pane->events == 0)
            continue;
        if (fresh) {
            lw_pane_reset(w->piece, pane->start_ms, lw_mix64((uint64_t)pane->start_ms));
            w->until_ms = pane->start_ms + w->m->spec->pane_ms;
        }
        fresh = false;
        w->from_ms = pane->start_ms;
        lw_pane_merge(w->piece, pane);
        health = block_judge(w->m, w->rule, w->subject, w->piece);
    }
    return health;
}

static int64_t window_start(const struct lw_monitor *m, const struct lw_rule *rule) {
    return lw_windows_end(m->windows) - m->spec->window[rule->window].length_ms;
}

/* Where the broken panes begin and end; if none can be judged alone, the whole window
 * is in doubt. The piece before the first broken one is included: the feed may have
 * broken within it. */
static void find_broken(const struct lw_monitor *m, const struct lw_rule *rule,
                        int subject, struct lw_span *out) {
    struct walk w = walk_begin(m, rule, subject);
    enum health health;
    bool found = false, before = false; /* ... was the piece after this one broken? */
    out->from_ms = out->broken_ms = window_start(m, rule);
    out->until_ms = lw_windows_end(m->windows);
    while ((health = walk_next(&w)) != UNKNOWN) {
        if (health == BROKEN && !found)
            out->until_ms = w.until_ms;
        found |= health == BROKEN;
        if (health == BROKEN)
            out->broken_ms = w.from_ms;
        if (health == BROKEN || before)
            out->from_ms = w.from_ms;
        before = health == BROKEN;
        if (!before && w.from_ms < window_start(m, rule))
            break;
    }
    if (before || !found) /* it was the oldest one */
        out->from_ms -= m->spec->pane_ms;
    lw_pane_free(w.piece);
}

/* The newest piece that can be judged: is it broken, and where does it end? */
static enum health block_newest(const struct lw_monitor *m, const struct lw_rule *rule,
                                int subject, int64_t *until_ms) {
    struct walk w = walk_begin(m, rule, subject);
    enum health health = walk_next(&w);
    *until_ms = w.until_ms;
    lw_pane_free(w.piece);
    return health;
}

/* ---- before a training ---- */

/* A fault begins with few panes, and a small piece can look good although it is broken.
 * So the newest panes are judged again with each pane that is added, within the rule's
 * window. */
/* times drift.min_n: with more values the rule's own evaluation decides */
#define LOOK_EVENTS 10

static bool newest_broken(const struct lw_monitor *m, const struct lw_rule *rule,
                          int subject) {
    int64_t end = lw_windows_end(m->windows);
    struct lw_pane *all = lw_pane_new(m->spec, end, lw_mix64((uint64_t)end));
    bool broken = false;
    for (size_t i = lw_windows_panes(m->windows); i-- > 0 && !broken;) {
        const struct lw_pane *pane = lw_windows_pane(m->windows, i);
        if (pane->start_ms < window_start(m, rule) ||
            all->events >= LOOK_EVENTS * m->spec->drift.min_n)
            break;
        if (pane->events == 0)
            continue;
        lw_pane_merge(all, pane);
        broken = block_judge(m, rule, subject, all) == BROKEN;
    }
    lw_pane_free(all);
    return broken;
}

static bool block_suspect(struct lw_monitor *m, const struct lw_rule *rule, int subject) {
    const struct lw_rule_state *state = lw__monitor_rule_state(m, rule, subject);
    if (state->released || is_open(state))
        return false;
    if (state->state == LW_ALERT_PENDING && state->critical > 0)
        return true;
    if (!spoils_rows(rule) || !m->reference)
        return false;
    struct lw_reading now = lw__monitor_reading(m, rule, subject);
    if (now.known && now.significant && now.n >= rule->min_n &&
        now.value >= rule->critical)
        return true;
    return newest_broken(m, rule, subject);
}

/* Is enough left outside of the quarantine for a reference? A day of panes shows a
 * day's hours; hours that the panes cannot contain are not waited for. */
bool lw__monitor_reference_is_thin(const struct lw_monitor *m) {
    int64_t end = lw_windows_end(m->windows), held = lw_spec_longest_window(m->spec);
    int64_t length = m->spec->retrain.reference_ms, wanted = LW_DAY;
    wanted = lw_earlier(wanted, lw_earlier(length, held));
    return lw_quarantine_touches(&m->quarantine, end - length, end) &&
           lw_quarantine_back(&m->quarantine, end, wanted) < end - held;
}

const struct lw_rule *lw__monitor_suspected_by(struct lw_monitor *m, int *subject) {
    for (size_t r = 0; r < m->spec->nrules; r++) {
        const struct lw_rule *rule = &m->spec->rule[r];
        if (!(rule->actions & LW_ACTION_BLOCK) || lw_metric_live(rule->metric))
            continue;
        for (size_t i = 0; i < lw_rule_subjects(m->spec, rule); i++) {
            *subject = lw__monitor_subject(rule, i);
            if (block_suspect(m, rule, *subject))
                return rule;
        }
    }
    return NULL;
}

void lw__monitor_explain_wait(struct lw_monitor *m, struct lw_evaluation *out) {
    int subject = LW_RULE_MODEL;
    const struct lw_rule *rule = lw__monitor_blocked_by(m, &subject);
    bool fires = rule != NULL;
    if (m->policy.pending.id) {
        snprintf(out->postponed, sizeof out->postponed,
                 "the training requested by %.60s starts after the current one",
                 m->policy.asked);
        return;
    }
    if (!rule)
        rule = lw__monitor_suspected_by(m, &subject);
    if (!rule) {
        snprintf(out->postponed, sizeof out->postponed,
                 "the training requested by %.60s waits: too few rows since the fault "
                 "for a reference",
                 m->policy.asked);
        return;
    }
    bool of_one = lw_metric_per_feature(rule->metric);
    snprintf(out->postponed, sizeof out->postponed,
             "the training requested by %.60s waits: rule %.60s%s%.60s %s",
             m->policy.asked, rule->name, of_one ? " of " : "",
             of_one ? lw_spec_feature_name(m->spec, subject) : "",
             fires ? "fires" : "is about to fire");
}

/* ---- spans ---- */

static void note_span(struct lw_evaluation *out, enum lw_span_event what,
                      const struct lw_span *span) {
    if (out->nspans < LW_SPANS_MAX)
        out->span[out->nspans++] = (struct lw_span_change){what, *span};
}

/* The blocking rule with an open incident about that subject, or NULL. */
static const struct lw_rule *open_incident(const struct lw_monitor *m, int subject) {
    for (size_t r = 0; r < m->spec->nrules; r++) {
        const struct lw_rule *rule = &m->spec->rule[r];
        bool covers =
            rule->feature == subject || (rule->feature == LW_RULE_EACH && subject >= 0);
        if (spoils_rows(rule) && covers &&
            is_open(lw__monitor_rule_state(m, rule, subject)))
            return rule;
    }
    return NULL;
}

static const char *why_of(const struct lw_monitor *m, const struct lw_rule *rule,
                          int subject) {
    const struct lw_rule_state *state = lw__monitor_rule_state(m, rule, subject);
    return rule->metric->fault ? lw_fault_name((enum lw_fault_kind)state->fault)
                               : lw_metric_name(rule->metric);
}

/* A champion that has learned from such rows is replaced by its predecessor. */
static void judge_again(struct lw_monitor *m, const struct lw_span *span,
                        struct lw_evaluation *out) {
    struct lw_decision *d = &out->decision[out->ndecisions];
    if (out->ndecisions == LW_DECISIONS_MAX ||
        !lw_policy_spoiled(&m->policy, span, out->at_ms, d))
        return;
    out->ndecisions++;
    lw__monitor_champion_returned(
        m, d, out); /* its reference goes with it: nothing is evaluated after this */
}

static void block_begin(struct lw_monitor *m, const struct lw_rule *rule, int subject,
                        struct lw_evaluation *out) {
    struct lw_span s = {0};
    const struct lw_rule_state *state = lw__monitor_rule_state(m, rule, subject);
    find_broken(m, rule, subject, &s);
    /* a person has checked everything before that */
    int64_t looked = state->released_ms;
    lw_not_after(&looked, out->at_ms);
    if (looked) {
        s.from_ms = lw_later(s.from_ms, looked);
        s.broken_ms = lw_later(s.broken_ms, looked);
        s.until_ms = lw_later(s.until_ms, looked);
    }
    lw_copy(s.feature, sizeof s.feature, lw_spec_feature_name(m->spec, subject));
    snprintf(s.why, sizeof s.why, "%.40s (%.30s)", rule->name, why_of(m, rule, subject));
    note_span(out, LW_SPAN_BEGINS, lw_quarantine_begin(&m->quarantine, &s));
}

static void block_follow(const struct lw_monitor *m, const struct lw_rule *rule,
                         int subject, struct lw_span *span) {
    int64_t until_ms;
    enum health health = block_newest(m, rule, subject, &until_ms);
    if (m->reference && health == UNKNOWN) /* no pane can be judged */
        until_ms = lw_windows_end(m->windows);
    else if (health != BROKEN)
        return;
    span->until_ms = lw_later(span->until_ms, until_ms);
}

static void block_end(const struct lw_monitor *m, struct lw_span *span,
                      struct lw_evaluation *out) {
    int64_t until_ms = span->until_ms + m->spec->pane_ms;
    span->open = false;
    span->until_ms =
        until_ms < out->at_ms || span->from_ms > out->at_ms ? until_ms : out->at_ms;
    note_span(out, LW_SPAN_ENDS, span);
}

/* Drops spans that no training can reach any more. */
static void block_forget(struct lw_monitor *m, int64_t at_ms) {
    int64_t window = m->spec->retrain.window_ms, panes = lw_spec_longest_window(m->spec);
    if (window > 0)
        lw_quarantine_forget(&m->quarantine, at_ms - lw_later(window, panes) - LW_WEEK);
}

/* Does the configuration still have its feature? */
static bool is_watched(const struct lw_spec *spec, const struct lw_span *span) {
    for (size_t i = 0; i < spec->nfeatures; i++)
        if (strcmp(spec->feature[i].name, span->feature) == 0)
            return true;
    return strcmp(span->feature, "target") == 0;
}

void lw__monitor_update_quarantine(struct lw_monitor *m, struct lw_evaluation *out) {
    int nf = (int)m->spec->nfeatures;
    for (int i = 0; i <= nf; i++) {
        int subject = i < nf ? i : LW_RULE_TARGET;
        const struct lw_rule *rule = open_incident(m, subject);
        struct lw_span *span =
            lw_quarantine_open_of(&m->quarantine, lw_spec_feature_name(m->spec, subject));
        if (rule && !span)
            block_begin(m, rule, subject, out);
        else if (rule)
            block_follow(m, rule, subject, span);
        else if (span)
            block_end(m, span, out);
    }
    for (size_t i = 0; i < m->quarantine.n; i++)
        if (m->quarantine.span[i].open && !is_watched(m->spec, &m->quarantine.span[i]))
            block_end(m, &m->quarantine.span[i], out);
    for (size_t i = 0; i < out->nspans; i++)
        if (out->span[i].what == LW_SPAN_BEGINS)
            judge_again(m, &out->span[i].span, out);
    block_forget(m, out->at_ms);
}

/* ---- released by a person ---- */

static void release_incidents(struct lw_monitor *m, const char *feature, const char *who,
                              struct lw_evaluation *out) {
    char why[200];
    snprintf(why, sizeof why, "Resolved: %.80s released %.60s.", who, feature);
    for (size_t r = 0; r < m->spec->nrules; r++) {
        const struct lw_rule *rule = &m->spec->rule[r];
        for (size_t i = 0; spoils_rows(rule) && i < lw_rule_subjects(m->spec, rule);
             i++) {
            struct lw_rule_state *state = &m->state[m->state_of[r] + i];
            const char *name =
                lw_spec_feature_name(m->spec, lw__monitor_subject(rule, i));
            if (strcmp(name, feature) != 0)
                continue;
            bool fired = is_open(state);
            lw__monitor_resolve(m, r, i, why, out);
            state->released = fired;
            state->released_ms = out->at_ms;
        }
    }
}

bool lw_monitor_release(struct lw_monitor *m, const char *which, const char *who,
                        struct lw_evaluation *out) {
    struct lw_span span;
    *out = (struct lw_evaluation){.at_ms = lw_windows_end(m->windows)};
    lw_copy(out->by, sizeof out->by, who);
    if (out->at_ms == INT64_MIN)
        return false;
    while (lw_quarantine_release(&m->quarantine, which, &span)) {
        note_span(out, LW_SPAN_RELEASED, &span);
        if (span.open)
            release_incidents(m, span.feature, who, out);
    }
    return out->nspans > 0;
}

const struct lw_quarantine *lw_monitor_quarantine(const struct lw_monitor *m) {
    return &m->quarantine;
}
