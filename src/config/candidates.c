/* Feature sets, the candidates that use them, and the terms of retraining.
 *
 * Each set is compiled into a plan of its own, which is thrown away when the
 * configuration has been read. What a candidate uses is then put into the training plan,
 * which all candidates share, because a training reads its rows once and fits every
 * candidate on them. A set that no candidate uses costs nothing there, and an index into
 * one plan never meets another.
 *
 * A term's text, penalty and min_count together are its identity; the same three in
 * another set are the same term. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "base/time.h"
#include "config/items.h"

static struct lw_set *find_set(struct lw_load *load, const char *name) {
    for (size_t i = 0; i < load->nsets; i++)
        if (strcmp(load->set[i].name, name) == 0)
            return &load->set[i];
    return NULL;
}

static int fail_set(struct lw_load *load, const struct lw_yaml *node, const char *name) {
    const char *names[LW_SETS_MAX];
    char hint[300];
    for (size_t i = 0; i < load->nsets; i++)
        names[i] = load->set[i].name;
    return lw_yaml_fail(load->tree, node, load->err,
                        "no feature set is called '%.60s'%s%s", name,
                        load->nsets ? "" : ", for there is none",
                        lw_config_suggest(hint, sizeof hint, name, names, load->nsets));
}

/* Adds a term that another plan has compiled. Its index, or -1. */
static int copy_term(struct lw_plan *plan, const struct lw_term *term,
                     struct lw_err *err) {
    return lw_plan_term(plan, term->text, term->penalty, term->min_count, err);
}

/* Two sets that both include a third may be included by a fourth: each term is added
 * once. */
static int set_include(struct lw_load *load, const struct lw_yaml *node,
                       struct lw_set *set, const char *name) {
    const struct lw_set *other = find_set(load, name);
    struct lw_err why = {0};
    if (!other)
        return fail_set(load, node, name);
    for (size_t i = 0; i < lw_plan_terms(other->plan); i++)
        if (copy_term(set->plan, lw_plan_term_at(other->plan, i), &why) < 0)
            return lw_yaml_fail(load->tree, node, load->err, "%s", why.msg);
    return 0;
}

/* One item of a set: a text, or a map by the section's rows. */
static int read_item(struct lw_load *load, const struct lw_yaml *node,
                     struct lw_term_item *item, const struct lw_yaml **where) {
    *item = (struct lw_term_item){.penalty = 1};
    *where = node;
    if (node->kind == LW_YAML_SCALAR) {
        if (strlen(node->text) >= sizeof item->term)
            return lw_yaml_fail(load->tree, node, load->err,
                                "a term of more than %zu bytes", sizeof item->term - 1);
        lw_copy(item->term, sizeof item->term, node->text);
        return 0;
    }
    if (lw_config_read_section(load, &lw_section_term, node, item))
        return -1;
    const struct lw_yaml *term = lw_yaml_find(node, "term");
    const struct lw_yaml *other = lw_yaml_find(node, "include");
    if (!term == !other || (other && node->n > 1))
        return lw_yaml_fail(
            load->tree, node, load->err,
            "must be a term, or {term: ..., penalty: ...}, or {include: set}");
    *where = term ? term : other;
    return 0;
}

