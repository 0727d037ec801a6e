/* Strange bytes as text: valid, harmless, and told apart, because it can be read back. */
#include "test.h"

#include <stdlib.h>

#include "base/rng.h"
#include "base/text.h"

static void shows(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
        const char *shown;
    } cases[] = {
        {"", 0, ""},
        {"Bronx", 5, "Bronx"},
        {"Zürich 漢字 🚕", 19, "Zürich 漢字 🚕"},
        {"A\0B", 3, "A\\x00B"},
        {"A\0C", 3, "A\\x00C"},
        {"caf\xe9", 4, "caf\\xe9"},
        {"\xff\xfe", 2, "\\xff\\xfe"},
        {"\xed\xa0\x80", 3, "\\xed\\xa0\\x80"}, /* a surrogate */
        {"\xc0\xaf", 2, "\\xc0\\xaf"},          /* overlong */
        {"\xe2\x82", 2, "\\xe2\\x82"},          /* cut short */
        {"\x1b[31mred\x07", 9, "\\x1b[31mred\\x07"},
        {"a\nb\tc", 5, "a\\x0ab\\x09c"},
        {"\xc2\x9b"
         "1m",
         4, "\\u009b1m"}, /* CSI in one character */
        {"a\xe2\x80\xae"
         "b",
         5, "a\\u202eb"},
        {"\xef\xbb\xbf"
         "a",
         4, "\\ufeffa"},
        {"\xf3\xa0\x80\x81", 4, "\\U000e0001"},
        {"C:\\dir", 6, "C:\\dir"},
        {"C:\\x86", 6, "C:\\\\x86"},
        {"\\\\host", 6, "\\\\\\host"},
        {"end\\", 4, "end\\"},
        {"\\\x01", 2, "\\\\\\x01"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char out[200];
        size_t n = lw_text_show(out, sizeof out, cases[i].bytes, cases[i].len);
        assert_string_equal(out, cases[i].shown);
        assert_int_equal(n, strlen(cases[i].shown));
    }
}

static void is_cut_between_characters(void **state) {
    (void)state;
    char out[8];
    assert_int_equal(lw_text_show(out, sizeof out, "1234567", 7), 7);
    assert_string_equal(out, "1234567");
    lw_text_show(out, sizeof out, "12345678", 8);
    assert_string_equal(out, "1234…");
    lw_text_show(out, sizeof out, "123\x01\x02", 5);
    assert_string_equal(out, "123…");
    lw_text_show(out, 4, "漢字", 6);
    assert_string_equal(out, "…");
}

static void is_left_alone_for_programs(void **state) {
    (void)state;
    static const char text[] = "tab\there \xe2\x80\xae é C:\\dir";
    char out[100];
    assert_int_equal(lw_text_utf8(NULL, text, sizeof text), sizeof text);
    lw_text_utf8(out, text, sizeof text); /* with the zero byte at its end */
    assert_memory_equal(out, text, sizeof text);
    assert_int_equal(lw_text_utf8(out, "caf\xe9\\x", 6), 10);
    assert_memory_equal(out, "caf\\xe9\\\\x", 10);
}

/* What was written, read back. */
static size_t read_back(const char *text, size_t len, char *out) {
    size_t n = 0;
    for (size_t i = 0; i < len;) {
        char kind = i + 1 < len && text[i] == '\\' ? text[i + 1] : 0;
        size_t digits = kind == 'x' ? 2 : kind == 'u' ? 4 : kind == 'U' ? 8 : 0;
        if (digits) {
            char number[9] = "";
            memcpy(number, text + i + 2, digits);
            unsigned long c = strtoul(number, NULL, 16);
            i += 2 + digits;
            if (digits == 2) {
                out[n++] = (char)c;
            } else if (c < 0x800) {
                out[n++] = (char)(0xc0 | c >> 6);
                out[n++] = (char)(0x80 | (c & 0x3f));
            } else {
                if (c < 0x10000) {
                    out[n++] = (char)(0xe0 | c >> 12);
                } else {
                    out[n++] = (char)(0xf0 | c >> 18);
                    out[n++] = (char)(0x80 | (c >> 12 & 0x3f));
                }
                out[n++] = (char)(0x80 | (c >> 6 & 0x3f));
                out[n++] = (char)(0x80 | (c & 0x3f));
            }
        } else {
            i += kind == '\\' ? 1 : 0;
            out[n++] = text[i++];
        }
    }
    return n;
}

/* Bytes that provoke: backslashes, the letters behind them, controls, halves of UTF-8. */
static size_t strange(struct lw_rng *rng, char *out) {
    static const char *const part[] = {"\\",
                                       "x",
                                       "u",
                                       "U",
                                       "00",
                                       "e9",
                                       "\xe9",
                                       "\x01",
                                       "\x7f",
                                       "a",
                                       "漢",
                                       "\xe2\x80\xae",
                                       "\xf0\x9f",
                                       "\xc2\x85",
                                       "\xf3\xa0\x80\x81",
                                       "\xed\xa0\x80",
                                       "\xc2\xad"};
    size_t n = 0, parts = lw_rng_below(rng, 12);
    for (size_t i = 0; i < parts; i++) {
        if (lw_rng_below(rng, 4) == 0) {
            out[n++] = (char)lw_rng_below(rng, 256);
            continue;
        }
        const char *p = part[lw_rng_below(rng, sizeof part / sizeof *part)];
        memcpy(out + n, p, strlen(p));
        n += strlen(p);
    }
    return n;
}

static bool is_utf8(const char *text, size_t len) {
    for (size_t i = 0, n; i < len; i += n)
        if ((n = lw_utf8_sequence(text + i, len - i)) == 0)
            return false;
    return true;
}

static void reads_back(void **state) {
    (void)state;
    const uint64_t seed = 20261129;
    struct lw_rng rng;
    lw_rng_seed(&rng, seed);
    print_message("seed %llu\n", (unsigned long long)seed);
    for (int i = 0; i < 100000; i++) {
        char bytes[64], shown[320], back[400];
        size_t len = strange(&rng, bytes);
        size_t n = lw_text_show(shown, sizeof shown, bytes, len);
        assert_true(is_utf8(shown, n));
        for (size_t k = 0; k < n; k++)
            assert_true((unsigned char)shown[k] >= 0x20 && shown[k] != 0x7f);
        assert_int_equal(read_back(shown, n, back), len);
        assert_memory_equal(back, bytes, len);
        n = lw_text_utf8(shown, bytes, len);
        assert_true(n <= 4 * len && is_utf8(shown, n));
        assert_int_equal(read_back(shown, n, back), len);
        assert_memory_equal(back, bytes, len);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shows),
        cmocka_unit_test(is_cut_between_characters),
        cmocka_unit_test(is_left_alone_for_programs),
        cmocka_unit_test(reads_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
