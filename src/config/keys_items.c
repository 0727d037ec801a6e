/* The rows of the sections that may occur several times. Offsets are into
 * the structs of items.h, and of alert/alert_json.h for webhooks. */
#include <math.h>
#include <stddef.h>

#include "base/time.h"
#include "config/items.h"

#define AT(type, member)                                                                 \
    .offset = offsetof(type, member), .size = sizeof(((type *)0)->member)
#define SECTION(title_, rows)                                                            \
    { .title = (title_), .doc = "", .n = sizeof(rows) / sizeof *(rows), .key = (rows) }

static const char *const kinds[] = {"numeric", "category", "timestamp", "text", NULL};
static const char *const units[] = {"schema", "s", "ms", "us", "ns", NULL};
static const char *const fits[] = {"ols", "ridge", "lasso", "elastic_net", "trees", NULL};
static const char *const losses[] = {"squared", "huber", NULL};
static const char *const severities[] = {"none", "warning", "critical", NULL};

const char *lw_rule_word(int i) {
    const struct lw_metric *metric = NULL;
    for (size_t at = 0; i >= 0 && (metric = lw_metric_at(at)); at++)
        if (lw_metric_judged(metric) && i-- == 0)
            break;
    return metric ? lw_metric_name(metric) : NULL;
}

static const char *format_word(int i) {
    return i >= 0 && i < LW_FORMATS ? lw_format_name((enum lw_format)i) : NULL;
}

static const struct lw_key field_keys[] = {
    {"kind", LW_KEY_WORD, AT(struct lw_field_item, kind), .flags = LW_REQUIRED,
     .words = kinds,
     .doc = "How the value is used. Categories are never averaged; texts are only "
            "identifiers."},
    {"required", LW_KEY_BOOL, AT(struct lw_field_item, required), .standard = "false",
     .doc = "An event in which the field is absent or cannot be converted to the "
            "kind is dead-lettered. If `false`, the value counts as missing."},
    {"unit", LW_KEY_WORD, AT(struct lw_field_item, unit), .flags = LW_IMPLIED,
     .standard = "schema", .words = units,
     .doc = "Unit of a timestamp's number, since 1970 in UTC. `schema`: as the "
            "Avro schema says; a plain long is in milliseconds."},
};
static const struct lw_key time_keys[] = {
    {"field", LW_KEY_TEXT, AT(struct lw_config, names.event_time), .flags = LW_REQUIRED,
     .doc = "Timestamp field that is the event's time."},
    {"unit", LW_KEY_WORD, AT(struct lw_config, names.event_unit), .flags = LW_IMPLIED,
     .standard = "schema", .words = units, .doc = "As `event.fields.<field>.unit`."},
};
const struct lw_section lw_section_time = SECTION("event.time", time_keys);

const struct lw_section lw_section_field = SECTION("event.fields.<field>", field_keys);

static const struct lw_key feature_keys[] = {
    {"of", LW_KEY_TEXT, AT(struct lw_feature_item, of), .unset = "the feature's name",
     .doc = "A field or a function of fields, e.g. `hour(lpep_pickup_datetime)`."},
    {"range", LW_KEY_RANGE, AT(struct lw_feature_item, column.lo), .unset = "none",
     .doc = "`[lowest, highest]` plausible value of a numeric feature; other "
            "values are counted as out of range and excluded from the sketches."},
    {"k", LW_KEY_INT, AT(struct lw_feature_item, column.k), .flags = LW_IMPLIED,
     .standard = "200", .min = 8, .max = 4096,
     .doc = "Size of a numeric feature's quantile sketch: the rank error is 1.3 % "
            "at 200 and falls with k."},
    {"cap", LW_KEY_INT, AT(struct lw_feature_item, column.cap), .flags = LW_IMPLIED,
     .standard = "1024", .min = 8, .max = LW_CATS_CAP_MAX,
     .doc = "Number of categories with exact counts; beyond it the frequent ones "
            "and a random sample are kept."},
    {"distinct", LW_KEY_BOOL, AT(struct lw_feature_item, column.distinct),
     .flags = LW_IMPLIED, .standard = "false",
     .doc = "Also estimate the number of distinct values of a category."},
};
const struct lw_section lw_section_feature = SECTION("features.<name>", feature_keys);

