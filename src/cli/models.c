/* leeway models: the registry for people. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "cli/cli.h"
#include "cli/quarantine.h"
#include "store/meta.h"
#include "store/models.h"
#include "store/requests.h"

struct session {
    const struct lw_config *config;
    struct lw_redis *redis;
    bool json;
    const char *reason, *output;
    char who[160];
};

#define ROW "%-8u %-12s %-20s %-20s %9s  %s" /* of the table of versions */

static const char *aliases_of(const struct lw_aliases *a, uint32_t version, char *out,
                              size_t size) {
    snprintf(out, size, "%s%s%s%s", version == a->champion ? "champion " : "",
             version == a->previous ? "previous " : "",
             version == a->challenger ? "challenger " : "",
             version == a->first ? "first" : "");
    return out;
}

static json_t *version_json(const struct lw_version *v, const struct lw_aliases *a) {
    char when[32], aliases[64];
    json_error_t ignored;
    json_t *o = json_object();
    json_object_set_new(o, "version", json_integer(v->version));
    json_object_set_new(o, "parent", json_integer(v->parent));
    json_object_set_new(o, "status", lw_cli_text(v->status));
    json_object_set_new(o, "aliases",
                        json_string(aliases_of(a, v->version, aliases, sizeof aliases)));
    json_object_set_new(o, "as_of",
                        json_string(lw_format_time(when, sizeof when, v->as_of_ms)));
    json_object_set_new(o, "created",
                        json_string(lw_format_time(when, sizeof when, v->created_ms)));
    json_object_set_new(o, "reason", lw_cli_text(v->reason));
    json_object_set_new(o, "verdict", lw_cli_text(v->verdict));
    json_t *facts = v->facts ? json_loads(v->facts, 0, &ignored) : NULL;
    json_object_set_new(o, "facts", facts ? facts : json_null());
    return o;
}

static json_t *unreadable_json(uint32_t version, const char *why,
                               const struct lw_aliases *a) {
    char aliases[64];
    json_t *o = json_object();
    json_object_set_new(o, "version", json_integer(version));
    json_object_set_new(o, "status", json_string("unreadable"));
    json_object_set_new(o, "aliases",
                        json_string(aliases_of(a, version, aliases, sizeof aliases)));
    json_object_set_new(o, "reason", lw_cli_text(why));
    return o;
}

static double heldout(const struct lw_version *v) {
    json_error_t ignored;
    json_t *facts = v->facts ? json_loads(v->facts, 0, &ignored) : NULL;
    json_t *rmse = facts ? json_object_get(facts, "heldout_rmse") : NULL;
    double out = json_is_number(rmse) ? json_number_value(rmse) : NAN;
    json_decref(facts);
    return out;
}

