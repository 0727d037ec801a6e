/* Receivers: refused settings and their messages, routing, addresses without secrets,
 * files of secrets. */
#include <unistd.h>

#include "alert/secrets.h"
#include "alert_test.h"
#include "base/time.h"

static void defaults_depend_on_format(void **state) {
    (void)state;
    assert_int_equal(receiver("a", LW_FORMAT_JSON).repeat_ms, 4 * LW_HOUR);
    assert_int_equal(receiver("a", LW_FORMAT_ALERTMANAGER).repeat_ms, LW_MINUTE);
    struct lw_receiver r = receiver("a", LW_FORMAT_PAGERDUTY);
    r.url[0] = '\0';
    assert_int_equal(lw_receiver_check(&r, NULL), 0);
    assert_string_equal(r.url, "https://events.pagerduty.com/v2/enqueue");
}

typedef void spoil(struct lw_receiver *r);
static void no_name(struct lw_receiver *r) {
    r->name[0] = '\0';
}
static void bad_name(struct lw_receiver *r) {
    lw_copy(r->name, sizeof r->name, "a@b");
}
static void no_url(struct lw_receiver *r) {
    r->url[0] = '\0';
}
static void two_urls(struct lw_receiver *r) {
    lw_copy(r->url_file, sizeof r->url_file, "/run/url");
}
static void ftp(struct lw_receiver *r) {
    lw_copy(r->url, sizeof r->url, "ftp://x/");
}
static void file(struct lw_receiver *r) {
    lw_copy(r->url, sizeof r->url, "file:///etc/passwd");
}
static void no_host(struct lw_receiver *r) {
    lw_copy(r->url, sizeof r->url, "https:///x");
}
static void split(struct lw_receiver *r) {
    lw_copy(r->url, sizeof r->url, "http://a/\r\nX: y");
}
static void no_template(struct lw_receiver *r) {
    r->format = LW_FORMAT_TEMPLATE;
}
static void stray_template(struct lw_receiver *r) {
    lw_copy(r->template_file, sizeof r->template_file, "/etc/t");
}
static void stray_type(struct lw_receiver *r) {
    lw_copy(r->content_type, sizeof r->content_type, "text/plain");
}
static void no_key(struct lw_receiver *r) {
    r->format = LW_FORMAT_PAGERDUTY;
}
static void env_ca(struct lw_receiver *r) {
    lw_copy(r->ca_file, sizeof r->ca_file, "env:CA");
}
static void timeout(struct lw_receiver *r) {
    r->timeout_ms = 0;
}
static void for_ever(struct lw_receiver *r) {
    r->give_up_ms = 365 * LW_DAY;
}
static void nagging(struct lw_receiver *r) {
    r->repeat_ms = 1000;
}
static void never(struct lw_receiver *r) {
    r->format = LW_FORMAT_ALERTMANAGER;
    r->repeat_ms = 0;
}
static void empty_rule(struct lw_receiver *r) {
    r->nrules = 1;
}

static void errors_name_the_key(void **state) {
    (void)state;
    const struct {
        spoil *how;
        const char *key;
    } c[] = {{no_name, "`name`"},
             {bad_name, "name"},
             {no_url, "`url_file`"},
             {two_urls, "`url_file`"},
             {ftp, "`url`"},
             {file, "`url`"},
             {no_host, "`url`"},
             {split, "`url`"},
             {no_template, "`template_file`"},
             {stray_template, "`template_file`"},
             {stray_type, "`content_type`"},
             {no_key, "`token_file`"},
             {env_ca, "`ca_file`"},
             {timeout, "`timeout`"},
             {for_ever, "`give_up`"},
             {nagging, "`repeat`"},
             {never, "`repeat`"},
             {empty_rule, "`rules`"}};
    for (size_t i = 0; i < sizeof c / sizeof c[0]; i++) {
        struct lw_err err = {0};
        struct lw_receiver r = receiver("oncall", LW_FORMAT_JSON);
        c[i].how(&r);
        assert_int_equal(lw_receiver_check(&r, &err), -1);
        assert_int_equal(err.code, LW_ECONFIG);
        if (strstr(err.msg, c[i].key) == NULL)
            fail_msg("case %zu: %s lacks %s", i, err.msg, c[i].key);
    }
}

static void rules_and_severities_route_alerts(void **state) {
    (void)state;
    struct lw_receiver r = receiver("a", LW_FORMAT_JSON);
    assert_true(lw_receiver_wants(&r, LW_SEVERITY_WARN, "rmse_day"));
    assert_false(lw_receiver_wants(&r, LW_SEVERITY_NONE, "rmse_day"));
    r.least = LW_SEVERITY_CRITICAL;
    assert_false(lw_receiver_wants(&r, LW_SEVERITY_WARN, "rmse_day"));
    assert_true(lw_receiver_wants(&r, LW_SEVERITY_CRITICAL, "rmse_day"));
    r.nrules = 2;
    lw_copy(r.rule[0], sizeof r.rule[0], "psi_*");
    lw_copy(r.rule[1], sizeof r.rule[1], "rollback");
    assert_false(lw_receiver_wants(&r, LW_SEVERITY_CRITICAL, "rmse_day"));
    assert_true(lw_receiver_wants(&r, LW_SEVERITY_CRITICAL, "psi_week"));
    assert_true(lw_receiver_wants(&r, LW_SEVERITY_CRITICAL, "psi_"));
    assert_true(lw_receiver_wants(&r, LW_SEVERITY_CRITICAL, "rollback"));
    assert_false(lw_receiver_wants(&r, LW_SEVERITY_CRITICAL, "rollback2"));
    lw_copy(r.rule[0], sizeof r.rule[0], "*");
    assert_true(lw_receiver_wants(&r, LW_SEVERITY_CRITICAL, "anything"));
}

