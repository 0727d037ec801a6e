/* Who makes the predictions: our candidates, a model elsewhere whose prediction is a field
 * of the event, or nobody.
 *
 * A stream without candidates of ours has one candidate of the kind `external`, which is
 * never fitted: a version of it is a reference that the stream is compared with. Without
 * truth there are no errors, and nothing that is judged by them is accepted. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/time.h"
#include "config/items.h"

#define EXTERNAL_WINDOW (28 * LW_DAY) /* the hours of the week are learned from so much */

int lw_config_read_prediction(struct lw_load *load, const struct lw_yaml *node) {
    struct lw_config *config = load->config;
    struct lw_event_spec *event = &config->spec.event;
    const char *name = config->names.prediction_field;
    if (!node)
        return 0;
    const struct lw_yaml *field = lw_yaml_find(node, "field");
    event->prediction_field =
        lw_config_named_field(load, field ? field : node, name, LW_NUMERIC, LW_NUMERIC);
    if (event->prediction_field < 0)
        return -1;
    if (lw_spec_labelled(&config->spec) && event->target == LW_TARGET_FIELD &&
        event->prediction_field == event->target_a)
        return lw_yaml_fail_key(load->tree, node, load->err,
                                "the prediction is the target itself");
    event->predicted = true;
    return 0;
}

/* The prediction's field as the one term of a model, and of the training plan. */
static int take_prediction(struct lw_load *load, struct lw_fit_spec *fit) {
    struct lw_spec *spec = &load->config->spec;
    struct lw_err why = {0};
    int term =
        lw_plan_term(spec->train, load->config->names.prediction_field, 0, 0, &why);
    if (term < 0)
        return lw_yaml_fail_key(load->tree, lw_yaml_find(load->tree->root, "prediction"),
                                load->err, "%s", why.msg);
    fit->terms[fit->nterms++] = term;
    return 0;
}

static int refuse_retraining(struct lw_load *load) {
    const struct lw_spec *spec = &load->config->spec;
    const struct lw_yaml *rules = lw_yaml_find(load->tree->root, "rules");
    for (size_t i = 0; i < spec->nrules; i++)
        if (spec->rule[i].actions & LW_ACTION_RETRAIN)
            return lw_yaml_fail_key(
                load->tree, lw_yaml_find(rules->child[i], "retrain"), load->err,
                "nothing can be retrained: there are no `candidates`");
    return 0;
}

int lw_config_complete_predictor(struct lw_load *load, const struct lw_yaml *candidates) {
    struct lw_spec *spec = &load->config->spec;
    struct lw_fit_spec *fit = &spec->candidate[0];
    bool ours = spec->ncandidates > 0 || load->config->nleft_out > 0;
    if (ours && spec->event.predicted)
        return lw_yaml_fail_key(load->tree, candidates, load->err,
                                "the predictions are made elsewhere (`prediction`), so "
                                "nothing is trained here: remove the candidates");
    if (ours && !lw_spec_labelled(spec))
        return lw_yaml_fail_key(load->tree, candidates, load->err,
                                "without a target no model can be trained");
    if (ours && spec->ncandidates == 0)
        return lw_yaml_fail_key(load->tree, candidates, load->err,
                                "this build can fit none of the candidates");
    if (ours)
        return 0;
    spec->predictor = spec->event.predicted ? LW_PREDICTOR_EVENTS : LW_PREDICTOR_NONE;
    *fit = (struct lw_fit_spec){.name = "external",
                                .kind = LW_FIT_EXTERNAL,
                                .intercept = true,
                                .window_ms = EXTERNAL_WINDOW,
                                .clip_lo = -INFINITY,
                                .clip_hi = INFINITY};
    spec->ncandidates = 1;
    if (spec->event.predicted && take_prediction(load, fit))
        return -1;
    return refuse_retraining(load);
}

int lw_config_read_tracking(struct lw_load *load, const struct lw_yaml *node) {
    struct lw_spec *spec = &load->config->spec;
    const struct lw_yaml *constant = lw_yaml_find(node, "time_constant");
    bool errors = lw_spec_labelled(spec) && spec->predictor != LW_PREDICTOR_NONE;
    if (errors)
        return 0;
    if (constant && spec->tracking.time_constant_ms > 0)
        return lw_yaml_fail(load->tree, constant, load->err,
                            "there are no errors to follow: the stream has no %s",
                            lw_spec_labelled(spec) ? "predictions" : "target");
    spec->tracking.time_constant_ms = 0;
    return 0;
}

int lw_config_rule_knows(struct lw_load *load, const struct lw_yaml *node,
                         const struct lw_rule *rule) {
    const struct lw_spec *spec = &load->config->spec;
    const struct lw_yaml *candidates =
        lw_yaml_find(load->config->tree->root, "candidates");
    const char *lacks = NULL;
    if (!lw_spec_labelled(spec) &&
        (rule->metric->scope == LW_SCOPE_MODEL || rule->feature == LW_RULE_TARGET))
        lacks = "target";
    else if (!(candidates && candidates->n) && !spec->event.predicted &&
             (rule->metric->scope == LW_SCOPE_MODEL ||
              rule->feature == LW_RULE_PREDICTION))
        lacks = "predictions (`candidates` or `prediction`)";
    if (!lacks)
        return 0;
    return lw_yaml_fail(load->tree, lw_yaml_find(node, "metric"), load->err,
                        "is never known: the stream has no %s", lacks);
}
