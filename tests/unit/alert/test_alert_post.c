/* The sender against receivers that answer, refuse and misbehave. No test measures time:
 * that a call returns although the peer never would proves that it is bounded; ctest's
 * timeout fails the test otherwise. */
#include "alert/deliver.h"
#include "alert/post.h"
#include "alert_test.h"
#include "base/time.h"
#include "net/curl.h"
#include "support/http_peer.h"

#define OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

static struct lw_post_request request(int port, int64_t timeout_ms) {
    struct lw_post_request req = {.timeout_ms = timeout_ms};
    snprintf(req.url, sizeof req.url, "http://127.0.0.1:%d/hook/SECRET", port);
    req.header[req.nheaders++] = strdup("Content-Type: application/json");
    req.header[req.nheaders++] = strdup("Webhook-Id: 0a-critical");
    lw_buf_printf(&req.body, "{\"a\":1}");
    return req;
}

static struct lw_post_result post(enum lw_peer_way way, const char *reply,
                                  int64_t timeout_ms) {
    struct lw_post_result res;
    struct lw_peer *p = lw_peer_start(way, reply);
    struct lw_post_request req = request(lw_peer_port(p), timeout_ms);
    lw_post(&req, &res);
    assert_null(strstr(res.reason, "SECRET"));
    lw_post_request_fini(&req);
    lw_peer_stop(p);
    return res;
}

static void a_message_is_delivered(void **state) {
    (void)state;
    struct lw_post_result res;
    struct lw_peer *p = lw_peer_start(LW_PEER_REPLY, OK);
    struct lw_post_request req = request(lw_peer_port(p), 5000);
    size_t len;
    lw_post(&req, &res);
    assert_int_equal(res.verdict, LW_POST_DELIVERED);
    assert_int_equal(res.status, 200);
    assert_string_equal(res.answer, "ok");
    assert_int_equal(lw_peer_count(p), 1);
    char *got = lw_peer_request(p, &len);
    assert_memory_equal(got, "POST /hook/SECRET HTTP/1.1\r\n", 28);
    assert_non_null(strstr(got, "\r\nContent-Type: application/json\r\n"));
    assert_non_null(strstr(got, "\r\nWebhook-Id: 0a-critical\r\n"));
    assert_null(strstr(got, "Expect"));
    assert_null(strstr(got, "Accept-Encoding"));
    assert_string_equal(strstr(got, "\r\n\r\n") + 4, "{\"a\":1}");
    free(got);
    lw_post_request_fini(&req);
    lw_peer_stop(p);
}

/* Only the beginning of the answer, on one line. */
static void the_reason_quotes_one_line_of_the_answer(void **state) {
    (void)state;
    struct lw_post_result res = post(LW_PEER_REPLY,
                                     "HTTP/1.1 400 X\r\nContent-Length: 22\r\n\r\n "
                                     "\n\t{\x01\"a\":\r\n   \xC3\xBC 1 }\n",
                                     5000);
    assert_string_equal(res.answer, "{ \"a\": 1 } ");
}

static void the_status_determines_the_verdict(void **state) {
    (void)state;
    const struct {
        int status;
        enum lw_post_verdict verdict;
    } c[] = {{200, LW_POST_DELIVERED}, {202, LW_POST_DELIVERED}, {204, LW_POST_DELIVERED},
             {300, LW_POST_REFUSED},   {304, LW_POST_REFUSED},   {400, LW_POST_REFUSED},
             {401, LW_POST_REFUSED},   {404, LW_POST_REFUSED},   {408, LW_POST_RETRY},
             {410, LW_POST_REFUSED},   {425, LW_POST_RETRY},     {429, LW_POST_RETRY},
             {500, LW_POST_RETRY},     {503, LW_POST_RETRY},     {599, LW_POST_RETRY}};
    struct lw_peer *p = lw_peer_start(LW_PEER_REPLY, OK);
    for (size_t i = 0; i < sizeof c / sizeof c[0]; i++) {
        char reply[80], number[8];
        struct lw_post_result res;
        struct lw_post_request req = request(lw_peer_port(p), 5000);
        snprintf(reply, sizeof reply, "HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n",
                 c[i].status);
        snprintf(number, sizeof number, "%d", c[i].status);
        lw_peer_change(p, LW_PEER_REPLY, reply);
        lw_post(&req, &res);
        assert_int_equal(res.verdict, c[i].verdict);
        assert_int_equal(res.status, c[i].status);
        assert_non_null(strstr(res.reason, number));
        lw_post_request_fini(&req);
    }
    lw_peer_stop(p);
}

