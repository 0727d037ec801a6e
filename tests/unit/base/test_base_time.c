/* Calendar and time zones against known values. */
#include "test.h"

#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "base/text.h"
#include "base/time.h"
#include "support/zones.h"

static int days_in(int year, int month) {
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

/* Two centuries day by day, with an independent count. */
static void every_day_from_1900_to_2100_is_right(void **state) {
    (void)state;
    int year = 1900, month = 1, day = 1, weekday = 0; /* a Monday */
    int64_t ms = INT64_C(-2208988800000);
    while (year <= 2100) {
        assert_true(lw_from_civil(year, month, day) == ms);
        struct lw_civil c = lw_civil(ms + LW_DAY - 1); /* its last millisecond */
        assert_int_equal(c.year, year);
        assert_int_equal(c.month, month);
        assert_int_equal(c.day, day);
        assert_int_equal(c.weekday, weekday);
        assert_int_equal(c.hour * 3600 + c.minute * 60 + c.second, 86399);
        ms += LW_DAY;
        weekday = (weekday + 1) % 7;
        if (++day <= days_in(year, month))
            continue;
        day = 1;
        if (++month <= 12)
            continue;
        month = 1;
        year++;
    }
    assert_true(ms == INT64_C(4133980800000)); /* 1 January 2101 */
}

static void known_instants_are_right(void **state) {
    (void)state;
    static const struct {
        int64_t ms;
        struct lw_civil want;
    } cases[] = {
        {0, {1970, 1, 1, 0, 0, 0, 3}},
        {-1, {1969, 12, 31, 23, 59, 59, 2}},
        {INT64_C(951782400000), {2000, 2, 29, 0, 0, 0, 1}},
        {INT64_C(1583971200000), {2020, 3, 12, 0, 0, 0, 3}},
        {INT64_C(1000000000999), {2001, 9, 9, 1, 46, 40, 6}},
        {INT64_C(253402300799000), {9999, 12, 31, 23, 59, 59, 4}},
        {INT64_C(-62135596800000), {1, 1, 1, 0, 0, 0, 0}},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct lw_civil c = lw_civil(cases[i].ms);
        assert_memory_equal(&c, &cases[i].want, sizeof c);
    }
}

static void new_york_changes_its_clocks_in_2020(void **state) {
    (void)state;
    struct lw_err err = {0};
    struct lw_zone *zone = lw_zone_new("America/New_York", &err);
    if (!zone)
        skip(); /* no tzdata on this machine */
    const int64_t spring = lw_from_civil(2020, 3, 8) + 7 * LW_HOUR;  /* 02:00 EST */
    const int64_t autumn = lw_from_civil(2020, 11, 1) + 6 * LW_HOUR; /* 02:00 EDT */
    assert_int_equal(lw_zone_offset(zone, spring - 1), -5 * LW_HOUR);
    assert_int_equal(lw_zone_offset(zone, spring), -4 * LW_HOUR);
    assert_int_equal(lw_zone_offset(zone, autumn - 1), -4 * LW_HOUR);
    assert_int_equal(lw_zone_offset(zone, autumn), -5 * LW_HOUR);
    assert_int_equal(lw_zone_offset(zone, lw_from_civil(2007, 3, 12)), -4 * LW_HOUR);
    assert_int_equal(lw_zone_offset(zone, lw_from_civil(2006, 3, 12)), -5 * LW_HOUR);
    assert_int_equal(lw_civil(spring - 1 + lw_zone_offset(zone, spring - 1)).hour, 1);
    assert_int_equal(lw_civil(spring + lw_zone_offset(zone, spring)).hour, 3);
    lw_zone_free(zone);
}

/* A local time becomes an instant that shows the same local time, for every zone and
 * every time that its clocks show. */
static void local_times_round_trip(void **state) {
    (void)state;
    static const char *const names[] = {"America/New_York",
                                        "Europe/London",
                                        "Australia/Lord_Howe",
                                        "Asia/Kolkata",
                                        "Pacific/Apia",
                                        "Africa/Casablanca",
                                        "UTC"};
    for (size_t z = 0; z < COUNT(names); z++) {
        struct lw_err err = {0};
        struct lw_zone *zone = lw_zone_new(names[z], &err);
        if (!zone)
            skip();
        int64_t from = lw_from_civil(2010, 1, 1), until = lw_from_civil(2030, 1, 1);
        for (int64_t t = from; t < until; t += 30 * LW_MINUTE) {
            int64_t wall = t + lw_zone_offset(zone, t);
            int64_t back = lw_zone_instant(zone, wall);
            assert_true(back + lw_zone_offset(zone, back) == wall);
            assert_true(back <= t); /* the first of an ambiguous hour */
        }
        lw_zone_free(zone);
    }
    struct lw_err err = {0};
    struct lw_zone *york = lw_zone_new("America/New_York", &err);
    int64_t gap = lw_from_civil(2020, 3, 8) + 150 * LW_MINUTE; /* 02:30 does not exist */
    assert_true(lw_zone_instant(york, gap) == gap + 5 * LW_HOUR);
    assert_true(lw_zone_instant(NULL, gap) == gap);
    int64_t ms;
    assert_true(lw_parse_instant("2020-07-01 12:00", 16, york, &ms));
    assert_true(ms == lw_from_civil(2020, 7, 1) + 16 * LW_HOUR);
    assert_true(lw_parse_instant("2020-07-01 12:00Z", 17, york, &ms));
    assert_true(ms == lw_from_civil(2020, 7, 1) + 12 * LW_HOUR);
    lw_zone_free(york);
}

static void zones_with_fractional_hours_are_right(void **state) {
    (void)state;
    struct lw_err err = {0};
    struct lw_zone *india = lw_zone_new("Asia/Kolkata", &err);
    struct lw_zone *island =
        lw_zone_new("Australia/Lord_Howe", &err); /* DST of half an hour */
    if (!india || !island)
        skip();
    assert_int_equal(lw_zone_offset(india, 0), 330 * LW_MINUTE);
    assert_int_equal(lw_zone_offset(india, lw_from_civil(2049, 6, 1)), 330 * LW_MINUTE);
    assert_int_equal(lw_zone_offset(island, lw_from_civil(2020, 1, 1)), 660 * LW_MINUTE);
    assert_int_equal(lw_zone_offset(island, lw_from_civil(2020, 7, 1)), 630 * LW_MINUTE);
    lw_zone_free(india);
    lw_zone_free(island);
}

/* ---- every zone, compared with the C library ---- */

static int64_t libc_offset(int64_t s) {
    time_t t = (time_t)s;
    struct tm tm;
    localtime_r(&t, &tm);
    return (int64_t)tm.tm_gmtoff * 1000;
}

static void agree_at(const char *name, const struct lw_zone *zone, int64_t s) {
    int64_t ours = lw_zone_offset(zone, s * LW_SECOND), theirs = libc_offset(s);
    if (ours != theirs)
        fail_msg("%s at %lld: %lld s, the C library says %lld s", name, (long long)s,
                 (long long)(ours / 1000), (long long)(theirs / 1000));
}

/* From 1970 to 2050, and on both sides of every change that the C library knows. */
static void assert_agree(const char *name, const struct lw_zone *zone) {
    const int64_t step = 79 * 3600, end = lw_from_civil(2050, 1, 1) / LW_SECOND;
    int64_t before = libc_offset(0), after;
    for (int64_t s = 0; s + step < end; s += step, before = after) {
        int64_t lo = s, hi = s + step;
        agree_at(name, zone, hi);
        after = libc_offset(hi);
        if (after == before)
            continue;
        while (hi - lo > 1) {
            int64_t mid = lo + (hi - lo) / 2;
            if (libc_offset(mid) == before)
                lo = mid;
            else
                hi = mid;
        }
        agree_at(name, zone, lo);
        agree_at(name, zone, hi);
    }
}

static void zone_agrees(const char *name) {
    struct lw_err err = {0};
    struct lw_zone *zone = lw_zone_new(name, &err);
    if (!zone)
        fail_msg("%s", err.msg);
    setenv("TZ", name, 1);
    tzset();
    assert_agree(name, zone);
    lw_zone_free(zone);
}

static void every_zone_agrees_with_the_c_library(void **state) {
    (void)state;
    int zones = zones_visit(zone_agrees);
    if (zones < 0)
        skip();
    unsetenv("TZ");
    tzset();
    assert_true(zones > 200);
}

static void a_missing_zone_means_utc(void **state) {
    (void)state;
    assert_int_equal(lw_zone_offset(NULL, 123), 0);
    lw_zone_free(NULL);
}

static void unknown_zones_are_refused(void **state) {
    (void)state;
    static const char *const names[] = {"",        "Mars/Olympus", "../../../etc/passwd",
                                        "America", "tzdata.zi",    "zone.tab"};
    for (size_t i = 0; i < COUNT(names); i++) {
        struct lw_err err = {0};
        struct lw_zone *zone = lw_zone_new(names[i], &err);
        if (zone)
            fail_msg("\"%s\" was accepted as a zone", names[i]);
        assert_int_equal(err.code, LW_ECONFIG);
    }
}

static void the_process_time_zone_is_unchanged(void **state) {
    (void)state;
    struct lw_err err = {0};
    setenv("TZ", "Asia/Tokyo", 1);
    lw_zone_free(lw_zone_new("America/New_York", &err));
    assert_string_equal(getenv("TZ"), "Asia/Tokyo");
    unsetenv("TZ");
    lw_zone_free(lw_zone_new("America/New_York", &err));
    assert_null(getenv("TZ"));
}

static void clocks_run_forward(void **state) {
    (void)state;
    int64_t us = lw_mono_us(), ms = lw_mono_ms();
    lw_sleep_ms(3);
    assert_true(lw_mono_us() - us >= 3000);
    assert_true(lw_mono_ms() >= ms + 2);
    assert_true(lw_wall_ms() > lw_from_civil(2024, 1, 1));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_day_from_1900_to_2100_is_right),
        cmocka_unit_test(known_instants_are_right),
        cmocka_unit_test(new_york_changes_its_clocks_in_2020),
        cmocka_unit_test(local_times_round_trip),
        cmocka_unit_test(zones_with_fractional_hours_are_right),
        cmocka_unit_test(every_zone_agrees_with_the_c_library),
        cmocka_unit_test(a_missing_zone_means_utc),
        cmocka_unit_test(unknown_zones_are_refused),
        cmocka_unit_test(the_process_time_zone_is_unchanged),
        cmocka_unit_test(clocks_run_forward),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
