/* Configuration, topics, and the log. */
#include "kafka_test.h"

#include <stdio.h>

#include "base/log.h"
#include "kafka/explain.h"
#include "kafka/log.h"

static char *property_of(const struct lw_kafka_options *o, const char *role,
                         const char *key) {
    struct lw_err err = {0};
    rd_kafka_conf_t *conf = lw_kafka_conf(o, role, &err);
    if (!conf)
        fail_msg("%s", err.msg);
    char value[512];
    size_t size = sizeof value;
    assert_int_equal(rd_kafka_conf_get(conf, key, value, &size), RD_KAFKA_CONF_OK);
    rd_kafka_conf_destroy(conf);
    return lw_strdup(value);
}

static void expect(const struct lw_kafka_options *o, const char *role, const char *key,
                   const char *want) {
    char *value = property_of(o, role, key);
    assert_string_equal(value, want);
    free(value);
}

static void users_override_defaults_except_offset_handling(void **state) {
    (void)state;
    struct lw_kafka_options *o = lw_calloc(1, sizeof *o);
    expect(o, "consumer", "partition.assignment.strategy", "cooperative-sticky");
    expect(o, "consumer", "queued.min.messages", "1000000");
    expect(o, "consumer", "auto.offset.reset", "smallest");
    mock_kafka_set(o, "partition.assignment.strategy", "range");
    mock_kafka_set(o, "queued.min.messages", "7");
    mock_kafka_set(o, "enable.auto.commit", "true");
    mock_kafka_set(o, "enable.auto.offset.store", "true");
    mock_kafka_set(o, "enable.partition.eof", "true");
    mock_kafka_set(o, "group.id", "g");
    expect(o, "consumer", "partition.assignment.strategy", "range");
    expect(o, "consumer", "queued.min.messages", "7");
    expect(o, "consumer", "enable.auto.commit", "false");
    expect(o, "consumer", "enable.auto.offset.store", "false");
    expect(o, "consumer", "enable.partition.eof", "false");
    expect(o, "consumer", "group.id", "g");
    expect(o, "producer", "enable.idempotence", "true");
    expect(o, "producer", "queued.min.messages", "7"); /* accepted, without effect */
    free(o);
}

/* Every property that a user sets takes effect, or the configuration is refused: `check
 * --print` shows no property without effect. */
static void properties_that_leeway_sets_are_refused(void **state) {
    (void)state;
    static const char *const roles[] = {"consumer", "reader", "producer"};
    struct lw_kafka_options *o = lw_calloc(1, sizeof *o);
    struct lw_err err = {0};
    size_t n, forced = 0;
    rd_kafka_conf_t *conf = lw_kafka_conf(o, "consumer", &err);
    assert_non_null(conf);
    const char **pair = rd_kafka_conf_dump(conf, &n);
    for (size_t i = 0; i + 1 < n; i += 2) {
        bool on = strcmp(pair[i + 1], "true") == 0;
        if (!on && strcmp(pair[i + 1], "false") != 0)
            continue;
        o->n = 0;
        mock_kafka_set(o, pair[i], on ? "false" : "true");
        for (size_t r = 0; r < sizeof roles / sizeof *roles; r++) {
            char *value = property_of(o, roles[r], pair[i]);
            bool kept = strcmp(value, on ? "false" : "true") == 0;
            free(value);
            forced += !kept;
            if (!kept && !lw_kafka_refused(pair[i]))
                fail_msg("%s: %s", roles[r], pair[i]);
        }
    }
    assert_true(forced > 0);
    rd_kafka_conf_dump_free(pair, n);
    rd_kafka_conf_destroy(conf);
    free(o);
}

static void properties_that_run_or_load_code_are_refused(void **state) {
    (void)state;
    static const char *const roles[] = {"consumer", "reader", "producer", "probe"};
    static const char *const refused[] = {
        "plugin.library.paths", "plugin.later",        "ssl.engine.location",
        "ssl.engine.id",        "ssl.providers",       "sasl.kerberos.kinit.cmd",
        "some.other.cmd",       "sasl.kerberos.keytab"};
    struct lw_kafka_options *o = lw_calloc(1, sizeof *o);
    mock_kafka_set(o, "sasl.kerberos.min.time.before.relogin", "1000");
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++)
        expect(o, roles[i], "sasl.kerberos.min.time.before.relogin", "0");
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        if (!lw_kafka_refused(refused[i]))
            fail_msg("%s", refused[i]);
    assert_non_null(lw_kafka_refused("topic.enable.auto.commit"));
    assert_null(lw_kafka_refused("topic.metadata.refresh.interval.ms"));
    assert_null(lw_kafka_refused("sasl.kerberos.principal"));
    assert_null(lw_kafka_refused("ssl.ca.location"));
    free(o);
}

