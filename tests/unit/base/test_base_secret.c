/* A secret is a path or env:NAME; all users read and refuse a source in the same way. */
#include "test.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/secret.h"
#include "base/text.h"

static char path[64];

static const char *source_of(const char *text, size_t len) {
    strcpy(path, "/tmp/leeway-secret-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, len), (ssize_t)len);
    close(fd);
    return path;
}

static int clean_up(void **state) {
    (void)state;
    unlink(path);
    unsetenv("LW_TEST_SECRET");
    return 0;
}

static void the_first_line_is_the_secret(void **state) {
    (void)state;
    static const struct {
        const char *text, *line;
    } c[] = {{"word", "word"},
             {"word\n", "word"},
             {"word\r\nmore\n", "word"},
             {"two words \n", "two words "}};
    for (size_t i = 0; i < sizeof c / sizeof *c; i++) {
        char out[16] = "";
        struct lw_err err = {0};
        assert_int_equal(lw_secret_copy(source_of(c[i].text, strlen(c[i].text)), out,
                                        sizeof out, &err),
                         0);
        assert_string_equal(out, c[i].line);
        unlink(path);
        setenv("LW_TEST_SECRET", c[i].text, 1);
        assert_int_equal(lw_secret_copy("env:LW_TEST_SECRET", out, sizeof out, &err), 0);
        assert_string_equal(out, c[i].line);
    }
}

static void trailing_white_space_is_removed(void **state) {
    (void)state;
    struct lw_err err = {0};
    char *text = lw_secret_text(source_of("a\nb\r\n\n", 6), 6, &err);
    assert_string_equal(text, "a\nb");
    lw_secret_free_text(text);
}

static void assert_refused(const char *from, size_t max, const char *why) {
    struct lw_err err = {0};
    char out[64] = "before";
    assert_int_equal(lw_secret_copy(from, out, max + 1, &err), -1);
    assert_int_equal(err.code, LW_ECONFIG);
    assert_non_null(strstr(err.msg, why));
    assert_null(strstr(err.msg, "HIDDEN"));
    assert_string_equal(out, "before");
}

static void errors_name_only_the_source(void **state) {
    (void)state;
    assert_refused("/nonexistent/secret", 8, "cannot open /nonexistent/secret");
    assert_refused("env:LW_TEST_UNSET", 8,
                   "the environment variable LW_TEST_UNSET is not set");
    assert_refused("/dev/null", 8, "the first line of /dev/null must have 1 to 8 bytes");
    assert_refused(source_of("\nHIDDEN", 7), 8, "must have 1 to 8 bytes");
    unlink(path);
    assert_refused(source_of("HIDDENHIDDEN", 12), 8, "must have 1 to 8 bytes");
    unlink(path);
    assert_refused(source_of("HIDDEN\0more", 11), 8, "holds a NUL byte");
    struct lw_err err = {0};
    assert_null(lw_secret_text("/dev/null", 8, &err));
    assert_string_equal(err.msg, "/dev/null is empty");
    lw_err_clear(&err);
    setenv("LW_TEST_SECRET", "HIDDENHIDDEN", 1);
    assert_null(lw_secret_text("env:LW_TEST_SECRET", 8, &err));
    assert_non_null(strstr(err.msg, "larger than the 8 bytes"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(the_first_line_is_the_secret, clean_up),
        cmocka_unit_test_teardown(trailing_white_space_is_removed, clean_up),
        cmocka_unit_test_teardown(errors_name_only_the_source, clean_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
