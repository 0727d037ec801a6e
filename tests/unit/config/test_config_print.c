/* The printed effective configuration is complete, has no secrets, and reads back to the
 * same. */
#include "support.h"

#include "base/buf.h"
#include "base/text.h"

static char *print_config(const struct lw_config *config) {
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    assert_non_null(out);
    lw_config_print(config, out);
    fclose(out);
    return text;
}

static struct lw_config *parse_config(const char *text, const char *name) {
    struct lw_err err = {0};
    struct lw_config *config = lw_config_parse(text, strlen(text), name, &err);
    if (!config)
        fail_msg("%s", err.msg);
    return config;
}

static void assert_same_rules(const struct lw_spec *a, const struct lw_spec *b) {
    assert_int_equal(a->nrules, b->nrules);
    for (size_t i = 0; i < a->nrules; i++) {
        const struct lw_rule *p = &a->rule[i], *q = &b->rule[i];
        assert_string_equal(p->name, q->name);
        assert_int_equal(p->metric, q->metric);
        assert_int_equal(p->feature, q->feature);
        assert_int_equal(p->window, q->window);
        assert_memory_equal(&p->warn, &q->warn,
                            sizeof p->warn); /* two NANs count as equal */
        assert_memory_equal(&p->critical, &q->critical, sizeof p->critical);
        assert_memory_equal(&p->clear_below, &q->clear_below, sizeof p->clear_below);
        assert_memory_equal(p->rate, q->rate, sizeof p->rate);
        assert_int_equal(p->period_ms, q->period_ms);
        assert_int_equal(p->for_count, q->for_count);
        assert_int_equal(p->clear_count, q->clear_count);
        assert_int_equal(p->every_ms, q->every_ms);
        assert_int_equal(p->except, q->except);
        assert_int_equal(p->min_n, q->min_n);
        assert_int_equal(p->actions, q->actions);
    }
}

static void assert_same_candidates(const struct lw_spec *a, const struct lw_spec *b) {
    assert_int_equal(a->ncandidates, b->ncandidates);
    for (size_t i = 0; i < a->ncandidates; i++) {
        const struct lw_fit_spec *p = &a->candidate[i], *q = &b->candidate[i];
        assert_string_equal(p->name, q->name);
        assert_int_equal(p->kind, q->kind);
        assert_true(p->alpha == q->alpha && p->l1_ratio == q->l1_ratio);
        assert_int_equal(p->nterms, q->nterms);
        assert_memory_equal(p->terms, q->terms, p->nterms * sizeof *p->terms);
        assert_int_equal(p->window_ms, q->window_ms);
        assert_int_equal(p->half_life_ms, q->half_life_ms);
        assert_int_equal(p->correction.half_life_ms, q->correction.half_life_ms);
        assert_int_equal(p->correction.window_ms, q->correction.window_ms);
        assert_true(p->clip_lo == q->clip_lo && p->clip_hi == q->clip_hi);
        assert_int_equal(p->trees.rounds, q->trees.rounds);
    }
    assert_int_equal(lw_plan_terms(a->train), lw_plan_terms(b->train));
}

/* The members of two specs that are plain values. */
static void assert_same_policy(const struct lw_spec *a, const struct lw_spec *b) {
    assert_string_equal(a->stream, b->stream);
    assert_memory_equal(&a->retrain, &b->retrain, sizeof a->retrain);
    assert_memory_equal(&a->drift, &b->drift, sizeof a->drift);
    assert_memory_equal(&a->change, &b->change, sizeof a->change);
    assert_int_equal(a->nwindows, b->nwindows);
    assert_memory_equal(a->window, b->window, a->nwindows * sizeof *a->window);
    assert_int_equal(a->nfeatures, b->nfeatures);
    for (size_t i = 0; i < a->nfeatures; i++) {
        assert_string_equal(a->feature[i].name, b->feature[i].name);
        assert_true(a->feature[i].hi == b->feature[i].hi);
        assert_int_equal(a->feature[i].kind, b->feature[i].kind);
        assert_int_equal(a->feature[i].k, b->feature[i].k);
        assert_int_equal(a->feature[i].cap, b->feature[i].cap);
    }
    assert_int_equal(a->event.fields.n, b->event.fields.n);
    assert_int_equal(a->event.id_field, b->event.id_field);
    assert_int_equal(a->event.time_field, b->event.time_field);
    assert_int_equal(a->event.nchecks, b->event.nchecks);
    assert_same_rules(a, b);
    assert_same_candidates(a, b);
}

static const char *property_of(const struct lw_config *config, const char *key) {
    for (size_t i = 0; i < config->kafka.n; i++)
        if (strcmp(config->kafka.property[i].key, key) == 0)
            return config->kafka.property[i].value;
    fail_msg("no property %s", key);
    return NULL;
}

