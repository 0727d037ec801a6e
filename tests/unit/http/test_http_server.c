/* The server alone: limits, methods, names, tokens, and misbehaving clients. Nothing
 * listens at the address of Redis. */
#include "http_test.h"

#include "base/text.h"

#define NOBODY "redis://127.0.0.1:1"

static char why[700];

static int start(void **state) {
    struct fixture *f = lw_calloc(1, sizeof *f);
    fixture_load(f, NOBODY);
    f->config->http.timeout_ms = 1500;
    f->config->http.body_max = 4096;
    fixture_token(f, TOKEN "\n");
    fixture_start(f);
    *state = f;
    return 0;
}

static int stop(void **state) {
    fixture_stop(*state);
    free(*state);
    return 0;
}

static void answers_have_security_headers(void **state) {
    struct fixture *f = *state;
    static const char *const paths[] = {"/", "/healthz", "/api/v1/now", "/nothing"};
    char value[300];
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct http_answer a;
        http_ask(f->port, "GET", paths[i], "", NULL, &a);
        assert_true(a.status > 0);
        assert_string_equal(
            http_header(&a, "X-Content-Type-Options", value, sizeof value), "nosniff");
        assert_non_null(http_header(&a, "Content-Security-Policy", value, sizeof value));
        assert_non_null(strstr(value, "default-src 'self'"));
        assert_non_null(strstr(value, "frame-ancestors 'none'"));
        http_answer_fini(&a);
    }
}

static void the_page_is_cached(void **state) {
    struct fixture *f = *state;
    struct http_answer a;
    char etag[100], header[160], value[100];
    http_ask(f->port, "GET", "/", "", NULL, &a);
    assert_int_equal(a.status, 200);
    assert_non_null(strstr(a.body, "<html"));
    assert_string_equal(http_header(&a, "Content-Type", value, sizeof value),
                        "text/html; charset=utf-8");
    assert_non_null(http_header(&a, "ETag", etag, sizeof etag));
    http_answer_fini(&a);
    snprintf(header, sizeof header, "If-None-Match: %s\r\n", etag);
    http_ask(f->port, "GET", "/", header, NULL, &a);
    assert_int_equal(a.status, 304);
    http_answer_fini(&a);
    refused(f, "POST", "/", "", "x", 405, why, sizeof why);
}