static void shown_addresses_have_no_secrets(void **state) {
    (void)state;
    const struct {
        const char *url, *shown;
    } c[] = {{"https://hooks.slack.com/services/T0/B0/SECRET", "https://hooks.slack.com"},
             {"http://user:SECRET@10.0.0.1:9093/x", "http://10.0.0.1:9093"},
             {"https://h?token=SECRET@z", "https://h"},
             {"https://h#SECRET@z", "https://h"},
             {"https://a:SECRET@SECRET@h/", "https://h"},
             {"https://[::1]:80/SECRET", "https://[::1]:80"},
             {"ftp://SECRET", "?"},
             {"", "?"}};
    for (size_t i = 0; i < sizeof c / sizeof c[0]; i++) {
        char out[64];
        assert_string_equal(lw_receiver_url_shown(out, sizeof out, c[i].url), c[i].shown);
    }
    char tiny[10];
    assert_string_equal(lw_receiver_url_shown(tiny, sizeof tiny, "https://host/x"),
                        "https://h");
}

/* ---- secret files ---- */

static char *temp_file(const char *text) {
    static char path[64];
    snprintf(path, sizeof path, "/tmp/lw-alert-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    return path;
}

static void secrets_from_file_and_environment(void **state) {
    (void)state;
    struct lw_receiver r = receiver("a", LW_FORMAT_JSON);
    struct lw_secrets s;
    struct lw_err err = {0};
    char *path = temp_file("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n"
                           "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n");
    lw_copy(r.secret_file, sizeof r.secret_file, path);
    lw_copy(r.token_file, sizeof r.token_file, "env:LW_TEST_TOKEN");
    setenv("LW_TEST_TOKEN", "s3cret\n", 1);
    assert_int_equal(lw_secrets_load(&r, &s, &err), 0);
    assert_string_equal(s.token, "s3cret");
    assert_string_equal(s.url, r.url);
    assert_int_equal(s.nkeys, 2);
    assert_int_equal(s.key[0].byte[0], 0x31);
    assert_int_equal(s.key[1].byte[0], 0);
    lw_secrets_fini(&s);
    unlink(path);
    unsetenv("LW_TEST_TOKEN");
    assert_int_equal(lw_secrets_load(&r, &s, &err), -1);
}

/* Every error names receiver and key, and shows nothing of the contents. */
static void bad_secrets_are_refused(void **state) {
    (void)state;
    const struct {
        size_t member;
        const char *key, *text;
    } c[] = {
        {offsetof(struct lw_receiver, token_file), "`token_file`", ""},
        {offsetof(struct lw_receiver, token_file), "`token_file`", "HIDDEN x\n"},
        {offsetof(struct lw_receiver, token_file), "`token_file`", "\nHIDDEN"},
        {offsetof(struct lw_receiver, token_file), "`token_file`", "HIDDEN\xC3\xA4"},
        {offsetof(struct lw_receiver, secret_file), "`secret_file`", "whsec_HIDDEN"},
        {offsetof(struct lw_receiver, secret_file), "`secret_file`",
         "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw HIDDEN"},
        {offsetof(struct lw_receiver, secret_file), "`secret_file`",
         "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw "
         "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}};
    for (size_t i = 0; i < sizeof c / sizeof c[0]; i++) {
        struct lw_receiver r = receiver("oncall", LW_FORMAT_JSON);
        struct lw_secrets s;
        struct lw_err err = {0};
        char *path = temp_file(c[i].text);
        lw_copy((char *)&r + c[i].member, LW_ALERT_PATH_MAX, path);
        assert_int_equal(lw_secrets_load(&r, &s, &err), -1);
        unlink(path);
        assert_int_equal(err.code, LW_ECONFIG);
        assert_non_null(strstr(err.msg, "oncall"));
        assert_non_null(strstr(err.msg, c[i].key));
        assert_null(strstr(err.msg, "HIDDEN"));
        assert_null(strstr(err.msg, "MfKQ9r8"));
    }
}

static void an_absent_secret_file_is_an_error(void **state) {
    (void)state;
    struct lw_receiver r = receiver("oncall", LW_FORMAT_JSON);
    struct lw_secrets s;
    struct lw_err err = {0};
    lw_copy(r.headers_file, sizeof r.headers_file, "/nonexistent/headers");
    assert_int_equal(lw_secrets_load(&r, &s, &err), -1);
    assert_non_null(strstr(err.msg, "`headers_file`"));
    assert_non_null(strstr(err.msg, "/nonexistent/headers"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_depend_on_format),
        cmocka_unit_test(errors_name_the_key),
        cmocka_unit_test(rules_and_severities_route_alerts),
        cmocka_unit_test(shown_addresses_have_no_secrets),
        cmocka_unit_test(secrets_from_file_and_environment),
        cmocka_unit_test(bad_secrets_are_refused),
        cmocka_unit_test(an_absent_secret_file_is_an_error)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