static void retry_after_is_read(void **state) {
    (void)state;
    const struct {
        const char *head;
        int64_t ms;
    } c[] = {{"429 X\r\nRetry-After: 7", 7000},
             {"503 X\r\nRetry-After: 99999999", LW_HOUR},
             {"429 X\r\nRetry-After: -3", 0},
             {"429 X\r\nRetry-After: soon", 0},
             {"429 X\r\nRetry-After: Fri, 31 Dec 2100 23:59:59 GMT", LW_HOUR},
             {"429 X\r\nRetry-After: Fri, 31 Dec 1999 23:59:59 GMT", 0},
             {"400 X\r\nRetry-After: 7", 0},
             {"500 X", 0}};
    for (size_t i = 0; i < sizeof c / sizeof c[0]; i++) {
        char reply[200];
        snprintf(reply, sizeof reply, "HTTP/1.1 %s\r\nContent-Length: 0\r\n\r\n",
                 c[i].head);
        struct lw_post_result res = post(LW_PEER_REPLY, reply, 5000);
        assert_int_equal(res.retry_after_ms, c[i].ms);
    }
}

static void redirects_are_not_followed(void **state) {
    (void)state;
    char reply[200];
    struct lw_peer *target = lw_peer_start(LW_PEER_REPLY, OK);
    for (int status = 301; status <= 308; status++) {
        snprintf(reply, sizeof reply,
                 "HTTP/1.1 %d Moved\r\nLocation: http://127.0.0.1:%d/\r\n"
                 "Content-Length: 0\r\n\r\n",
                 status, lw_peer_port(target));
        struct lw_post_result res = post(LW_PEER_REPLY, reply, 5000);
        assert_int_equal(res.verdict, LW_POST_REFUSED);
        assert_non_null(strstr(res.reason, "redirect"));
    }
    assert_int_equal(lw_peer_count(target), 0);
    lw_peer_stop(target);
}

static void a_closed_port_is_retried(void **state) {
    (void)state;
    struct lw_post_result res;
    struct lw_post_request req = request(lw_peer_free_port(), 5000);
    lw_post(&req, &res);
    assert_int_equal(res.verdict, LW_POST_RETRY);
    assert_int_equal(res.status, 0);
    assert_non_null(strstr(res.reason, "no answer from http://127.0.0.1:"));
    assert_null(strstr(res.reason, "SECRET"));
    lw_post_request_fini(&req);
}

static void peers_that_never_answer_time_out(void **state) {
    (void)state;
    const struct {
        enum lw_peer_way way;
        const char *reply;
    } c[] = {{LW_PEER_HANG, ""},
             {LW_PEER_DEAF, ""},
             {LW_PEER_STALL, "HTTP/1.1 200 OK\r\nContent-Le"},
             {LW_PEER_STALL, "HTTP/1.1 100 Continue\r\n\r\n"},
             {LW_PEER_RESET, ""},
             {LW_PEER_RESET, "HTTP/1.1 200 OK\r\nContent-Le"},
             {LW_PEER_REPLY, ""},
             {LW_PEER_REPLY, "HTTP/1.1 200 OK\r\nContent-Le"},
             {LW_PEER_REPLY, "SSH-2.0-OpenSSH_9.2\r\n\r\n"}};
    for (size_t i = 0; i < sizeof c / sizeof c[0]; i++) {
        struct lw_post_result res = post(c[i].way, c[i].reply, 200);
        assert_int_equal(res.verdict, LW_POST_RETRY);
        assert_int_equal(res.status, 0);
    }
}

/* Once the headers are complete the message counts as delivered, even if the body
 * stops. */
