/* Local days: against those of Python's zoneinfo, and as laws over every zone. */
#include "test.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/time.h"
#include "support/zones.h"

static struct lw_zone *zone_of(const char *name) {
    struct lw_err err = {0};
    struct lw_zone *zone = lw_zone_new(name, &err);
    if (!zone)
        fail_msg("%s", err.msg);
    return zone;
}

/* The days from the one that a line names up to the next line's: the first as the line
 * says, all others of 24 hours. Returns the day after them and its first instant. */
static int64_t days_until(const struct lw_zone *zone, int64_t day, int64_t until,
                          int64_t start_ms, int64_t length_ms) {
    for (; day < until; day++, length_ms = LW_DAY) {
        int64_t next = lw_zone_day_start(zone, day + 1);
        assert_true(lw_zone_day_start(zone, day) == start_ms);
        assert_true(next - start_ms == length_ms);
        if (length_ms > 0)
            assert_true(lw_zone_day(zone, start_ms) == day);
        assert_true(lw_zone_day(zone, next - 1) == (length_ms ? day : day - 1));
        start_ms = next;
    }
    return start_ms;
}

static void days_are_those_of_zoneinfo(void **state) {
    (void)state;
    FILE *table = fopen(LW_SOURCE_DIR "/tests/data/base/days.txt", "r");
    char line[128], name[64], date[16], current[64] = "";
    int64_t day = 0, start_ms = 0, length_ms = 0;
    struct lw_zone *zone = NULL;
    int zones = 0;
    assert_non_null(table);
    while (fgets(line, sizeof line, table)) {
        char *rest = strchr(strchr(line, ' ') + 1, ' ');
        assert_int_equal(sscanf(line, "%63s %15s", name, date), 2);
        int64_t start_s = strtoll(rest, &rest, 10), minutes = strtoll(rest, NULL, 10);
        int64_t midnight;
        assert_true(lw_parse_time(date, &midnight));
        if (strcmp(name, current) == 0) {
            int64_t at = days_until(zone, day, midnight / LW_DAY, start_ms, length_ms);
            assert_true(at == start_s * LW_SECOND);
        } else {
            lw_zone_free(zone);
            zone = zone_of(name);
            lw_copy(current, sizeof current, name);
            zones++;
        }
        day = midnight / LW_DAY;
        start_ms = start_s * LW_SECOND;
        length_ms = minutes * LW_MINUTE;
    }
    lw_zone_free(zone);
    fclose(table);
    assert_int_equal(zones, 10);
}

/* Days that exist begin later and later, each instant is in the day that began last, and
 * `reached` is the first instant at which the clock shows a time. */
static void assert_laws(const struct lw_zone *zone, int64_t from, int64_t until) {
    int64_t before = lw_zone_clock(zone, from - 1);
    for (int64_t t = from; t < until; t += 97 * LW_MINUTE) {
        int64_t day = lw_zone_day(zone, t), now = lw_zone_clock(zone, t);
        int64_t start = lw_zone_day_start(zone, day);
        int64_t reached = lw_zone_reached(zone, now);
        assert_true(start <= t && t < lw_zone_day_start(zone, day + 1));
        assert_true(now >= before);
        assert_true(reached <= t && lw_zone_clock(zone, reached) == now);
        assert_true(lw_zone_clock(zone, reached - 1) < now);
        before = now;
    }
}

static void zone_keeps_the_laws(const char *name) {
    struct lw_zone *zone = zone_of(name);
    assert_laws(zone, lw_from_civil(2011, 1, 1), lw_from_civil(2012, 1, 2));
    assert_laws(zone, lw_from_civil(2032, 1, 1), lw_from_civil(2033, 1, 1));
    lw_zone_free(zone);
}

static void every_instant_is_in_one_day(void **state) {
    (void)state;
    int zones = zones_visit(zone_keeps_the_laws);
    if (zones < 0)
        skip();
    assert_true(zones > 200);
}

static void without_a_zone_days_are_those_of_utc(void **state) {
    (void)state;
    static const int64_t times[] = {-LW_DAY - 1, -LW_DAY, -1, 0, LW_DAY - 1, LW_DAY};
    static const int64_t days[] = {-2, -1, -1, 0, 0, 1};
    for (size_t i = 0; i < COUNT(times); i++) {
        assert_true(lw_zone_day(NULL, times[i]) == days[i]);
        assert_true(lw_zone_day_start(NULL, days[i]) == days[i] * LW_DAY);
        assert_true(lw_zone_clock(NULL, times[i]) == times[i]);
    }
}

static void civil_times_are_local(void **state) {
    (void)state;
    struct lw_zone *york = zone_of("America/New_York");
    /* a Sunday of 23 hours */
    struct lw_civil c = lw_zone_civil(york, lw_from_civil(2024, 3, 11) + 3 * LW_HOUR);
    assert_int_equal(c.day, 10);
    assert_int_equal(c.hour, 23);
    assert_int_equal(c.weekday, 6);
    lw_zone_free(york);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(days_are_those_of_zoneinfo),
        cmocka_unit_test(every_instant_is_in_one_day),
        cmocka_unit_test(without_a_zone_days_are_those_of_utc),
        cmocka_unit_test(civil_times_are_local),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