static const struct lw_key rule_keys[] = {
    {"name", LW_KEY_TEXT, AT(struct lw_rule_item, rule.name), .flags = LW_REQUIRED,
     .doc = "Name of the rule in alerts, metrics and routes."},
    {"metric", LW_KEY_WORD, AT(struct lw_rule_item, metric), .flags = LW_REQUIRED,
     .word = lw_rule_word, .doc = "What is measured (docs/statistics.md)."},
    {"feature", LW_KEY_TEXT, AT(struct lw_rule_item, feature), .flags = LW_IMPLIED,
     .standard = "",
     .doc = "For metrics of a feature: its name, `each`, `target` or `prediction`."},
    {"window", LW_KEY_TEXT, AT(struct lw_rule_item, window), .flags = LW_IMPLIED,
     .unset = "**required**, but for metrics of the running stream",
     .doc = "Name of the window to evaluate."},
    {"warn", LW_KEY_REAL, AT(struct lw_rule_item, rule.warn), .min = 0, .max = 1e15,
     .unset = "none", .doc = "Threshold for a warning (`events`: at or below it)."},
    {"critical", LW_KEY_REAL, AT(struct lw_rule_item, rule.critical), .min = 0,
     .max = 1e15, .unset = "none",
     .doc = "Threshold for critical. A rule with neither threshold takes a share of the "
            "budget in `alerts`."},
    {"budget", LW_KEY_RATE, AT(struct lw_rule_item, budget), .unset = "none",
     .doc = "Messages that the rule may send, e.g. `1 per 30d`, for all its features "
            "together. What is rare enough is learned from the stream; `warn` and "
            "`critical` are then the smallest effects that count (docs/policy.md)."},
    {"clear", LW_KEY_REAL, AT(struct lw_rule_item, rule.clear_below), .min = 0,
     .max = 1e15,
     .unset = "nine tenths of the way from no drift to the lower threshold in force",
     .doc = "Threshold at which a firing rule clears."},
    {"for", LW_KEY_INT, AT(struct lw_rule_item, rule.for_count), .standard = "1",
     .min = 1, .max = 10000,
     .doc = "Consecutive evaluations over the threshold before it fires. Metrics of the "
            "running stream are evaluated every 10 s."},
    {"clear_for", LW_KEY_INT, AT(struct lw_rule_item, rule.clear_count), .standard = "1",
     .min = 1, .max = 10000,
     .doc = "Consecutive evaluations under `clear` before it clears."},
    {"every", LW_KEY_DURATION, AT(struct lw_rule_item, rule.every_ms), .standard = "0",
     .min = 0, .max = 30.0 * LW_DAY,
     .doc = "Evaluate only this often, counted from midnight in `event.time_zone`, whole "
            "weeks from Monday: `6h` is at 0, 6, 12 and 18 o'clock. 0: at every pane."},
    {"except", LW_KEY_TEXT, AT(struct lw_rule_item, except), .flags = LW_IMPLIED,
     .standard = "",
     .doc =
         "A calendar, for metrics of the model's errors: the rule leaves out its local "
         "days, and keeps its state when too few other events are in the window."},
    {"min_n", LW_KEY_INT, AT(struct lw_rule_item, rule.min_n), .min = 0, .max = 1e12,
     .unset = "`drift.min_n`; 0 for `events`, `fault`, `silence` and `lag`",
     .doc = "With fewer events in the window the rule keeps its state."},
    {"retrain", LW_KEY_BOOL, AT(struct lw_rule_item, retrain), .standard = "false",
     .doc = "Request a training when the rule fires as critical."},
    {"block", LW_KEY_BOOL, AT(struct lw_rule_item, block),
     .unset = "`true` for `fault` and the metrics of a running stream",
     .doc = "Block training while the rule fires as critical: the data is broken."},
    {"inhibit", LW_KEY_BOOL, AT(struct lw_rule_item, inhibit),
     .unset = "`true` for metrics of the feed",
     .doc = "While the rule fires as critical, suppress notifications of the "
            "alerts that it causes (docs/alerts.md)."},
};
const struct lw_section lw_section_rule = SECTION("rules[]", rule_keys);

static const struct lw_key term_keys[] = {
    {"term", LW_KEY_TEXT, AT(struct lw_term_item, term), .flags = LW_IMPLIED,
     .standard = "", .doc = "The term, e.g. `PULocationID * DOLocationID`."},
    {"include", LW_KEY_TEXT, AT(struct lw_term_item, include), .flags = LW_IMPLIED,
     .standard = "", .doc = "Instead of a term: all terms of a set defined earlier."},
    {"penalty", LW_KEY_REAL, AT(struct lw_term_item, penalty), .flags = LW_IMPLIED,
     .standard = "1", .min = 0, .max = 1e6,
     .doc = "Multiplies the model's penalty for this term; 0: not penalised."},
    {"min_count", LW_KEY_INT, AT(struct lw_term_item, min_count), .flags = LW_IMPLIED,
     .standard = "0", .min = 0, .max = 1e9,
     .doc = "Levels seen less often share one level; 0: each has its own."},
};
const struct lw_section lw_section_term = SECTION("feature_sets.<name>[]", term_keys);

