/* Panes, windows, change points, rules: names become indices, and rules that could never
 * fire, clear or act are refused.
 *
 * A rule's default `clear` lies a tenth of the way back from the lower threshold to where
 * the metric lies without drift (1 for a ratio, 0 for all else; above the threshold for
 * `events`), so that a value that oscillates around the threshold is one incident, not ten. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "base/time.h"
#include "config/items.h"
#include "core/rule.h"
#include "core/task.h"

int lw_config_read_panes(struct lw_load *load, const struct lw_yaml *node) {
    const struct lw_spec *spec = &load->config->spec;
    const struct lw_yaml *length = lw_yaml_find(node, "length");
    const struct lw_yaml *jump = lw_yaml_find(node, "max_jump");
    if (LW_DAY % spec->pane_ms != 0)
        return lw_yaml_fail(load->tree, length, load->err,
                            "a day must be a whole number of panes (got '%s')",
                            length->text);
    if (spec->max_jump_ms < spec->pane_ms)
        return lw_yaml_fail(load->tree, jump ? jump : node, load->err,
                            "must not be shorter than a pane");
    return 0;
}

static int check_multiple(struct lw_load *load, const struct lw_yaml *node, int64_t ms) {
    char pane[40];
    int64_t length = load->config->spec.pane_ms;
    if (ms % length == 0)
        return 0;
    return lw_yaml_fail(load->tree, node, load->err,
                        "must be a multiple of the panes' length, %s (got '%s')",
                        lw_format_duration(pane, sizeof pane, length), node->text);
}

static int read_window(struct lw_load *load, const struct lw_yaml *node) {
    struct lw_spec *spec = &load->config->spec;
    struct lw_window_spec *window = &spec->window[spec->nwindows];
    char pane[40];
    if (lw_config_check_name(load, node, node->key, sizeof window->name))
        return -1;
    if (spec->nwindows == LW_WINDOWS_MAX)
        return lw_yaml_fail_key(load->tree, node, load->err, "more than %d windows",
                                LW_WINDOWS_MAX);
    if (node->kind != LW_YAML_SCALAR ||
        !lw_parse_duration(node->text, &window->length_ms))
        return lw_yaml_fail(load->tree, node, load->err,
                            "must be a duration such as 6h, 1d or 2w%s%.40s%s",
                            node->text ? " (got '" : "", node->text ? node->text : "",
                            node->text ? "')" : "");
    if (window->length_ms < spec->pane_ms || window->length_ms > 400 * LW_DAY)
        return lw_yaml_fail(load->tree, node, load->err,
                            "must be from one pane to 400d (got '%s')", node->text);
    if (window->length_ms / spec->pane_ms > LW_WINDOW_PANES_MAX)
        return lw_yaml_fail(
            load->tree, node, load->err, "more than %d panes of %s; make panes longer",
            LW_WINDOW_PANES_MAX, lw_format_duration(pane, sizeof pane, spec->pane_ms));
    lw_copy(window->name, sizeof window->name, node->key);
    spec->nwindows++;
    return check_multiple(load, node, window->length_ms);
}

int lw_config_read_windows(struct lw_load *load, const struct lw_yaml *node) {
    for (size_t i = 0; node && i < node->n; i++)
        if (read_window(load, node->child[i]))
            return -1;
    if (load->config->spec.nwindows == 0)
        return lw_yaml_fail_key(
            load->tree, node ? node : load->tree->root, load->err,
            "at least one window is needed, e.g. `windows: {day: 1d}`");
    return 0;
}

int lw_config_read_change(struct lw_load *load, const struct lw_yaml *node) {
    struct lw_change_spec *change = &load->config->spec.change;
    if (!lw_yaml_find(node, "delta"))
        change->delta = strcmp(change->kind, "adwin") == 0 ? 0.002 : 0.005;
    if (strcmp(change->kind, "none") == 0)
        change->kind[0] = '\0';
    return 0;
}

static int fail_window(struct lw_load *load, const struct lw_yaml *node,
                       const char *name) {
    const struct lw_spec *spec = &load->config->spec;
    const char *names[LW_WINDOWS_MAX];
    char hint[300];
    for (size_t i = 0; i < spec->nwindows; i++)
        names[i] = spec->window[i].name;
    return lw_yaml_fail(
        load->tree, node, load->err, "no window is called '%.40s'%s", name,
        lw_config_suggest(hint, sizeof hint, name, names, spec->nwindows));
}

static int find_window(struct lw_load *load, const struct lw_yaml *node,
                       struct lw_rule_item *item) {
    const struct lw_spec *spec = &load->config->spec;
    const struct lw_yaml *at = lw_yaml_find(node, "window");
    bool live = lw_metric_live(item->rule.metric);
    const char *metric = lw_metric_name(item->rule.metric);
    if (live && at)
        return lw_yaml_fail_key(load->tree, at, load->err,
                                "'%s' is measured by the clock, not over a window",
                                metric);
    if (live)
        return 0;
    if (!at)
        return lw_yaml_fail_key(
            load->tree, node, load->err,
            "'window' is missing: name one of `windows`, over which '%s' is measured",
            metric);
    for (size_t i = 0; i < spec->nwindows; i++)
        if (strcmp(spec->window[i].name, item->window) == 0) {
            item->rule.window = (int)i;
            return 0;
        }
    return fail_window(load, at, item->window);
}

static int fail_feature(struct lw_load *load, const struct lw_yaml *node,
                        const char *name) {
    const struct lw_spec *spec = &load->config->spec;
    const char *names[LW_FEATURES_MAX + 3];
    char hint[300];
    size_t n = 0;
    for (size_t i = 0; i < spec->nfeatures; i++)
        names[n++] = spec->feature[i].name;
    names[n++] = "each";
    names[n++] = "target";
    names[n++] = "prediction";
    return lw_yaml_fail(load->tree, node, load->err, "no feature is called '%.60s'%s",
                        name, lw_config_suggest(hint, sizeof hint, name, names, n));
}

static int feature_index(const struct lw_spec *spec, const char *name) {
    if (strcmp(name, "each") == 0)
        return LW_RULE_EACH;
    if (strcmp(name, "target") == 0)
        return LW_RULE_TARGET;
    if (strcmp(name, "prediction") == 0)
        return LW_RULE_PREDICTION;
    for (size_t i = 0; i < spec->nfeatures; i++)
        if (strcmp(spec->feature[i].name, name) == 0)
            return (int)i;
    return LW_RULE_MODEL;
}

/* Is the column's range open on both sides, so that nothing is out of it? */
static bool has_no_range(const struct lw_spec *spec, const struct lw_rule *rule) {
    const struct lw_column *column =
        &spec->feature[rule->feature < 0 ? 0 : rule->feature];
    return rule->feature == LW_RULE_TARGET
               ? isinf(spec->event.target_lo) && isinf(spec->event.target_hi)
               : rule->feature >= 0 && isinf(column->lo) && isinf(column->hi);
}

