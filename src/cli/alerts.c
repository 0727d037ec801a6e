/* leeway alerts: lists alerts and deliveries, silences, tests receivers, retries. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "alert/status_json.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "cli/alerts.h"
#include "cli/options.h"
#include "store/alerts.h"
#include "store/meta.h"
#include "store/outbox.h"
#include "store/parked.h"
#include "store/privacy.h"
#include "store/silences.h"

#define DELIVERIES_MAX 100

struct alerts_session {
    const struct lw_config *config;
    struct lw_redis *redis;
    bool json, print;
    const char *rule, *feature, *severity, *lasts, *comment, *by, *receiver;
    char who[160];
};

/* ---- list ---- */

static json_t *waiting_json(const struct lw_delivery *d, size_t n) {
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) {
        json_t *o = json_object();
        lw_json_set_text(o, "entry", d[i].entry);
        lw_json_set_text(o, "id", d[i].id);
        lw_json_set_count(o, "attempts", d[i].attempts);
        lw_json_set_int(o, "put_ms", d[i].put_ms);
        lw_json_set_int(o, "not_before_ms", d[i].not_before_ms);
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *parked_json(const struct lw_parked *p, size_t n) {
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) {
        json_t *o = json_object();
        lw_json_set_text(o, "entry", p[i].entry);
        lw_json_set_text(o, "id", p[i].id);
        lw_json_set_count(o, "attempts", p[i].attempts);
        lw_json_set_int(o, "parked_ms", p[i].parked_ms);
        lw_json_set_text(o, "reason", p[i].reason);
        json_array_append_new(list, o);
    }
    return list;
}

/* Everything `leeway alerts list` shows. */
struct alerts_overview {
    struct lw_alerts alerts;
    struct lw_delivery waiting[DELIVERIES_MAX];
    struct lw_parked parked[DELIVERIES_MAX];
    size_t nwaiting, nparked;
    struct lw_reply *reply[2];
};

static int overview_read(struct alerts_session *s, struct alerts_overview *b,
                         struct lw_err *err) {
    const struct lw_spec *spec = &s->config->spec;
    if (lw_alerts_read(s->redis, spec, lw_wall_ms(), &b->alerts, err))
        return -1;
    b->reply[0] =
        lw_outbox_read(s->redis, spec, (struct lw_outbox_of){"", DELIVERIES_MAX},
                       b->waiting, &b->nwaiting, err);
    b->reply[1] = b->reply[0] ? lw_parked_read(s->redis, spec, DELIVERIES_MAX, b->parked,
                                               &b->nparked, err)
                              : NULL;
    return b->reply[1] ? 0 : -1;
}

static void overview_print_json(const struct alerts_overview *b) {
    json_t *o = json_object(), *alerts = json_array(), *silences = json_array();
    for (size_t i = 0; i < b->alerts.nalerts; i++)
        json_array_append_new(alerts, lw_alert_status_json(&b->alerts.alert[i]));
    for (size_t i = 0; i < b->alerts.nsilences; i++)
        json_array_append_new(silences, lw_silence_json(&b->alerts.silence[i]));
    lw_json_set_count(o, "firing", lw_alerts_firing(&b->alerts));
    lw_json_set(o, "alerts", alerts);
    lw_json_set(o, "silences", silences);
    lw_json_set_count(o, "waiting", b->alerts.waiting);
    lw_json_set_count(o, "parked", b->alerts.parked);
    lw_json_set(o, "outbox", waiting_json(b->waiting, b->nwaiting));
    lw_json_set(o, "given_up", parked_json(b->parked, b->nparked));
    lw_cli_print_json(o);
}

static void print_alerts(const struct lw_alerts *a) {
    char since[32];
    if (a->nalerts == 0)
        printf("no alerts yet\n");
    for (size_t i = 0; i < a->nalerts; i++) {
        const struct lw_alert_status *s = &a->alert[i];
        lw_cli_line(stdout, "%-9s %-9s %s%s%s, since %s%s%s%s%s",
                    s->firing ? "FIRING" : "resolved",
                    lw_alert_severity_name(s->severity), s->rule,
                    s->feature[0] ? " of " : "", s->feature,
                    lw_format_time(since, sizeof since, s->since_ms),
                    s->firing && s->silenced_by[0] ? ", silenced by " : "",
                    s->firing ? s->silenced_by : "",
                    s->firing && s->inhibited_by[0] ? ", inhibited by " : "",
                    s->firing ? s->inhibited_by : "");
        lw_cli_line(stdout, "          %s", s->summary);
    }
}