static const struct lw_key correction_keys[] = {
    {"half_life", LW_KEY_DURATION,
     AT(struct lw_candidate_item, fit.correction.half_life_ms), .flags = LW_GRID,
     .standard = "0", .min = 0, .max = 3650.0 * LW_DAY,
     .doc = "Half-life of the rows' weights in the correction; 0: no correction."},
    {"window", LW_KEY_DURATION, AT(struct lw_candidate_item, fit.correction.window_ms),
     .standard = "0", .min = 0, .max = 3650.0 * LW_DAY,
     .doc = "Use only rows younger than this; 0: five half-lives."},
    {"penalty", LW_KEY_REAL, AT(struct lw_candidate_item, fit.correction.penalty_factor),
     .standard = "30", .min = 1e-6, .max = 1e9,
     .doc = "Factor on every penalty of the correction."},
};
static const struct lw_section correction_section =
    SECTION("candidates[].correction", correction_keys);

static const struct lw_key tree_keys[] = {
    {"rounds", LW_KEY_INT, AT(struct lw_candidate_item, fit.trees.rounds),
     .standard = "100", .min = 1, .max = 10000, .doc = "Number of trees."},
    {"depth", LW_KEY_INT, AT(struct lw_candidate_item, fit.trees.depth), .standard = "6",
     .min = 1, .max = 16, .doc = "Maximum depth of a tree."},
    {"eta", LW_KEY_REAL, AT(struct lw_candidate_item, fit.trees.eta), .standard = "0.3",
     .min = 1e-4, .max = 1, .doc = "Learning rate."},
    {"min_child_weight", LW_KEY_REAL,
     AT(struct lw_candidate_item, fit.trees.min_child_weight), .standard = "1", .min = 0,
     .max = 1e9, .doc = "Smallest weight of a leaf."},
    {"subsample", LW_KEY_REAL, AT(struct lw_candidate_item, fit.trees.subsample),
     .standard = "1", .min = 0.01, .max = 1,
     .doc = "Share of the rows used for each tree."},
    {"lambda", LW_KEY_REAL, AT(struct lw_candidate_item, fit.trees.lambda),
     .standard = "1", .min = 0, .max = 1e9, .doc = "Ridge penalty on the leaves."},
};
static const struct lw_section tree_section = SECTION("candidates[].trees", tree_keys);

static const struct lw_key candidate_keys[] = {
    {"name", LW_KEY_TEXT, AT(struct lw_candidate_item, fit.name), .flags = LW_REQUIRED,
     .doc = "Name of the candidate, stored in its models."},
    {"kind", LW_KEY_WORD, AT(struct lw_candidate_item, fit.kind), .words = fits,
     .standard = "ridge", .doc = "Model family."},
    {"optional", LW_KEY_BOOL, AT(struct lw_candidate_item, optional), .standard = "false",
     .doc = "A build without XGBoost refuses `kind: trees`. If `true`, it leaves the "
            "candidate out instead, and says so in `check` and in the log."},
    {"features", LW_KEY_TEXT, AT(struct lw_candidate_item, features),
     .flags = LW_REQUIRED, .doc = "Name of the candidate's feature set."},
    {"base", LW_KEY_TEXT, AT(struct lw_candidate_item, base),
     .flags = LW_GRID | LW_IMPLIED, .standard = "",
     .doc = "For `kind: trees`: name of a linear candidate above. The trees learn what "
            "it leaves, and the model predicts the sum of both (docs/models.md)."},
    {"alpha", LW_KEY_REAL, AT(struct lw_candidate_item, fit.alpha),
     .flags = LW_GRID | LW_IMPLIED, .standard = "1", .min = 0, .max = 1e9,
     .doc = "Penalty, as scikit-learn defines it for the kind."},
    {"loss", LW_KEY_WORD, AT(struct lw_candidate_item, fit.loss), .flags = LW_IMPLIED,
     .words = losses, .standard = "squared",
     .doc = "Linear models: `huber` counts an error beyond 1.35 standard deviations "
            "linearly, where labels may be wrong."},
    {"l1_ratio", LW_KEY_REAL, AT(struct lw_candidate_item, fit.l1_ratio),
     .flags = LW_IMPLIED, .standard = "0.5", .min = 0, .max = 1,
     .doc = "Elastic net: share of the absolute penalty."},
    {"intercept", LW_KEY_BOOL, AT(struct lw_candidate_item, fit.intercept),
     .standard = "true", .doc = "Fit a constant, never penalised."},
    {"window", LW_KEY_DURATION, AT(struct lw_candidate_item, fit.window_ms),
     .flags = LW_GRID, .standard = "0", .min = 0, .max = 3650.0 * LW_DAY,
     .doc = "Use only rows younger than this; 0: all rows within "
            "`retrain.window`."},
    {"half_life", LW_KEY_DURATION, AT(struct lw_candidate_item, fit.half_life_ms),
     .flags = LW_GRID, .standard = "0", .min = 0, .max = 3650.0 * LW_DAY,
     .doc = "Time in which a row's weight halves; 0: all rows weigh the same."},
    {"clip", LW_KEY_RANGE, AT(struct lw_candidate_item, fit.clip_lo),
     .unset = "`target.range`", .doc = "Range to which predictions are clipped."},
    {"correction", LW_KEY_MAP, .flags = LW_IMPLIED, .section = &correction_section,
     .doc = "A second fit, to the residuals of the first, on a shorter time scale."},
    {"trees", LW_KEY_MAP, .flags = LW_IMPLIED, .section = &tree_section,
     .doc = "For `kind: trees`."},
};
const struct lw_section lw_section_candidate = SECTION("candidates[]", candidate_keys);

