/* leeway models: lists, shows, promotes and rolls back model versions. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "cli/cli.h"
#include "cli/models.h"
#include "cli/options.h"
#include "cli/quarantine.h"
#include "store/meta.h"
#include "store/models.h"
#include "store/requests.h"

#define ROW "%-8u %-12s %-20s %-20s %9s  %s" /* a row of the list */

static const char *aliases_of(const struct lw_aliases *a, uint32_t version, char *out,
                              size_t size) {
    snprintf(out, size, "%s%s%s%s", version == a->champion ? "champion " : "",
             version == a->previous ? "previous " : "",
             version == a->challenger ? "challenger " : "",
             version == a->first ? "first" : "");
    return out;
}

static json_t *version_json(const struct lw_version *v, const struct lw_aliases *a) {
    char aliases[64];
    json_error_t ignored;
    json_t *o = json_object();
    lw_json_set_int(o, "version", v->version);
    lw_json_set_int(o, "parent", v->parent);
    lw_json_set_text(o, "status", v->status);
    lw_json_set_text(o, "aliases", aliases_of(a, v->version, aliases, sizeof aliases));
    lw_json_set_time(o, "as_of", v->as_of_ms);
    lw_json_set_time(o, "created", v->created_ms);
    lw_json_set_text(o, "reason", v->reason);
    lw_json_set_text(o, "verdict", v->verdict);
    json_t *facts = v->facts ? json_loads(v->facts, 0, &ignored) : NULL;
    lw_json_set(o, "facts", facts);
    return o;
}

static json_t *unreadable_json(uint32_t version, const char *why,
                               const struct lw_aliases *a) {
    char aliases[64];
    json_t *o = json_object();
    lw_json_set_int(o, "version", version);
    lw_json_set_text(o, "status", "unreadable");
    lw_json_set_text(o, "aliases", aliases_of(a, version, aliases, sizeof aliases));
    lw_json_set_text(o, "reason", why);
    return o;
}

static double heldout_error(const struct lw_version *v) {
    json_error_t ignored;
    json_t *facts = v->facts ? json_loads(v->facts, 0, &ignored) : NULL;
    json_t *error = facts ? json_object_get(facts, "heldout_error") : NULL;
    double out = json_is_number(error) ? json_number_value(error) : NAN;
    json_decref(facts);
    return out;
}

static int release_features(struct models_session *s, char **which, int n,
                            struct lw_err *err) {
    char what[LW_NAME_MAX + 16];
    if (n == 0)
        return lw_fail(err, LW_ECONFIG,
                       "release needs a feature or a number (run 'leeway models list')");
    json_t *spans = lw_cli_quarantine(s->redis, &s->config->spec, err);
    int rc = spans ? 0 : -1;
    for (int i = 0; rc == 0 && i < n; i++)
        if (!lw_cli_quarantine_has(spans, which[i]))
            rc = lw_fail(err, LW_ENOTFOUND,
                         "\"%.60s\" is not in quarantine (run 'leeway models list')",
                         which[i]);
    for (int i = 0; rc == 0 && i < n; i++) {
        snprintf(what, sizeof what, "release:%.63s", which[i]);
        rc = lw_requests_add(s->redis, &s->config->spec, what, s->who, err);
    }
    if (rc == 0)
        printf(
            "requested; the leader releases it within a second and records it in the audit\n");
    json_decref(spans);
    return rc;
}

static void print_quarantine(const json_t *spans) {
    struct lw_buf out = {0};
    lw_cli_quarantine_text(spans, &out);
    if (out.len)
        printf("\n%s", lw_buf_str(&out));
    lw_buf_fini(&out);
}

