/* leeway check: validates a configuration and connects to every service in it. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "alert/secrets.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/check.h"
#include "cli/options.h"
#include "engine/intake.h"
#include "kafka/explain.h"
#include "kafka/probe.h"
#include "net/curl.h"

#define KAFKA_MS         5000
#define REACH_MS         5000
#define REDIS_MS         5000   /* for redis.timeout: 0 */
#define POLL_INTERVAL_MS 300000 /* librdkafka's default */
#define CALENDAR_DAYS    90     /* a calendar that ends sooner needs more dates */

void lw_check_report(struct lw_check_findings *f, const char *what,
                     enum lw_check_outcome v, const char *detail) {
    static const char *const words[] = {"FAILED", "warning", "ok"};
    if (!f->json)
        lw_cli_line(stdout, "%-8s %-14s %s", words[v], what, detail);
    json_t *o = json_object();
    lw_json_set_text(o, "check", what);
    lw_json_set_bool(o, "ok", v != LW_CHECK_FAILED);
    lw_json_set_bool(o, "warning", v == LW_CHECK_WARNING);
    lw_json_set_text(o, "detail", detail);
    json_array_append_new(f->list, o);
    f->bad |= v == LW_CHECK_FAILED;
}

static void report_outcome(struct lw_check_findings *f, const char *what, bool ok,
                           const char *detail) {
    lw_check_report(f, what, ok ? LW_CHECK_OK : LW_CHECK_FAILED, detail);
}

/* False: the topic does not exist, or the brokers do not answer. */
static bool check_topic(struct lw_check_findings *f, struct lw_probe *p, const char *what,
                        const char *topic, const char *remedy) {
    struct lw_err err = {0};
    char text[900];
    int32_t n = lw_probe_partitions(p, topic, KAFKA_MS, &err);
    if (n >= 0)
        snprintf(text, sizeof text, "%s, %d partitions", topic, n);
    else
        snprintf(text, sizeof text, "%s%s%s", err.msg,
                 err.code == LW_ENOTFOUND ? "; " : "",
                 err.code == LW_ENOTFOUND ? remedy : "");
    report_outcome(f, what, n >= 0, text);
    return n >= 0 || strstr(err.msg, LW_KAFKA_NO_RIGHT) != NULL;
}

/* A missing client feature is a warning: the next checks show whether it is needed. */
static void check_client(struct lw_check_findings *f, const struct lw_config *config) {
    const char *unable = lw_kafka_unable(&config->kafka, rd_kafka_version());
    char text[700];
    snprintf(text, sizeof text, "librdkafka %s%s%s", rd_kafka_version_str(),
             unable ? ": " : "", unable ? unable : "");
    lw_check_report(f, "kafka client", unable ? LW_CHECK_WARNING : LW_CHECK_OK, text);
}

/* One of the rights that `leeway run` needs. */
struct right {
    const char *what, *subject, *topic;
    int (*may)(const struct lw_kafka_options *, const char *, int, struct lw_err *);
};

static void check_right(struct lw_check_findings *f, const struct lw_config *config,
                        struct right right) {
    struct lw_err err = {0};
    char text[700];
    bool ok = right.may(&config->kafka, right.topic, KAFKA_MS, &err) == 0;
    snprintf(text, sizeof text, "%s: %s", right.subject, ok ? "allowed" : err.msg);
    report_outcome(f, right.what, ok, text);
}

static void check_rights(struct lw_check_findings *f, const struct lw_config *config) {
    const struct lw_config_source *source = &config->source;
    check_right(
        f, config,
        (struct right){"read topic", source->topic, source->topic, lw_kafka_may_read});
    check_right(f, config,
                (struct right){"join group",
                               lw_kafka_property(&config->kafka, "group.id"),
                               source->topic, lw_kafka_may_join});
}

static void check_output_topic(struct lw_check_findings *f,
                               const struct lw_config *config, struct lw_probe *p,
                               const char *what, const char *topic, const char *remedy) {
    if (topic[0] && check_topic(f, p, what, topic, remedy))
        check_right(f, config,
                    (struct right){"write to topic", topic, topic, lw_kafka_may_write});
}

