/* Two configurations over two schemas, loaded at the same time, with their complete
 * meaning. The second shares no field or name with the first: nothing about taxis is
 * compiled in. */
#include "support.h"

#include <math.h>

#include "base/buf.h"
#include "base/text.h"
#include "base/time.h"

static int find_rule(const struct lw_spec *spec, const char *name) {
    for (size_t i = 0; i < spec->nrules; i++)
        if (strcmp(spec->rule[i].name, name) == 0)
            return (int)i;
    fail_msg("no rule %s", name);
    return -1;
}

static void green_taxis_are_read_completely(void **state) {
    (void)state;
    struct lw_config *config = load_or_fail(GREEN);
    const struct lw_spec *spec = &config->spec;
    const struct lw_fields *fields = &spec->event.fields;
    assert_string_equal(spec->stream, "nyc-green");
    assert_string_equal(config->source.topic, "green-trips");
    assert_int_equal(config->source.flush_events, 20000);
    assert_string_equal(fields->field[spec->event.id_field].name, "trip_id");
    assert_int_equal(fields->field[spec->event.id_field].kind, LW_TEXT);
    assert_string_equal(fields->field[spec->event.time_field].name,
                        "lpep_dropoff_datetime");
    assert_int_equal(spec->event.target, LW_TARGET_MINUTES_BETWEEN);
    assert_string_equal(fields->field[spec->event.target_a].name, "lpep_pickup_datetime");
    assert_string_equal(fields->field[spec->event.target_b].name,
                        "lpep_dropoff_datetime");
    assert_true(spec->event.target_lo == 1 && spec->event.target_hi == 60);
    assert_int_equal(spec->event.nchecks, 1);
    assert_true(fields->field[lw_fields_find(fields, "PULocationID")].required);
    assert_null(spec->zone);
    assert_int_equal(spec->pane_ms, 15 * LW_MINUTE);
    const struct lw_rule *error = &spec->rule[find_rule(spec, "error")];
    assert_int_equal(error->metric, lw_metric_find("rmse_ratio"));
    assert_int_equal(error->feature, LW_RULE_MODEL);
    assert_string_equal(spec->window[error->window].name, "three_days");
    assert_int_equal(error->actions, LW_ACTION_RETRAIN);
    const struct lw_rule *fault = &spec->rule[find_rule(spec, "fault")];
    assert_int_equal(fault->feature, LW_RULE_EACH);
    assert_int_equal(fault->actions, LW_ACTION_BLOCK | LW_ACTION_INHIBIT);
    assert_int_equal(spec->retrain.search.kind, LW_SEARCH_GRID);
    assert_int_equal(spec->retrain.bootstrap_until_ms, lw_from_civil(2020, 3, 12));
    assert_int_equal(spec->retrain.bootstrap_rows, 0);
    lw_config_free(config);
}

static void green_candidates_have_two_time_scales(void **state) {
    (void)state;
    struct lw_config *config = load_or_fail(GREEN);
    const struct lw_spec *spec = &config->spec;
    const int64_t days[] = {1, 3, 7};
    assert_int_equal(spec->ncandidates + config->nleft_out, 8);
    for (size_t i = 3; i < 5; i++) /* steady: no correction */
        assert_int_equal(spec->candidate[i].correction.half_life_ms, 0);
    for (size_t i = 0; i < 3; i++) {
        const struct lw_fit_spec *fit = &spec->candidate[i];
        assert_int_equal(fit->kind, LW_FIT_RIDGE);
        assert_int_equal(fit->correction.half_life_ms, days[i] * LW_DAY);
        assert_int_equal(fit->correction.window_ms, 15 * LW_DAY);
        assert_true(fit->correction.penalty_factor == 30);
        assert_true(fit->clip_lo == 1 && fit->clip_hi == 60);
        assert_int_equal(fit->nterms, 20);
    }
    assert_string_equal(spec->candidate[1].name, "two-scales-3d");
    /* `plain` is checked but not compiled */
    assert_int_equal(lw_plan_terms(spec->train), config->nleft_out ? 20 : 25);
    for (size_t i = 5; i < spec->ncandidates; i++)
        assert_ptr_equal(spec->candidate[i].base, &spec->candidate[i - 5]);
    const struct lw_term *pair = lw_plan_term_at(spec->train, 2);
    assert_int_equal(pair->ncat, 2);
    assert_true(pair->penalty == 3);
    lw_config_free(config);
}