static void complete_headers_decide(void **state) {
    (void)state;
    const char *ok = "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nsome";
    const char *bad = "HTTP/1.1 500 Oops\r\nContent-Length: 1000000\r\n\r\nsome";
    enum lw_peer_way way[] = {LW_PEER_STALL, LW_PEER_REPLY, LW_PEER_ENDLESS_BODY};
    for (size_t i = 0; i < 3; i++) {
        /* Long enough for the head on a busy machine; a stalled peer takes all of it. */
        assert_int_equal(post(way[i], ok, 2000).verdict, LW_POST_DELIVERED);
        assert_int_equal(post(way[i], bad, 2000).verdict, LW_POST_RETRY);
    }
}

/* These peers send endlessly. The deadline is a minute, so only the byte limit ends them
 * within ctest's timeout. */
static void endless_answers_are_cut(void **state) {
    (void)state;
    struct lw_post_result res =
        post(LW_PEER_ENDLESS_BODY, "HTTP/1.1 200 OK\r\n\r\n", LW_MINUTE);
    assert_int_equal(res.verdict, LW_POST_DELIVERED);
    assert_int_equal(strlen(res.answer), LW_POST_ANSWER_MAX - 1);
    res = post(LW_PEER_ENDLESS_HEADER, "", LW_MINUTE);
    assert_int_equal(res.verdict, LW_POST_RETRY);
}

/* One receiver hangs, one is down, one answers, all in a single call. */
static void receivers_do_not_delay_each_other(void **state) {
    (void)state;
    struct lw_peer *hang = lw_peer_start(LW_PEER_HANG, "");
    struct lw_peer *fine = lw_peer_start(LW_PEER_REPLY, OK);
    struct lw_post_request req[3] = {request(lw_peer_port(hang), 300),
                                     request(lw_peer_free_port(), 5000),
                                     request(lw_peer_port(fine), 5000)};
    const struct lw_post_request *all[3] = {&req[0], &req[1], &req[2]};
    struct lw_post_result res[3];
    lw_post_many(all, 3, res);
    assert_int_equal(res[0].verdict, LW_POST_RETRY);
    assert_int_equal(res[1].verdict, LW_POST_RETRY);
    assert_int_equal(res[2].verdict, LW_POST_DELIVERED);
    for (size_t i = 0; i < 3; i++)
        lw_post_request_fini(&req[i]);
    lw_peer_stop(hang);
    lw_peer_stop(fine);
}

static void other_schemes_are_refused(void **state) {
    (void)state;
    const char *url[] = {"file:///etc/passwd", "ftp://127.0.0.1/SECRET",
                         "gopher://127.0.0.1/"};
    for (size_t i = 0; i < 3; i++) {
        struct lw_post_result res;
        struct lw_post_request req = request(1, 1000);
        lw_copy(req.url, sizeof req.url, url[i]);
        lw_post(&req, &res);
        assert_int_equal(res.verdict, LW_POST_RETRY);
        assert_non_null(strstr(res.reason, "Protocol")); /* refused, not failed */
        assert_int_equal(res.status, 0);
        assert_null(strstr(res.reason, "SECRET"));
        lw_post_request_fini(&req);
    }
}

/* ---- from message to verdict ---- */

static struct lw_receiver peer_receiver(struct lw_peer *p, const char *name) {
    struct lw_receiver r = receiver(name, LW_FORMAT_JSON);
    snprintf(r.url, sizeof r.url, "http://127.0.0.1:%d/services/T0PSECRETPATH",
             lw_peer_port(p));
    lw_copy(r.token_file, sizeof r.token_file, "env:LW_TEST_TOKEN");
    return r;
}

static void large_messages_are_sent_whole(void **state) {
    (void)state;
    size_t len;
    char *message = data_file("message_firing.json", &len);
    struct lw_peer *p = lw_peer_start(LW_PEER_REPLY, OK);
    struct lw_receiver r = peer_receiver(p, "oncall");
    struct lw_post_result res;
    setenv("LW_TEST_TOKEN", "hush-hush", 1);
    lw_deliver(&r, message, len, INT64_C(1584763207000), &res);
    assert_int_equal(res.verdict, LW_POST_DELIVERED);
    char *got = lw_peer_request(p, NULL);
    assert_non_null(strstr(got, "\r\nAuthorization: Bearer hush-hush\r\n"));
    json_t *body = json_loads(strstr(got, "\r\n\r\n") + 4, 0, NULL);
    char *want = data_file("body_json_firing.json", NULL);
    assert_json(body, json_loads(want, 0, NULL), "body");
    free(want);
    free(got);
    free(message);
    lw_peer_stop(p);
}