/* Does a text name a field as a whole word? */
static bool names_field(const char *text, const char *field) {
    static const char word[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    size_t len = strlen(field);
    for (const char *at = text; *at; at += strspn(at, word)) {
        at += strcspn(at, word);
        if (strspn(at, word) == len && memcmp(at, field, len) == 0)
            return true;
    }
    return false;
}

/* A feature that contains the target makes a model perfect on the hold-out and useless
 * for events whose target is not known yet. */
static int check_leak(struct lw_load *load, const struct lw_yaml *node,
                      const char *term) {
    const struct lw_event_spec *event = &load->config->spec.event;
    if (!lw_spec_labelled(&load->config->spec))
        return 0;
    const char *truth = event->fields.field[event->target_b].name;
    if (!names_field(term, truth))
        return 0;
    return lw_yaml_fail(load->tree, node, load->err,
                        "the target is made of '%.60s'; a model must not see it", truth);
}

static int read_term(struct lw_load *load, const struct lw_yaml *node,
                     struct lw_set *set) {
    struct lw_term_item item;
    const struct lw_yaml *where;
    struct lw_err why = {0};
    if (read_item(load, node, &item, &where))
        return -1;
    if (*item.include)
        return set_include(load, where, set, item.include);
    if (check_leak(load, where, item.term))
        return -1;
    size_t before = lw_plan_terms(set->plan);
    int at = lw_plan_term(set->plan, item.term, item.penalty, item.min_count, &why);
    if (at < 0)
        return lw_yaml_fail(load->tree, where, load->err, "%s", why.msg);
    if ((size_t)at < before)
        return lw_yaml_fail(load->tree, where, load->err,
                            "this term is in the set already");
    return 0;
}

static struct lw_plan *new_plan(const struct lw_config *config) {
    struct lw_plan *plan = lw_spec_plan(&config->spec);
    lw_plan_set_zone_name(plan, config->names.time_zone);
    return plan;
}

static int read_set(struct lw_load *load, const struct lw_yaml *node) {
    if (load->nsets == LW_SETS_MAX)
        return lw_yaml_fail_key(load->tree, node, load->err, "more than %d feature sets",
                                LW_SETS_MAX);
    if (lw_config_check_name(load, node, node->key, LW_NAME_MAX))
        return -1;
    if (node->kind != LW_YAML_LIST || node->n == 0)
        return lw_yaml_fail(load->tree, node, load->err, "must be a list of terms");
    struct lw_set set = {.name = node->key, .plan = new_plan(load->config)};
    int rc = 0;
    for (size_t i = 0; i < node->n && !rc; i++)
        rc = read_term(load, node->child[i], &set);
    load->set[load->nsets++] = set; /* also when it failed: its plan is freed there */
    return rc;
}

int lw_config_read_sets(struct lw_load *load, const struct lw_yaml *node) {
    load->config->spec.train = new_plan(load->config);
    for (size_t i = 0; node && i < node->n; i++)
        if (read_set(load, node->child[i]))
            return -1;
    return 0;
}

/* Keys that belong to one kind of model only; and whether this build can fit it. */
static int check_kind(struct lw_load *load, const struct lw_yaml *node,
                      const struct lw_candidate_item *item) {
    const struct lw_fit_spec *fit = &item->fit;
    if (!lw_fit_can(fit->kind) && !item->optional)
        return lw_yaml_fail(
            load->tree, lw_yaml_find(node, "kind"), load->err,
            "this build cannot fit trees: it was made without libxgboost-dev; `optional: "
            "true` leaves the candidate out of such a build");
    const struct {
        const char *key, *of;
        bool allowed;
    } rows[] = {
        {"l1_ratio", "elastic_net", fit->kind == LW_FIT_ELASTIC_NET},
        {"trees", "trees", fit->kind == LW_FIT_TREES},
        {"base", "trees", fit->kind == LW_FIT_TREES},
        {"loss", "a linear model", fit->kind != LW_FIT_TREES},
        {"correction", "a linear model", fit->kind != LW_FIT_TREES},
        {"alpha", "a penalised linear model",
         fit->kind != LW_FIT_OLS && fit->kind != LW_FIT_TREES},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct lw_yaml *child = lw_yaml_find(node, rows[i].key);
        if (child && !rows[i].allowed)
            return lw_yaml_fail_key(load->tree, child, load->err, "belongs to %s only",
                                    rows[i].of);
    }
    return 0;
}

static int check_spans(struct lw_load *load, const struct lw_yaml *node,
                       const struct lw_fit_spec *fit) {
    const struct lw_yaml *correction = lw_yaml_find(node, "correction");
    const struct lw_yaml *window = lw_yaml_find(correction, "window");
    if (fit->correction.half_life_ms == 0 && fit->correction.window_ms > 0)
        return lw_yaml_fail(load->tree, window, load->err,
                            "has no effect without `correction.half_life`");
    if (fit->correction.half_life_ms > 0 && fit->half_life_ms > 0 &&
        fit->correction.half_life_ms >= fit->half_life_ms)
        return lw_yaml_fail(load->tree, correction, load->err,
                            "its half-life must be shorter than the model's own");
    return 0;
}

/* The base comes first, as an included set does, so that no candidate is its own base. */
static int take_base(struct lw_load *load, const struct lw_yaml *node,
                     struct lw_candidate_item *item) {
    const struct lw_spec *spec = &load->config->spec;
    const char *names[LW_CANDIDATES_MAX];
    char hint[300];
    size_t n = 0;
    for (size_t i = 0; i < spec->ncandidates; i++) {
        const struct lw_fit_spec *other = &spec->candidate[i];
        if (other->kind == LW_FIT_TREES)
            continue;
        if (strcmp(other->name, item->base) == 0)
            item->fit.base = other;
        names[n++] = other->name;
    }
    if (item->fit.base || !*item->base)
        return 0;
    return lw_yaml_fail(load->tree, lw_yaml_find(node, "base"), load->err,
                        "no linear candidate above is called '%.60s'%s%s", item->base,
                        n ? "" : ", for there is none",
                        lw_config_suggest(hint, sizeof hint, item->base, names, n));
}

static int fail_many(struct lw_load *load, const struct lw_yaml *node) {
    return lw_yaml_fail(load->tree, node, load->err,
                        "more than %d candidates, counting each combination of lists",
                        LW_CANDIDATES_MAX);
}

static int check_candidate_twice(struct lw_load *load, const struct lw_yaml *node,
                                 const char *name) {
    const struct lw_spec *spec = &load->config->spec;
    for (size_t i = 0; i < spec->ncandidates; i++)
        if (strcmp(spec->candidate[i].name, name) == 0)
            return lw_yaml_fail(load->tree, node, load->err,
                                "a second candidate is called '%.60s'", name);
    return 0;
}

/* The candidate has passed every check, so that a bad configuration is refused by all
 * builds alike. */
static int leave_out(struct lw_load *load, const struct lw_yaml *node,
                     const struct lw_candidate_item *item) {
    struct lw_config *config = load->config;
    if (config->nleft_out == LW_CANDIDATES_MAX)
        return fail_many(load, node);
    lw_copy(config->left_out[config->nleft_out++], LW_NAME_MAX, item->fit.name);
    return 0;
}

/* The set's terms in the training plan. */
static int take_terms(struct lw_load *load, const struct lw_yaml *node,
                      const struct lw_set *set, struct lw_fit_spec *fit) {
    struct lw_err why = {0};
    lw_copy(fit->features, sizeof fit->features, set->name);
    fit->nterms = lw_plan_terms(set->plan);
    for (size_t i = 0; i < fit->nterms; i++) {
        fit->terms[i] =
            copy_term(load->config->spec.train, lw_plan_term_at(set->plan, i), &why);
        if (fit->terms[i] < 0)
            return lw_yaml_fail(load->tree, node, load->err,
                                "all candidates together: %s", why.msg);
    }
    return 0;
}

static int finish_candidate(struct lw_load *load, const struct lw_yaml *node,
                            struct lw_candidate_item *item) {
    struct lw_spec *spec = &load->config->spec;
    const struct lw_yaml *name = lw_yaml_find(node, "name");
    const struct lw_set *set = find_set(load, item->features);
    size_t used = strlen(item->fit.name);
    if (!set)
        return fail_set(load, lw_yaml_find(node, "features"), item->features);
    if (used + strlen(load->picked) >= sizeof item->fit.name)
        return lw_yaml_fail(load->tree, name, load->err,
                            "too long once '%s' (the values of its lists) is appended",
                            load->picked);
    memcpy(item->fit.name + used, load->picked, strlen(load->picked) + 1);
    if (lw_config_check_name(load, name, item->fit.name, LW_NAME_MAX) ||
        check_candidate_twice(load, name, item->fit.name) ||
        check_kind(load, node, item) || take_base(load, node, item) ||
        check_spans(load, node, &item->fit))
        return -1;
    if (!lw_fit_can(item->fit.kind))
        return leave_out(load, node, item);
    if (take_terms(load, lw_yaml_find(node, "features"), set, &item->fit))
        return -1;
    if (spec->ncandidates == LW_CANDIDATES_MAX)
        return fail_many(load, node);
    spec->candidate[spec->ncandidates++] = item->fit;
    return 0;
}

/* One combination of the lists in a candidate; 1 when there is none left. */
static int read_combination(struct lw_load *load, const struct lw_yaml *node,
                            size_t number) {
    const struct lw_event_spec *event = &load->config->spec.event;
    struct lw_candidate_item item = {
        .fit = {.clip_lo = event->target_lo, .clip_hi = event->target_hi}};
    load->pick = number;
    load->picked[0] = '\0';
    if (lw_config_read_section(load, &lw_section_candidate, node, &item))
        return -1;
    if (load->pick > 0)
        return 1;
    return finish_candidate(load, node, &item);
}

int lw_config_read_candidates(struct lw_load *load, const struct lw_yaml *node) {
    for (size_t i = 0; node && i < node->n; i++) {
        int done = 0;
        for (size_t number = 0; done == 0; number++)
            done = read_combination(load, node->child[i], number);
        if (done < 0)
            return -1;
    }
    return lw_config_complete_predictor(load, node);
}

static int64_t longest_candidate(const struct lw_spec *spec) {
    int64_t longest = 0;
    for (size_t i = 0; i < spec->ncandidates; i++)
        longest = spec->candidate[i].window_ms > longest ? spec->candidate[i].window_ms
                                                         : longest;
    return longest;
}

static int complete_window(struct lw_load *load, const struct lw_yaml *node) {
    struct lw_spec *spec = &load->config->spec;
    const struct lw_yaml *window = lw_yaml_find(node, "window");
    const struct lw_yaml *at = node ? node : load->tree->root;
    int64_t longest = longest_candidate(spec);
    char text[40];
    if (window && spec->retrain.window_ms < longest)
        return lw_yaml_fail(load->tree, window, load->err,
                            "a candidate asks for %s (got '%s')",
                            lw_format_duration(text, sizeof text, longest), window->text);
    for (size_t i = 0; i < spec->ncandidates && !window; i++)
        if (spec->candidate[i].window_ms == 0)
            return lw_yaml_fail_key(
                load->tree, at, load->err,
                "%swindow' is missing, and candidate '%.60s' has none of its own: say "
                "how far back events are read, e.g. 90d",
                node ? "'" : "'retrain.", spec->candidate[i].name);
    if (!window)
        spec->retrain.window_ms = longest;
    return 0;
}

/* An unused budget would suggest a limit that does not exist. */
int lw_config_read_search(struct lw_load *load, const struct lw_yaml *node) {
    static const char *const keys[] = {"budget", "seed"};
    if (load->config->spec.retrain.search.kind == LW_SEARCH_RANDOM)
        return 0;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const struct lw_yaml *child = lw_yaml_find(node, keys[i]);
        if (child)
            return lw_yaml_fail_key(load->tree, child, load->err,
                                    "belongs to `kind: random` only");
    }
    return 0;
}

