/* leeway models import, export. */
#include "cli/models.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "cli/input.h"
#include "engine/engine.h"
#include "exchange/exchange.h"
#include "model/cost.h"
#include "store/imports.h"
#include "store/models.h"

/* ---- in ---- */

static char *facts_text(const struct lw_model *m, const char *path,
                        enum lw_exchange_format format, const struct lw_config *config) {
    json_t *o = json_object(), *lineage = json_object();
    lw_json_set_text(o, "origin", "imported");
    lw_json_set_text(o, "file", lw_base_name(path));
    lw_json_set_text(o, "format", lw_exchange_format_name(format));
    lw_json_set_text(o, "candidate", lw_model_name(m));
    lw_json_set_text(o, "kind", lw_model_kind(m));
    lw_json_set_count(o, "coefficients", lw_model_coefficients(m));
    lw_json_set_hex(o, "fingerprint", lw_model_fingerprint(m));
    lw_json_set_hex(lineage, "config_hash", config->spec.config_hash);
    lw_json_set_text(lineage, "code", LW_CODE_VERSION);
    lw_json_set(o, "lineage", lineage);
    char *text = json_dumps(o, JSON_COMPACT | JSON_REAL_PRECISION(9));
    json_decref(o);
    lw_assert(text);
    return text;
}

static void print_import(const struct models_session *s, const struct lw_model *m,
                         enum lw_exchange_format format, uint32_t version) {
    if (s->json) {
        json_t *o = json_object();
        lw_json_set_version(o, "version", version);
        lw_json_set_text_or_null(o, "output", s->output ? s->output : "");
        lw_json_set_text(o, "format", lw_exchange_format_name(format));
        lw_json_set_text(o, "name", lw_model_name(m));
        lw_json_set_text(o, "kind", lw_model_kind(m));
        lw_json_set_count(o, "coefficients", lw_model_coefficients(m));
        lw_json_set_hex(o, "fingerprint", lw_model_fingerprint(m));
        lw_json_set_number(o, "predict_us", lw_cost_predict_us(m));
        lw_json_set_bool(o, "promoted", version && s->promote);
        lw_cli_print_json(o);
        return;
    }
    lw_cli_line(stdout, "read %s: %s \"%s\", %zu coefficients or nodes",
                lw_exchange_format_name(format), lw_model_kind(m), lw_model_name(m),
                lw_model_coefficients(m));
    if (s->output)
        lw_cli_line(stdout, "model written to %s", s->output);
    else if (s->promote)
        printf("version %u is the champion; workers adopt it at their next flush\n",
               version);
    else
        printf(
            "version %u is a challenger: the leader tests it against the champion (see "
            "'leeway models list')\n",
            version);
}

static int store_import(struct models_session *s, const struct lw_model *m,
                        struct lw_import *what, struct lw_err *err) {
    struct lw_buf bytes = {0};
    if (lw_models_connect(s, err) || lw_model_encode(m, &bytes, err)) {
        lw_buf_fini(&bytes);
        return -1;
    }
    what->model = bytes.data;
    what->model_len = bytes.len;
    what->who = s->who;
    int rc = lw_imports_add(s->redis, &s->config->spec, what, err);
    lw_buf_fini(&bytes);
    if (rc || !s->promote)
        return rc;
    return lw_models_promote(s->redis, &s->config->spec,
                             &(struct lw_promotion){what->version, s->who,
                                                    s->reason ? s->reason : "imported",
                                                    NULL},
                             err);
}

static int write_import(const struct models_session *s, const struct lw_model *m,
                        struct lw_err *err) {
    struct lw_buf bytes = {0};
    int rc = lw_model_encode(m, &bytes, err);
    if (!rc)
        rc = lw_write_file(s->output, bytes.data, bytes.len, err);
    lw_buf_fini(&bytes);
    return rc;
}

int lw_models_import_file(struct models_session *s, const char *path,
                          struct lw_err *err) {
    enum lw_exchange_format format;
    if (!lw_spec_trains(&s->config->spec))
        return lw_fail(
            err, LW_EINPUT,
            "the stream has no model here: its configuration has no candidates, "
            "beside which an imported model could be judged");
    struct lw_model *m = lw_input_model_as(s->config, path, &format, err);
    if (!m && err->code == LW_ECONFIG)
        err->code = LW_EINPUT; /* the file does not fit the configuration */
    if (!m)
        return -1;
    struct lw_import what = {.waits = !s->promote};
    snprintf(what.reason, sizeof what.reason, "imported from %s%s%s",
             lw_exchange_format_name(format), s->reason ? ": " : "",
             s->reason ? s->reason : "");
    char *facts = facts_text(m, path, format, s->config);
    what.facts = facts;
    int rc = s->output ? write_import(s, m, err) : store_import(s, m, &what, err);
    if (!rc)
        print_import(s, m, format, what.version);
    free(facts);
    lw_model_free(m);
    return rc;
}

/* ---- out ---- */

static struct lw_model *version_model(struct models_session *s, struct lw_err *err) {
    struct lw_version v;
    int64_t version;
    if (!s->version || !lw_parse_i64(s->version, &version) || version < 1 ||
        version >= UINT32_MAX) {
        lw_fail(err, LW_ECONFIG,
                "export needs --version N (run 'leeway models list') or --model FILE");
        return NULL;
    }
    if (lw_models_connect(s, err))
        return NULL;
    struct lw_reply *reply =
        lw_models_get(s->redis, &s->config->spec, (uint32_t)version, &v, err);
    struct lw_model *m = reply ? lw_model_decode(v.model, v.model_len, err) : NULL;
    lw_reply_free(reply);
    return m;
}

int lw_models_export_file(struct models_session *s, struct lw_err *err) {
    struct lw_buf bytes = {0};
    int format = lw_exchange_format_parse(s->format ? s->format : "avro");
    if (format < 0)
        return lw_fail(err, LW_ECONFIG,
                       "--format is avro, xgboost or json, not \"%.40s\"", s->format);
    if (!s->output)
        return lw_fail(err, LW_ECONFIG, "export needs -o FILE");
    struct lw_model *m =
        s->model ? lw_input_model(s->config, s->model, err) : version_model(s, err);
    int rc = m ? lw_exchange_export(m, (enum lw_exchange_format)format, &bytes, err) : -1;
    if (!rc)
        rc = lw_write_file(s->output, bytes.data, bytes.len, err);
    if (!rc && !s->json)
        lw_cli_line(stdout, "model written to %s (%zu bytes)", s->output, bytes.len);
    lw_buf_fini(&bytes);
    lw_model_free(m);
    return rc;
}
