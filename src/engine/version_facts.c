/* The facts of a version as JSON: its trials, its verdict and its exact data. */
#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"
#include "engine/engine_private.h"
#include "engine/retrainer.h"
#include "engine/training_json.h"
#include "engine/version_facts.h"
#include "json/json.h"

static json_t *gate_json(const struct lw_gate *g) {
    json_t *o = json_object();
    lw_json_set_bool(o, "passed", g->passed);
    lw_json_set_count(o, "rows", g->n);
    lw_json_set_count(o, "blocks", g->blocks);
    lw_json_set_number(o, "champion_error", g->champion_error);
    lw_json_set_number(o, "challenger_error", g->challenger_error);
    lw_json_set_number(o, "gain", g->gain);
    lw_json_set_number(o, "z", g->z);
    lw_json_set_text(o, "verdict", g->reason);
    return o;
}

static json_t *ranges_json(const struct lw_lineage *l) {
    json_t *list = json_array();
    for (size_t i = 0; i < l->nranges; i++) {
        if (l->range[i].first < 0)
            continue;
        json_t *o = json_object();
        lw_json_set_int(o, "partition", l->range[i].partition);
        lw_json_set_int(o, "first", l->range[i].first);
        lw_json_set_int(o, "last", l->range[i].last);
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *lineage_json(const struct lw_config *config, const struct lw_training *t,
                            const struct lw_lineage *l) {
    json_t *o = json_object();
    lw_json_set_text(o, "topic", l->topic);
    lw_json_set(o, "ranges", ranges_json(l));
    lw_json_set_count(o, "messages", l->read);
    lw_json_set_count(o, "gone", l->gone);
    lw_json_set_count(o, "undecodable", l->undecodable);
    lw_json_set_count(o, "rows", t->rows);
    lw_json_set_time(o, "rows_from", t->rows_from_ms);
    lw_json_set_time(o, "holdout_from", t->holdout_from_ms);
    lw_json_set_time(o, "until", t->as_of_ms);
    lw_json_set(o, "left_out", lw_training_json_left_out(t));
    lw_json_set_hex(o, "config_hash", config->spec.config_hash);
    lw_json_set_text(o, "code", LW_CODE_VERSION);
    return o;
}

/* Where an imported version is from: what the import recorded. */
static void put_origin(json_t *o, const char *facts) {
    static const char *const keys[] = {"origin", "file", "format"};
    json_t *was = facts ? json_loads(facts, 0, NULL) : NULL;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (json_object_get(was, keys[i]))
            json_object_set(o, keys[i], json_object_get(was, keys[i]));
    json_decref(was);
}

char *lw__version_facts(const struct lw_config *config, const struct lw_job *job,
                        const struct lw_lineage *l, double seconds) {
    const struct lw_training *t = &job->training;
    json_t *o = json_object();
    put_origin(o, job->origin);
    lw_json_set_text(o, "reason", job->request.reason);
    lw_json_set_text(o, "candidate", t->trial[t->chosen].name);
    lw_json_set_text(o, "kind", lw_model_kind(t->model));
    lw_json_set_count(o, "coefficients", lw_model_coefficients(t->model));
    lw_json_set_hex(o, "fingerprint", lw_model_fingerprint(t->model));
    lw_json_set_number(o, "heldout_error", t->trial[t->chosen].error);
    lw_json_set_number(o, "seconds", seconds);
    lw_json_set(o, "trials", lw_training_json_trials(t, "error"));
    lw_json_set(o, "gate", gate_json(&t->gate));
    lw_json_set(o, "lineage", lineage_json(config, t, l));
    char *text = json_dumps(o, JSON_COMPACT | JSON_REAL_PRECISION(9));
    json_decref(o);
    lw_assert(text);
    return text;
}
