/* The connection to a real server: binary safety, scripts, pipelines, and every way of
 * losing the server. */
#include "store_test.h"

#include <stdio.h>
#include <unistd.h>

#include "store/conn.h"

static struct lw_redis *open_to(void **state) {
    return test_connect(redis_server_url(*state));
}

static void values_are_binary_safe(void **state) {
    struct lw_redis *r = open_to(state);
    struct lw_cmd *c = lw_cmd_new();
    char bytes[256];
    for (int i = 0; i < 256; i++)
        bytes[i] = (char)i;
    lw_cmd_str(c, "SET");
    lw_cmd_str(c, "bin");
    lw_cmd_arg(c, bytes, sizeof bytes);
    struct lw_err err = {0};
    lw_reply_free(must(r, lw_redis_call(r, c, &err), &err));
    struct lw_reply *reply = MUST(r, "GET %s", "bin");
    size_t len;
    const char *back = lw_reply_text(reply, &len);
    assert_int_equal(len, sizeof bytes);
    assert_memory_equal(back, bytes, sizeof bytes);
    lw_reply_free(reply);
    lw_cmd_free(c);
    lw_redis_free(r);
}

static void words_with_spaces_stay_one_argument(void **state) {
    struct lw_redis *r = open_to(state);
    lw_reply_free(MUST(r, "HSET h a %s b %d c %zu", "one two  three", -7, (size_t)8));
    struct lw_reply *reply = MUST(r, "HGETALL h");
    assert_int_equal(lw_reply_count(reply), 6);
    assert_string_equal(lw_reply_text(lw_reply_field(reply, "a"), NULL),
                        "one two  three");
    assert_int_equal(lw_reply_int(lw_reply_field(reply, "b")), -7);
    assert_int_equal(lw_reply_int(lw_reply_field(reply, "c")), 8);
    assert_null(lw_reply_field(reply, "d"));
    lw_reply_free(reply);
    lw_redis_free(r);
}

static void an_error_reply_determines_the_code(void **state) {
    struct lw_redis *r = open_to(state);
    struct lw_err err = {0};
    lw_reply_free(MUST(r, "SET text 1"));
    assert_null(lw_redis_do(r, &err, "HGET text f"));
    assert_int_equal(err.code,
                     LW_EINPUT); /* damaged: the leader moves it to unreadable:NAME */
    assert_non_null(strstr(err.msg, "WRONGTYPE"));
    lw_reply_free(MUST(r, "PING")); /* the connection is still usable */
    lw_redis_free(r);
}

static const struct lw_script twice = {"twice", "return {ARGV[1], ARGV[1], KEYS[1]}"};

static struct lw_reply *run_twice(struct lw_redis *r, struct lw_err *err) {
    struct lw_cmd *c = lw_cmd_new();
    lw_cmd_int(c, 1);
    lw_cmd_str(c, "k");
    lw_cmd_str(c, "v");
    struct lw_reply *reply = lw_redis_eval(r, &twice, c, err);
    lw_cmd_free(c);
    return reply;
}

static void scripts_survive_a_flush_of_the_script_cache(void **state) {
    struct lw_redis *r = open_to(state);
    struct lw_err err = {0};
    for (int i = 0; i < 3; i++) {
        struct lw_reply *reply = must(r, run_twice(r, &err), &err);
        assert_string_equal(lw_reply_text(lw_reply_at(reply, 1), NULL), "v");
        assert_string_equal(lw_reply_text(lw_reply_at(reply, 2), NULL), "k");
        lw_reply_free(reply);
        if (i == 1)
            lw_reply_free(MUST(r, "SCRIPT FLUSH"));
    }
    lw_redis_free(r);
}

