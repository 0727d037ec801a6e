/* The facts of a version as JSON: its trials, its verdict and its exact data. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "base/mem.h"
#include "base/text.h"
#include "engine/training_json.h"
#include "engine/version_facts.h"
#include "json/json.h"

static json_t *gate_json(const struct lw_gate *g) {
    json_t *o = json_object();
    json_object_set_new(o, "passed", json_boolean(g->passed));
    json_object_set_new(o, "rows", json_integer((json_int_t)g->n));
    json_object_set_new(o, "blocks", json_integer((json_int_t)g->blocks));
    json_object_set_new(o, "champion_rmse", lw_json_number(g->champion_error));
    json_object_set_new(o, "challenger_rmse", lw_json_number(g->challenger_error));
    json_object_set_new(o, "gain", lw_json_number(g->gain));
    json_object_set_new(o, "z", lw_json_number(g->z));
    json_object_set_new(o, "verdict", json_string(g->reason));
    return o;
}

static json_t *ranges_json(const struct lw_lineage *l) {
    json_t *list = json_array();
    for (size_t i = 0; i < l->nranges; i++) {
        if (l->range[i].first < 0)
            continue;
        json_t *o = json_object();
        json_object_set_new(o, "partition", json_integer(l->range[i].partition));
        json_object_set_new(o, "first", json_integer(l->range[i].first));
        json_object_set_new(o, "last", json_integer(l->range[i].last));
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *lineage_json(const struct lw_config *config, const struct lw_training *t,
                            const struct lw_lineage *l) {
    char hash[20];
    snprintf(hash, sizeof hash, "%016" PRIx64, config->spec.config_hash);
    json_t *o = json_object();
    json_object_set_new(o, "topic", json_string(l->topic));
    json_object_set_new(o, "ranges", ranges_json(l));
    json_object_set_new(o, "messages", json_integer((json_int_t)l->read));
    json_object_set_new(o, "gone", json_integer((json_int_t)l->gone));
    json_object_set_new(o, "undecodable", json_integer((json_int_t)l->undecodable));
    json_object_set_new(o, "rows", json_integer((json_int_t)t->rows));
    json_object_set_new(o, "rows_from", lw_json_instant(t->rows_from_ms));
    json_object_set_new(o, "holdout_from", lw_json_instant(t->holdout_from_ms));
    json_object_set_new(o, "until", lw_json_instant(t->as_of_ms));
    json_object_set_new(o, "left_out", lw_training_json_left_out(t));
    json_object_set_new(o, "config_hash", json_string(hash));
    json_object_set_new(o, "code", json_string(LW_CODE_VERSION));
    return o;
}

char *lw__version_facts(const struct lw_config *config, const struct lw_request *request,
                        const struct lw_training *t, const struct lw_lineage *l,
                        double seconds) {
    char print[20];
    snprintf(print, sizeof print, "%016" PRIx64, lw_model_fingerprint(t->model));
    json_t *o = json_object();
    json_object_set_new(o, "reason", json_string(request->reason));
    json_object_set_new(o, "candidate", json_string(t->trial[t->chosen].name));
    json_object_set_new(o, "kind", json_string(lw_model_kind(t->model)));
    json_object_set_new(o, "coefficients",
                        json_integer((json_int_t)lw_model_coefficients(t->model)));
    json_object_set_new(o, "fingerprint", json_string(print));
    json_object_set_new(o, "heldout_rmse", lw_json_number(t->trial[t->chosen].error));
    json_object_set_new(o, "seconds", lw_json_number(seconds));
    json_object_set_new(o, "trials", lw_training_json_trials(t));
    json_object_set_new(o, "gate", gate_json(&t->gate));
    json_object_set_new(o, "lineage", lineage_json(config, t, l));
    char *text = json_dumps(o, JSON_COMPACT | JSON_REAL_PRECISION(9));
    json_decref(o);
    lw_assert(text);
    return text;
}