static void head_is_get_without_the_body(void **state) {
    struct fixture *f = *state;
    struct http_client c;
    struct http_answer a;
    char value[64];
    http_connect(&c, f->port);
    http_say(&c, "HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n"
                 "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
    http_answer(&c, &a, true);
    assert_int_equal(a.status, 200);
    assert_true(strlen(http_header(&a, "Content-Length", value, sizeof value)) > 3);
    http_answer_fini(&a);
    http_answer(&c, &a, false); /* the next answer begins at once */
    assert_int_equal(a.status, 200);
    assert_string_equal(a.body, "{\"status\":\"ok\"}\n");
    http_answer_fini(&a);
    http_close(&c);
}

static void unknown_paths_and_methods_are_refused(void **state) {
    struct fixture *f = *state;
    struct http_answer a;
    char value[64];
    refused(f, "GET", "/nothing", "", NULL, 404, why, sizeof why);
    assert_string_equal(why, "not found: /nothing");
    refused(f, "GET", "/api/v1/features/a/b", "", NULL, 404, why, sizeof why);
    refused(f, "GET", "/api/v1/models/", "", NULL, 404, why, sizeof why);
    refused(f, "GET", "/%ff%fe", "", NULL, 404, why, sizeof why); /* not UTF-8 */
    refused(f, "DELETE", "/api/v1/now", "", NULL, 405, why, sizeof why);
    refused(f, "OPTIONS", "/api/v1/predict", "", NULL, 405, why, sizeof why);
    http_ask(f->port, "GET", "/api/v1/predict", "", NULL, &a);
    assert_int_equal(a.status, 405);
    assert_string_equal(http_header(&a, "Allow", value, sizeof value), "POST");
    http_answer_fini(&a);
}

static void other_host_names_are_refused(void **state) {
    struct fixture *f = *state;
    static const struct {
        const char *host;
        int status;
    } cases[] = {{"localhost:8080", 200},
                 {"127.0.0.1", 200},
                 {"[::1]:80", 200},
                 {"LOCALHOST", 200},
                 {"evil.example", 421},
                 {"localhost.evil.example", 421},
                 {"127.0.0.1.evil.example:80", 421},
                 {"", 421}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct http_client c;
        struct http_answer a;
        char text[200];
        snprintf(text, sizeof text, "GET /healthz HTTP/1.1\r\nHost: %s\r\n\r\n",
                 cases[i].host);
        http_connect(&c, f->port);
        http_say(&c, text);
        http_answer(&c, &a, false);
        if (a.status != cases[i].status)
            fail_msg("Host \"%s\": %d", cases[i].host, a.status);
        http_answer_fini(&a);
        http_close(&c);
    }
}

#define RETRAIN "/api/v1/retrain"

static void changes_need_the_token(void **state) {
    struct fixture *f = *state;
    struct http_answer a;
    char value[64];
    http_ask(f->port, "POST", RETRAIN, "", "", &a);
    assert_int_equal(a.status, 401);
    assert_string_equal(http_header(&a, "WWW-Authenticate", value, sizeof value),
                        "Bearer");
    http_answer_fini(&a);
    static const char *const wrong[] = {
        "Authorization: Bearer \r\n",
        "Authorization: Bearer x\r\n",
        "Authorization: Bearer " TOKEN "x\r\n",
        "Authorization: " TOKEN "\r\n",
        "Authorization: Basic " TOKEN "\r\n",
        "Authorization: Bearer correct-horse-battery-stapl\r\n"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        refused(f, "POST", RETRAIN, wrong[i], "", 401, why, sizeof why);
    /* accepted; only Redis is missing */
    refused(f, "POST", RETRAIN, AUTH, "", 503, why, sizeof why);
    refused(f, "POST", RETRAIN, AUTH "Origin: http://localhost\r\n", "", 503, why,
            sizeof why);
    refused(f, "POST", RETRAIN, AUTH "Origin: http://localhost:9\r\n", "", 403, why,
            sizeof why);
    refused(f, "POST", RETRAIN, AUTH "Origin: https://localhost\r\n", "", 403, why,
            sizeof why);
    refused(f, "POST", RETRAIN, AUTH "Origin: http://evil.example\r\n", "", 403, why,
            sizeof why);
    refused(f, "POST", RETRAIN, AUTH "Origin: null\r\n", "", 403, why, sizeof why);
}

static void a_replaced_token_is_accepted(void **state) {
    struct fixture *f = *state;
    fixture_token(f, "# of this year\nanother-token-altogether\n\n");
    refused(f, "POST", RETRAIN, AUTH, "", 401, why, sizeof why);
    refused(f, "POST", RETRAIN, "Authorization: Bearer another-token-altogether\r\n", "",
            503, why, sizeof why);
    fixture_token(f, "short\n");
    refused(f, "POST", RETRAIN, "Authorization: Bearer short\r\n", "", 403, why,
            sizeof why);
    assert_non_null(strstr(why, "cannot be used"));
    fixture_token(f, "");
    refused(f, "POST", RETRAIN, "Authorization: Bearer x\r\n", "", 403, why, sizeof why);
    f->config->http.token_file[0] = '\0';
    refused(f, "POST", RETRAIN, AUTH, "", 403, why, sizeof why);
    assert_non_null(strstr(why, "http.token_file is not set"));
    fixture_token(f, TOKEN "\n");
}

static void a_large_body_is_refused_before_it_is_sent(void **state) {
    struct fixture *f = *state;
    struct http_client c;
    struct http_answer a;
    http_connect(&c, f->port);
    http_say(&c, "POST /api/v1/predict HTTP/1.1\r\nHost: localhost\r\n" JSON
                 "Content-Length: 4097\r\n\r\n");
    http_answer(&c, &a, false);
    assert_int_equal(a.status, 413);
    http_answer_fini(&a);
    http_close(&c);
    /* with chunks the size is not known in advance */
    char chunk[1100];
    memset(chunk, ' ', sizeof chunk);
    http_connect(&c, f->port);
    http_say(&c, "POST /api/v1/predict HTTP/1.1\r\nHost: localhost\r\n" JSON
                 "Transfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 5; i++) {
        http_say(&c, "44c\r\n");
        http_send(&c, chunk, sizeof chunk);
        http_say(&c, "\r\n");
    }
    http_say(&c, "0\r\n\r\n");
    http_answer(&c, &a, false);
    assert_int_equal(a.status, 413);
    http_answer_fini(&a);
    http_close(&c);
    refused(f, "GET", "/healthz", "Content-Length: 5\r\n", NULL, 413, why, sizeof why);
    http_connect(&c, f->port);
    http_say(&c, "POST /api/v1/predict HTTP/1.1\r\nHost: localhost\r\n" JSON
                 "Content-Length: -5\r\n\r\n");
    http_answer(&c, &a, false);
    assert_true(a.status >= 400 && a.status < 500);
    http_answer_fini(&a);
    http_close(&c);
}

static void large_headers_are_refused(void **state) {
    struct fixture *f = *state;
    struct http_client c;
    struct http_answer a;
    char *line = lw_malloc(70000);
    memset(line, 'a', 70000 - 1);
    line[70000 - 1] = '\0';
    http_connect(&c, f->port);
    http_say(&c, "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Long: ");
    http_say(&c, line);
    http_say(&c, "\r\n\r\n");
    http_answer(&c, &a, false);
    assert_true(a.status == 431 || a.status == 413 || a.status == 0); /* or closed */
    http_answer_fini(&a);
    http_close(&c);
    http_connect(&c, f->port);
    http_say(&c, "GET /");
    http_say(&c, line);
    http_say(&c, " HTTP/1.1\r\nHost: localhost\r\n\r\n");
    http_answer(&c, &a, false);
    assert_true(a.status == 414 || a.status == 431 || a.status == 0);
    http_answer_fini(&a);
    http_close(&c);
    free(line);
    json_decref(ask_json(f, "/healthz", 200)); /* other clients are not affected */
}

static void garbage_closes_its_own_connection(void **state) {
    struct fixture *f = *state;
    static const char *const garbage[] = {
        "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", /* TLS */
        "GET\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "\r\n\r\n\r\n\r\n{}\r\n\r\n",
        "POST /healthz HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "*3\r\n$3\r\nSET\r\n$1\r\nx\r\n$1\r\n1\r\n"};
    for (size_t i = 0; i < sizeof garbage / sizeof *garbage; i++) {
        struct http_client c;
        struct http_answer a;
        http_connect(&c, f->port);
        http_say(&c, garbage[i]);
        http_answer(&c, &a, false);
        if (a.status != 0 && (a.status < 400 || a.status > 505))
            fail_msg("garbage %zu: %d", i, a.status);
        http_answer_fini(&a);
        http_close(&c);
    }
    /* after a valid request in the same write, garbage does not affect the answer to
     * it */
    struct http_client c;
    struct http_answer a;
    http_connect(&c, f->port);
    http_say(&c, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\nnonsense\r\n\r\n");
    http_answer(&c, &a, false);
    assert_int_equal(a.status, 200);
    http_answer_fini(&a);
    http_answer(&c, &a, false);
    assert_true(a.status == 0 || a.status >= 400);
    http_answer_fini(&a);
    http_close(&c);
    json_decref(ask_json(f, "/healthz", 200));
}

/* Single bytes now and then do not keep a connection: one limit covers the whole
 * request. */
static void a_slow_request_is_disconnected(void **state) {
    struct fixture *f = *state;
    struct http_client slow, body;
    http_connect(&slow, f->port);
    http_connect(&body, f->port);
    http_say(&slow, "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: ");
    http_say(&body, "POST /api/v1/predict HTTP/1.1\r\nHost: localhost\r\n" JSON
                    "Content-Length: 1000\r\n\r\n{");
    bool closed[2] = {false, false};
    for (int i = 0; i < 60 && !(closed[0] && closed[1]); i++) {
        http_say(&slow, "a");
        http_say(&body, " ");
        closed[0] = closed[0] || http_closes(&slow, 100);
        closed[1] = closed[1] || http_closes(&body, 100);
    }
    assert_true(closed[0]);
    assert_true(closed[1]);
    http_close(&slow);
    http_close(&body);
}

static void an_idle_connection_is_closed(void **state) {
    struct fixture *f = *state;
    struct http_client c;
    http_connect(&c, f->port);
    assert_true(http_closes(&c, 8000));
    http_close(&c);
}

static void requests_are_answered_without_redis(void **state) {
    struct fixture *f = *state;
    static const char *const paths[] = {"/api/v1/now",      "/api/v1/history",
                                        "/api/v1/heatmap",  "/api/v1/features/target",
                                        "/api/v1/alerts",   "/api/v1/models",
                                        "/api/v1/models/1", "/api/v1/audit",
                                        "/readyz"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct http_answer a;
        char value[16];
        http_ask(f->port, "GET", paths[i], "", NULL, &a);
        if (a.status != 503)
            fail_msg("%s: %d %s", paths[i], a.status, a.body);
        assert_non_null(http_header(&a, "Retry-After", value, sizeof value));
        http_answer_fini(&a);
    }
    json_decref(
        ask_json(f, "/healthz", 200)); /* Redis is down, but the process is healthy */
    refused(f, "POST", "/api/v1/predict", JSON, TRIP, 503, why, sizeof why);
    assert_non_null(strstr(why, "no champion"));
}

static void arguments_are_checked(void **state) {
    struct fixture *f = *state;
    static const char *const bad[] = {
        "/api/v1/history?window=wek",   "/api/v1/history?max=0",
        "/api/v1/history?max=x",        "/api/v1/history?from=-1",
        "/api/v1/history?from=1e400",   "/api/v1/history?fields=a,,b",
        "/api/v1/history?fields=%ff",   "/api/v1/heatmap?metric=rmse",
        "/api/v1/heatmap?max=99999999", "/api/v1/audit?before=x",
        "/api/v1/audit?max=1001",       "/api/v1/models/0",
        "/api/v1/models/4294967296",    "/api/v1/models/x",
        "/api/v1/audit?before=1-2-3"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        refused(f, "GET", bad[i], "", NULL, 400, why, sizeof why);
    refused(f, "GET", "/api/v1/history?window=wek", "", NULL, 400, why, sizeof why);
    assert_non_null(strstr(why, "did you mean \"week\""));
    refused(f, "GET", "/api/v1/features/trip_distanc", "", NULL, 404, why, sizeof why);
    assert_non_null(strstr(why, "did you mean \"trip_distance\""));
}

static void health_follows_the_process(void **state) {
    struct fixture *f = *state;
    f->vitals.since_poll_ms = 61 * LW_SECOND;
    json_t *o = ask_json(f, "/healthz", 503);
    assert_string_equal(json_string_value(json_object_get(o, "status")), "failing");
    json_decref(o);
    f->vitals.since_poll_ms = 59 * LW_SECOND;
    json_decref(ask_json(f, "/healthz", 200));
    lw_copy(f->vitals.failure, sizeof f->vitals.failure, "the broker refuses us");
    o = ask_json(f, "/healthz", 503);
    json_decref(o);
    f->vitals.failure[0] = '\0';
    f->vitals.started = false; /* waiting for Kafka is not a failure */
    f->vitals.since_poll_ms = INT64_MAX;
    json_decref(ask_json(f, "/healthz", 200));
    json_decref(ask_json(f, "/readyz", 503));
    f->vitals.started = true;
    f->vitals.since_poll_ms = 0;
}

static void connections_are_limited(void **state) {
    (void)state;
    struct fixture f;
    struct http_client c[6];
    struct http_answer a;
    fixture_load(&f, NOBODY);
    f.config->http.connections = 4;
    f.config->http.timeout_ms = 1500;
    fixture_start(&f);
    for (int i = 0; i < 6; i++) { /* the accepted clients keep their connections */
        http_connect(&c[i], f.port);
        http_say(&c[i], "GET /healthz HTTP/1.1\r\nHost: localhost\r\n");
    }
    for (int i = 0; i < 6; i++)
        http_close(&c[i]);
    http_ask(f.port, "GET", "/healthz", "", NULL, &a); /* connections get free */
    assert_int_equal(a.status, 200);
    http_answer_fini(&a);
    fixture_stop(&f);
}

static void the_error_names_a_port_in_use(void **state) {
    struct fixture *f = *state, g;
    struct lw_err err = {0};
    fixture_load(&g, NOBODY);
    g.config->http.port = f->port;
    struct lw_server_options options = {.config = g.config};
    assert_null(lw_server_start(&options, &err));
    assert_int_equal(err.code, LW_ECONFIG);
    assert_non_null(strstr(err.msg, "http.listen"));
    assert_non_null(strstr(err.msg, "in use"));
    lw_config_free(g.config);
}

/* Stopping during requests neither hangs nor leaks. */
static void stopping_ends_open_requests(void **state) {
    (void)state;
    struct fixture f;
    struct http_client c[4];
    fixture_load(&f, NOBODY);
    fixture_start(&f);
    for (int i = 0; i < 4; i++)
        http_connect(&c[i], f.port);
    http_say(&c[0], "GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_true(http_wait_text(&c[0], "retry: 2000"));
    http_say(&c[1], "GET /api/v1/history HTTP/1.1\r\nHost: localhost\r\n\r\n");
    http_say(&c[2], "GET /healthz HTTP/1.1\r\nHost: ");
    fixture_stop(&f);
    for (int i = 0; i < 4; i++)
        http_close(&c[i]);
}

static void subscribers_are_limited(void **state) {
    struct fixture *f = *state;
    enum { SUBSCRIBERS = 32 };
    struct http_client c[SUBSCRIBERS];
    for (int i = 0; i < SUBSCRIBERS; i++) {
        http_connect(&c[i], f->port);
        http_say(&c[i], "GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n");
        assert_true(http_wait_text(&c[i], "retry: 2000"));
    }
    refused(f, "GET", "/api/v1/events", "", NULL, 503, why, sizeof why);
    assert_non_null(strstr(why, "subscribers"));
    for (int i = 0; i < SUBSCRIBERS; i++)
        http_close(&c[i]);
}

int main(int argc, char **argv) {
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_have_security_headers),
        cmocka_unit_test(the_page_is_cached),
        cmocka_unit_test(head_is_get_without_the_body),
        cmocka_unit_test(unknown_paths_and_methods_are_refused),
        cmocka_unit_test(other_host_names_are_refused),
        cmocka_unit_test(changes_need_the_token),
        cmocka_unit_test(a_replaced_token_is_accepted),
        cmocka_unit_test(a_large_body_is_refused_before_it_is_sent),
        cmocka_unit_test(large_headers_are_refused),
        cmocka_unit_test(garbage_closes_its_own_connection),
        cmocka_unit_test(a_slow_request_is_disconnected),
        cmocka_unit_test(an_idle_connection_is_closed),
        cmocka_unit_test(requests_are_answered_without_redis),
        cmocka_unit_test(arguments_are_checked),
        cmocka_unit_test(health_follows_the_process),
        cmocka_unit_test(connections_are_limited),
        cmocka_unit_test(the_error_names_a_port_in_use),
        cmocka_unit_test(stopping_ends_open_requests),
        cmocka_unit_test(subscribers_are_limited),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
