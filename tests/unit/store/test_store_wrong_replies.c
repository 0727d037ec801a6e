/* A server that gives wrong answers does not end a process: each call returns, with an
 * error text if it failed. With correct answers everything continues. */
#include "process.h"

#include <stdio.h>

#include "store/lease.h"
#include "support/redis_liar.h"

#define LIE(text)                                                                        \
    { text, sizeof(text) - 1 }

static const struct {
    const char *bytes;
    size_t len;
} lies[] = {
    LIE("+OK\r\n"),
    LIE("+\r\n"),
    LIE("-ERR no\r\n"),
    LIE("-\r\n"),
    LIE("-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"),
    LIE("-NOSCRIPT No matching script\r\n"),
    LIE("-MOVED 1\r\n"),
    LIE("-MOVED 1 :0\r\n"),
    LIE("-MOVED 99999999999 [::1:x\r\n"),
    LIE(":0\r\n"),
    LIE(":1\r\n"),
    LIE(":-1\r\n"),
    LIE(":9223372036854775807\r\n"),
    LIE(":-9223372036854775808\r\n"),
    LIE(":99999999999999999999999\r\n"),
    LIE("$-1\r\n"),
    LIE("$0\r\n\r\n"),
    LIE("$3\r\nabc\r\n"),
    LIE("$3\r\na\0b\r\n"),
    LIE("$40\r\nzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz\r\n"),
    LIE("$-2\r\n"),
    LIE("$9223372036854775807\r\n"),
    LIE("*-1\r\n"),
    LIE("*0\r\n"),
    LIE("*1\r\n$-1\r\n"),
    LIE("*2\r\n:1\r\n:2\r\n"),
    LIE("*2\r\n$-1\r\n*-1\r\n"),
    LIE("*2\r\n$1\r\nf\r\n-ERR inside\r\n"),
    LIE("*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n"),
    LIE("*7\r\n+a\r\n+b\r\n+c\r\n+d\r\n+e\r\n+f\r\n+g\r\n"),
    LIE("*7\r\n:1\r\n:-5\r\n$-1\r\n*0\r\n+e\r\n+9 zz\r\n:3\r\n"),
    LIE("*-2\r\n"),
    LIE("*4294967296\r\n"),
    LIE("*9223372036854775807\r\n"),
    LIE("_\r\n"),
    LIE("#t\r\n"),
    LIE(",nan\r\n"),
    LIE(",1.5e400\r\n"),
    LIE("(123456789012345678901234567890\r\n"),
    LIE("=8\r\ntxt:some\r\n"),
    LIE("!5\r\nERR x\r\n"),
    LIE("~1\r\n:1\r\n"),
    LIE("%1\r\n+a\r\n:1\r\n"),
    LIE("|1\r\n+a\r\n:1\r\n+OK\r\n"),
    LIE(">2\r\n+message\r\n+x\r\n"),
    LIE("HTTP/1.1 200 OK\r\n\r\n"),
    LIE("\r\n"),
    LIE("\0\0\0\0\r\n"),
    {NULL, 0}, /* the connection is closed */
};

static const char *const verbs[] = {"",          "SCRIPT", "EVALSHA",       "HMGET",
                                    "HGETALL",   "HGET",   "ZRANGEBYSCORE", "XLEN",
                                    "XREVRANGE", "XADD"};

static void assert_has_text(const struct scene *s, const char *who, int rc,
                            const struct lw_err *err) {
    if (rc && (!err->msg[0] || err->code == LW_OK))
        fail_msg("%s: %s failed without a text", s->what, who);
}

/* A leader, a worker and a reader, over a connection with wrong answers. */
static void run_all(struct scene *s, const char *url) {
    struct lw_redis_options o = {.timeout_ms = 5, .retry_max_ms = 1};
    struct lw_redis *honest = s->r;
    struct lw_err err[3] = {{0}};
    bool done = false;
    snprintf(o.url, sizeof o.url, "%s", url);
    s->r = lw_redis_new(&o, &err[0]);
    assert_non_null(s->r);
    assert_has_text(s, "leading", process_lead(s, &done, &err[0]), &err[0]);
    assert_has_text(s, "working", process_work(s, &err[1]), &err[1]);
    assert_has_text(s, "looking", process_look(s, &err[2]), &err[2]);
    lw_redis_free(s->r);
    s->r = honest;
}

static void a_wrong_answer_is_an_error_with_a_text(void **state) {
    struct scene *s = lw_calloc(1, sizeof *s);
    scene_make(s, *state);
    struct redis_liar *liar = redis_liar_start(redis_server_port(*state));
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++)
        for (size_t v = 0; v < sizeof verbs / sizeof *verbs; v++) {
            snprintf(s->what, sizeof s->what, "lie %zu to %s", i, verbs[v]);
            scene_restore(s);
            redis_liar_say(liar, verbs[v], lies[i].bytes, lies[i].len);
            run_all(s, redis_liar_url(liar));
        }
    redis_liar_stop(liar);
    scene_free(s);
}

/* "+OK" as answer to SCRIPT LOAD, and other answers that are not a script's hash. */
static void a_script_that_does_not_load_is_reported(void **state) {
    static const size_t which[] = {0, 1, 9, 15, 17, 22, 24};
    struct redis_liar *liar = redis_liar_start(redis_server_port(*state));
    struct lw_spec *spec = test_spec("liar");
    for (size_t i = 0; i < sizeof which / sizeof *which; i++) {
        struct lw_redis *r = test_connect(redis_liar_url(liar));
        struct lw_lease lease = {.who = "a", .ttl_ms = 1000};
        struct lw_err err = {0};
        redis_liar_say(liar, "SCRIPT", lies[which[i]].bytes, lies[which[i]].len);
        assert_int_equal(lw_lease_hold(r, spec, &lease, &err), -1);
        assert_int_equal(err.code, LW_EAGAIN);
        assert_non_null(strstr(err.msg, "answer to SCRIPT"));
        assert_non_null(strstr(err.msg, "redis.url"));
        assert_int_equal(redis_liar_lies(liar), 1);
        redis_liar_say(liar, NULL, NULL, 0);
        lw_err_clear(&err);
        assert_int_equal(lw_lease_hold(r, spec, &lease, &err), 1);
        assert_int_equal(lw_lease_release(r, spec, &lease, &err), 0);
        lw_redis_free(r);
    }
    redis_liar_stop(liar);
    free(spec);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_script_that_does_not_load_is_reported),
        cmocka_unit_test(a_wrong_answer_is_an_error_with_a_text),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
