/* Budgets of messages: "2 per 30d". A rule has its own, or a share of the monitor's
 * (`alerts.critical`, `alerts.warning`), which all rules without thresholds divide evenly
 * among them. Features of one rule divide its budget again. */
#include <math.h>
#include <string.h>

#include "base/text.h"
#include "base/time.h"
#include "config/items.h"
#include "config/value.h"
#include "core/rule.h"

/* A rule with both levels has so many warnings for each critical alert. */
#define WARNINGS 3.0
/* Marks a rule that takes a share until the shares are known. */
#define SHARE (-1.0)

/* "2 per 30d" */
static bool parse_rate(const char *text, struct lw_rate *out) {
    char count[32];
    const char *per = strstr(text, " per ");
    size_t len = per ? (size_t)(per - text) : 0;
    if (!per || len == 0 || len >= sizeof count)
        return false;
    lw_copy(count, len + 1, text);
    return lw_parse_f64(count, &out->n) && lw_parse_duration(per + 5, &out->per_ms) &&
           out->n > 0 && out->n <= 1e6 && out->per_ms >= LW_HOUR &&
           out->per_ms <= 3650 * LW_DAY;
}

int lw_value_rate(struct lw_load *load, const struct lw_yaml *node, void *at) {
    struct lw_rate rate = {0};
    if (!parse_rate(node->text, &rate))
        return lw_yaml_fail(load->tree, node, load->err,
                            "must be a number of messages in a time of 1h to 3650d, such "
                            "as '1 per 30d' (got '%.80s')",
                            node->text);
    memcpy(at, &rate, sizeof rate);
    return 0;
}

/* Of one subject in one of the rule's periods. */
static double rate_of_subject(const struct lw_spec *spec, const struct lw_rule *rule,
                              const struct lw_rate *rate) {
    return rate->n * (double)rule->period_ms / (double)rate->per_ms /
           (double)lw_rule_subjects(spec, rule);
}

int lw_config_rule_budget(struct lw_load *load, const struct lw_yaml *node,
                          struct lw_rule_item *item) {
    struct lw_rule *rule = &item->rule;
    const struct lw_yaml *at = lw_yaml_find(node, "budget");
    bool bare = isnan(rule->warn) && isnan(rule->critical);
    char names[300];
    rule->period_ms = rule->every_ms > LW_DAY ? rule->every_ms : LW_DAY;
    if (!at && !bare)
        return 0;
    if (!lw_metric_takes_budget(rule->metric))
        return lw_yaml_fail_key(
            load->tree, at ? at : node, load->err,
            at ? "'%s' takes fixed thresholds only; a budget is for %s"
               : "a threshold is missing: 'warn', 'critical' or both ('%s' takes no "
                 "budget; these do: %s)",
            lw_metric_name(rule->metric),
            lw_config_metric_names(lw_metric_takes_budget, names, sizeof names));
    bool warns = bare || !isnan(rule->warn), criticals = bare || !isnan(rule->critical);
    double whole = at ? rate_of_subject(&load->config->spec, rule, &item->budget) : SHARE;
    rule->rate[LW_USUAL_WARN] = warns ? whole : 0;
    rule->rate[LW_USUAL_CRITICAL] = criticals ? whole : 0;
    if (at && warns && criticals)
        rule->rate[LW_USUAL_CRITICAL] = whole / WARNINGS;
    return 0;
}

/* Divides the monitor's budget among the rules that wait for a share. */
int lw_config_read_alerts(struct lw_load *load, const struct lw_yaml *node) {
    struct lw_spec *spec = &load->config->spec;
    const struct lw_rate *budget = load->config->alert_budget;
    size_t n = 0;
    (void)node;
    for (size_t i = 0; i < spec->nrules; i++)
        n += spec->rule[i].rate[LW_USUAL_WARN] == SHARE;
    for (size_t i = 0; i < spec->nrules; i++) {
        struct lw_rule *rule = &spec->rule[i];
        if (rule->rate[LW_USUAL_WARN] != SHARE)
            continue;
        for (size_t level = 0; level < 2; level++)
            rule->rate[level] = rate_of_subject(spec, rule, &budget[level]) / (double)n;
    }
    return 0;
}
