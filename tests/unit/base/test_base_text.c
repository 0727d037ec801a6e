/* Durations, sizes, times, numbers and names as people write them. */
#include "test.h"

#include <math.h>

#include "base/rng.h"
#include "base/text.h"
#include "base/time.h"

static void durations_parse(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int64_t ms; /* -1: refused */
    } cases[] = {
        {"0", 0},
        {"0s", 0},
        {"250ms", 250},
        {"10s", 10 * LW_SECOND},
        {"5m", 5 * LW_MINUTE},
        {"1h", LW_HOUR},
        {"3d", 3 * LW_DAY},
        {"2w", 14 * LW_DAY},
        {"1d12h", 36 * LW_HOUR},
        {"1.5h", 90 * LW_MINUTE},
        {".5h", 30 * LW_MINUTE},
        {"1h0m30s", LW_HOUR + 30 * LW_SECOND},
        {"100000d", 100000 * LW_DAY},
        {"", -1},
        {"5", -1},
        {"s", -1},
        {"-5s", -1},
        {"+5s", -1},
        {"5 s", -1},
        {" 5s", -1},
        {"5s ", -1},
        {"5min", -1},
        {"5M", -1},
        {"5s3", -1},
        {"0x10s", -1},
        {"infs", -1},
        {"nanms", -1},
        {"1e30w", -1},
        {".s", -1},
        {"1..5s", -1},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t ms = -1;
        bool ok = lw_parse_duration(cases[i].text, &ms);
        if (ok != (cases[i].ms >= 0) || ms != cases[i].ms)
            fail_msg("\"%s\": %lld", cases[i].text, (long long)ms);
    }
}

static void sizes_parse(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int64_t bytes;
    } cases[] = {
        {"0", 0},         {"4096", 4096},     {"10B", 10},
        {"64KiB", 65536}, {"10MB", 10000000}, {"1GiB", 1073741824},
        {"1.5kB", 1500},  {"2KB", 2000},      {"3GB", 3000000000},
        {"", -1},         {"10 MB", -1},      {"10TB", -1},
        {"MB", -1},       {"-1", -1},         {"1e300GB", -1},
        {"ten", -1},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t bytes = -1;
        bool ok = lw_parse_size(cases[i].text, &bytes);
        if (ok != (cases[i].bytes >= 0) || bytes != cases[i].bytes)
            fail_msg("\"%s\": %lld", cases[i].text, (long long)bytes);
    }
}

static void times_parse(void **state) {
    (void)state;
    const int64_t day = INT64_C(1583971200000); /* 2020-03-12 */
    static const char *const bad[] = {"",
                                      "2020",
                                      "2020-03",
                                      "2020-3-12",
                                      "20-03-12",
                                      "2020-13-01",
                                      "2020-00-01",
                                      "2020-02-30",
                                      "2021-02-29",
                                      "2020-04-31",
                                      "2020-03-00",
                                      " 020-03-12",
                                      "-020-03-12",
                                      "2020-+3-12",
                                      "2020-03-12T",
                                      "2020-03-12T5:00",
                                      "2020-03-12T24:00",
                                      "2020-03-12T05:60",
                                      "2020-03-12T05:00:61",
                                      "2020-03-12T05:00:5",
                                      "2020-03-12T05:00:0x1",
                                      "2020-03-12T05:00:01e1",
                                      "2020-03-12T05:00:",
                                      "2020-03-12T05:00+1",
                                      "2020-03-12T05:00+19:00",
                                      "2020-03-12T05:00+01:",
                                      "2020-03-12T05:00+01:60",
                                      "2020-03-12T05:00.5.5",
                                      "2020-03-12T05:00:00.",
                                      "2020-03-12Z ",
                                      "2020-03-12x",
                                      "12.03.2020"};
    static const struct {
        const char *text;
        int64_t after;
    } good[] = {{"2020-03-12", 0},
                {"2020-03-12Z", 0},
                {"2020-03-12T05:00", 5 * LW_HOUR},
                {"2020-03-12 05:00", 5 * LW_HOUR},
                {"2020-03-12T05:00:07Z", 5 * LW_HOUR + 7 * LW_SECOND},
                {"2020-03-12 05:00:00.250", 5 * LW_HOUR + 250},
                {"2020-03-12T23:59:60", LW_DAY},
                {"2020-03-12T05:00:00.2509Z", 5 * LW_HOUR + 250},
                {"2020-03-12T05:00:00,123456789z", 5 * LW_HOUR + 123},
                {"2020-03-12T05:00+01:00", 4 * LW_HOUR},
                {"2020-03-12T05:00:00.5-0330", 510 * LW_MINUTE + 500},
                {"2020-03-12T05:00:00+02", 3 * LW_HOUR},
                {"2020-03-12T05:00+01:00[Europe/Paris]", 4 * LW_HOUR},
                {"2020-03-12 05:00:00.25 +0000 UTC", 5 * LW_HOUR + 250},
                {"2020-03-12 05:00:00 UTC", 5 * LW_HOUR},
                {"2020-03-12T05:00-10:00", 15 * LW_HOUR},
                {"2020-02-29", -12 * LW_DAY}};
    int64_t ms;
    for (size_t i = 0; i < COUNT(bad); i++)
        if (lw_parse_time(bad[i], &ms))
            fail_msg("\"%s\" was accepted as a time", bad[i]);
    for (size_t i = 0; i < COUNT(good); i++) {
        if (!lw_parse_time(good[i].text, &ms))
            fail_msg("\"%s\" was refused", good[i].text);
        assert_true(ms == day + good[i].after);
    }
}