const char *lw_config_metric_names(bool (*wanted)(const struct lw_metric *), char *out,
                                   size_t size) {
    const struct lw_metric *metric;
    size_t len = 0;
    for (size_t i = 0; (metric = lw_metric_at(i)); i++)
        if (wanted(metric) && len < size)
            len += (size_t)snprintf(out + len, size - len, "%s%s", len ? ", " : "",
                                    lw_metric_name(metric));
    return out;
}

static bool is_for_prediction(const struct lw_metric *metric) {
    return lw_metric_judged(metric) && (metric->columns & LW_ON_PREDICTION);
}

/* Target and prediction are numeric. */
static int check_score(struct lw_load *load, const struct lw_yaml *node,
                       const struct lw_rule *rule) {
    const struct lw_metric *metric = rule->metric;
    char names[200];
    if (rule->feature == LW_RULE_PREDICTION && !(metric->columns & LW_ON_PREDICTION))
        return lw_yaml_fail(
            load->tree, node, load->err,
            "'%s' is not measured for the prediction; these are: %s", metric->name,
            lw_config_metric_names(is_for_prediction, names, sizeof names));
    if (rule->feature == LW_RULE_TARGET && !(metric->columns & LW_ON_TARGET))
        return lw_yaml_fail(load->tree, node, load->err,
                            "'%s' needs a category, the target is numeric", metric->name);
    return 0;
}

/* Does the metric exist for that feature? */
static int check_metric(struct lw_load *load, const struct lw_yaml *node,
                        const struct lw_rule *rule) {
    const struct lw_metric *metric = rule->metric;
    bool of_range = metric->flags & LW_METRIC_NEEDS_RANGE;
    if (check_score(load, node, rule))
        return -1;
    if (rule->feature == LW_RULE_TARGET && of_range &&
        has_no_range(&load->config->spec, rule))
        return lw_yaml_fail(load->tree, node, load->err,
                            "'%s' has no range (target.range)", metric->name);
    if (rule->feature < 0)
        return 0;
    const struct lw_column *column = &load->config->spec.feature[rule->feature];
    bool numeric = column->kind == LW_NUMERIC;
    if (!numeric && !(metric->columns & LW_ON_CATEGORY))
        return lw_yaml_fail(load->tree, node, load->err,
                            "'%s' needs a numeric feature, '%s' is a category",
                            metric->name, column->name);
    if (numeric && !(metric->columns & LW_ON_NUMERIC))
        return lw_yaml_fail(load->tree, node, load->err,
                            "'%s' needs a category, '%s' is numeric", metric->name,
                            column->name);
    if (of_range && has_no_range(&load->config->spec, rule))
        return lw_yaml_fail(load->tree, node, load->err,
                            "'%s' has no range (features.%s.range)", column->name,
                            column->name);
    return 0;
}