static void errors_mention_kafka_once(void **state) {
    (void)state;
    assert_string_equal(lw_kafka_bare("kafka: there is no topic t"),
                        "there is no topic t");
    assert_string_equal(lw_kafka_bare("kafka.group.id: x"), "kafka.group.id: x");
    assert_string_equal(lw_kafka_bare(""), "");
}

static void a_reader_is_in_no_group(void **state) {
    (void)state;
    struct lw_kafka_options *o = lw_calloc(1, sizeof *o);
    mock_kafka_set(o, "group.id", "g");
    mock_kafka_set(o, "group.instance.id", "i");
    struct lw_err err = {0};
    rd_kafka_conf_t *conf = lw_kafka_conf(o, "reader", &err);
    assert_non_null(conf);
    char value[64];
    size_t size = sizeof value;
    assert_int_not_equal(rd_kafka_conf_get(conf, "group.id", value, &size),
                         RD_KAFKA_CONF_OK);
    rd_kafka_conf_destroy(conf);
    free(o);
}

static void a_wrong_property_is_named(void **state) {
    (void)state;
    struct lw_kafka_options *o = lw_calloc(1, sizeof *o);
    struct lw_err err = {0};
    mock_kafka_set(o, "no.such.key", "1");
    assert_null(lw_kafka_conf(o, "consumer", &err));
    assert_int_equal(err.code, LW_ECONFIG);
    assert_non_null(strstr(err.msg, "kafka.no.such.key"));
    lw_err_clear(&err);
    o->n = 0;
    mock_kafka_set(o, "fetch.min.bytes", "many");
    assert_null(lw_kafka_conf(o, "consumer", &err));
    assert_non_null(strstr(err.msg, "kafka.fetch.min.bytes"));
    assert_string_equal(lw_kafka_property(o, "fetch.min.bytes"), "many");
    assert_null(lw_kafka_property(o, "group.id"));
    free(o);
}

static void partitions_of_a_topic(void **state) {
    struct mock_kafka *m = *state;
    struct lw_err err = {0};
    mock_kafka_topic(m, "seven", 7);
    assert_int_equal(lw_kafka_partitions(m->rk, "seven", 1000, &err), -1);
    assert_int_equal(err.code, LW_EAGAIN); /* that client has no brokers */
    struct lw_producer *p = lw_producer_new(&m->options, &err);
    lw_err_clear(&err);
    assert_int_equal(lw_kafka_partitions(lw_producer_handle(p), "seven", 5000, &err), 7);
    lw_producer_free(p);
}

struct lines {
    int n;
    char last[512];
};

static void take_line(void *arg, const char *line) {
    struct lines *l = arg;
    l->n++;
    snprintf(l->last, sizeof l->last, "%s", line);
}

static rd_kafka_t *client_with(struct lw_kafka_log *log) {
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set_opaque(conf, log);
    return rd_kafka_new(RD_KAFKA_PRODUCER, conf, NULL, 0);
}

static void one_line_per_second_and_kind_is_logged(void **state) {
    (void)state;
    struct lw_kafka_log log;
    struct lines l = {0};
    lw_kafka_log_init(&log);
    rd_kafka_t *rk = client_with(&log);
    lw_log_sink(take_line, &l);
    for (int i = 0; i < 100; i++)
        lw_kafka_log_line(rk, 3, "FAIL", "broker \"b\" is down");
    assert_int_equal(l.n, 1);
    assert_non_null(strstr(l.last, "kind=FAIL"));
    assert_non_null(strstr(l.last, "\\\"b\\\""));
    lw_kafka_log_line(rk, 4, "REQTMOUT", "another kind");
    assert_int_equal(l.n, 2);
    log.seen[0].last_ms -= 1001;
    log.seen[1].last_ms -= 1001;
    lw_kafka_log_line(rk, 3, "FAIL", "again");
    assert_int_equal(l.n, 3);
    assert_non_null(strstr(l.last, "dropped=99"));
    lw_kafka_log_line(
        rk, 4, "CONFWARN",
        "Configuration property group.id is a consumer property and will be "
        "ignored by this producer instance");
    assert_int_equal(l.n, 3);
    for (int i = 0; i < 200; i++) { /* more kinds than slots */
        char kind[16];
        snprintf(kind, sizeof kind, "K%d", i);
        lw_kafka_log_line(rk, 6, kind, "x");
    }
    assert_int_equal(l.n, 203);
    lw_log_sink(NULL, NULL);
    rd_kafka_destroy(rk);
    lw_kafka_log_fini(&log);
}