static const struct lw_key webhook_keys[] = {
    {"name", LW_KEY_TEXT, AT(struct lw_receiver, name), .flags = LW_REQUIRED,
     .doc = "Name of the receiver, in messages and metrics."},
    {"url", LW_KEY_TEXT, AT(struct lw_receiver, url), .flags = LW_SECRET, .standard = "",
     .doc = "Address. Use either this key or `url_file`."},
    {"url_file", LW_KEY_FILE, AT(struct lw_receiver, url_file), .standard = "",
     .doc = "File whose first line is the address, when it is a secret (Slack, "
            "Teams). This and every other `*_file` here may also be `env:NAME`, "
            "except `ca_file`; they are read for each delivery."},
    {"format", LW_KEY_WORD, AT(struct lw_receiver, format), .word = format_word,
     .standard = "json", .doc = "Message format (docs/alerts.md)."},
    {"severity", LW_KEY_WORD, AT(struct lw_receiver, least), .words = severities,
     .min = 1, .standard = "warning", .doc = "Minimum severity."},
    {"rules", LW_KEY_LIST, .item = "rule names", .unset = "all",
     .doc = "Names of the rules to notify of; `psi*` matches every name that "
            "begins so."},
    {"resolved", LW_KEY_BOOL, AT(struct lw_receiver, resolved), .standard = "true",
     .doc = "Also notify when an incident is resolved."},
    {"repeat", LW_KEY_DURATION, AT(struct lw_receiver, repeat_ms), .min = 0,
     .max = 365.0 * LW_DAY, .unset = "4h; 1m for alertmanager",
     .doc = "Interval at which a firing alert is sent again; 0: never."},
    {"timeout", LW_KEY_DURATION, AT(struct lw_receiver, timeout_ms), .standard = "10s",
     .min = 100, .max = 2 * LW_MINUTE, .doc = "Limit for the whole exchange."},
    {"give_up", LW_KEY_DURATION, AT(struct lw_receiver, give_up_ms), .standard = "3d",
     .min = LW_MINUTE, .max = 30.0 * LW_DAY,
     .doc = "How long a delivery is retried before it is parked."},
    {"secret_file", LW_KEY_FILE, AT(struct lw_receiver, secret_file), .standard = "",
     .doc = "One or two lines `whsec_<base64>`: sign messages as Standard "
            "Webhooks does."},
    {"token_file", LW_KEY_FILE, AT(struct lw_receiver, token_file), .standard = "",
     .doc = "Bearer token; for PagerDuty the routing key."},
    {"headers_file", LW_KEY_FILE, AT(struct lw_receiver, headers_file), .standard = "",
     .doc = "Additional headers, one `Name: value` per line."},
    {"ca_file", LW_KEY_FILE, AT(struct lw_receiver, ca_file), .standard = "",
     .doc = "CA bundle (PEM) to use instead of the system's."},
    {"template_file", LW_KEY_FILE, AT(struct lw_receiver, template_file), .standard = "",
     .doc = "For `format: template`: the body, with `{{field}}` in it."},
    {"content_type", LW_KEY_TEXT, AT(struct lw_receiver, content_type), .standard = "",
     .doc = "For `format: template`; empty: application/json."},
};
const struct lw_section lw_section_webhook = SECTION("webhooks[]", webhook_keys);