static void print_silences(const struct lw_alerts *a) {
    char until[32];
    for (size_t i = 0; i < a->nsilences; i++) {
        const struct lw_silence *s = &a->silence[i];
        lw_cli_line(
            stdout, "silence %s: rule %s, feature %s, severity %s, until %s, by %s: %s",
            s->id, s->rule[0] ? s->rule : "any", s->feature[0] ? s->feature : "any",
            s->severity ? lw_alert_severity_name(s->severity) : "any",
            lw_format_time(until, sizeof until, s->until_ms), s->by, s->comment);
    }
}

static void print_deliveries(const struct alerts_overview *b) {
    char when[32];
    printf("deliveries: %" PRIu64 " waiting, %" PRIu64 " given up\n", b->alerts.waiting,
           b->alerts.parked);
    for (size_t i = 0; i < b->nwaiting; i++)
        lw_cli_line(stdout, "  waiting   %s, %" PRIu64 " attempts, next %s",
                    b->waiting[i].id, b->waiting[i].attempts,
                    b->waiting[i].not_before_ms
                        ? lw_format_time(when, sizeof when, b->waiting[i].not_before_ms)
                        : "now");
    for (size_t i = 0; i < b->nparked; i++) {
        lw_cli_line(stdout, "  given up  %s, %" PRIu64 " attempts, at %s: %s",
                    b->parked[i].id, b->parked[i].attempts,
                    lw_format_time(when, sizeof when, b->parked[i].parked_ms),
                    b->parked[i].reason);
        lw_cli_line(stdout, "            leeway alerts retry %s", b->parked[i].entry);
    }
}

/* Returns 3 when an alert is firing, silenced or not. */
static int alerts_list(struct alerts_session *s, struct lw_err *err) {
    struct alerts_overview *b = lw_calloc(1, sizeof *b);
    int rc = overview_read(s, b, err);
    if (rc == 0 && s->json) {
        overview_print_json(b);
    } else if (rc == 0) {
        print_alerts(&b->alerts);
        print_silences(&b->alerts);
        print_deliveries(b);
    }
    if (rc == 0 && lw_alerts_firing(&b->alerts))
        rc = LW_EXIT_CONDITION;
    lw_alerts_fini(&b->alerts);
    lw_reply_free(b->reply[0]);
    lw_reply_free(b->reply[1]);
    free(b);
    return rc;
}

/* ---- silences ---- */

static int parse_severity(const char *text, enum lw_severity *out, struct lw_err *err) {
    *out = LW_SEVERITY_NONE;
    for (int i = LW_SEVERITY_WARN; text && i <= LW_SEVERITY_CRITICAL; i++)
        if (strcmp(text, lw_alert_severity_name((enum lw_severity)i)) == 0)
            *out = (enum lw_severity)i;
    return text && !*out
               ? lw_fail(err, LW_ECONFIG,
                         "--severity: \"%.40s\" is not a valid value (warning, critical)",
                         text)
               : 0;
}

static int silence_start(struct alerts_session *s, struct lw_err *err) {
    struct lw_silence new = {.from_ms = lw_wall_ms()};
    int64_t length = 0;
    char until[32];
    if (!s->lasts || !lw_parse_duration(s->lasts, &length) || length <= 0)
        return lw_fail(err, LW_ECONFIG,
                       "--for DURATION is required, for example --for 2h");
    if (!s->comment || !s->comment[0])
        return lw_fail(
            err, LW_ECONFIG,
            "--comment TEXT is required: it tells the next person on call why");
    if (length > 366 * LW_DAY)
        return lw_fail(err, LW_ECONFIG, "a silence lasts at most 366d");
    if (parse_severity(s->severity, &new.severity, err))
        return -1;
    new.until_ms = new.from_ms + length;
    lw_copy(new.rule, sizeof new.rule, s->rule ? s->rule : "");
    lw_copy(new.feature, sizeof new.feature, s->feature ? s->feature : "");
    lw_copy(new.by, sizeof new.by, s->by ? s->by : s->who);
    lw_copy(new.comment, sizeof new.comment, s->comment);
    if (lw_silence_check(&s->config->spec, &new, err) ||
        lw_silences_add(s->redis, &s->config->spec, &new, new.from_ms, err))
        return -1;
    if (s->json)
        lw_cli_print_json(lw_silence_json(&new));
    else
        printf("silence %s until %s; end it earlier with 'leeway alerts unsilence %s'\n",
               new.id, lw_format_time(until, sizeof until, new.until_ms), new.id);
    return 0;
}

