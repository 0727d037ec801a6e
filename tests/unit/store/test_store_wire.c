/* The wire format, addresses and keys: everything that needs no server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/text.h"
#include "store/conn.h"
#include "store/keys.h"

static void arguments_are_binary_safe_and_copied(void **state) {
    (void)state;
    struct lw_cmd *c = lw_cmd_new();
    char bytes[] = "a\0\r\nb";
    lw_cmd_str(c, "SET");
    lw_cmd_arg(c, bytes, 5);
    lw_cmd_int(c, INT64_MIN);
    lw_cmd_uint(c, UINT64_MAX);
    lw_cmd_f64(c, 0.1);
    bytes[0] = 'z'; /* too late to have an effect */
    static const char want[] =
        "$3\r\nSET\r\n$5\r\na\0\r\nb\r\n$20\r\n-9223372036854775808\r\n"
        "$20\r\n18446744073709551615\r\n$3\r\n0.1\r\n";
    assert_int_equal(lw_cmd_count(c), 5);
    assert_int_equal(c->body.len, sizeof want - 1);
    assert_memory_equal(c->body.data, want, sizeof want - 1);
    lw_cmd_clear(c);
    assert_int_equal(lw_cmd_count(c), 0);
    lw_cmd_free(c);
}

static void a_reserved_argument_gets_the_count(void **state) {
    (void)state;
    struct lw_cmd *c = lw_cmd_new();
    lw_cmd_str(c, "x");
    size_t slot = lw_cmd_slot(c);
    for (int i = 0; i < 123; i++)
        lw_cmd_int(c, i);
    lw_cmd_fill(c, slot);
    assert_memory_equal(c->body.data, "$1\r\nx\r\n$6\r\n000123\r\n$1\r\n0\r\n", 26);
    lw_cmd_free(c);
}

static struct lw_url good(const char *text) {
    struct lw_url u;
    struct lw_err err = {0};
    if (lw_url_parse(text, &u, &err))
        fail_msg("%s: %s", text, err.msg);
    return u;
}

static void good_addresses(void **state) {
    (void)state;
    struct lw_url u = good("redis://localhost");
    assert_string_equal(u.seed[0].host, "localhost");
    assert_int_equal(u.seed[0].port, 6379);
    assert_int_equal(u.db, 0);

    u = good("redis://ann:p%40ss%3aword@h.example:7000/3");
    assert_string_equal(u.user, "ann");
    assert_string_equal(u.password, "p@ss:word");
    assert_int_equal(u.seed[0].port, 7000);
    assert_int_equal(u.db, 3);

    u = good("redis://:secret@[::1]:7001,10.0.0.2,h3:7003/");
    assert_string_equal(u.user, "");
    assert_string_equal(u.password, "secret");
    assert_int_equal(u.nseeds, 3);
    assert_string_equal(u.seed[0].host, "::1");
    assert_int_equal(u.seed[0].port, 7001);
    assert_int_equal(u.seed[1].port, 6379);
    assert_int_equal(u.seed[2].port, 7003);

    u = good("unix:/run/redis.sock");
    assert_int_equal(u.kind, LW_URL_UNIX);
    assert_string_equal(u.path, "/run/redis.sock");
    u = good("unix:///run/redis.sock");
    assert_string_equal(u.path, "/run/redis.sock");

    u = good("sentinel://s1,s2:5000/mymaster/2");
    assert_int_equal(u.kind, LW_URL_SENTINEL);
    assert_string_equal(u.master, "mymaster");
    assert_int_equal(u.seed[0].port, 26379);
    assert_int_equal(u.seed[1].port, 5000);
    assert_int_equal(u.db, 2);
    assert_false(u.tls);
    assert_true(good("rediss://h").tls);
    u = good("sentinels://s1/mymaster");
    assert_true(u.tls);
    assert_int_equal(u.kind, LW_URL_SENTINEL);
    assert_int_equal(u.seed[0].port, 26379);
}

static void bad_addresses(void **state) {
    (void)state;
    static const char *const texts[] = {
        "",
        "localhost:6379",
        "http://localhost",
        "redis://",
        "redis://:6379",
        "redis://h:0",
        "redis://h:65536",
        "redis://h:12a",
        "redis://h:",
        "redis://h/x",
        "redis://h/-1",
        "redis://h/1/2",
        "redis://u:%4@h",
        "redis://u:%zz@h",
        "redis://u:%00@h",
        "redis://[::1",
        "redis://[::1]x",
        "redis://a,,b",
        "redis://1,2,3,4,5,6,7,8,9",
        "unix:relative",
        "sentinel://h",
        "sentinel://h/",
        "sentinel://h/m/x",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct lw_url u;
        struct lw_err err = {0};
        if (lw_url_parse(texts[i], &u, &err) == 0)
            fail_msg("accepted: %s", texts[i]);
        assert_int_equal(err.code, LW_ECONFIG);
    }
    struct lw_url u;
    char big[600] = "redis://u:";
    memset(big + 10, 'p', 500);
    strcpy(big + 510, "@h");
    assert_int_equal(lw_url_parse(big, &u, NULL), -1);
}