static const char *file_of(const struct lw_config *config, const char *key) {
    for (size_t i = 0; i < config->kafka.n; i++)
        if (strcmp(config->kafka.property[i].key, key) == 0)
            return config->kafka.property[i].file;
    return NULL;
}

/* From another directory, because the output has no relative paths. */
static void check_round_trip(const char *path) {
    struct lw_config *config = load_or_fail(path);
    char *text = print_config(config);
    struct lw_config *again = parse_config(text, "/somewhere/else.yaml");
    char *second = print_config(again);
    assert_string_equal(text, second);
    assert_same_policy(&config->spec, &again->spec);
    assert_memory_equal(&config->kafka, &again->kafka, sizeof config->kafka);
    assert_memory_equal(&config->redis, &again->redis, sizeof config->redis);
    assert_int_equal(config->source.workers, again->source.workers);
    assert_int_equal(config->nreceivers, again->nreceivers);
    free(text);
    free(second);
    lw_config_free(config);
    lw_config_free(again);
}

static void the_printed_configuration_reads_back_the_same(void **state) {
    (void)state;
    check_round_trip(GREEN);
    check_round_trip(BIKES);
}

static void defaults_are_filled_in(void **state) {
    (void)state;
    struct lw_config *config = load_or_fail(BIKES);
    char *text = print_config(config);
    assert_non_null(strstr(text, "\n  url: \"redis://localhost:6379\"\n"));
    assert_non_null(strstr(text, "\n  group.id: leeway-bikes\n"));
    assert_non_null(strstr(text, "\n  gate:\n    min_gain: 0\n    z: 2\n"));
    assert_non_null(strstr(text, "\n  listen: off\n"));
    free(text);
    lw_config_free(config);
}

static const char with_secrets[] =
    "stream: s\n"
    "kafka:\n"
    "  sasl.password: \"${LEEWAY_T_PW}\"\n"
    "  ssl.key.password_file: bad/schema-broken.avsc\n"
    "redis: {url: \"redis://me:${LEEWAY_T_PW}@cache:6380/2\"}\n"
    "source: {topic: t, schema: bike_share.avsc}\n"
    "event: {fields: {station: category}}\n"
    "target: {field: kilometres, range: [0, 9]}\n"
    "windows: {day: 1d}\n"
    "feature_sets: {s: [station]}\n"
    "candidates: [{name: c, features: s, window: 9d}]\n"
    "alerts: {runbook: \"a \\\"quoted\\\" \\\\ $${X} \\u00e9 \\t tab\"}\n"
    "webhooks:\n"
    "  - {name: w, url: \"https://hooks.example/services/${LEEWAY_T_PW}\"}\n";

static void secrets_work_and_are_masked(void **state) {
    (void)state;
    setenv("LEEWAY_T_PW", "hunter2", 1);
    struct lw_config *config = parse_config(with_secrets, DATA_DIR "x.yaml");
    assert_string_equal(property_of(config, "sasl.password"), "hunter2");
    /* each new client reads it; it is not kept */
    assert_string_equal(property_of(config, "ssl.key.password"), "");
    assert_non_null(
        strstr(file_of(config, "ssl.key.password"), "bad/schema-broken.avsc"));
    assert_string_equal(config->redis.url, "redis://me:hunter2@cache:6380/2");
    assert_string_equal(config->receiver[0].url,
                        "https://hooks.example/services/hunter2");
    char *text = print_config(config);
    assert_null(strstr(text, "hunter2"));
    assert_null(strstr(text, "\"type\""));
    assert_non_null(strstr(text, "sasl.password: \"***\"\n"));
    assert_non_null(strstr(text, "ssl.key.password_file: /"));
    assert_non_null(strstr(text, "url: \"redis://me:***@cache:6380/2\"\n"));
    assert_non_null(strstr(text, "url: \"https://hooks.example/***\"\n"));
    free(text);
    lw_config_free(config);
}

/* Every secret of Kafka is refused if written in the file, masked if it comes from the
 * environment or a file, and in no message. */