static void a_pipeline_answers_in_order_despite_a_failure(void **state) {
    struct lw_redis *r = open_to(state);
    struct lw_cmd *c[3];
    struct lw_reply *reply[3];
    struct lw_err err = {0};
    lw_reply_free(MUST(r, "SET text 1"));
    for (int i = 0; i < 3; i++)
        c[i] = lw_cmd_new();
    lw_cmd_str(c[0], "ECHO");
    lw_cmd_str(c[0], "first");
    lw_cmd_str(c[1], "LPOP");
    lw_cmd_str(c[1], "text");
    lw_cmd_str(c[2], "ECHO");
    lw_cmd_str(c[2], "third");
    for (int failing = 0; failing < 2; failing++) {
        assert_int_equal(lw_redis_pipeline(r, c, 3, reply, &err), failing ? -1 : 0);
        assert_int_equal(err.code, failing ? LW_ESTOP : LW_OK);
        assert_string_equal(lw_reply_text(reply[0], NULL), "first");
        assert_null(reply[1]);
        assert_string_equal(lw_reply_text(reply[2], NULL), "third");
        for (int i = 0; i < 3; i++)
            lw_reply_free(reply[i]);
        lw_cmd_str(c[1], "too many words"); /* not only the wrong type, but invalid */
        lw_cmd_str(c[1], "for this command");
    }
    for (int i = 0; i < 3; i++)
        lw_cmd_free(c[i]);
    lw_redis_free(r);
}

static void facts_of_the_server_are_read(void **state) {
    struct lw_redis *r = open_to(state);
    struct lw_err err = {0};
    assert_string_equal(lw_redis_info(r, "maxmemory_policy", &err), "noeviction");
    assert_non_null(lw_redis_info(r, "redis_version", &err));
    assert_null(lw_redis_info(r, "no_such_fact", &err));
    assert_int_equal(err.code, LW_OK);
    lw_redis_free(r);
}

static void a_unix_socket_works_too(void **state) {
    char url[128];
    snprintf(url, sizeof url, "unix:%s/redis.sock", redis_server_dir(*state));
    struct lw_redis *r = test_connect(url);
    lw_reply_free(MUST(r, "PING"));
    lw_redis_free(r);
}

static void a_restarted_server_is_found_again(void **state) {
    struct redis_server *s = *state;
    struct lw_redis *r = open_to(state);
    struct lw_err err = {0};
    lw_reply_free(MUST(r, "SET kept 42"));
    lw_reply_free(must(r, run_twice(r, &err), &err));
    redis_server_kill(s);
    assert_null(lw_redis_do(r, &err, "GET kept"));
    assert_int_equal(err.code, LW_EAGAIN);
    lw_err_clear(&err);
    assert_null(lw_redis_do(r, &err, "GET kept")); /* tried to connect immediately */
    assert_int_equal(err.code, LW_EAGAIN);
    lw_err_clear(&err);
    assert_null(lw_redis_do(r, &err, "GET kept")); /* now waits before the next attempt */
    assert_int_equal(err.code, LW_EAGAIN);
    assert_non_null(strstr(err.msg, "next try in"));
    redis_server_restart(s);
    struct lw_reply *reply = NULL;
    for (int i = 0; i < 200 && !reply; i++) {
        lw_err_clear(&err);
        reply = lw_redis_do(r, &err, "GET kept");
        if (!reply)
            assert_int_equal(err.code, LW_EAGAIN);
        struct timespec nap = {.tv_nsec = 10000000};
        nanosleep(&nap, NULL);
    }
    assert_int_equal(must_int(r, reply), 42);
    reply = must(r, run_twice(r, &err), &err); /* scripts are loaded again */
    lw_reply_free(reply);
    lw_redis_free(r);
}

static void a_hanging_server_is_disconnected_after_the_timeout(void **state) {
    struct redis_server *s = *state;
    struct lw_redis_options o = {.timeout_ms = 300, .retry_max_ms = 50};
    struct lw_err err = {0};
    snprintf(o.url, sizeof o.url, "%s", redis_server_url(s));
    struct lw_redis *r = lw_redis_new(&o, &err);
    lw_reply_free(MUST(r, "PING"));
    redis_server_freeze(s, true);
    assert_null(lw_redis_do(r, &err, "SET hung 1"));
    assert_int_equal(err.code, LW_EAGAIN);
    assert_non_null(strstr(err.msg, "timeout"));
    redis_server_freeze(s, false);
    struct lw_reply *pong = NULL;
    for (int i = 0; i < 100 && !pong; i++, usleep(20000))
        pong = lw_redis_do(r, NULL, "PING");
    lw_reply_free(pong);
    redis_server_freeze(s, true); /* several commands in one round trip */
    struct lw_cmd *ping = lw_cmd_new();
    lw_cmd_str(ping, "PING");
    lw_err_clear(&err);
    assert_int_equal(lw_redis_pipeline(r, &ping, 1, &pong, &err), -1);
    assert_int_equal(err.code, LW_EAGAIN);
    assert_non_null(strstr(err.msg, "timeout"));
    lw_cmd_free(ping);
    redis_server_freeze(s, false);
    lw_err_clear(&err);
    /* a new connection: the late answer of the old one cannot be confused with this
     * one's */
    struct lw_reply *reply = must(r, lw_redis_do(r, &err, "ECHO fresh"), &err);
    assert_string_equal(lw_reply_text(reply, NULL), "fresh");
    lw_reply_free(reply);
    lw_redis_free(r);
}