/* Adds and prints one version. A damaged one has a row too. */
static int list_version(struct models_session *s, uint32_t version,
                        const struct lw_aliases *a, json_t *all, struct lw_err *err) {
    struct lw_version v;
    struct lw_err why = {0};
    char when[32], aliases[64];
    aliases_of(a, version, aliases, sizeof aliases);
    struct lw_reply *reply =
        lw_models_head(s->redis, &s->config->spec, version, &v, &why);
    if (!reply && why.code == LW_ENOTFOUND)
        return 0; /* reserved and never used */
    if (!reply && why.code != LW_EINPUT)
        return lw_fail(err, why.code, "%s", why.msg);
    json_array_append_new(all, reply ? version_json(&v, a)
                                     : unreadable_json(version, why.msg, a));
    if (!s->json && reply)
        lw_cli_line(stdout, ROW, version, v.status, aliases,
                    lw_format_time(when, sizeof when, v.as_of_ms),
                    lw_digits(heldout_error(&v), 3).text, v.reason);
    else if (!s->json)
        lw_cli_line(stdout, ROW, version, "unreadable", aliases, "-", "-", why.msg);
    lw_reply_free(reply);
    return 0;
}

static int list_versions(struct models_session *s, struct lw_err *err) {
    struct lw_aliases a;
    int rc = 0;
    json_t *all = json_array(), *spans = NULL;
    if (lw_models_aliases(s->redis, &s->config->spec, &a, err)) {
        json_decref(all);
        return -1;
    }
    if (!s->json)
        printf("%-8s %-12s %-20s %-20s %9s  %s\n", "version", "status", "aliases",
               "as of", "held-out", "reason");
    for (uint32_t version = 1; rc == 0 && version < a.next; version++)
        rc = list_version(s, version, &a, all, err);
    if (rc == 0 && !s->json && a.damaged)
        printf("\nthe alias champion is damaged, so the scoring version is unknown; run "
               "'leeway models promote N'\n");
    if (rc) {
        json_decref(all);
        return -1;
    }
    if (s->json)
        lw_cli_print_json(json_incref(all));
    else if ((spans = lw_cli_quarantine(s->redis, &s->config->spec, err)))
        print_quarantine(spans);
    json_decref(all);
    bool failed = !s->json && !spans;
    json_decref(spans);
    return failed ? -1 : 0;
}

static int write_model(struct models_session *s, const struct lw_version *v,
                       struct lw_err *err) {
    if (!s->output)
        return 0;
    if (lw_write_file(s->output, v->model, v->model_len, err))
        return -1;
    if (!s->json)
        lw_cli_line(stdout, "model written to %s (%zu bytes)", s->output, v->model_len);
    return 0;
}

static int show_version(struct models_session *s, uint32_t version, struct lw_err *err) {
    struct lw_aliases a;
    struct lw_version v;
    if (lw_models_aliases(s->redis, &s->config->spec, &a, err))
        return -1;
    struct lw_reply *reply = lw_models_get(s->redis, &s->config->spec, version, &v, err);
    if (!reply)
        return -1;
    json_t *o = version_json(&v, &a),
           *spans = lw_cli_quarantine(s->redis, &s->config->spec, err);
    if (!spans) {
        json_decref(o);
        lw_reply_free(reply);
        return -1;
    }
    lw_json_set(o, "quarantine", spans);
    if (s->json) {
        lw_cli_print_json(o);
    } else {
        lw_cli_print_json_indented(o);
    }
    int rc = write_model(s, &v, err);
    lw_reply_free(reply);
    return rc;
}

static int promote_version(struct models_session *s, uint32_t version,
                           struct lw_err *err) {
    if (lw_models_usable(s->redis, &s->config->spec, version, err) ||
        lw_models_promote(s->redis, &s->config->spec,
                          &(struct lw_promotion){version, s->who,
                                                 s->reason ? s->reason : "by hand", NULL},
                          err))
        return -1;
    printf("version %u is the champion; workers adopt it at their next flush\n", version);
    if (*lw_models_unheard(s->redis))
        fprintf(stderr, "leeway models: the promotion could not be announced: %s\n",
                lw_models_unheard(s->redis));
    return 0;
}

static int roll_back(struct models_session *s, struct lw_err *err) {
    struct lw_aliases a;
    if (lw_models_aliases(s->redis, &s->config->spec, &a, err))
        return -1;
    if (!a.previous)
        return lw_fail(err, LW_ENOTFOUND, "there is no previous champion");
    return promote_version(s, a.previous, err);
}