/* True: the topic exists and can be sampled. */
static bool check_kafka(struct lw_check_findings *f, const struct lw_config *config) {
    struct lw_err err = {0};
    const struct lw_config_source *source = &config->source;
    check_client(f, config);
    struct lw_probe *p = lw_probe_new(&config->kafka, &err);
    if (!p) {
        report_outcome(f, "kafka", false, lw_kafka_bare(err.msg));
        return false;
    }
    bool there = check_topic(f, p, "topic", source->topic,
                             "`leeway run` waits until it is created");
    if (there)
        check_rights(f, config);
    check_output_topic(f, config, p, "dead letters", source->dead_letters,
                       "the first unreadable event would stop the stream until it "
                       "is created; leave source.dead_letters empty to drop such events");
    check_output_topic(
        f, config, p, "scored topic", source->scored,
        "the stream would stop at its first prediction until it is created; "
        "leave source.scored empty to send no predictions");
    lw_probe_free(p);
    return there;
}

/* A worker that waits for Redis must poll before the group expels it. */
static void check_timeouts(struct lw_check_findings *f, const struct lw_config *config) {
    const char *text = lw_kafka_property(&config->kafka, "max.poll.interval.ms");
    int64_t poll = POLL_INTERVAL_MS, redis = config->redis.timeout_ms;
    char detail[300];
    if (text && (!lw_parse_i64(text, &poll) || poll <= 0))
        return; /* librdkafka rejects it */
    redis = redis > 0 ? redis : REDIS_MS;
    bool fits = 3 * redis < poll;
    snprintf(
        detail, sizeof detail, "redis.timeout %lld ms, kafka.max.poll.interval.ms %lld%s",
        (long long)redis, (long long)poll,
        fits ? ""
             : ": a hanging Redis would cost the group membership; set the second to "
               "more than three times the first");
    report_outcome(f, "timeouts", fits, detail);
}

static void check_reach(struct lw_check_findings *f, const char *what,
                        enum lw_check_outcome if_not, const char *url,
                        const char *ca_file) {
    struct lw_err err = {0};
    char text[900], shown[200];
    bool ok = lw_curl_reach(url, ca_file, REACH_MS, &err) == 0;
    lw_receiver_url_shown(shown, sizeof shown, url);
    snprintf(text, sizeof text, "%s %s%s", shown,
             ok ? "can be reached" : "cannot be reached: ", ok ? "" : err.msg);
    lw_check_report(f, what, ok ? LW_CHECK_OK : if_not, text);
}

/* Every schema of single-object messages must be readable as the stream's. */
static void check_schemas(struct lw_check_findings *f, const struct lw_config *config) {
    struct lw_err err = {0};
    char text[400];
    struct lw_intake *in = lw_intake_new(config, NULL, &err);
    snprintf(text, sizeof text, "%s and %zu more", lw_schema_name(config->source.schema),
             config->source.nknown);
    report_outcome(f, "schemas", in != NULL, in ? text : err.msg);
    lw_intake_free(in);
}

/* The newest registered schema must be readable too. */
static void check_subject(struct lw_check_findings *f, const struct lw_config *config,
                          struct lw_registry_client *c) {
    const struct lw_config_source *source = &config->source;
    struct lw_err err = {0};
    struct lw_latest latest;
    char subject[300], text[700];
    lw_registry_subject(subject, sizeof subject, &source->registry, source->topic);
    if (lw_registry_client_latest(c, subject, &latest, &err)) {
        bool none = err.code == LW_ENOTFOUND;
        snprintf(text, sizeof text, "%s: no schema yet", subject);
        report_outcome(f, "subject", none, none ? text : err.msg);
        return;
    }
    struct lw_decoder *d = lw_decoder_new_avro(latest.schema, source->schema,
                                               &config->spec.event.fields, &err);
    snprintf(text, sizeof text, "%s, version %" PRId64 ", id %" PRIu32 "%s%.300s",
             subject, latest.version, latest.id, d ? "" : ": ", d ? "" : err.msg);
    report_outcome(f, "subject", d != NULL, text);
    lw_decoder_free(d);
    lw_schema_free(latest.schema);
}