/* Every build reads an optional candidate, and those without XGBoost leave trees out. */
static void optional_trees_are_kept_or_left_out(void **state) {
    (void)state;
    struct lw_err err = {0};
    size_t len;
    char *text = lw_read_file(GREEN, 1 << 20, &len, &err), *at;
    assert_non_null(at = strstr(text, "\ncandidates:\n"));
    struct lw_buf out = {0};
    lw_buf_put(&out, text, (size_t)(at - text));
    lw_buf_printf(&out, "%s",
                  "\ncandidates:\n"
                  "  - {name: straight, features: rich}\n"
                  "  - {name: bent, kind: trees, optional: true, base: straight, "
                  "features: rich}\n");
    assert_non_null(at = strstr(at, "\nretrain:\n"));
    lw_buf_put(&out, at, strlen(at));
    struct lw_config *config =
        lw_config_parse((char *)out.data, out.len, LW_SOURCE_DIR "/configs/x.yaml", &err);
    if (!config)
        fail_msg("%s", err.msg);
    size_t left_out = lw_fit_can(LW_FIT_TREES) ? 0 : 1;
    assert_int_equal(config->nleft_out, left_out);
    assert_int_equal(config->spec.ncandidates, 2 - left_out);
    if (left_out)
        assert_string_equal(config->left_out[0], "bent");
    lw_config_free(config);
    lw_buf_fini(&out);
    free(text);
}

static void bikes_are_read_completely(void **state) {
    (void)state;
    struct lw_config *config = load_or_fail(BIKES);
    const struct lw_spec *spec = &config->spec;
    const struct lw_fields *fields = &spec->event.fields;
    assert_string_equal(spec->stream, "bikes");
    assert_int_equal(config->source.framing, LW_FRAMING_SINGLE);
    assert_int_equal(config->source.nknown, 1);
    assert_string_equal(lw_schema_name(config->source.known[0]),
                        lw_schema_name(config->source.schema));
    assert_int_equal(config->source.workers, 3);
    assert_int_equal(config->source.flush_interval_ms, 250);
    assert_int_equal(fields->field[spec->event.id_field].kind, LW_TEXT);
    assert_int_equal(spec->event.target, LW_TARGET_FIELD);
    assert_string_equal(fields->field[spec->event.target_a].name, "kilometres");
    assert_true(spec->event.check[0].lo == -30 && spec->event.check[0].hi_open);
    assert_int_equal(lw_zone_offset(spec->zone, lw_from_civil(2020, 7, 1)), 2 * LW_HOUR);
    assert_int_equal(spec->calendars.n, 1);
    assert_string_equal(spec->calendars.of[0].name, "DE");
    assert_int_equal(spec->calendars.of[0].n, 2);
    assert_int_equal(spec->rule[find_rule(spec, "far")].except, 1);
    assert_int_equal(spec->rule[find_rule(spec, "quiet")].except, 0);
    assert_int_equal(spec->nfeatures, 3);
    assert_int_equal(spec->feature[0].kind, LW_CATEGORY);
    assert_true(spec->feature[0].distinct);
    assert_int_equal(spec->feature[0].cap, 64);
    assert_string_equal(spec->feature[1].name, "warmth");
    assert_int_equal(spec->feature[1].kind, LW_NUMERIC);
    assert_int_equal(spec->feature[1].k, 64);
    assert_true(spec->feature[1].lo == -30 && spec->feature[1].hi == INFINITY);
    assert_int_equal(spec->feature[2].kind, LW_CATEGORY);
    assert_string_equal(spec->column[3].name, "target");
    assert_true(spec->column[3].hi == 80);
    assert_int_equal(spec->drift.correction, LW_CORRECT_BONFERRONI);
    assert_string_equal(spec->change.kind, "page_hinkley");
    assert_true(spec->change.delta == 0.005 && spec->change.lambda == 10);
    assert_int_equal(spec->retrain.bootstrap_rows, 400);
    assert_int_equal(spec->retrain.window_ms, 9 * LW_DAY); /* the longest candidate's */
    assert_int_equal(spec->retrain.cooldown_max_ms, 30 * LW_DAY);
    assert_int_equal(spec->retrain.probation_ms, 0);
    assert_int_equal(spec->retrain.search.kind, LW_SEARCH_RANDOM);
    assert_int_equal(spec->retrain.search.budget, 5);
    assert_int_equal(spec->retrain.search.seed, 3);
    assert_false(config->http.on);
    assert_int_equal(config->log_level, LW_WARN);
    lw_config_free(config);
}

