/* The minimal ACL: the list is sufficient, each missing element is reported by name, and
 * docs/redis.md shows the same list. */
#include "store_test.h"

#include <stdio.h>

#include "base/buf.h"
#include "base/text.h"
#include "store/access.h"

#define STREAM "s"

struct fixture {
    struct lw_spec *spec;
    struct lw_redis *admin, *user;
};

static void begin(struct fixture *f, void **state) {
    char url[128];
    struct redis_server *s = *state;
    snprintf(url, sizeof url, "redis://team:pw@127.0.0.1:%d", redis_server_port(s));
    f->spec = test_spec(STREAM);
    f->admin = test_connect(redis_server_url(s));
    f->user = test_connect(url);
}

static void end(struct fixture *f) {
    lw_redis_free(f->admin);
    lw_redis_free(f->user);
    free(f->spec);
}

/* ACL SETUSER team with these words. */
static void set_user(struct fixture *f, const char *words) {
    struct lw_cmd *c = lw_cmd_new();
    struct lw_err err = {0};
    char *copy = lw_strdup(words), *rest = NULL;
    lw_cmd_str(c, "ACL");
    lw_cmd_str(c, "SETUSER");
    lw_cmd_str(c, "team");
    lw_cmd_str(c, "reset");
    lw_cmd_str(c, "on");
    lw_cmd_str(c, ">pw");
    for (char *p = strtok_r(copy, " ", &rest); p; p = strtok_r(NULL, " ", &rest))
        lw_cmd_str(c, p);
    lw_reply_free(must(f->admin, lw_redis_call(f->admin, c, &err), &err));
    lw_cmd_free(c);
    free(copy);
}

static struct lw_access look(struct fixture *f) {
    struct lw_access a;
    struct lw_err err = {0};
    if (lw_access_look(f->user, f->spec, TOPIC, &a, &err))
        fail_msg("%s", err.msg);
    assert_true(a.asked);
    return a;
}

static void assert_all_given(struct fixture *f) {
    struct lw_access a = look(f);
    assert_false(a.denied);
    assert_false(a.silent);
    assert_string_equal(a.refused, "");
    assert_string_equal(a.remedy, "");
}

static void the_list_is_sufficient(void **state) {
    struct fixture f;
    begin(&f, state);
    char *rules = lw_access_rules(f.user, STREAM);
    set_user(&f, rules);
    assert_all_given(&f);
    set_user(&f, "~* &* +@all");
    assert_all_given(&f);
    free(rules);
    end(&f);
}

/* A denied element is reported, and granting the proposed rule fixes it. */
static void each_missing_element_is_named(void **state) {
    struct fixture f;
    begin(&f, state);
    char *rules = lw_access_rules(f.user, STREAM), *rest = NULL;
    char *copy = lw_strdup(rules);
    for (char *gone = strtok_r(copy, " ", &rest); gone;
         gone = strtok_r(NULL, " ", &rest)) {
        struct lw_buf left = {0};
        char remedy[200];
        for (const char *p = rules; *p; p += strcspn(p, " "), p += *p == ' ')
            if (strncmp(p, gone, strlen(gone)) || !strchr(" ", p[strlen(gone)]))
                lw_buf_printf(&left, "%.*s ", (int)strcspn(p, " "), p);
        set_user(&f, lw_buf_str(&left));
        struct lw_access a = look(&f);
        bool heard = *gone == '&' || strcmp(gone, "+publish") == 0;
        if (a.denied != !heard || a.silent != heard)
            fail_msg("without %s: denied %d, silent %d", gone, a.denied, a.silent);
        snprintf(remedy, sizeof remedy, "ACL SETUSER team %s", gone);
        assert_string_equal(a.remedy, remedy);
        if (*gone == '+')
            assert_non_null(strstr(a.refused, gone + 1));
        else
            assert_non_null(strstr(a.refused, "leeway:{" STREAM "}:"));
        lw_buf_printf(&left, "%s", gone);
        set_user(&f, lw_buf_str(&left));
        assert_all_given(&f);
        lw_buf_fini(&left);
    }
    free(copy);
    free(rules);
    end(&f);
}