static void numbers_parse_whole(void **state) {
    (void)state;
    static const char *const bad[] = {"",      " 1",  "1 ",  "1x", "0x10", "inf", "nan",
                                      "1e400", "--1", "1,5", "-",  ".",    "e5"};
    int64_t i64;
    double f64;
    for (size_t i = 0; i < COUNT(bad); i++) {
        assert_false(lw_parse_f64(bad[i], &f64));
        assert_false(lw_parse_i64(bad[i], &i64));
    }
    assert_true(lw_parse_i64("-9223372036854775808", &i64) && i64 == INT64_MIN);
    assert_false(lw_parse_i64("9223372036854775808", &i64));
    assert_false(lw_parse_i64("1.0", &i64));
    assert_true(lw_parse_f64("-1.5e-3", &f64) && f64 == -0.0015);
    assert_true(lw_parse_f64("1e+3", &f64) && f64 == 1000);
    assert_true(lw_parse_f64(".5", &f64) && f64 == 0.5);
}

/* Formatted values parse back to themselves; the printed configuration depends on it. */
static void formatted_durations_parse_back(void **state) {
    (void)state;
    struct lw_rng rng;
    char text[64];
    int64_t back;
    lw_rng_seed(&rng, 11);
    for (int i = 0; i < 10000; i++) {
        int64_t ms = (int64_t)lw_rng_below(&rng, UINT64_C(1) << (i % 50));
        assert_true(lw_parse_duration(lw_format_duration(text, sizeof text, ms), &back));
        assert_true(back == ms);
    }
    assert_string_equal(lw_format_duration(text, sizeof text, 36 * LW_HOUR), "1d12h");
    assert_string_equal(lw_format_duration(text, sizeof text, 90 * LW_SECOND), "1m30s");
    assert_string_equal(lw_format_duration(text, sizeof text, 0), "0s");
    assert_string_equal(lw_format_duration(text, sizeof text, -90 * LW_SECOND), "-1m30s");
    assert_true(strlen(lw_format_duration(text, 6, INT64_C(123456789012))) < 6);
}

static void formatted_times_parse_back(void **state) {
    (void)state;
    struct lw_rng rng;
    char text[32];
    int64_t back;
    lw_rng_seed(&rng, 12);
    for (int i = 0; i < 10000; i++) {
        int64_t ms =
            (int64_t)lw_rng_below(&rng, UINT64_C(8000000000000)) - INT64_C(4000000000000);
        assert_true(lw_parse_time(lw_format_time(text, sizeof text, ms), &back));
        assert_true(back == ms);
    }
    lw_format_time(text, sizeof text, INT64_C(1583989200000));
    assert_string_equal(text, "2020-03-12T05:00:00Z");
    assert_string_equal(lw_format_time(text, sizeof text, -1),
                        "1969-12-31T23:59:59.999Z");
}

static void formatted_numbers_parse_back(void **state) {
    (void)state;
    struct lw_rng rng;
    char text[40];
    double back;
    lw_rng_seed(&rng, 13);
    for (int i = 0; i < 20000; i++) {
        uint64_t bits = lw_rng_next(&rng);
        double v;
        memcpy(&v, &bits, sizeof v);
        if (!isfinite(v))
            continue;
        assert_true(lw_parse_f64(lw_format_f64(text, sizeof text, v), &back));
        assert_true(back == v);
    }
    assert_string_equal(lw_format_f64(text, sizeof text, 0.1), "0.1");
    assert_string_equal(lw_format_f64(text, sizeof text, 1.0 / 3), "0.3333333333333333");
    assert_string_equal(lw_format_f64(text, sizeof text, INFINITY), "inf");
    assert_non_null(strstr(lw_format_f64(text, sizeof text, NAN), "nan"));
}

