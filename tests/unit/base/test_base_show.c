/* Arbitrary bytes as text: valid, harmless, unambiguous, and readable back. */
#include "test.h"

#include <math.h>
#include <stdlib.h>

#include "base/rng.h"
#include "base/text.h"

static void assert_shows(void **state) {
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
         4, "\\u009b1m"}, /* CSI as one character */
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
        {" a  b ", 6, "\\x20a \\x20b\\x20"},  /* spaces that would get lost */
        {"a\xc2\xa0z", 4, "a\\u00a0z"},       /* a blank other than a space */
        {"e\xcc\x81", 3, "e\\u0301"},         /* distinct from the precomposed letter */
        {"\xef\xb7\x90", 3, "\\ufdd0"},       /* not a character */
        {"a\xe2\x80\xa6\\~1", 7, "a…\\\\~1"}, /* distinct from the mark of a cut */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char out[200];
        size_t n = lw_text_show(out, sizeof out, cases[i].bytes, cases[i].len);
        assert_string_equal(out, cases[i].shown);
        assert_int_equal(n, strlen(cases[i].shown));
    }
}

static void long_texts_are_cut_between_characters(void **state) {
    (void)state;
    char out[8], a[32], b[32];
    assert_int_equal(lw_text_show(out, sizeof out, "1234567", 7), 7);
    assert_string_equal(out, "1234567");
    lw_text_show(out, sizeof out, "12345678", 8);
    assert_string_equal(out, "1234…");
    lw_text_show(out, sizeof out, "123\x01\x02", 5);
    assert_string_equal(out, "123…");
    lw_text_show(out, 4, "漢字", 6);
    assert_string_equal(out, "…");
    /* If there is room, a checksum distinguishes texts with the same beginning. */
    static const char one[] = "a long name that goes on, one",
                      two[] = "a long name that goes on, two";
    lw_text_show(a, 30, one, sizeof one);
    lw_text_show(b, 30, two, sizeof two);
    assert_memory_equal(a, "a long name that…\\~", 21);
    assert_memory_equal(b, "a long name that…\\~", 21);
    assert_int_equal(strlen(a), 29);
    assert_string_not_equal(a, b);
}

static void output_for_programs_is_not_shortened(void **state) {
    (void)state;
    static const char text[] = "tab\there \xe2\x80\xae é C:\\dir";
    char out[100];
    assert_int_equal(lw_text_utf8(NULL, text, sizeof text), sizeof text);
    lw_text_utf8(out, text, sizeof text); /* with the final zero byte */
    assert_memory_equal(out, text, sizeof text);
    assert_int_equal(lw_text_utf8(out, "caf\xe9\\x", 6), 10);
    assert_memory_equal(out, "caf\\xe9\\\\x", 10);
}

/* Reads the output back. */
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

/* Difficult bytes: backslashes and the letters after them, controls, halves of UTF-8. */
static size_t strange_text(struct lw_rng *rng, char *out) {
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
                                       " ",
                                       "~",
                                       "…",
                                       "\xcc\x81",
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

static void shown_texts_read_back(void **state) {
    (void)state;
    const uint64_t seed = 20261129;
    struct lw_rng rng;
    lw_rng_seed(&rng, seed);
    print_message("seed %llu\n", (unsigned long long)seed);
    for (int i = 0; i < 100000; i++) {
        char bytes[64], shown[320], back[400];
        size_t len = strange_text(&rng, bytes);
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

static bool is_harmless(const char *text) {
    size_t len = strlen(text);
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f ||
            (text[i] == '\xc2' && (unsigned char)text[i + 1] < 0xa0) ||
            memcmp(text + i, "\xe2\x80\xae", 3) == 0)
            return false;
    return is_utf8(text, len);
}

static void sentences_are_harmless(void **state) {
    (void)state;
    const uint64_t seed = 4711;
    struct lw_rng rng;
    lw_rng_seed(&rng, seed);
    print_message("seed %llu\n", (unsigned long long)seed);
    for (int i = 0; i < 50000; i++) {
        char bytes[64], shown[80], once[320], twice[320];
        size_t len = strange_text(&rng, bytes), size = 4 + lw_rng_below(&rng, 76);
        lw_text_safe(once, sizeof once, bytes, len);
        assert_true(is_harmless(once));
        lw_text_safe(twice, sizeof twice, once, strlen(once));
        assert_string_equal(twice, once);
        lw_text_show(shown, size, bytes, len); /* a name is already a sentence */
        lw_text_safe(once, sizeof once, shown, strlen(shown));
        assert_string_equal(once, shown);
        lw_text_safe(once, size, bytes, len);
        assert_true(strlen(once) < size && is_harmless(once));
        struct lw_shown column = lw_text_column(shown, 20, 24);
        assert_true(is_harmless(column.text) && strlen(column.text) >= 20);
    }
}

static void different_texts_differ_in_a_column(void **state) {
    (void)state;
    assert_string_equal(lw_text_column("Zürich", 8, 16).text, "Zürich  ");
    assert_string_equal(lw_text_column("", 2, 16).text, "  ");
    struct lw_shown a = lw_text_column("a street of Manhattan, east", 20, 20);
    struct lw_shown b = lw_text_column("a street of Manhattan, west", 20, 20);
    assert_memory_equal(a.text, "a stree…\\~", 12);
    assert_memory_equal(b.text, "a stree…\\~", 12);
    assert_string_not_equal(a.text, b.text);
}

/* Any double is at most 15 characters wide, finite or not. */
static void figures_are_narrow(void **state) {
    (void)state;
    struct lw_rng rng;
    lw_rng_seed(&rng, 815);
    assert_string_equal(lw_digits(0.25, 4).text, "0.2500");
    assert_string_equal(lw_digits_signed(0.25, 1).text, "+0.2");
    assert_string_equal(lw_digits(1e300, 4).text, "1e+300");
    assert_string_equal(lw_digits(-1.23456e9, 4).text, "-1.235e+09");
    assert_string_equal(lw_digits(NAN, 4).text, "-");
    assert_string_equal(lw_digits(INFINITY, 4).text, "inf");
    for (int i = 0; i < 100000; i++) {
        uint64_t bits = lw_rng_next(&rng);
        double v;
        memcpy(&v, &bits, sizeof v);
        assert_true(strlen(lw_digits(v, 4).text) <= 15);
        assert_true(strlen(lw_digits_signed(v, 4).text) <= 15);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(assert_shows),
        cmocka_unit_test(long_texts_are_cut_between_characters),
        cmocka_unit_test(output_for_programs_is_not_shortened),
        cmocka_unit_test(shown_texts_read_back),
        cmocka_unit_test(sentences_are_harmless),
        cmocka_unit_test(different_texts_differ_in_a_column),
        cmocka_unit_test(figures_are_narrow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