static int silence_end(struct alerts_session *s, const char *id, struct lw_err *err) {
    if (!id)
        return lw_fail(err, LW_ECONFIG,
                       "unsilence needs an ID (run 'leeway alerts list')");
    if (lw_silences_end(s->redis, &s->config->spec, id, s->by ? s->by : s->who,
                        lw_wall_ms(), err))
        return -1;
    lw_cli_line(stdout, "silence %s has ended", id);
    return 0;
}

/* Returns " NAME NAME " of the receivers whose format uses this key. */
static const char *receivers_keyed_by(const struct lw_config *config, enum lw_keyed how,
                                      char *out, size_t size) {
    size_t used = (size_t)snprintf(out, size, " ");
    for (size_t i = 0; i < config->nreceivers; i++)
        if (lw_format_keyed(config->receiver[i].format) == how)
            used += (size_t)snprintf(out + used, size - used, "%s ",
                                     config->receiver[i].name);
    return out;
}

static int delivery_retry(struct alerts_session *s, const char *id, struct lw_err *err) {
    if (!id)
        return lw_fail(err, LW_ECONFIG, "retry needs an ID (run 'leeway alerts list')");
    char by_incident[LW_RECEIVERS_MAX * (LW_RECEIVER_NAME_MAX + 1) + 2];
    char by_labels[sizeof by_incident];
    const struct lw_parked_retry_request again = {
        id, s->by ? s->by : s->who,
        receivers_keyed_by(s->config, LW_KEYED_INCIDENT, by_incident, sizeof by_incident),
        receivers_keyed_by(s->config, LW_KEYED_LABELS, by_labels, sizeof by_labels),
        lw_wall_ms()};
    if (lw_parked_retry(s->redis, &s->config->spec, &again, err))
        return -1;
    lw_cli_line(stdout, "%s was returned to the outbox", id);
    return 0;
}

/* Hashes a value as notifications do, so that a person can find it in one. */
static int hash_print(struct alerts_session *s, const char *value, struct lw_err *err) {
    struct lw_privacy p = s->config->privacy;
    char category[LW_HASHED_MAX], example[LW_HASHED_MAX];
    if (!value)
        return lw_fail(err, LW_ECONFIG,
                       "hash needs a VALUE: a category or an event identifier");
    if (lw_privacy_key(s->redis, &s->config->spec, p.key, err))
        return -1;
    lw_privacy_hash(&p, LW_PRIVATE_CATEGORY, value, category);
    lw_privacy_hash(&p, LW_PRIVATE_EXAMPLE, value, example);
    if (s->json)
        lw_cli_print_json(json_pack("{s:o, s:s, s:s}", "value",
                                    lw_json_text(value, SIZE_MAX), "category", category,
                                    "example", example));
    else
        lw_cli_line(stdout, "%s is %s as a category, %s as an example", value, category,
                    example);
    return 0;
}

/* ---- the command ---- */

/* Rejects options that the verb would ignore. */
static int verb_check(const struct alerts_session *s, const char *verb, char **rest,
                      int n, struct lw_err *err) {
    bool silences = strcmp(verb, "silence") == 0, tests = strcmp(verb, "test") == 0;
    bool named = strcmp(verb, "unsilence") == 0 || strcmp(verb, "retry") == 0;
    bool hashes = strcmp(verb, "hash") == 0;
    int most = named || hashes ? 2 : 1;
    if (!silences && !tests && !named && !hashes && strcmp(verb, "list") != 0)
        return lw_fail(
            err, LW_ECONFIG,
            "unknown subcommand \"%s\" (list, silence, unsilence, test, retry, hash)",
            verb);
    if (n > most)
        return lw_fail(err, LW_ECONFIG, "unexpected argument \"%s\"", rest[most]);
    if (!silences && (s->rule || s->feature || s->severity || s->lasts || s->comment))
        return lw_fail(
            err, LW_ECONFIG,
            "--rule, --feature, --severity, --for and --comment apply only to silence, not to %s",
            verb);
    if (!tests && (s->receiver || s->print))
        return lw_fail(err, LW_ECONFIG,
                       "--receiver and --print apply only to test, not to %s", verb);
    if (s->by && !silences && !named)
        return lw_fail(err, LW_ECONFIG,
                       "--by applies only to silence, unsilence and retry, not to %s",
                       verb);
    return 0;
}

