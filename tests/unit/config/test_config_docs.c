/* docs/config.md is what the tables say. After a change of a key: `test_config_docs
 * --write`. */
#include "support.h"

#include "base/text.h"

#define PAGE LW_SOURCE_DIR "/docs/config.md"

static char *document(size_t *len) {
    char *text = NULL;
    FILE *out = open_memstream(&text, len);
    assert_non_null(out);
    lw_config_document(out);
    fclose(out);
    return text;
}

static void the_page_is_up_to_date(void **state) {
    (void)state;
    size_t want_len, got_len;
    struct lw_err err = {0};
    char *want = document(&want_len);
    char *got = lw_read_file(PAGE, 1 << 20, &got_len, &err);
    assert_non_null(got);
    if (got_len != want_len || memcmp(got, want, want_len) != 0)
        fail_msg(
            "docs/config.md is not what the tables say: run test_config_docs --write");
    free(want);
    free(got);
}

static void every_key_of_the_example_is_documented(void **state) {
    (void)state;
    static const char *const keys[] = {
        "`stream`",          "`flush.interval`", "`penalty`",
        "`bootstrap.until`", "`gate.z`",         "`correction.half_life`",
        "`keep_first`",      "`url_file`",       "`floor_psi`"};
    size_t len;
    char *text = document(&len);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        assert_non_null(strstr(text, keys[i]));
    free(text);
}

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "--write") == 0) {
        size_t len;
        struct lw_err err = {0};
        char *text = document(&len);
        int failed = lw_write_file(PAGE, text, len, &err);
        free(text);
        return failed ? 1 : 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_page_is_up_to_date),
        cmocka_unit_test(every_key_of_the_example_is_documented),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