static int release(struct session *s, char **which, int n, struct lw_err *err) {
    char what[LW_NAME_MAX + 16];
    if (n == 0)
        return lw_fail(err, LW_ECONFIG,
                       "release what? A feature or a number (leeway models list)");
    json_t *spans = lw_cli_quarantine(s->redis, &s->config->spec, err);
    int rc = spans ? 0 : -1;
    for (int i = 0; rc == 0 && i < n; i++)
        if (!lw_cli_quarantine_has(spans, which[i]))
            rc = lw_fail(err, LW_ENOTFOUND,
                         "nothing of \"%.60s\" is in quarantine (leeway models list)",
                         which[i]);
    for (int i = 0; rc == 0 && i < n; i++) {
        snprintf(what, sizeof what, "release:%.63s", which[i]);
        rc = lw_requests_add(s->redis, &s->config->spec, what, s->who, err);
    }
    if (rc == 0)
        printf("asked; the leader takes it up within a second, and the audit says so\n");
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

/* Adds and prints one. One that is damaged has its row, as the others have theirs. */
static int list_one(struct session *s, uint32_t version, const struct lw_aliases *a,
                    json_t *all, struct lw_err *err) {
    struct lw_version v;
    struct lw_err why = {0};
    char when[32], aliases[64];
    aliases_of(a, version, aliases, sizeof aliases);
    struct lw_reply *reply =
        lw_models_head(s->redis, &s->config->spec, version, &v, &why);
    if (!reply && why.code == LW_ENOTFOUND)
        return 0; /* a number that was reserved and never used */
    if (!reply && why.code != LW_EINPUT)
        return lw_fail(err, why.code, "%s", why.msg);
    json_array_append_new(all, reply ? version_json(&v, a)
                                     : unreadable_json(version, why.msg, a));
    if (!s->json && reply)
        lw_cli_line(stdout, ROW, version, v.status, aliases,
                    lw_format_time(when, sizeof when, v.as_of_ms),
                    lw_digits(heldout(&v), 3).text, v.reason);
    else if (!s->json)
        lw_cli_line(stdout, ROW, version, "unreadable", aliases, "-", "-", why.msg);
    lw_reply_free(reply);
    return 0;
}

static int list(struct session *s, struct lw_err *err) {
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
        rc = list_one(s, version, &a, all, err);
    if (rc == 0 && !s->json && a.damaged)
        printf("\nthe alias champion is damaged, so nobody knows which version scores: "
               "leeway models promote N\n");
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

static int write_model(struct session *s, const struct lw_version *v,
                       struct lw_err *err) {
    if (!s->output)
        return 0;
    if (lw_write_file(s->output, v->model, v->model_len, err))
        return -1;
    if (!s->json)
        lw_cli_line(stdout, "model written to %s (%zu bytes)", s->output, v->model_len);
    return 0;
}

static int show(struct session *s, uint32_t version, struct lw_err *err) {
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
    json_object_set_new(o, "quarantine", spans);
    if (s->json) {
        lw_cli_print_json(o);
    } else {
        lw_cli_show_json(o);
    }
    int rc = write_model(s, &v, err);
    lw_reply_free(reply);
    return rc;
}

static int promote(struct session *s, uint32_t version, struct lw_err *err) {
    if (lw_models_usable(s->redis, &s->config->spec, version, err) ||
        lw_models_promote(s->redis, &s->config->spec, version, s->who,
                          s->reason ? s->reason : "by hand", NULL, err))
        return -1;
    printf("version %u is champion; workers adopt it at their next flush\n", version);
    if (*lw_models_unheard(s->redis))
        fprintf(stderr, "leeway models: it could not be announced: %s\n",
                lw_models_unheard(s->redis));
    return 0;
}

static int roll_back(struct session *s, struct lw_err *err) {
    struct lw_aliases a;
    if (lw_models_aliases(s->redis, &s->config->spec, &a, err))
        return -1;
    if (!a.previous)
        return lw_fail(err, LW_ENOTFOUND, "there is no previous champion to go back to");
    return promote(s, a.previous, err);
}

static int retrain(struct session *s, struct lw_err *err) {
    json_t *spans = lw_cli_quarantine(s->redis, &s->config->spec, err);
    if (!spans || lw_requests_add(s->redis, &s->config->spec, "retrain", s->who, err)) {
        json_decref(spans);
        return -1;
    }
    const char *open = lw_cli_quarantine_open(spans);
    if (open)
        lw_cli_line(stdout,
                    "requested; it waits for the end of the fault in %s (leeway models "
                    "release %s says that it is none)",
                    open, open);
    else
        printf(
            "requested; the leader takes it up within a second (leeway models list shows the outcome)\n");
    json_decref(spans);
    return 0;
}

/* What has no effect on this verb is refused: it was meant. */
static int check_usage(const struct session *s, const char *verb, char **rest, int n,
                       struct lw_err *err) {
    bool shows = strcmp(verb, "show") == 0, promotes = strcmp(verb, "promote") == 0;
    int most = shows || promotes ? 2 : strcmp(verb, "release") == 0 ? n : 1;
    if (n > most)
        return lw_fail(err, LW_ECONFIG, "what is \"%s\"?", rest[most]);
    if (s->output && !shows)
        return lw_fail(err, LW_ECONFIG, "--output belongs to show, not to %s", verb);
    if (s->reason && !promotes && strcmp(verb, "rollback") != 0)
        return lw_fail(err, LW_ECONFIG,
                       "--reason belongs to promote and rollback, not to %s", verb);
    return 0;
}

static int dispatch(struct session *s, char **rest, int n, struct lw_err *err) {
    const char *verb = n > 0 ? rest[0] : "list";
    int64_t version = 0;
    if (check_usage(s, verb, rest, n, err))
        return -1;
    bool numbered = n > 1 && lw_parse_i64(rest[1], &version) && version > 0;
    if (strcmp(verb, "list") == 0)
        return list(s, err);
    if (strcmp(verb, "rollback") == 0)
        return roll_back(s, err);
    if (strcmp(verb, "retrain") == 0)
        return retrain(s, err);
    if (strcmp(verb, "release") == 0)
        return release(s, rest + 1, n - 1, err);
    bool known = strcmp(verb, "show") == 0 || strcmp(verb, "promote") == 0;
    if (!known)
        return lw_fail(
            err, LW_ECONFIG,
            "there is no verb \"%s\"; list, show, promote, rollback, retrain, release",
            verb);
    if (!numbered)
        return lw_fail(err, LW_ECONFIG, "%s which version? (leeway models list)", verb);
    return strcmp(verb, "show") == 0 ? show(s, (uint32_t)version, err)
                                     : promote(s, (uint32_t)version, err);
}

static int run(int argc, char **argv) {
    struct session s = {0};
    struct lw_err err = {0};
    const char *path = NULL, *user = getenv("USER");
    bool helped;
    const struct lw_option table[] = {
        {'c', "config", LW_OPTION_TEXT, &path},
        {0, "reason", LW_OPTION_TEXT, &s.reason},
        {'o', "output", LW_OPTION_TEXT, &s.output},
        {0, "json", LW_OPTION_FLAG, &s.json},
    };
    char host[64] = "localhost", who[160], **rest = lw_calloc((size_t)argc, sizeof *rest);
    int n = lw_options_parse(&lw_cmd_models, table, sizeof table / sizeof *table, argc,
                             argv, rest, &helped);
    int rc = n < 0 ? LW_EXIT_USAGE : LW_EXIT_OK;
    struct lw_config *config =
        n < 0 || helped ? NULL : lw_cli_config(&lw_cmd_models, path);
    if (!config && !helped)
        rc = path && n >= 0 ? LW_EXIT_FAILED : LW_EXIT_USAGE;
    if (config) {
        gethostname(host, sizeof host - 1);
        snprintf(who, sizeof who, "%.60s@%s", user ? user : "someone", host);
        lw_text_safe(s.who, sizeof s.who, who, strlen(who));
        s.config = config;
        s.redis = lw_redis_new(&config->redis, &err);
        if (!s.redis || lw_meta_contract(s.redis, &config->spec, &err) ||
            dispatch(&s, rest, n, &err))
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
    "-c FILE [list | show N | promote N | rollback | retrain | release WHAT...]",
    "List, show, promote and roll back model versions; release what a fault holds back",
    "  -c, --config FILE   the stream's configuration\n"
    "      --reason TEXT   promote, rollback: why, for the audit\n"
    "  -o, --output FILE   show: write the model there as Avro\n"
    "      --json          facts as JSON\n"
    "\n"
    "show N prints the lineage: topic, partitions and offset ranges, rows, hold-out, trials, gate, and\n"
    "what was left out because of a fault.\n"
    "release WHAT: a feature, `target`, or a number of the list's quarantine. Its rows are "
    "learned from again,\n"
    "and an open incident of it ends; the audit says who did it.\n",
    run};