static int find_feature(struct lw_load *load, const struct lw_yaml *node,
                        struct lw_rule_item *item) {
    const struct lw_yaml *at = lw_yaml_find(node, "feature");
    const char *metric = lw_metric_name(item->rule.metric);
    item->rule.feature = LW_RULE_MODEL;
    if (!lw_metric_per_feature(item->rule.metric)) {
        if (at)
            return lw_yaml_fail_key(
                load->tree, at, load->err,
                "'%s' is measured for the %s, not for a feature", metric,
                lw_metric_of_feed(item->rule.metric) ? "stream" : "model");
        return 0;
    }
    if (!at)
        return lw_yaml_fail_key(
            load->tree, node, load->err,
            "'feature' is missing: '%s' is measured for a feature; name one, or say each",
            metric);
    item->rule.feature = feature_index(&load->config->spec, item->feature);
    if (item->rule.feature == LW_RULE_MODEL)
        return fail_feature(load, at, item->feature);
    if (item->rule.feature == LW_RULE_EACH && load->config->spec.nfeatures == 0)
        return lw_yaml_fail(load->tree, at, load->err,
                            "no features are watched (`features`)");
    return check_metric(load, at, &item->rule);
}

static double default_clear(const struct lw_rule *rule) {
    double neutral = rule->metric->neutral;
    if (rule->metric->flags & LW_METRIC_FIRES_BELOW)
        return 1.1 * fmax(rule->warn, rule->critical); /* fmax passes over NAN */
    return neutral + 0.9 * (fmin(rule->warn, rule->critical) - neutral);
}

/* `lower`: lower values are the healthy side. */
static int check_thresholds(struct lw_load *load, const struct lw_yaml *node,
                            struct lw_rule *rule) {
    bool below = rule->metric->flags & LW_METRIC_FIRES_BELOW;
    const struct lw_yaml *clear = lw_yaml_find(node, "clear");
    if (below ? rule->warn < rule->critical : rule->warn > rule->critical)
        return lw_yaml_fail(
            load->tree, lw_yaml_find(node, "warn"), load->err,
            "the warning (%g) must come before the critical threshold (%g)", rule->warn,
            rule->critical);
    if (!clear) {
        rule->clear_below = lw_rule_on_budget(rule) ? NAN : default_clear(rule);
        return 0;
    }
    double first =
        below ? fmax(rule->warn, rule->critical) : fmin(rule->warn, rule->critical);
    if (below ? rule->clear_below < first : rule->clear_below > first)
        return lw_yaml_fail(load->tree, clear, load->err,
                            "a rule that fires at %g cannot clear at %g", first,
                            rule->clear_below);
    return 0;
}

static int set_actions(struct lw_load *load, const struct lw_yaml *node,
                       struct lw_rule_item *item) {
    bool critical = !isnan(item->rule.critical);
    if (!lw_yaml_find(node, "block"))
        item->block =
            critical && !item->retrain && (item->rule.metric->flags & LW_METRIC_BLOCKS);
    if (!lw_yaml_find(node, "inhibit"))
        item->inhibit = critical && lw_metric_of_feed(item->rule.metric);
    const char *what = item->retrain ? "retrain" : item->block ? "block" : "inhibit";
    item->rule.actions = (item->retrain ? (unsigned)LW_ACTION_RETRAIN : 0u) |
                         (item->block ? (unsigned)LW_ACTION_BLOCK : 0u) |
                         (item->inhibit ? (unsigned)LW_ACTION_INHIBIT : 0u);
    if (item->rule.actions == 0)
        return 0;
    if (item->retrain && lw_metric_live(item->rule.metric))
        return lw_yaml_fail(load->tree, lw_yaml_find(node, "retrain"), load->err,
                            "retraining cannot fix a silent, lagging or unreadable feed");
    if (item->retrain && item->block)
        return lw_yaml_fail(load->tree, lw_yaml_find(node, "block"), load->err,
                            "a rule can request a training or block it, not both");
    if (isnan(item->rule.critical) && !(item->retrain && lw_rule_on_budget(&item->rule)))
        return lw_yaml_fail(
            load->tree, lw_yaml_find(node, what), load->err,
            "takes effect at the critical level, and this rule has no 'critical' threshold");
    return 0;
}