static void credentials_are_not_shown(void **state) {
    (void)state;
    struct lw_redis_options o = {.url = "redis://ann:secret@h:7000/1"};
    struct lw_err err = {0};
    struct lw_redis *r = lw_redis_new(&o, &err);
    assert_non_null(r);
    assert_string_equal(lw_redis_where(r), "h:7000");
    lw_redis_free(r);
    lw_copy(o.password_file, sizeof o.password_file, "/nonexistent/password");
    assert_null(lw_redis_new(&o, &err));
    assert_int_equal(err.code, LW_ECONFIG);
    assert_null(strstr(err.msg, "secret"));
}

static void temporary_errors_differ_from_lasting_ones(void **state) {
    (void)state;
    static const struct {
        const char *text;
        enum lw_redis_why why;
        enum lw_errc code;
    } cases[] = {
        {"LOADING Redis is loading the dataset", LW_REDIS_AWAY, LW_EAGAIN},
        {"READONLY You can't write against a replica.", LW_REDIS_LOCKED, LW_EAGAIN},
        {"OOM command not allowed", LW_REDIS_FULL, LW_EAGAIN},
        {"BUSY Redis is busy running a script.", LW_REDIS_AWAY, LW_EAGAIN},
        {"MISCONF Redis is configured to save RDB", LW_REDIS_LOCKED, LW_EAGAIN},
        {"TRYAGAIN Multiple keys request", LW_REDIS_AWAY, LW_EAGAIN},
        {"WRONGTYPE Operation against a key", LW_REDIS_DAMAGED, LW_EINPUT},
        {"ERR wrong number of arguments", LW_REDIS_OTHER, LW_ESTOP},
        {"NOAUTH Authentication required.", LW_REDIS_DENIED, LW_EAGAIN},
        {"NOPERM this user has no permissions", LW_REDIS_DENIED, LW_EAGAIN},
        {"ERR Error running script: @user_script:1: -NOPERM this user", LW_REDIS_DENIED,
         LW_EAGAIN},
        {"ERR unknown command 'EVALSHA'", LW_REDIS_DENIED, LW_EAGAIN},
        {"BUSYGROUP Consumer Group name", LW_REDIS_OTHER, LW_ESTOP},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        enum lw_errc code;
        assert_int_equal(lw_conn_why(cases[i].text, &code), cases[i].why);
        assert_int_equal(code, cases[i].code);
    }
}

static void keys_carry_the_hash_tag(void **state) {
    (void)state;
    struct lw_spec *spec = lw_calloc(1, sizeof *spec);
    char key[LW_KEY_MAX];
    lw_copy(spec->stream, sizeof spec->stream, "nyc-green");
    assert_string_equal(lw_key(key, spec, "part:%s:%d", "trips", 3),
                        "leeway:{nyc-green}:part:trips:3");
    /* the longest names that can be configured fit */
    memset(spec->stream, 's', sizeof spec->stream - 1);
    char topic[250];
    memset(topic, 't', 249);
    topic[249] = '\0';
    lw_key(key, spec, "part:%s:%d", topic, INT32_MAX);
    assert_int_equal(strlen(key), 8 + 95 + 2 + 5 + 249 + 1 + 10);
    free(spec);
}

static void versions_are_scanned(void **state) {
    (void)state;
    uint32_t v[3];
    assert_int_equal(lw_keys_scan_versions("", v, 3), 0);
    assert_int_equal(lw_keys_scan_versions("17 4 2 9", v, 3), 3);
    assert_int_equal(v[0], 17);
    assert_int_equal(v[2], 2);
    assert_int_equal(lw_keys_scan_versions("1 x 2", v, 3), 1);
    assert_int_equal(lw_keys_scan_versions("99999999999", v, 3), 0);
}

static void a_missing_reply_is_nil(void **state) {
    (void)state;
    size_t len = 9;
    assert_int_equal(lw_reply_kind(NULL), LW_REPLY_NIL);
    assert_int_equal(lw_reply_int(NULL), 0);
    assert_null(lw_reply_text(NULL, &len));
    assert_int_equal(len, 0);
    assert_int_equal(lw_reply_count(NULL), 0);
    assert_null(lw_reply_at(NULL, 0));
    assert_null(lw_reply_field(NULL, "x"));
    lw_reply_free(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arguments_are_binary_safe_and_copied),
        cmocka_unit_test(a_reserved_argument_gets_the_count),
        cmocka_unit_test(good_addresses),
        cmocka_unit_test(bad_addresses),
        cmocka_unit_test(credentials_are_not_shown),
        cmocka_unit_test(temporary_errors_differ_from_lasting_ones),
        cmocka_unit_test(keys_carry_the_hash_tag),
        cmocka_unit_test(versions_are_scanned),
        cmocka_unit_test(a_missing_reply_is_nil),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