int lw_config_read_retrain(struct lw_load *load, const struct lw_yaml *node) {
    struct lw_retrain_spec *retrain = &load->config->spec.retrain;
    const struct lw_yaml *holdout = lw_yaml_find(node, "holdout");
    const struct lw_yaml *cooldown = lw_yaml_find(node, "cooldown");
    char text[40], longest[40];
    if (complete_window(load, node))
        return -1;
    if (retrain->holdout_ms >= retrain->window_ms)
        return lw_yaml_fail_key(
            load->tree, holdout ? holdout : load->tree->root, load->err,
            "the hold-out, %s, must be shorter than the window that is trained on, %s",
            lw_format_duration(text, sizeof text, retrain->holdout_ms),
            lw_format_duration(longest, sizeof longest, retrain->window_ms));
    if (!lw_yaml_find(node, "cooldown_max"))
        retrain->cooldown_max_ms =
            retrain->cooldown_ms > 28 * LW_DAY ? retrain->cooldown_ms : 28 * LW_DAY;
    else if (retrain->cooldown_ms > retrain->cooldown_max_ms)
        return lw_yaml_fail(load->tree, cooldown ? cooldown : node, load->err,
                            "must not be longer than `cooldown_max`");
    if (retrain->bootstrap_until_ms == 0 && retrain->bootstrap_rows == 0)
        retrain->bootstrap_rows = retrain->min_rows;
    return 0;
}
