/* The log: level, format, one line per event whatever its values contain. */
#include "test.h"

#include "base/log.h"
#include "base/text.h"

struct lines {
    int n;
    char last[4096];
};

static void keep_line(void *arg, const char *line) {
    struct lines *lines = arg;
    lines->n++;
    lw_copy(lines->last, sizeof lines->last, line);
}

static void lines_have_time_level_event_and_pairs(void **state) {
    (void)state;
    struct lines lines = {0};
    int64_t ms;
    char when[32];
    lw_log_sink(keep_line, &lines);
    lw_log_level(LW_INFO);
    lw_log(partition_lost, "w:0", 3);
    assert_int_equal(lines.n, 1);
    const char *space = strchr(lines.last, ' ');
    assert_non_null(space);
    assert_string_equal(space, " warn partition_lost worker=w:0 partition=3");
    snprintf(when, sizeof when, "%.*s", (int)(space - lines.last), lines.last);
    assert_true(lw_parse_time(when, &ms));
    lw_log_sink(NULL, NULL);
}

static void lower_levels_are_left_out(void **state) {
    (void)state;
    struct lines lines = {0};
    lw_log_sink(keep_line, &lines);
    for (int least = LW_DEBUG; least <= LW_ERROR; least++) {
        lines.n = 0;
        lw_log_level((enum lw_log_level)least);
        for (int level = LW_DEBUG; level <= LW_ERROR; level++)
            lw_log_at((enum lw_log_level)level, stopped, "s");
        assert_int_equal(lines.n, 4 - least);
    }
    lw_log_level(LW_INFO);
    lw_log_sink(NULL, NULL);
}

static void one_event_is_one_line(void **state) {
    (void)state;
    struct lines lines = {0};
    char huge[5000];
    lw_log_sink(keep_line, &lines);
    lw_log(stopped, "two\nlines\r");
    assert_null(strpbrk(lines.last, "\r\n"));
    memset(huge, 'y', sizeof huge - 1);
    huge[sizeof huge - 1] = '\0';
    lw_log(stopped, huge); /* cut; no overflow */
    assert_int_equal(lines.n, 2);
    assert_true(strlen(lines.last) < 2048);
    lw_log_sink(NULL, NULL);
}

static void quotes_are_closed_for_any_value(void **state) {
    (void)state;
    char out[32];
    assert_string_equal(lw_log_quote(out, sizeof out, "a \"b\" \\ \n"),
                        "\"a \\\"b\\\" \\\\  \"");
    assert_string_equal(lw_log_quote(out, sizeof out, ""), "\"\"");
    lw_log_quote(out, 8, "\"\"\"\"\"\"\"\"\"\"");
    assert_true(strlen(out) < 8);
    assert_int_equal(out[strlen(out) - 1], '"');
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_have_time_level_event_and_pairs),
        cmocka_unit_test(lower_levels_are_left_out),
        cmocka_unit_test(one_event_is_one_line),
        cmocka_unit_test(quotes_are_closed_for_any_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
