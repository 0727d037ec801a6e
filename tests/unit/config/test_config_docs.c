/* docs/config.md is generated from the tables. After a change of a key: `test_config_docs
 * --write`. */
#include "support.h"

#include "support/manual.h"

static const struct manual manual = {.path = LW_SOURCE_DIR "/docs/config.md",
                                     .test = "test_config_docs",
                                     .write = lw_config_document};

static void the_page_is_up_to_date(void **state) {
    (void)state;
    manual_is_up_to_date(&manual);
}

static void every_key_of_the_example_is_documented(void **state) {
    (void)state;
    static const char *const keys[] = {
        "`stream`",          "`flush.interval`", "`penalty`",
        "`bootstrap.until`", "`gate.z`",         "`correction.half_life`",
        "`keep_first`",      "`url_file`",       "`floor_psi`"};
    size_t len;
    char *text = manual_text(&manual, &len);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        assert_non_null(strstr(text, keys[i]));
    free(text);
}

int main(int argc, char **argv) {
    int written = manual_write(&manual, argc, argv);
    if (written >= 0)
        return written;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_page_is_up_to_date),
        cmocka_unit_test(every_key_of_the_example_is_documented),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