static void bike_rules_have_their_thresholds_and_defaults(void **state) {
    (void)state;
    struct lw_config *config = load_or_fail(BIKES);
    const struct lw_spec *spec = &config->spec;
    const struct lw_rule *far = &spec->rule[find_rule(spec, "far")];
    assert_true(far->warn == 2 && far->critical == 4 && far->clear_below == 1.5);
    assert_int_equal(far->for_count, 3);
    assert_int_equal(far->clear_count, 2);
    assert_int_equal(far->min_n, 30); /* drift.min_n */
    const struct lw_rule *fresh = &spec->rule[find_rule(spec, "new-stations")];
    assert_int_equal(fresh->feature, 0);
    assert_int_equal(fresh->min_n, 7);
    assert_true(isnan(fresh->critical));
    assert_true(fabs(fresh->clear_below - 0.45) < 1e-12);
    const struct lw_rule *quiet = &spec->rule[find_rule(spec, "quiet")];
    assert_int_equal(quiet->min_n, 0);
    assert_true(fabs(quiet->clear_below - 22) < 1e-12); /* `events` clears above */
    const struct lw_receiver *chat = &config->receiver[0];
    assert_int_equal(config->nreceivers, 1);
    assert_int_equal(chat->format, LW_FORMAT_SLACK);
    assert_string_equal(chat->url_file, "env:CHAT_URL");
    assert_int_equal(chat->least, LW_SEVERITY_CRITICAL);
    assert_int_equal(chat->nrules, 2);
    assert_false(chat->resolved);
    assert_int_equal(chat->repeat_ms, 4 * LW_HOUR);
    lw_config_free(config);
}

static void each_list_entry_makes_one_candidate(void **state) {
    (void)state;
    struct lw_config *config = load_or_fail(BIKES);
    const struct lw_spec *spec = &config->spec;
    static const char *const names[] = {"net-0.1-1d", "net-1-1d",   "net-0.1-4d",
                                        "net-1-4d",   "net-0.1-9d", "net-1-9d",
                                        "boosted"};
    assert_int_equal(spec->ncandidates, 7);
    for (size_t i = 0; i < 7; i++)
        assert_string_equal(spec->candidate[i].name, names[i]);
    assert_true(spec->candidate[3].alpha == 1);
    assert_string_equal(spec->candidate[3].features, "more");
    assert_int_equal(spec->candidate[3].window_ms, 4 * LW_DAY);
    assert_true(spec->candidate[3].clip_hi == 100);
    assert_true(spec->candidate[0].l1_ratio == 0.3);
    assert_int_equal(spec->candidate[6].kind, LW_FIT_TREES);
    assert_int_equal(spec->candidate[6].trees.depth, 3);
    assert_true(spec->candidate[6].trees.eta == 0.3);
    /* `more` includes `small`, so the two share terms; no candidate uses `draft`. */
    assert_int_equal(lw_plan_terms(spec->train), 3);
    assert_int_equal(spec->candidate[0].nterms, 3);
    assert_int_equal(spec->candidate[0].terms[0], spec->candidate[6].terms[0]);
    const struct lw_term *cross = lw_plan_term_at(spec->train, 2);
    assert_int_equal(cross->min_count, 5);
    lw_config_free(config);
}

/* Interleaved, so that any shared state between the two would show. */
static void two_configurations_are_independent(void **state) {
    (void)state;
    struct lw_config *green = load_or_fail(GREEN);
    struct lw_config *bikes = load_or_fail(BIKES);
    struct lw_config *again = load_or_fail(GREEN);
    assert_string_equal(green->spec.stream, "nyc-green");
    assert_string_equal(bikes->spec.stream, "bikes");
    assert_int_equal(green->spec.config_hash, again->spec.config_hash);
    assert_int_not_equal(green->spec.config_hash, bikes->spec.config_hash);
    lw_config_free(green);
    assert_string_equal(lw_plan_term_at(again->spec.train, 0)->text, "PULocationID");
    assert_string_equal(lw_plan_term_at(bikes->spec.train, 0)->text, "station");
    lw_config_free(bikes);
    lw_config_free(again);
}