static int request_retrain(struct models_session *s, struct lw_err *err) {
    json_t *spans = lw_cli_quarantine(s->redis, &s->config->spec, err);
    if (!spans || lw_requests_add(s->redis, &s->config->spec, "retrain", s->who, err)) {
        json_decref(spans);
        return -1;
    }
    const char *open = lw_cli_quarantine_open(spans);
    if (open)
        lw_cli_line(
            stdout,
            "requested; it starts when the fault in %s ends (if there is no fault, run "
            "'leeway models release %s')",
            open, open);
    else
        printf(
            "requested; the leader starts it within a second (see 'leeway models list')\n");
    json_decref(spans);
    return 0;
}

enum { OPTION_REASON = 1, OPTION_OUTPUT = 2, OPTION_PROMOTE = 4, OPTION_SOURCE = 8 };

struct models_verb {
    const char *name;
    int most;         /* arguments; -1: any */
    unsigned options; /* that it reads */
};
static const struct models_verb verbs[] = {
    {"list", 0, 0},
    {"show", 1, OPTION_OUTPUT},
    {"promote", 1, OPTION_REASON},
    {"rollback", 0, OPTION_REASON},
    {"retrain", 0, 0},
    {"release", -1, 0},
    {"import", 1, OPTION_REASON | OPTION_OUTPUT | OPTION_PROMOTE},
    {"export", 0, OPTION_OUTPUT | OPTION_SOURCE},
};

static const struct models_verb *find_verb(const char *name) {
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (strcmp(verbs[i].name, name) == 0)
            return &verbs[i];
    return NULL;
}

/* Rejects options that the verb would ignore. */
static int verb_check(const struct models_session *s, const char *name, char **rest,
                      int n, struct lw_err *err) {
    const struct models_verb *verb = find_verb(name);
    if (!verb)
        return lw_fail(
            err, LW_ECONFIG,
            "unknown subcommand \"%s\" (list, show, promote, rollback, retrain, "
            "release, import, export)",
            name);
    if (verb->most >= 0 && n > verb->most + 1)
        return lw_fail(err, LW_ECONFIG, "unexpected argument \"%s\"",
                       rest[verb->most + 1]);
    const struct {
        const char *name, *verbs;
        unsigned bit;
        bool given;
    } options[] = {
        {"--reason", "promote, rollback and import", OPTION_REASON, s->reason},
        {"--output", "show, import and export", OPTION_OUTPUT, s->output},
        {"--promote", "import", OPTION_PROMOTE, s->promote},
        {"--version", "export", OPTION_SOURCE, s->version},
        {"--format", "export", OPTION_SOURCE, s->format},
        {"--model", "export", OPTION_SOURCE, s->model},
    };
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        if (options[i].given && !(verb->options & options[i].bit))
            return lw_fail(err, LW_ECONFIG, "%s applies only to %s, not to %s",
                           options[i].name, options[i].verbs, name);
    if (s->promote && s->output)
        return lw_fail(
            err, LW_ECONFIG,
            "--promote and --output exclude each other: a file is not a version");
    return 0;
}

int lw_models_connect(struct models_session *s, struct lw_err *err) {
    if (!s->redis)
        s->redis = lw_redis_new(&s->config->redis, err);
    return s->redis ? lw_meta_contract(s->redis, &s->config->spec, err) : -1;
}