static int find_except(struct lw_load *load, const struct lw_yaml *node,
                       struct lw_rule_item *item) {
    const struct lw_calendars *all = &load->config->spec.calendars;
    const struct lw_metric *metric = item->rule.metric;
    const struct lw_yaml *at = lw_yaml_find(node, "except");
    const char *names[LW_CALENDARS_MAX];
    char hint[300];
    if (!*item->except)
        return 0;
    if (metric->scope != LW_SCOPE_MODEL || (metric->flags & LW_METRIC_NEEDS_CHANGE))
        return lw_yaml_fail(load->tree, at, load->err,
                            "'%s' is not a metric of errors in a window", metric->name);
    for (size_t i = 0; i < all->n; i++)
        names[i] = all->of[i].name;
    item->rule.except = 1 + lw_calendars_find(all, item->except);
    if (item->rule.except)
        return 0;
    return lw_yaml_fail(
        load->tree, at, load->err, "no calendar is called '%.60s'%s", item->except,
        lw_config_suggest(hint, sizeof hint, item->except, names, all->n));
}

/* The figures of another task would never be known, and the rule silent. */
static int check_task(struct lw_load *load, const struct lw_yaml *node,
                      const struct lw_rule *rule) {
    const struct lw_task *task = load->config->spec.task;
    const char *metric = lw_metric_name(rule->metric);
    const struct lw_task *of = lw_task_of_figure(metric);
    if (!of || of == task)
        return 0;
    return lw_yaml_fail(load->tree, lw_yaml_find(node, "metric"), load->err,
                        "'%s' is measured for the task %s, and this stream's is %s",
                        metric, of->name, task->name);
}

/* Defaults and checks that depend on other keys of the rule. */
static int complete_rule(struct lw_load *load, const struct lw_yaml *node,
                         struct lw_rule_item *item) {
    struct lw_rule *rule = &item->rule;
    const struct lw_yaml *every = lw_yaml_find(node, "every");
    if (!lw_yaml_find(node, "min_n"))
        rule->min_n =
            rule->metric->flags & LW_METRIC_ANY_N ? 0 : load->config->spec.drift.min_n;
    if (rule->every_ms && lw_metric_live(rule->metric))
        return lw_yaml_fail_key(load->tree, every, load->err,
                                "'%s' is evaluated every 10 s; use `for` to set how long",
                                lw_metric_name(rule->metric));
    if (every && check_multiple(load, every, rule->every_ms))
        return -1;
    if ((rule->metric->flags & LW_METRIC_NEEDS_CHANGE) &&
        !load->config->spec.change.kind[0])
        return lw_yaml_fail(load->tree, lw_yaml_find(node, "metric"), load->err,
                            "needs a detector: set `change.kind`");
    return set_actions(load, node, item);
}

static int check_twice(struct lw_load *load, const struct lw_yaml *node,
                       const char *name) {
    const struct lw_spec *spec = &load->config->spec;
    for (size_t i = 0; i < spec->nrules; i++)
        if (strcmp(spec->rule[i].name, name) == 0)
            return lw_yaml_fail(load->tree, node, load->err,
                                "a second rule is called '%.60s'", name);
    return 0;
}

static int read_rule(struct lw_load *load, const struct lw_yaml *node) {
    struct lw_spec *spec = &load->config->spec;
    struct lw_rule_item item = {
        .rule = {.warn = NAN, .critical = NAN, .clear_below = NAN}};
    if (lw_config_read_section(load, &lw_section_rule, node, &item))
        return -1;
    item.rule.metric = lw_metric_find(lw_rule_word(item.metric));
    const struct lw_yaml *name = lw_yaml_find(node, "name");
    if (lw_config_check_name(load, name, item.rule.name, LW_NAME_MAX) ||
        check_twice(load, name, item.rule.name) || check_task(load, node, &item.rule) ||
        find_feature(load, node, &item) || find_window(load, node, &item) ||
        find_except(load, node, &item) || lw_config_rule_knows(load, node, &item.rule) ||
        lw_config_rule_budget(load, node, &item) ||
        check_thresholds(load, node, &item.rule) || complete_rule(load, node, &item))
        return -1;
    spec->rule[spec->nrules++] = item.rule;
    return 0;
}

int lw_config_read_rules(struct lw_load *load, const struct lw_yaml *node) {
    for (size_t i = 0; node && i < node->n; i++) {
        if (load->config->spec.nrules == LW_RULES_MAX)
            return lw_yaml_fail(load->tree, node->child[i], load->err,
                                "more than %d rules", LW_RULES_MAX);
        if (read_rule(load, node->child[i]))
            return -1;
    }
    return 0;
}