/* A refusal's text is added to the reason, unless it repeats a secret. */
static void answers_are_screened(void **state) {
    (void)state;
    const struct {
        const char *answer;
        bool shown;
    } c[] = {{"invalid_blocks", true},
             {"no such hook: T0PSECRETPATH", false},
             {"bad token hush-hush", false},
             {"<html><p>unauthorised</p></html>", false}};
    size_t len;
    char *message = data_file("message_firing.json", &len);
    struct lw_peer *p = lw_peer_start(LW_PEER_REPLY, OK);
    struct lw_receiver r = peer_receiver(p, "oncall");
    setenv("LW_TEST_TOKEN", "hush-hush", 1);
    for (size_t i = 0; i < sizeof c / sizeof c[0]; i++) {
        char reply[200];
        struct lw_post_result res;
        snprintf(reply, sizeof reply, "HTTP/1.1 400 Bad\r\nContent-Length: %zu\r\n\r\n%s",
                 strlen(c[i].answer), c[i].answer);
        lw_peer_change(p, LW_PEER_REPLY, reply);
        lw_deliver(&r, message, len, 0, &res);
        assert_int_equal(res.verdict, LW_POST_REFUSED);
        assert_int_equal(strstr(res.reason, c[i].answer) != NULL, c[i].shown);
        assert_null(strstr(res.reason, "T0PSECRETPATH"));
        assert_null(strstr(res.reason, "hush-hush"));
    }
    free(message);
    lw_peer_stop(p);
}

/* Failures before the network: a missing secret may be restored, a damaged message stays
 * damaged. */
static void failures_before_the_request_have_verdicts(void **state) {
    (void)state;
    size_t len;
    char *message = data_file("message_firing.json", &len);
    struct lw_peer *p = lw_peer_start(LW_PEER_REPLY, OK);
    struct lw_receiver bad = peer_receiver(p, "bad"), good = peer_receiver(p, "good");
    struct lw_post_result res[3];
    lw_copy(bad.token_file, sizeof bad.token_file, "/nonexistent/token");
    setenv("LW_TEST_TOKEN", "hush-hush", 1);
    const struct lw_envelope e[] = {{&bad, message, len, &res[0]},
                                    {&good, message, len, &res[1]},
                                    {&good, "{}", 2, &res[2]}};
    lw_deliver_many(e, 3, 0);
    assert_int_equal(res[0].verdict, LW_POST_RETRY);
    assert_non_null(strstr(res[0].reason, "/nonexistent/token"));
    assert_int_equal(res[1].verdict, LW_POST_DELIVERED);
    assert_int_equal(res[2].verdict, LW_POST_REFUSED);
    assert_int_equal(lw_peer_count(p), 1);
    free(message);
    lw_peer_stop(p);
}

static int start(void **state) {
    (void)state;
    unsetenv("http_proxy");
    return lw_curl_init(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_is_delivered),
        cmocka_unit_test(the_reason_quotes_one_line_of_the_answer),
        cmocka_unit_test(the_status_determines_the_verdict),
        cmocka_unit_test(retry_after_is_read),
        cmocka_unit_test(redirects_are_not_followed),
        cmocka_unit_test(a_closed_port_is_retried),
        cmocka_unit_test(peers_that_never_answer_time_out),
        cmocka_unit_test(complete_headers_decide),
        cmocka_unit_test(endless_answers_are_cut),
        cmocka_unit_test(receivers_do_not_delay_each_other),
        cmocka_unit_test(other_schemes_are_refused),
        cmocka_unit_test(large_messages_are_sent_whole),
        cmocka_unit_test(answers_are_screened),
        cmocka_unit_test(failures_before_the_request_have_verdicts)};
    return cmocka_run_group_tests(tests, start, NULL);
}
