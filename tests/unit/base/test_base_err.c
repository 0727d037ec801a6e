/* Errors: the first one wins, context is put in front, nothing overflows, NULL is
 * allowed. */
#include "test.h"

#include "base/text.h"
#include "leeway/err.h"

static void the_first_error_wins(void **state) {
    (void)state;
    struct lw_err err = {0};
    assert_int_equal(lw_fail(&err, LW_EAGAIN, "first %d", 1), -1);
    assert_int_equal(lw_fail(&err, LW_ESTOP, "second"), -1);
    assert_int_equal(err.code, LW_EAGAIN);
    assert_string_equal(err.msg, "first 1");
    lw_err_clear(&err);
    assert_int_equal(err.code, LW_OK);
    lw_fail(&err, LW_EINPUT, "third");
    assert_string_equal(err.msg, "third");
}

static void context_goes_in_front(void **state) {
    (void)state;
    struct lw_err err = {0};
    assert_int_equal(lw_err_context(&err, "nothing happened"), -1);
    assert_string_equal(err.msg, "");
    lw_fail(&err, LW_EINPUT, "bad byte");
    assert_int_equal(lw_err_context(&err, "record %d", 7), -1);
    lw_err_context(&err, "trips.avro");
    assert_string_equal(err.msg, "trips.avro: record 7: bad byte");
    assert_int_equal(err.code, LW_EINPUT);
}

static void long_texts_are_cut(void **state) {
    (void)state;
    struct lw_err err = {0};
    char text[2 * sizeof err.msg];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    lw_fail(&err, LW_EINPUT, "%s", text);
    assert_int_equal(strlen(err.msg), sizeof err.msg - 1);
    lw_err_context(&err, "%s", text);
    assert_int_equal(strlen(err.msg), sizeof err.msg - 1);
}

/* Messages become JSON and headers, so they are valid text even if they were cut. */
static void cut_messages_are_valid_text(void **state) {
    (void)state;
    struct lw_err err = {0};
    lw_fail(&err, LW_EINPUT, "field \"%s\"", "caf\xe9 é");
    assert_string_equal(err.msg, "field \"caf\\xe9 é\"");
    for (int ahead = 0; ahead < 3; ahead++) {
        char text[2 * sizeof err.msg] = "";
        memset(text, 'x', (size_t)ahead);
        for (size_t i = (size_t)ahead; i + 3 < sizeof text; i += 3)
            memcpy(text + i, "漢", 3);
        lw_err_clear(&err);
        lw_fail(&err, LW_EINPUT, "%s", text);
        lw_err_context(&err, "é");
        size_t left = strlen(err.msg), n;
        for (const char *at = err.msg; left > 0; at += n, left -= n)
            assert_true((n = lw_utf8_sequence(at, left)) > 0);
        char copy[12];
        lw_copy(copy, sizeof copy, text);
        assert_int_equal(strlen(copy) % 3, (size_t)ahead);
    }
}

static void a_null_error_is_allowed(void **state) {
    (void)state;
    assert_int_equal(lw_fail(NULL, LW_EINPUT, "unheard"), -1);
    assert_int_equal(lw_err_context(NULL, "unheard"), -1);
    lw_err_clear(NULL);
}

static void codes_have_names(void **state) {
    (void)state;
    static const char *const names[] = {"ok",     "input",    "config", "again",
                                        "fenced", "notfound", "stop"};
    for (int i = LW_OK; i <= LW_ESTOP; i++)
        assert_string_equal(lw_errc_name((enum lw_errc)i), names[i]);
    assert_string_equal(lw_errc_name((enum lw_errc)99), "unknown");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_error_wins),
        cmocka_unit_test(context_goes_in_front),
        cmocka_unit_test(long_texts_are_cut),
        cmocka_unit_test(cut_messages_are_valid_text),
        cmocka_unit_test(a_null_error_is_allowed),
        cmocka_unit_test(codes_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
