/* See alert_status.h. */
#include "core/alert_status.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool alert_matches(const char *pattern, const char *name) {
    size_t len = strlen(pattern);
    if (len == 0)
        return true;
    if (pattern[len - 1] == '*')
        return strncmp(pattern, name, len - 1) == 0;
    return strcmp(pattern, name) == 0;
}

bool lw_silence_covers(const struct lw_silence *s, const struct lw_alert_status *alert,
                       int64_t now_ms) {
    return now_ms >= s->from_ms && now_ms < s->until_ms &&
           alert_matches(s->rule, alert->rule) &&
           alert_matches(s->feature, alert->feature) &&
           (s->severity == LW_SEVERITY_NONE || s->severity == alert->severity);
}

int lw_silence_check(const struct lw_spec *spec, const struct lw_silence *s,
                     struct lw_err *err) {
    bool rule = false;
    bool feature =
        alert_matches(s->feature, "target") || alert_matches(s->feature, "prediction");
    for (size_t i = 0; lw_alert_notice_name(i); i++)
        rule |= alert_matches(s->rule, lw_alert_notice_name(i));
    for (size_t i = 0; i < spec->nrules; i++)
        rule |= alert_matches(s->rule, spec->rule[i].name);
    for (size_t i = 0; i < spec->nfeatures; i++)
        feature |= alert_matches(s->feature, spec->feature[i].name);
    if (!rule)
        return lw_fail(err, LW_ECONFIG, "no rule is called \"%.60s\"", s->rule);
    return feature
               ? 0
               : lw_fail(err, LW_ECONFIG, "no feature is called \"%.60s\"", s->feature);
}

static const struct lw_rule *rule_of(const struct lw_spec *spec,
                                     const struct lw_alert_status *alert) {
    for (size_t i = 0; i < spec->nrules; i++)
        if (strcmp(spec->rule[i].name, alert->rule) == 0)
            return &spec->rule[i];
    return NULL;
}

/* Does this firing, inhibiting alert explain the other? */
static bool alert_explains(const struct lw_rule *why, const struct lw_alert_status *cause,
                           const struct lw_rule *rule,
                           const struct lw_alert_status *alert) {
    if (why == rule || lw_metric_of_feed(rule->metric))
        return false;
    if (!lw_metric_per_feature(why->metric) || !lw_metric_per_feature(rule->metric))
        return true;
    return strcmp(cause->feature, alert->feature) == 0 ||
           strcmp(alert->feature, "prediction") == 0;
}

static void alert_inhibit(const struct lw_spec *spec, struct lw_alert_status *all,
                          size_t n, struct lw_alert_status *alert) {
    const struct lw_rule *rule = rule_of(spec, alert);
    alert->inhibited_by[0] = '\0';
    for (size_t i = 0; rule && i < n; i++) {
        const struct lw_alert_status *cause = &all[i];
        const struct lw_rule *why =
            cause->firing && cause->severity == LW_SEVERITY_CRITICAL
                ? rule_of(spec, cause)
                : NULL;
        if (!why || !(why->actions & LW_ACTION_INHIBIT) ||
            !alert_explains(why, cause, rule, alert))
            continue;
        snprintf(alert->inhibited_by, sizeof alert->inhibited_by, "%s%s%s", cause->rule,
                 cause->feature[0] ? " of " : "", cause->feature);
        return;
    }
}

void lw_alert_status_judge(const struct lw_spec *spec, struct lw_alert_status *alert,
                           size_t n, const struct lw_silence *silence, size_t nsilences,
                           int64_t now_ms) {
    for (size_t i = 0; i < n; i++) {
        alert[i].silenced_by[0] = '\0';
        for (size_t k = 0; k < nsilences && !alert[i].silenced_by[0]; k++)
            if (lw_silence_covers(&silence[k], &alert[i], now_ms))
                memcpy(alert[i].silenced_by, silence[k].id, sizeof silence[k].id);
        alert_inhibit(spec, alert, n, &alert[i]);
    }
}

static int by_urgency(const void *a, const void *b) {
    const struct lw_alert_status *x = a, *y = b;
    if (x->firing != y->firing)
        return x->firing ? -1 : 1;
    if (x->firing && x->severity != y->severity)
        return x->severity > y->severity ? -1 : 1;
    if (x->at_ms != y->at_ms)
        return x->at_ms > y->at_ms ? -1 : 1;
    return (x->fingerprint > y->fingerprint) - (x->fingerprint < y->fingerprint);
}

void lw_alert_status_sort(struct lw_alert_status *alert, size_t n) {
    if (n)
        qsort(alert, n, sizeof *alert, by_urgency);
}