static void counts_have_separators(void **state) {
    (void)state;
    static const struct {
        uint64_t n;
        const char *want;
    } cases[] = {{0, "0"},
                 {999, "999"},
                 {1000, "1,000"},
                 {316378, "316,378"},
                 {1234567, "1,234,567"},
                 {UINT64_MAX, "18,446,744,073,709,551,615"}};
    char text[40];
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_string_equal(lw_format_count(text, sizeof text, cases[i].n),
                            cases[i].want);
    assert_true(strlen(lw_format_count(text, 6, UINT64_MAX)) < 6);
}

static void the_nearest_name_is_suggested(void **state) {
    (void)state;
    static const char *const keys[] = {"window",   "windows",       "warn",
                                       "critical", "cooldown",      "cooldown_max",
                                       "feature",  "trip_distance", "password_file"};
    static const struct {
        const char *name, *want; /* NULL: no name is near enough */
    } cases[] = {
        {"windwo", "window"},
        {"WINDOW", "window"},
        {"widnows", "windows"},
        {"wran", "warn"},
        {"crit", "critical"},
        {"cool_down", "cooldown"},
        {"cooldownmax", "cooldown_max"},
        {"faeture", "feature"},
        {"trip_distanse", "trip_distance"},
        {"tripdistance", "trip_distance"},
        {"password", "password_file"},
        {"zebra", NULL},
        {"passenger_count", NULL},
        {"window", "window"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *got = lw_nearest(cases[i].name, keys, COUNT(keys));
        if (!got != !cases[i].want || (got && strcmp(got, cases[i].want) != 0))
            fail_msg("%s: %s", cases[i].name, got ? got : "(nothing)");
    }
    char huge[200];
    memset(huge, 'w', sizeof huge - 1);
    huge[sizeof huge - 1] = '\0';
    assert_null(lw_nearest(huge, keys, COUNT(keys)));
    assert_null(lw_nearest("warn", NULL, 0));
}

static void copies_are_cut_and_terminated(void **state) {
    (void)state;
    char out[4] = "zzz";
    lw_copy(out, sizeof out, "ab");
    assert_string_equal(out, "ab");
    lw_copy(out, sizeof out, "abcdef");
    assert_string_equal(out, "abc");
    lw_copy(out, 1, "abc");
    assert_string_equal(out, "");
}

static void sparklines_go_from_low_to_high(void **state) {
    (void)state;
    const double ramp[] = {0, 1, 2, 3, 4, 5, 6, 7}, flat[] = {3, 3, 3};
    const double gap[] = {0, NAN, 1}, odd[] = {-INFINITY, 0, INFINITY};
    char out[100];
    assert_string_equal(lw_sparkline(out, sizeof out, ramp, 8, 8), "▁▂▃▄▅▆▇█");
    assert_string_equal(lw_sparkline(out, sizeof out, ramp, 8, 2),
                        "▃▇"); /* means 1.5, 5.5 */
    assert_string_equal(lw_sparkline(out, sizeof out, ramp, 2, 20),
                        "▁█"); /* a short series is not stretched */
    assert_string_equal(lw_sparkline(out, sizeof out, flat, 3, 3), "▁▁▁");
    assert_string_equal(lw_sparkline(out, sizeof out, gap, 3, 3), "▁ █");
    assert_string_equal(lw_sparkline(out, sizeof out, ramp, 0, 8), "");
    assert_int_equal(strlen(lw_sparkline(out, sizeof out, odd, 3, 3)), 9);
    assert_int_equal(strlen(lw_sparkline(out, 8, ramp, 8, 8)),
                     6); /* whole characters only */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations_parse),
        cmocka_unit_test(sizes_parse),
        cmocka_unit_test(times_parse),
        cmocka_unit_test(numbers_parse_whole),
        cmocka_unit_test(formatted_durations_parse_back),
        cmocka_unit_test(formatted_times_parse_back),
        cmocka_unit_test(formatted_numbers_parse_back),
        cmocka_unit_test(counts_have_separators),
        cmocka_unit_test(the_nearest_name_is_suggested),
        cmocka_unit_test(copies_are_cut_and_terminated),
        cmocka_unit_test(sparklines_go_from_low_to_high),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