static void an_outage_is_reported_once(void **state) {
    (void)state;
    struct lw_kafka_log log;
    char text[64];
    lw_kafka_log_init(&log);
    assert_int_equal(lw_kafka_log_trouble(&log, text, sizeof text), 0);
    lw_kafka_log_error(NULL, RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, "all down", &log);
    assert_int_equal(lw_kafka_log_trouble(&log, text, sizeof text), 1);
    assert_string_equal(text, "all down");
    assert_int_equal(lw_kafka_log_trouble(&log, text, sizeof text), 0);
    /* a single broker that comes and goes is not reported, but explains why all are
     * down */
    lw_kafka_log_error(NULL, RD_KAFKA_RESP_ERR__TRANSPORT, "one broker", &log);
    assert_int_equal(lw_kafka_log_trouble(&log, text, sizeof text), 0);
    assert_string_equal(lw_kafka_log_cause(&log, text, sizeof text), "one broker");
    lw_kafka_log_error(NULL, RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, "all down", &log);
    assert_int_equal(lw_kafka_log_trouble(&log, text, sizeof text), 1);
    assert_string_equal(text, "one broker");
    lw_kafka_log_fini(&log);
}

/* Each error has its own text, which names what to change. */
static void errors_suggest_a_remedy(void **state) {
    (void)state;
    static const struct {
        int code;
        const char *reason, *want;
    } all[] = {
        {RD_KAFKA_RESP_ERR__AUTHENTICATION,
         "SASL authentication error: Authentication failed: Invalid username or password",
         "kafka.sasl.password_file"},
        {RD_KAFKA_RESP_ERR__AUTHENTICATION, "Unsupported SASL mechanism",
         "kafka.sasl.mechanism"},
        {RD_KAFKA_RESP_ERR__AUTHENTICATION, "Failed to acquire SASL OAUTHBEARER token: x",
         "token.endpoint.url"},
        {RD_KAFKA_RESP_ERR__RESOLVE, "Failed to resolve 'x:1'",
         "kafka.bootstrap.servers"},
        {RD_KAFKA_RESP_ERR__SSL, "SSL handshake failed: wrong version number",
         "kafka.security.protocol"},
        {RD_KAFKA_RESP_ERR__SSL, "SSL alert number 116",
         "kafka.ssl.certificate.location"},
        {RD_KAFKA_RESP_ERR__SSL, "SSL handshake failed: certificate verify failed", "C!"},
        {RD_KAFKA_RESP_ERR__TRANSPORT, "Connect failed: Connection refused",
         "nothing listens there"},
        {RD_KAFKA_RESP_ERR__TRANSPORT, "something else", "something else"},
    };
    char text[LW_KAFKA_WORDS];
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        lw_kafka_explain(text, sizeof text, NULL, all[i].code, all[i].reason, "C!");
        if (!strstr(text, all[i].want))
            fail_msg("%s: %s", all[i].reason, text);
    }
    assert_null(lw_kafka_refusal(text, sizeof text, NULL, 1, "read", "t"));
    assert_non_null(lw_kafka_refusal(text, sizeof text, NULL,
                                     RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED, "read",
                                     "g"));
    assert_non_null(strstr(text, "--operation Read --group 'g'"));
    lw_kafka_certificate(text, sizeof text, "b:1/1", 10, "\1\2", 2); /* no certificate */
    assert_non_null(strstr(text, "b:1/1: the broker's certificate is refused: "
                                 "certificate has expired"));
}

static void a_missing_feature_is_reported(void **state) {
    (void)state;
    struct lw_kafka_options *o = lw_calloc(1, sizeof *o);
    assert_null(lw_kafka_unable(o, 0x020002ff));
    mock_kafka_set(o, "sasl.mechanism", "SCRAM-SHA-512");
    assert_non_null(strstr(lw_kafka_unable(o, 0x020002ff), "2.6.1"));
    assert_non_null(lw_kafka_unable(o, 0x020600ff));
    assert_null(lw_kafka_unable(o, 0x020601ff));
    o->n = 0;
    mock_kafka_set(o, "sasl.mechanisms", "scram-sha-256");
    assert_non_null(lw_kafka_unable(o, 0x020002ff));
    o->n = 0;
    mock_kafka_set(o, "sasl.mechanism", "PLAIN");
    assert_null(lw_kafka_unable(o, 0x020002ff));
    free(o);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(users_override_defaults_except_offset_handling),
        cmocka_unit_test(properties_that_leeway_sets_are_refused),
        cmocka_unit_test(properties_that_run_or_load_code_are_refused),
        cmocka_unit_test(errors_mention_kafka_once),
        cmocka_unit_test(a_reader_is_in_no_group),
        cmocka_unit_test(a_wrong_property_is_named),
        cmocka_unit_test(partitions_of_a_topic),
        cmocka_unit_test(one_line_per_second_and_kind_is_logged),
        cmocka_unit_test(an_outage_is_reported_once),
        cmocka_unit_test(errors_suggest_a_remedy),
        cmocka_unit_test(a_missing_feature_is_reported),
    };
    return cmocka_run_group_tests(tests, mock_kafka_up, mock_kafka_down);
}
