/* What the rows of lists and named maps fill, one item at a time, before names become
 * indices; internal to the layer. */
#ifndef LW_CONFIG_ITEMS_H
#define LW_CONFIG_ITEMS_H

#include "config/keys.h"

struct lw_field_item {
    enum lw_kind kind;
    bool required;
    enum lw_unit unit;
};

struct lw_feature_item {
    char of[LW_NAME_MAX * 2];
    struct lw_column column;
};

struct lw_rule_item {
    struct lw_rule rule;
    int metric; /* as lw_rule_word has them */
    char feature[LW_NAME_MAX], window[32], except[LW_NAME_MAX];
    bool retrain, block, inhibit;
    struct lw_rate budget;
};

/* Sets the rates of a rule on a budget, and refuses a rule that has neither thresholds nor
 * a budget (budgets.c). */
int lw_config_rule_budget(struct lw_load *load, const struct lw_yaml *node,
                          struct lw_rule_item *item);

/* Into out: the names of the wanted metrics, for a message (rules.c). */
const char *lw_config_metric_names(bool (*wanted)(const struct lw_metric *), char *out,
                                   size_t size);

/* The index of a field that a key names; listed with one of the kinds, or added as
 * `kind` (events.c). */
int lw_config_named_field(struct lw_load *load, const struct lw_yaml *node,
                          const char *name, enum lw_kind kind, enum lw_kind other);
/* After the candidates: what makes the predictions (predictor.c). */
int lw_config_complete_predictor(struct lw_load *load, const struct lw_yaml *candidates);
/* Refuses a rule that could never have a reading. */
int lw_config_rule_knows(struct lw_load *load, const struct lw_yaml *node,
                         const struct lw_rule *rule);

/* The i-th metric that a rule can name, or NULL. */
const char *lw_rule_word(int i);

struct lw_term_item {
    char term[LW_NAME_MAX * 2], include[LW_NAME_MAX];
    double penalty;
    uint32_t min_count;
};

struct lw_candidate_item {
    struct lw_fit_spec fit;
    char features[LW_NAME_MAX], base[LW_NAME_MAX];
    bool optional;
};

#endif
