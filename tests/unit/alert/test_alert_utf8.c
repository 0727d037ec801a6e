/* Any input becomes valid UTF-8 that fits and is a prefix of the input. */
#include "alert/utf8.h"
#include "alert_test.h"

#include "base/rng.h"

static void valid_text_passes(void **state) {
    (void)state;
    const char *text[] = {"", "plain", "Zürich → 東京 🚕", "two\nlines"};
    for (size_t i = 0; i < sizeof text / sizeof text[0]; i++) {
        char out[64];
        assert_string_equal(lw__utf8_clean(out, sizeof out, text[i], strlen(text[i])),
                            text[i]);
    }
}

static void damaged_bytes_are_escaped(void **state) {
    (void)state;
    const struct {
        const char *in, *out;
    } c[] = {{"a\xFF"
              "b",
              "a\\xffb"},
             {"\xC0\x80", "\\xc0\\x80"},                   /* overlong NUL */
             {"\xED\xA0\x80", "\\xed\\xa0\\x80"},          /* surrogate */
             {"\xF4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"}, /* above U+10FFFF */
             {"x\xE2\x82", "x\\xe2\\x82"},                 /* cut short */
             {"a\tb\rc\x1B[0m\x7F", "a\\x09b\\x0dc\\x1b[0m\\x7f"},
             {"a\xE2\x80\xAE"
              "b",
              "a\\u202eb"}, /* reverses the line */
             {"a\xC2\x9B"
              "b",
              "a\\u009bb"}}; /* C1 */
    for (size_t i = 0; i < sizeof c / sizeof c[0]; i++) {
        char out[64];
        assert_string_equal(lw__utf8_clean(out, sizeof out, c[i].in, strlen(c[i].in)),
                            c[i].out);
    }
}

static void texts_are_cut_between_code_points(void **state) {
    (void)state;
    char out[16];
    assert_string_equal(lw__utf8_clean(out, 6, "abcde", 5), "abcde");
    assert_string_equal(lw__utf8_clean(out, 6, "abcdef", 6), "ab…");
    assert_string_equal(lw__utf8_clean(out, 4, "ab→", 5), "…");
    assert_string_equal(lw__utf8_clean(out, 7, "ü🚕🚕", 10), "ü…");
    assert_string_equal(lw__utf8_clean(out, 4, "→", 3), "→");
}

/* Random bytes at random limits. A text that jansson accepts is valid UTF-8. */
static void any_bytes_become_utf8_within_any_limit(void **state) {
    (void)state;
    struct lw_rng rng;
    lw_rng_seed(&rng, 7);
    for (int round = 0; round < 20000; round++) {
        char in[40], out[48];
        size_t len = lw_rng_below(&rng, sizeof in);
        size_t size = 4 + lw_rng_below(&rng, sizeof out - 4);
        for (size_t i = 0; i < len; i++)
            in[i] = (char)(lw_rng_below(&rng, 3) ? 0x80 | lw_rng_below(&rng, 128)
                                                 : lw_rng_below(&rng, 128));
        memset(out, 'X', sizeof out);
        lw__utf8_clean(out, size, in, len);
        size_t n = strlen(out);
        assert_true(n < size);
        json_t *s = json_string(out);
        assert_non_null(s);
        json_decref(s);
        for (size_t i = size; i < sizeof out; i++)
            assert_int_equal(out[i], 'X');
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(valid_text_passes), cmocka_unit_test(damaged_bytes_are_escaped),
        cmocka_unit_test(texts_are_cut_between_code_points),
        cmocka_unit_test(any_bytes_become_utf8_within_any_limit)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