static int alerts_dispatch(struct alerts_session *s, char **rest, int n,
                           struct lw_err *err) {
    const char *verb = n > 0 ? rest[0] : "list", *id = n > 1 ? rest[1] : NULL;
    if (verb_check(s, verb, rest, n, err))
        return -1;
    if (strcmp(verb, "test") == 0)
        return lw_cli_alerts_test(
            s->config, &(struct lw_alerts_test){s->receiver, s->print, s->json, s->who},
            err);
    s->redis = lw_redis_new(&s->config->redis, err);
    if (!s->redis || lw_meta_contract(s->redis, &s->config->spec, err))
        return -1;
    if (strcmp(verb, "list") == 0)
        return alerts_list(s, err);
    if (strcmp(verb, "silence") == 0)
        return silence_start(s, err);
    if (strcmp(verb, "unsilence") == 0)
        return silence_end(s, id, err);
    if (strcmp(verb, "hash") == 0)
        return hash_print(s, id, err);
    return delivery_retry(s, id, err);
}

static int alerts_main(int argc, char **argv) {
    struct alerts_session s = {0};
    struct lw_err err = {0};
    const char *path = NULL;
    bool helped;
    const struct lw_option table[] = {{'c', LW_OPTION_TEXT, "config", &path},
                                      {0, LW_OPTION_TEXT, "rule", &s.rule},
                                      {0, LW_OPTION_TEXT, "feature", &s.feature},
                                      {0, LW_OPTION_TEXT, "severity", &s.severity},
                                      {0, LW_OPTION_TEXT, "for", &s.lasts},
                                      {0, LW_OPTION_TEXT, "comment", &s.comment},
                                      {0, LW_OPTION_TEXT, "by", &s.by},
                                      {0, LW_OPTION_TEXT, "receiver", &s.receiver},
                                      {0, LW_OPTION_FLAG, "print", &s.print},
                                      {0, LW_OPTION_FLAG, "json", &s.json}};
    char **rest = lw_calloc((size_t)argc, sizeof *rest);
    int n =
        lw_options_parse(&lw_cmd_alerts, LW_OPTIONS(table), argc, argv, rest, &helped);
    int rc = n < 0 ? LW_EXIT_USAGE : LW_EXIT_OK;
    struct lw_config *config =
        n < 0 || helped ? NULL : lw_cli_config(&lw_cmd_alerts, path);
    if (!config && !helped)
        rc = path && n >= 0 ? LW_EXIT_FAILED : LW_EXIT_USAGE;
    if (config) {
        lw_cli_person(s.who, sizeof s.who);
        s.config = config;
        rc = alerts_dispatch(&s, rest, n, &err);
        if (rc < 0)
            rc = err.code == LW_ECONFIG ? lw_cli_usage(&lw_cmd_alerts, "%s", err.msg)
                                        : lw_cli_fail(&lw_cmd_alerts, &err);
        lw_redis_free(s.redis);
    }
    lw_config_free(config);
    free(rest);
    return rc;
}

const struct lw_command lw_cmd_alerts = {
    "alerts", "-c FILE [list | silence | unsilence ID | test | retry ID | hash VALUE]",
    "List alerts and deliveries, silence alerts, test receivers",
    "  -c, --config FILE    the stream's configuration\n"
    "      --json           print JSON\n"
    "\n"
    "list (default): alerts, silences, and deliveries that are pending or were given up.\n"
    "Exits with 3 if an alert is firing.\n"
    "\n"
    "silence: send no notifications for matching alerts.\n"
    "      --for DURATION   how long, for example 2h (required)\n"
    "      --comment TEXT   why (required)\n"
    "      --rule NAME      only this rule; psi* matches every rule that starts with psi\n"
    "      --feature NAME   only this feature\n"
    "      --severity NAME  only warning or critical\n"
    "      --by NAME        who creates it (default: user@host)\n"
    "unsilence ID: end a silence early.\n"
    "\n"
    "test: send a test message to every receiver. Exits with 1 if a delivery fails.\n"
    "      --receiver NAME  only this receiver\n"
    "      --print          print the bodies instead of sending them\n"
    "\n"
    "retry ID: return a delivery that was given up to the outbox.\n"
    "\n"
    "hash VALUE: print the hash that notifications show for a category or an event identifier\n"
    "when `privacy` hides it.\n",
    alerts_main};