static void check_registry(struct lw_check_findings *f, const struct lw_config *config) {
    struct lw_err err = {0};
    if (config->source.framing != LW_FRAMING_CONFLUENT)
        return;
    struct lw_registry_client *c = lw_registry_client_new(&config->source.registry, &err);
    bool there = c && lw_registry_client_ping(c, &err) == 0;
    report_outcome(f, "registry", there, there ? config->source.registry.url : err.msg);
    if (there)
        check_subject(f, config, c);
    lw_registry_client_free(c);
}

static void check_receivers(struct lw_check_findings *f, const struct lw_config *config,
                            bool offline) {
    for (size_t i = 0; i < config->nreceivers; i++) {
        const struct lw_receiver *r = &config->receiver[i];
        struct lw_secrets secrets;
        struct lw_err err = {0};
        char text[400], shown[200];
        bool ok = lw_secrets_load(r, &secrets, &err) == 0;
        if (ok) {
            snprintf(text, sizeof text, "%s: %s as %s", r->name,
                     lw_receiver_url_shown(shown, sizeof shown, secrets.url),
                     lw_format_name(r->format));
        }
        report_outcome(f, "receiver", ok, ok ? text : err.msg);
        if (ok && !offline)
            check_reach(f, "receiver", LW_CHECK_WARNING, secrets.url,
                        r->ca_file); /* deliveries are retried for days */
        if (ok)
            lw_secrets_fini(&secrets);
    }
}

static void check_config(struct lw_check_findings *f, const struct lw_config *config) {
    static const char *const others[] = {
        [LW_PREDICTOR_EVENTS] = "predictions in the events",
        [LW_PREDICTOR_NONE] = "no candidates, so nothing is trained or predicted"};
    const struct lw_spec *spec = &config->spec;
    char text[400], predictor[60];
    snprintf(predictor, sizeof predictor, "%zu candidates", spec->ncandidates);
    snprintf(
        text, sizeof text, "%s: %zu features, %zu windows, %zu rules, %s, %zu receivers",
        spec->stream, spec->nfeatures, spec->nwindows, spec->nrules,
        lw_spec_trains(spec) ? predictor : others[spec->predictor], config->nreceivers);
    report_outcome(f, "configuration", true, text);
}

/* After its last date a calendar calls every day ordinary. */
static void check_calendars(struct lw_check_findings *f, const struct lw_config *config) {
    const struct lw_spec *spec = &config->spec;
    int64_t today = lw_zone_day(spec->zone, lw_wall_ms());
    char from[32], until[32], text[400];
    for (size_t i = 0; i < spec->calendars.n; i++) {
        const struct lw_calendar *c = &spec->calendars.of[i];
        int64_t last = c->day[c->n - 1];
        bool soon = last < today + CALENDAR_DAYS;
        lw_format_time(from, sizeof from, c->day[0] * LW_DAY);
        lw_format_time(until, sizeof until, last * LW_DAY);
        snprintf(text, sizeof text, "%.100s: %zu dates from %.10s to %.10s%s%s", c->name,
                 c->n, from, until,
                 last < today ? "; the last one is over"
                 : soon       ? "; the last one is near"
                              : "",
                 soon ? ": add the coming ones to its file" : "");
        lw_check_report(f, "calendar", soon ? LW_CHECK_WARNING : LW_CHECK_OK, text);
    }
}

static void check_left_out(struct lw_check_findings *f, const struct lw_config *config) {
    char text[LW_NAME_MAX + 80];
    for (size_t i = 0; i < config->nleft_out; i++) {
        snprintf(text, sizeof text, "%s is left out: this build has no XGBoost",
                 config->left_out[i]);
        lw_check_report(f, "candidate", LW_CHECK_WARNING, text);
    }
}

