/* See training_json.h. Durations are written as the configuration writes them. */
#include "engine/training_json.h"

#include "json/json.h"

static json_t *correction_json(const struct lw_correction *c) {
    json_t *o = json_object();
    lw_json_set_duration(o, "half_life", c->half_life_ms);
    lw_json_set_duration(o, "window", c->window_ms);
    lw_json_set_number(o, "penalty", c->penalty_factor);
    return o;
}

static json_t *trees_json(const struct lw_tree_params *p) {
    json_t *o = json_object();
    lw_json_set_int(o, "rounds", p->rounds);
    lw_json_set_int(o, "depth", p->depth);
    lw_json_set_number(o, "eta", p->eta);
    lw_json_set_number(o, "min_child_weight", p->min_child_weight);
    lw_json_set_number(o, "subsample", p->subsample);
    lw_json_set_number(o, "lambda", p->lambda);
    return o;
}

static void add_parameters(json_t *o, const struct lw_fit_spec *fit) {
    lw_json_set_text(o, "kind", lw_fit_kind_name(fit->kind));
    lw_json_set_text(o, "features", fit->features);
    if (fit->kind == LW_FIT_TREES)
        lw_json_set(o, "trees", trees_json(&fit->trees));
    else if (fit->kind != LW_FIT_OLS)
        lw_json_set_number(o, "alpha", fit->alpha);
    if (fit->base)
        lw_json_set_text(o, "base", fit->base->name);
    if (fit->loss == LW_LOSS_HUBER)
        lw_json_set_text(o, "loss", "huber");
    if (fit->kind == LW_FIT_ELASTIC_NET)
        lw_json_set_number(o, "l1_ratio", fit->l1_ratio);
    lw_json_set_duration(o, "window", fit->window_ms);
    lw_json_set_duration(o, "half_life", fit->half_life_ms);
    if (fit->correction.half_life_ms)
        lw_json_set(o, "correction", correction_json(&fit->correction));
}

json_t *lw_training_json_trials(const struct lw_training *t, const char *error_key) {
    json_t *list = json_array();
    for (size_t i = 0; i < t->ntrials; i++) {
        const struct lw_trial *trial = &t->trial[i];
        json_t *o = json_object();
        lw_json_set_text(o, "name", trial->name);
        if (trial->fit)
            add_parameters(o, trial->fit);
        lw_json_set_int(o, "round", trial->round);
        lw_json_set_count(o, "rows", trial->rows);
        lw_json_set_number(o, "seconds", trial->seconds);
        lw_json_set_number(o, "predict_us", trial->predict_us);
        lw_json_set_number(o, error_key, trial->error);
        lw_json_set_bool(o, "chosen", i == t->chosen);
        if (trial->note[0])
            lw_json_set_text(o, "note", trial->note);
        json_array_append_new(list, o);
    }
    return list;
}

json_t *lw_training_json_left_out(const struct lw_training *t) {
    json_t *list = json_array();
    for (size_t i = 0; i < t->nleft; i++) {
        const struct lw_span *s = &t->left[i].span;
        json_t *o = json_object();
        lw_json_set_int(o, "id", s->id);
        lw_json_set_text(o, "feature", s->feature);
        lw_json_set_time(o, "from", s->from_ms);
        lw_json_set_time(o, "until", s->open ? INT64_MAX : s->until_ms);
        lw_json_set_text(o, "why", s->why);
        lw_json_set_count(o, "rows", t->left[i].rows);
        json_array_append_new(list, o);
    }
    return list;
}
