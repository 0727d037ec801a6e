/* See training_json.h. Durations are written as the configuration writes them. */
#include "engine/training_json.h"

#include "base/text.h"
#include "json/json.h"

static void set_real(json_t *o, const char *key, double v) {
    json_object_set_new(o, key, lw_json_number(v));
}

static void set_duration(json_t *o, const char *key, int64_t ms) {
    char text[40];
    if (ms)
        json_object_set_new(o, key,
                            json_string(lw_format_duration(text, sizeof text, ms)));
}

static json_t *correction_json(const struct lw_correction *c) {
    json_t *o = json_object();
    set_duration(o, "half_life", c->half_life_ms);
    set_duration(o, "window", c->window_ms);
    set_real(o, "penalty", c->penalty_factor);
    return o;
}

static json_t *trees_json(const struct lw_tree_params *p) {
    json_t *o = json_object();
    json_object_set_new(o, "rounds", json_integer(p->rounds));
    json_object_set_new(o, "depth", json_integer(p->depth));
    set_real(o, "eta", p->eta);
    set_real(o, "min_child_weight", p->min_child_weight);
    set_real(o, "subsample", p->subsample);
    set_real(o, "lambda", p->lambda);
    return o;
}

static void add_parameters(json_t *o, const struct lw_fit_spec *fit) {
    json_object_set_new(o, "kind", json_string(lw_fit_kind_name(fit->kind)));
    json_object_set_new(o, "features", json_string(fit->features));
    if (fit->kind == LW_FIT_TREES)
        json_object_set_new(o, "trees", trees_json(&fit->trees));
    else if (fit->kind != LW_FIT_OLS)
        set_real(o, "alpha", fit->alpha);
    if (fit->loss == LW_LOSS_HUBER)
        json_object_set_new(o, "loss", json_string("huber"));
    if (fit->kind == LW_FIT_ELASTIC_NET)
        set_real(o, "l1_ratio", fit->l1_ratio);
    set_duration(o, "window", fit->window_ms);
    set_duration(o, "half_life", fit->half_life_ms);
    if (fit->correction.half_life_ms)
        json_object_set_new(o, "correction", correction_json(&fit->correction));
}

json_t *lw_training_json_trials(const struct lw_training *t, const char *error_key) {
    json_t *list = json_array();
    for (size_t i = 0; i < t->ntrials; i++) {
        const struct lw_trial *trial = &t->trial[i];
        json_t *o = json_object();
        json_object_set_new(o, "name", json_string(trial->name));
        add_parameters(o, trial->fit);
        json_object_set_new(o, "round", json_integer(trial->round));
        json_object_set_new(o, "rows", json_integer((json_int_t)trial->rows));
        set_real(o, "seconds", trial->seconds);
        set_real(o, error_key, trial->error);
        json_object_set_new(o, "chosen", json_boolean(i == t->chosen));
        if (trial->note[0])
            json_object_set_new(o, "note", json_string(trial->note));
        json_array_append_new(list, o);
    }
    return list;
}

json_t *lw_training_json_left_out(const struct lw_training *t) {
    json_t *list = json_array();
    for (size_t i = 0; i < t->nleft; i++) {
        const struct lw_span *s = &t->left[i].span;
        json_t *o = json_object();
        json_object_set_new(o, "id", json_integer(s->id));
        json_object_set_new(o, "feature", json_string(s->feature));
        json_object_set_new(o, "from", lw_json_instant(s->from_ms));
        json_object_set_new(o, "until",
                            s->open ? json_null() : lw_json_instant(s->until_ms));
        json_object_set_new(o, "why", json_string(s->why));
        json_object_set_new(o, "rows", json_integer((json_int_t)t->left[i].rows));
        json_array_append_new(list, o);
    }
    return list;
}