static void a_full_server_is_a_temporary_error(void **state) {
    struct lw_redis *r = open_to(state);
    struct lw_err err = {0};
    lw_reply_free(MUST(r, "CONFIG SET maxmemory 1"));
    assert_null(lw_redis_do(r, &err, "SET a 1"));
    assert_int_equal(err.code, LW_EAGAIN);
    lw_reply_free(MUST(r, "CONFIG SET maxmemory 0"));
    lw_redis_free(r);
}

static void write_line(const char *path, const char *line) {
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(line, f);
    fclose(f);
}

static void passwords(void **state) {
    static const char *const extra[] = {"--requirepass", "s3cret", NULL};
    struct redis_server *s = redis_server_start(extra);
    struct lw_err err = {0};
    char url[128], path[128];
    struct lw_redis *r = test_connect(redis_server_url(s));
    assert_null(lw_redis_do(r, &err, "PING"));
    assert_int_equal(err.code, LW_EAGAIN);
    lw_redis_free(r);

    lw_err_clear(&err);
    snprintf(url, sizeof url, "redis://:wrong@127.0.0.1:%d", redis_server_port(s));
    r = test_connect(url);
    assert_null(lw_redis_do(r, &err, "PING"));
    assert_int_equal(err.code, LW_EAGAIN);
    assert_null(strstr(err.msg, "wrong@"));
    lw_redis_free(r);

    snprintf(path, sizeof path, "%s/password", redis_server_dir(s));
    write_line(path, "s3cret\n");
    struct lw_redis_options o = {.timeout_ms = 1000, .retry_max_ms = 50};
    snprintf(o.url, sizeof o.url, "redis://default@127.0.0.1:%d/2", redis_server_port(s));
    snprintf(o.password_file, sizeof o.password_file, "%s", path);
    r = lw_redis_new(&o, &err);
    lw_reply_free(MUST(r, "SET in_db_2 1"));

    /* The password changes, this connection is closed, and the file is updated later. */
    lw_reply_free(MUST(r, "CONFIG SET requirepass an0ther"));
    lw_reply_free(lw_redis_do(r, &err, "CLIENT KILL TYPE normal SKIPME no"));
    lw_err_clear(&err);
    assert_null(lw_redis_do(r, &err, "PING"));
    assert_int_equal(err.code, LW_EAGAIN);
    write_line(path, "an0ther\n");
    struct lw_reply *pong = NULL;
    for (int i = 0; i < 100 && !pong; i++, usleep(20000))
        pong = lw_redis_do(r, NULL, "PING");
    assert_non_null(pong);
    lw_reply_free(pong);
    lw_redis_free(r);
    (void)state;
    redis_server_stop(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_binary_safe),
        cmocka_unit_test(words_with_spaces_stay_one_argument),
        cmocka_unit_test(an_error_reply_determines_the_code),
        cmocka_unit_test(scripts_survive_a_flush_of_the_script_cache),
        cmocka_unit_test(a_pipeline_answers_in_order_despite_a_failure),
        cmocka_unit_test(facts_of_the_server_are_read),
        cmocka_unit_test(a_unix_socket_works_too),
        cmocka_unit_test(a_restarted_server_is_found_again),
        cmocka_unit_test(a_hanging_server_is_disconnected_after_the_timeout),
        cmocka_unit_test(a_full_server_is_a_temporary_error),
        cmocka_unit_test(passwords),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