static void addresses_come_from_the_environment(void **state) {
    (void)state;
    setenv("LEEWAY_REDIS", "unix:/run/redis.sock", 1);
    struct lw_config *there = load_or_fail(GREEN);
    unsetenv("LEEWAY_REDIS");
    struct lw_config *here = load_or_fail(GREEN);
    assert_string_equal(there->redis.url, "unix:/run/redis.sock");
    assert_string_equal(here->redis.url, "redis://localhost:6379");
    assert_int_equal(there->spec.config_hash,
                     here->spec.config_hash); /* the same policy */
    lw_config_free(there);
    lw_config_free(here);
}

/* lw_redis_new accepts each of them. */
static void every_form_of_a_redis_address_is_accepted(void **state) {
    (void)state;
    static const char *const urls[] = {"redis://one:6379,two:6379,three",
                                       "rediss://host/2", "sentinels://a/trips",
                                       "sentinel://a:26379,b:26379/trips", "unix:/run/r"};
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        setenv("LEEWAY_REDIS", urls[i], 1);
        struct lw_config *c = load_or_fail(GREEN);
        assert_string_equal(c->redis.url, urls[i]);
        lw_config_free(c);
    }
    unsetenv("LEEWAY_REDIS");
}

static void listening_addresses_are_split_into_host_and_port(void **state) {
    (void)state;
    static const struct {
        const char *listen, *host;
        int port;
    } cases[] = {{"127.0.0.1:8080", "127.0.0.1", 8080},
                 {"[::1]:80", "::1", 80},
                 {"localhost:0", "localhost", 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        setenv("LEEWAY_LISTEN", cases[i].listen, 1);
        struct lw_config *config = load_or_fail(GREEN);
        assert_true(config->http.on);
        assert_string_equal(config->http.host, cases[i].host);
        assert_int_equal(config->http.port, cases[i].port);
        lw_config_free(config);
    }
    unsetenv("LEEWAY_LISTEN");
}

/* The minimal configuration; everything else has its default. */
static const char least[] = "stream: s\n"
                            "source: {topic: t, schema: bike_share.avsc}\n"
                            "event: {fields: {station: category}}\n"
                            "target: {field: kilometres, range: [0, 9]}\n"
                            "windows: {day: 1d}\n"
                            "feature_sets: {s: [station]}\n"
                            "candidates: [{name: c, features: s, window: 9d}]\n";

static void the_minimal_configuration_has_sound_defaults(void **state) {
    (void)state;
    struct lw_err err = {0};
    struct lw_config *config =
        lw_config_parse(least, strlen(least), DATA_DIR "least.yaml", &err);
    if (!config)
        fail_msg("%s", err.msg);
    struct lw_drift_options standard = lw_drift_defaults();
    const struct lw_drift_options *drift = &config->spec.drift;
    struct lw_receiver receiver = lw_receiver_defaults();
    bool same = drift->bins == standard.bins && drift->min_n == standard.min_n &&
                drift->alpha == standard.alpha &&
                drift->floor_psi == standard.floor_psi &&
                drift->correction == standard.correction;
    assert_int_equal(config->spec.event.time_field, -1); /* the record's own time */
    assert_int_equal(config->spec.event.id_field, -1);
    assert_int_equal(config->spec.nfeatures, 0);
    assert_string_equal(config->spec.column[0].name, "target");
    assert_int_equal(config->spec.retrain.bootstrap_rows, config->spec.retrain.min_rows);
    assert_string_equal(config->http.host, "127.0.0.1"); /* only local by default */
    assert_int_equal(config->nreceivers, 0);
    assert_int_equal(receiver.timeout_ms, 10 * LW_SECOND);
    assert_int_equal(receiver.give_up_ms, 3 * LW_DAY);
    lw_config_free(config);
    assert_true(same); /* the table agrees with the library */
}

/* An '@' or a ':' alone does not make a password. */
static void addresses_without_a_password_are_accepted(void **state) {
    (void)state;
    setenv("LEEWAY_TEST", "hunter2", 1);
    static const char *const good[] = {
        "webhooks: [{name: w, url: 'http://h:80/a@b'}]",
        "webhooks: [{name: w, url: 'http://h/a:b@c'}]",
        "webhooks: [{name: w, url: 'http://me@h:80/a@b'}]",
        "webhooks: [{name: w, url: 'http://[::1]:80/a@b'}]",
        "webhooks: [{name: w, url: 'http://me:${LEEWAY_TEST}@h/'}]",
        "webhooks: [{name: w, url: 'http://h/?to=a@b'}]",
        "alerts: {page: 'http://h:80/a@b', runbook: 'https://h/wiki/@team#x'}",
        "http: {public_url: 'https://leeway.example.org:8443'}",
        "kafka: {bootstrap.servers: 'SASL_SSL://a:1,SASL_SSL://b:2'}",
        "kafka: {client.id: 'me@home'}"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct lw_err err = {0};
        char text[1000];
        snprintf(text, sizeof text, "%s%s\n", least, good[i]);
        struct lw_config *config =
            lw_config_parse(text, strlen(text), DATA_DIR "urls.yaml", &err);
        if (!config)
            fail_msg("%s: %s", good[i], err.msg);
        lw_config_free(config);
    }
    unsetenv("LEEWAY_TEST");
}

static void paths_of_kafka_are_relative_to_the_file(void **state) {
    (void)state;
    static const struct {
        const char *key, *value, *want;
    } cases[] = {{"ssl.ca.location", "ca.pem", DATA_DIR "ca.pem"},
                 {"ssl.ca.location", "/etc/ca.pem", "/etc/ca.pem"},
                 {"ssl.ca.location", "probe", "probe"},
                 {"ssl.key.location", "keys/k.pem", DATA_DIR "keys/k.pem"},
                 {"ssl.crl.location", "./crl.pem", DATA_DIR "./crl.pem"},
                 {"client.id", "location", "location"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct lw_err err = {0};
        char text[1000];
        snprintf(text, sizeof text, "%skafka: {%s: %s}\n", least, cases[i].key,
                 cases[i].value);
        struct lw_config *config =
            lw_config_parse(text, strlen(text), DATA_DIR "paths.yaml", &err);
        if (!config)
            fail_msg("%s", err.msg);
        assert_string_equal(config->kafka.property[0].key, cases[i].key);
        assert_string_equal(config->kafka.property[0].value, cases[i].want);
        lw_config_free(config);
    }
}

static void times_without_an_offset_are_local(void **state) {
    (void)state;
    static const struct {
        const char *zone, *until;
        int64_t hour; /* from 1 July 2020, 00:00 UTC */
    } cases[] = {{"''", "2020-07-01", 0},
                 {"Europe/Berlin", "2020-07-01", -2},
                 {"Europe/Berlin", "2020-07-01T05:00", 3},
                 {"Europe/Berlin", "2020-07-01T05:00Z", 5}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct lw_err err = {0};
        char text[600];
        int n = snprintf(text, sizeof text,
                         "stream: s\nsource: {topic: t, schema: bike_share.avsc}\n"
                         "event: {fields: {station: category}, time_zone: %s}\n"
                         "target: {field: kilometres, range: [0, 9]}\n"
                         "windows: {day: 1d}\nfeature_sets: {s: [station]}\n"
                         "candidates: [{name: c, features: s, window: 9d}]\n"
                         "retrain: {bootstrap: {until: '%s'}}\n",
                         cases[i].zone, cases[i].until);
        struct lw_config *config =
            lw_config_parse(text, (size_t)n, DATA_DIR "x.yaml", &err);
        if (!config)
            fail_msg("%s", err.msg);
        assert_true(config->spec.retrain.bootstrap_until_ms ==
                    lw_from_civil(2020, 7, 1) + cases[i].hour * LW_HOUR);
        lw_config_free(config);
    }
}

int main(void) {
    unsetenv("LEEWAY_KAFKA");
    unsetenv("LEEWAY_REDIS");
    unsetenv("LEEWAY_LISTEN");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(green_taxis_are_read_completely),
        cmocka_unit_test(green_candidates_have_two_time_scales),
        cmocka_unit_test(optional_trees_are_kept_or_left_out),
        cmocka_unit_test(bikes_are_read_completely),
        cmocka_unit_test(bike_rules_have_their_thresholds_and_defaults),
        cmocka_unit_test(each_list_entry_makes_one_candidate),
        cmocka_unit_test(two_configurations_are_independent),
        cmocka_unit_test(addresses_come_from_the_environment),
        cmocka_unit_test(every_form_of_a_redis_address_is_accepted),
        cmocka_unit_test(listening_addresses_are_split_into_host_and_port),
        cmocka_unit_test(the_minimal_configuration_has_sound_defaults),
        cmocka_unit_test(paths_of_kafka_are_relative_to_the_file),
        cmocka_unit_test(addresses_without_a_password_are_accepted),
        cmocka_unit_test(times_without_an_offset_are_local),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
