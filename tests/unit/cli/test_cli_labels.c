/* Numbers, ranges, shares and ticks as charts and tables print them, and escaped text. */
#include "cli_test.h"

#include <math.h>

#include "cli/html.h"
#include "cli/svg.h"

static void numbers_are_short(void **state) {
    (void)state;
    static const struct {
        double v;
        const char *text;
    } cases[] = {{0, "0"},        {3.14159, "3.14"}, {0.0021, "0.002"},  {42, "42"},
                 {12.34, "12.3"}, {12345, "12,345"}, {1.2e9, "1.2e+09"}, {NAN, "–"}};
    char text[32];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(lw_svg_number(text, sizeof text, cases[i].v), cases[i].text);
}

static void close_ranges_differ(void **state) {
    (void)state;
    char a[80], b[80];
    assert_string_equal(lw_svg_range(a, sizeof a, 1.9, 2.6), "1.90 to 2.60");
    lw_svg_range(a, sizeof a, 1.00001, 1.00002);
    lw_svg_range(b, sizeof b, 1.00002, 1.00003);
    assert_string_not_equal(a, b);
}

static void shares_are_percentages(void **state) {
    (void)state;
    char text[32];
    assert_string_equal(lw_svg_percent(text, sizeof text, 0), "0 %");
    assert_string_equal(lw_svg_percent(text, sizeof text, 0.123), "12.3 %");
    assert_string_equal(lw_svg_percent(text, sizeof text, 0.0042), "0.42 %");
    assert_string_equal(lw_svg_percent(text, sizeof text, 1e-6), "<0.01 %");
}

static void ticks_are_round_and_inside(void **state) {
    (void)state;
    double tick[LW_TICKS_MAX];
    int n = lw_svg_ticks(-0.3, 1.01, 8, tick);
    assert_in_range(n, 3, 8);
    for (int i = 0; i < n; i++)
        assert_true(tick[i] >= -0.3 - 1e-9 && tick[i] <= 1.01 + 1e-9);
    assert_int_equal(lw_svg_ticks(2, 2, 8, tick), 0);
    assert_int_equal(lw_svg_ticks(0, INFINITY, 8, tick), 0);
}

static void text_is_escaped(void **state) {
    (void)state;
    struct lw_buf out = {0};
    lw_html_str(&out, "<b>\"a\" & 'c'");
    assert_null(strchr(lw_buf_str(&out), '<'));
    assert_non_null(strstr(lw_buf_str(&out), "&lt;b&gt;"));
    assert_non_null(strstr(lw_buf_str(&out), "&amp;"));
    lw_buf_fini(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_short),
        cmocka_unit_test(close_ranges_differ),
        cmocka_unit_test(shares_are_percentages),
        cmocka_unit_test(ticks_are_round_and_inside),
        cmocka_unit_test(text_is_escaped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