/* A user with the keys of another team, and one whose key permissions differ by
 * operation. */
static void missing_keys_are_named(void **state) {
    struct fixture f;
    begin(&f, state);
    set_user(&f, "~other:* &* +@all");
    struct lw_access a = look(&f);
    assert_true(a.denied);
    assert_string_equal(a.remedy, "ACL SETUSER team ~leeway:{" STREAM "}:*");
    set_user(&f, "%R~leeway:* ~leeway:{" STREAM "}:[^f]* &* +@all");
    a = look(&f);
    assert_true(a.denied);
    assert_non_null(strstr(a.refused, "on leeway:{" STREAM "}:fence"));
    set_user(&f, "-@all");
    a = look(&f);
    assert_true(a.denied);
    assert_non_null(strstr(a.refused, "script|load"));
    end(&f);
}

/* All permissions except channels. */
static void a_missing_channel_is_reported(void **state) {
    struct fixture f;
    begin(&f, state);
    set_user(&f, "~leeway:* +@all");
    struct lw_access a = look(&f);
    assert_false(a.denied);
    assert_true(a.silent);
    assert_non_null(strstr(a.refused, "leeway:{" STREAM "}:models-changed"));
    end(&f);
}

static void a_wrong_password_is_no_missing_permission(void **state) {
    struct fixture f;
    struct lw_access a;
    struct lw_err err = {0};
    begin(&f, state);
    char url[128];
    snprintf(url, sizeof url, "redis://team:wrong@127.0.0.1:%d",
             redis_server_port(*state));
    struct lw_redis *r = test_connect(url);
    set_user(&f, "~* &* +@all");
    assert_int_equal(lw_access_look(r, f.spec, TOPIC, &a, &err), -1);
    assert_int_equal(err.code, LW_EAGAIN);
    assert_int_equal(lw_redis_why(r), LW_REDIS_DENIED);
    lw_redis_free(r);
    end(&f);
}

static void a_writable_server_passes(void **state) {
    struct fixture f;
    struct lw_err err = {0};
    begin(&f, state);
    set_user(&f, "~* &* +@all");
    assert_int_equal(lw_access_write(f.user, f.spec, &err), 0);
    assert_int_equal(must_int(f.admin, MUST(f.admin, "DBSIZE")), 0);
    lw_reply_free(MUST(f.admin, "CONFIG SET maxmemory 1"));
    assert_int_equal(lw_access_write(f.user, f.spec, &err), -1);
    assert_int_equal(lw_redis_why(f.user), LW_REDIS_FULL);
    lw_reply_free(MUST(f.admin, "CONFIG SET maxmemory 0"));
    end(&f);
}

static void the_documentation_shows_the_list(void **state) {
    size_t len;
    struct lw_err err = {0};
    (void)state;
    char *page = lw_read_file(LW_SOURCE_DIR "/docs/redis.md", 1 << 20, &len, &err);
    assert_non_null(page);
    char *rules = lw_access_rules(NULL, "STREAM");
    struct lw_buf line = {0};
    lw_buf_printf(&line, "\nACL SETUSER leeway on >PASSWORD %s\n", rules);
    if (!strstr(page, lw_buf_str(&line)))
        fail_msg("docs/redis.md does not show:%s", lw_buf_str(&line));
    lw_buf_fini(&line);
    free(rules);
    free(page);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_list_is_sufficient),
        cmocka_unit_test(each_missing_element_is_named),
        cmocka_unit_test(missing_keys_are_named),
        cmocka_unit_test(a_missing_channel_is_reported),
        cmocka_unit_test(a_wrong_password_is_no_missing_permission),
        cmocka_unit_test(a_writable_server_passes),
        cmocka_unit_test(the_documentation_shows_the_list),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