static void every_secret_of_kafka_is_masked(void **state) {
    (void)state;
    static const char *const key[] = {
        "sasl.password",           "sasl.oauthbearer.config",
        "ssl.key.password",        "sasl.oauthbearer.client.secret",
        "ssl.keystore.password",   "ssl.key.pem",
        "ssl.truststore.password", "sasl.oauthbearer.assertion.private.key.pem"};
    static const char *const how[] = {": hunter2-literal", ": \"${LEEWAY_T_PW}\"",
                                      "_file: " DATA_DIR "secret.txt"};
    setenv("LEEWAY_T_PW", "hunter2-environment", 1);
    const char *rest = strstr(with_secrets, "source:");
    for (size_t k = 0; k < sizeof key / sizeof *key; k++)
        for (size_t h = 0; h < sizeof how / sizeof *how; h++) {
            struct lw_buf text = {0};
            struct lw_err err = {0};
            lw_buf_printf(&text, "stream: s\nkafka:\n  %s%s\n%s", key[k], how[h], rest);
            struct lw_config *config = lw_config_parse((const char *)text.data, text.len,
                                                       DATA_DIR "x.yaml", &err);
            if (h == 0) {
                assert_null(config);
                assert_non_null(
                    strstr(err.msg, "must not be written in the configuration"));
                assert_null(strstr(err.msg, "hunter2"));
            } else {
                if (!config)
                    fail_msg("%s", err.msg);
                if (h == 1)
                    assert_string_equal(property_of(config, key[k]),
                                        "hunter2-environment");
                char *shown = print_config(config);
                assert_null(strstr(shown, "hunter2"));
                assert_non_null(strstr(shown, key[k]));
                free(shown);
            }
            lw_config_free(config);
            lw_buf_fini(&text);
        }
}

/* An error message does not repeat an address that contains a password. */
static void refused_addresses_are_not_shown(void **state) {
    (void)state;
    static const char *const line[] = {
        "redis: {url: \"reddis://me:${LEEWAY_T_PW}@cache\"}\n",
        "redis: {url: \"${LEEWAY_T_PW}\"}\n"};
    setenv("LEEWAY_T_PW", "hunter2", 1);
    for (size_t i = 0; i < sizeof line / sizeof *line; i++) {
        struct lw_buf text = {0};
        struct lw_err err = {0};
        lw_buf_printf(&text, "stream: s\n%s%s", line[i], strstr(with_secrets, "source:"));
        assert_null(
            lw_config_parse((const char *)text.data, text.len, DATA_DIR "x.yaml", &err));
        assert_non_null(strstr(err.msg, "redis://"));
        assert_null(strstr(err.msg, "hunter2"));
        lw_buf_fini(&text);
    }
}

static void unusual_texts_survive(void **state) {
    (void)state;
    setenv("LEEWAY_T_PW", "", 1);
    struct lw_config *config = parse_config(with_secrets, DATA_DIR "x.yaml");
    assert_string_equal(config->runbook_url, "a \"quoted\" \\ ${X} \xc3\xa9 \t tab");
    char *text = print_config(config);
    const char *line = strstr(text, "  runbook: ");
    assert_non_null(line);
    static const char want[] =
        "  runbook: \"a \\\"quoted\\\" \\\\ $${X} \xc3\xa9 \\x09 tab\"\n";
    assert_memory_equal(line, want, sizeof want - 1);
    free(text);
    lw_config_free(config);
}

/* The event's time as a map with its unit: read, printed, and read again. */
static void the_unit_of_a_time_is_printed(void **state) {
    (void)state;
    struct lw_err err = {0};
    size_t len;
    char *bikes = lw_read_file(BIKES, 1 << 20, &len, &err);
    char *at = bikes ? strstr(bikes, "time: ended_at") : NULL;
    assert_non_null(at);
    *at = '\0';
    struct lw_buf text = {0};
    lw_buf_printf(&text, "%stime: {field: ended_at, unit: us}%s", bikes,
                  at + strlen("time: ended_at"));
    struct lw_config *config = parse_config(lw_buf_str(&text), BIKES);
    for (int again = 0; again < 2; again++) {
        const struct lw_event_spec *event = &config->spec.event;
        const struct lw_field *time = &event->fields.field[event->time_field];
        assert_string_equal(time->name, "ended_at");
        assert_int_equal(time->unit, LW_UNIT_US);
        assert_int_equal(event->time_unit, LW_UNIT_US);
        assert_true(time->strict && !time->required); /* the event rejects null */
        char *printed = print_config(config);
        assert_non_null(strstr(printed, "    unit: us\n"));
        lw_config_free(config);
        config = parse_config(printed, BIKES);
        free(printed);
    }
    lw_config_free(config);
    lw_buf_fini(&text);
    free(bikes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_printed_configuration_reads_back_the_same),
        cmocka_unit_test(defaults_are_filled_in),
        cmocka_unit_test(secrets_work_and_are_masked),
        cmocka_unit_test(every_secret_of_kafka_is_masked),
        cmocka_unit_test(refused_addresses_are_not_shown),
        cmocka_unit_test(unusual_texts_survive),
        cmocka_unit_test(the_unit_of_a_time_is_printed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
