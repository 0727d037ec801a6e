/* The table of log events: names and sentences are well formed, every event is logged by
 * some call, and docs/log.md is generated from it. After a change: `test_base_log_events
 * --write`. */
#include "test.h"

#include <glob.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "support/manual.h"

static const struct manual manual = {.path = LW_SOURCE_DIR "/docs/log.md",
                                     .test = "test_base_log_events",
                                     .write = lw_log_events_document};

static void the_manual_is_up_to_date(void **state) {
    (void)state;
    manual_is_up_to_date(&manual);
}

static void names_and_sentences_are_well_formed(void **state) {
    (void)state;
    for (size_t i = 0; i < LW_LOG_EVENTS; i++) {
        const struct lw_log_row *r = &lw_log_rows[i];
        assert_int_equal(strspn(r->name, "abcdefghijklmnopqrstuvwxyz_"), strlen(r->name));
        assert_non_null(strchr(r->fields, '='));
        assert_null(strpbrk(r->meaning, "|\n"));
        assert_int_equal(r->meaning[strlen(r->meaning) - 1], '.');
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(r->name, lw_log_rows[k].name);
    }
}

static bool file_logs(const char *text, const char *event) {
    size_t len = strlen(event);
    for (const char *at = strstr(text, "lw_log"); at; at = strstr(at + 1, "lw_log")) {
        const char *name = at + strcspn(at, "(,");
        if (strncmp(at, "lw_log_at(", 10) == 0)
            name = strstr(at, "), ") ? strstr(at, "), ") + 2 : name;
        name += strspn(name, "(, \n");
        if (strncmp(name, event, len) == 0 && strchr(",)", name[len]))
            return true;
    }
    return false;
}

static void every_event_is_logged(void **state) {
    (void)state;
    glob_t files;
    bool logged[LW_LOG_EVENTS] = {false};
    assert_int_equal(glob(LW_SOURCE_DIR "/src/*/*.c", 0, NULL, &files), 0);
    for (size_t f = 0; f < files.gl_pathc; f++) {
        size_t len;
        char *text = lw_read_file(files.gl_pathv[f], (size_t)1 << 20, &len, NULL);
        assert_non_null(text);
        for (size_t i = 0; i < LW_LOG_EVENTS; i++)
            logged[i] |= file_logs(text, lw_log_rows[i].name);
        free(text);
    }
    globfree(&files);
    for (size_t i = 0; i < LW_LOG_EVENTS; i++)
        if (!logged[i])
            fail_msg("no call logs %s", lw_log_rows[i].name);
}

int main(int argc, char **argv) {
    int written = manual_write(&manual, argc, argv);
    if (written >= 0)
        return written;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_manual_is_up_to_date),
        cmocka_unit_test(names_and_sentences_are_well_formed),
        cmocka_unit_test(every_event_is_logged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