struct check_options {
    bool offline, json;
    char **files;
    size_t nfiles;
};

static int check_everything(const struct lw_config *config,
                            const struct check_options *o) {
    struct lw_check_findings f = {.list = json_array(), .json = o->json};
    bool offline = o->offline, there = false;
    check_config(&f, config);
    check_left_out(&f, config);
    check_timeouts(&f, config);
    check_calendars(&f, config);
    lw_check_reference(&f, config);
    check_receivers(&f, config, offline);
    lw_check_exposed(&f, config);
    if (config->source.nknown > 0)
        check_schemas(&f, config);
    if (!offline) {
        check_registry(&f, config);
        there = check_kafka(&f, config);
        lw_check_redis(&f, config);
    }
    lw_check_times(&f, config, o->files, o->nfiles, !there);
    if (o->json) {
        json_t *out = json_object();
        lw_json_set_bool(out, "ok", !f.bad);
        json_object_set(out, "checks", f.list);
        lw_cli_print_json(out);
    }
    json_decref(f.list);
    return f.bad ? LW_EXIT_CONDITION : LW_EXIT_OK;
}

static int check_act(const struct check_options *o, const char *path, bool print,
                     bool manual) {
    int rc = LW_EXIT_OK;
    if (manual) {
        lw_config_document(stdout);
        return LW_EXIT_OK;
    }
    struct lw_config *config = lw_cli_config(&lw_cmd_check, path);
    if (!config)
        return path ? LW_EXIT_FAILED : LW_EXIT_USAGE;
    if (print)
        lw_config_print(config, stdout);
    else
        rc = check_everything(config, o);
    lw_config_free(config);
    return rc;
}

static int check_main(int argc, char **argv) {
    const char *path = NULL;
    struct check_options o = {.files = lw_calloc((size_t)argc, sizeof *o.files)};
    bool helped, print = false, manual = false;
    const struct lw_option table[] = {
        {'c', LW_OPTION_TEXT, "config", &path},
        {0, LW_OPTION_FLAG, "offline", &o.offline},
        {0, LW_OPTION_FLAG, "print", &print},
        {0, LW_OPTION_FLAG, "manual", &manual},
        {0, LW_OPTION_FLAG, "json", &o.json},
    };
    int n =
        lw_options_parse(&lw_cmd_check, LW_OPTIONS(table), argc, argv, o.files, &helped);
    int rc = n < 0 ? LW_EXIT_USAGE : LW_EXIT_OK;
    o.nfiles = n > 0 ? (size_t)n : 0;
    if (n >= 0 && !helped)
        rc = check_act(&o, path, print, manual);
    free(o.files);
    return rc;
}

const struct lw_command lw_cmd_check = {
    "check", "-c FILE [OPTIONS] [EVENTS.avro...]",
    "Validate a configuration and connect to every service in it",
    "  -c, --config FILE   the stream's configuration\n"
    "      --offline       check only the configuration\n"
    "      --print         print the effective configuration (secrets masked) and exit\n"
    "      --manual        print the manual of all keys as Markdown and exit\n"
    "      --json          print one object on standard output\n"
    "\n"
    "Checks Kafka with its topics and permissions, Redis with permissions, memory and policy,\n"
    "the schema registry, and the hosts of the webhooks (to send a message, use\n"
    "`leeway alerts test`). Exits with 3 if a check fails, and says what to do about it; an\n"
    "unreachable webhook is only a warning.\n"
    "\n"
    "Warns of security risks: HTTP open to others without a token, secret files that others can\n"
    "read, disabled certificate verification, secrets sent in clear text. Warns of a calendar\n"
    "that ends within 90 days, and of a reference too short for windows of less than a week.\n"
    "\n"
    "Shows how each timestamp is read, and compares it with the events of the files, or with the\n"
    "first messages of the topic. For times outside the years 1990 to 2100 it names the unit in\n"
    "which they would be valid.\n",
    check_main};