static int models_dispatch(struct models_session *s, char **rest, int n,
                           struct lw_err *err) {
    const char *verb = n > 0 ? rest[0] : "list";
    int64_t version = 0;
    if (verb_check(s, verb, rest, n, err))
        return -1;
    bool numbered = n > 1 && lw_parse_i64(rest[1], &version) && version > 0;
    bool one = strcmp(verb, "show") == 0 || strcmp(verb, "promote") == 0;
    if (one && !numbered)
        return lw_fail(err, LW_ECONFIG,
                       "%s needs a version number (run 'leeway models list')", verb);
    if (strcmp(verb, "import") == 0)
        return n > 1 ? lw_models_import_file(s, rest[1], err)
                     : lw_fail(err, LW_ECONFIG, "import needs a file");
    if (strcmp(verb, "export") == 0)
        return lw_models_export_file(s, err);
    if (lw_models_connect(s, err))
        return -1;
    if (strcmp(verb, "list") == 0)
        return list_versions(s, err);
    if (strcmp(verb, "rollback") == 0)
        return roll_back(s, err);
    if (strcmp(verb, "retrain") == 0)
        return request_retrain(s, err);
    if (strcmp(verb, "release") == 0)
        return release_features(s, rest + 1, n - 1, err);
    return strcmp(verb, "show") == 0 ? show_version(s, (uint32_t)version, err)
                                     : promote_version(s, (uint32_t)version, err);
}

static int models_main(int argc, char **argv) {
    struct models_session s = {0};
    struct lw_err err = {0};
    const char *path = NULL;
    bool helped;
    const struct lw_option table[] = {
        {'c', LW_OPTION_TEXT, "config", &path},
        {0, LW_OPTION_TEXT, "reason", &s.reason},
        {'o', LW_OPTION_TEXT, "output", &s.output},
        {0, LW_OPTION_FLAG, "json", &s.json},
        {0, LW_OPTION_FLAG, "promote", &s.promote},
        {0, LW_OPTION_TEXT, "version", &s.version},
        {0, LW_OPTION_TEXT, "format", &s.format},
        {'m', LW_OPTION_TEXT, "model", &s.model},
    };
    char **rest = lw_calloc((size_t)argc, sizeof *rest);
    int n =
        lw_options_parse(&lw_cmd_models, LW_OPTIONS(table), argc, argv, rest, &helped);
    int rc = n < 0 ? LW_EXIT_USAGE : LW_EXIT_OK;
    struct lw_config *config =
        n < 0 || helped ? NULL : lw_cli_config(&lw_cmd_models, path);
    if (!config && !helped)
        rc = path && n >= 0 ? LW_EXIT_FAILED : LW_EXIT_USAGE;
    if (config) {
        lw_cli_person(s.who, sizeof s.who);
        s.config = config;
        if (models_dispatch(&s, rest, n, &err))
            rc = err.code == LW_ECONFIG ? lw_cli_usage(&lw_cmd_models, "%s", err.msg)
                                        : lw_cli_fail(&lw_cmd_models, &err);
        lw_redis_free(s.redis);
    }
    lw_config_free(config);
    free(rest);
    return rc;
}

const struct lw_command lw_cmd_models = {
    "models",
    "-c FILE [list | show N | promote N | rollback | retrain | release WHAT... |\n"
    "       import MODEL | export]",
    "List, show, promote, import and export model versions; release quarantined rows",
    "  -c, --config FILE   the stream's configuration\n"
    "      --reason TEXT   promote, rollback, import: the reason, for the audit\n"
    "      --promote       import: make it the champion now, without a test\n"
    "  -o, --output FILE   show: write the model to FILE (Avro); import: write FILE (Avro)\n"
    "                      instead of a version; export: the file\n"
    "      --version N     export: the version\n"
    "  -m, --model MODEL   export: a file instead of a version\n"
    "      --format NAME   export: avro (default), xgboost or json\n"
    "      --json          print JSON\n"
    "\n"
    "show N prints the lineage: topic, partitions and offset ranges, rows, hold-out, trials,\n"
    "gate, and rows excluded because of a fault.\n"
    "\n"
    "release WHAT: WHAT is a feature, `target`, or the number of a quarantine in the list.\n"
    "Trainings use its rows again, and its open incident ends; the audit records who did it.\n"
    "\n"
    "import MODEL: a model of leeway (Avro, JSON), XGBoost (JSON, UBJ) or LightGBM (text), or a\n"
    "linear model as JSON. Its features are matched by name with the configuration. It becomes a\n"
    "version, which the leader tests against the champion like one of its own.\n",
    models_main};
