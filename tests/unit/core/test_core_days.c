/* What is done every day, or several times a day, follows local days. */
#include "../../support/core_fixture.h"

#define FROM  lw_from_civil(2011, 1, 1)
#define UNTIL lw_from_civil(2013, 1, 1)

static const char *const zones[] = {
    "",
    "America/New_York",
    "Europe/London",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Asia/Kolkata",
    "America/Havana",
    "America/Sao_Paulo",
    "America/St_Johns",
};
#define NZONES (sizeof zones / sizeof *zones)
static const int64_t panes[] = {15 * LW_MINUTE, 30 * LW_MINUTE, LW_HOUR, 6 * LW_HOUR};
#define NPANES (sizeof panes / sizeof *panes)

static struct lw_spec *spec_in(const char *name, int64_t pane_ms) {
    struct lw_spec *spec = core_spec_new();
    struct lw_err err = {0};
    spec->pane_ms = pane_ms;
    if (*name && !(spec->zone = lw_zone_new(name, &err)))
        fail_msg("%s", err.msg);
    return spec;
}

static void free_spec(struct lw_spec *spec) {
    lw_zone_free(spec->zone);
    spec->zone = NULL;
    core_spec_free(spec);
}

/* Calls `law` for each zone and length of panes. */
static void for_each(void (*law)(const struct lw_spec *spec)) {
    for (size_t z = 0; z < NZONES; z++)
        for (size_t p = 0; p < NPANES; p++) {
            struct lw_spec *spec = spec_in(zones[z], panes[p]);
            law(spec);
            free_spec(spec);
        }
}

/* The first pane that ends at midnight or later. */
static void check_once_a_day(const struct lw_spec *spec) {
    int64_t last = INT64_MIN, days = 0;
    for (int64_t end = FROM; end < UNTIL; end += spec->pane_ms) {
        int64_t day = lw_zone_day(spec->zone, end);
        if (!lw_spec_due(spec, end, LW_DAY))
            continue;
        int64_t since = end - lw_zone_day_start(spec->zone, day);
        assert_true(since >= 0 && since < spec->pane_ms);
        assert_true(day > last);
        last = day;
        days++;
    }
    bool skipped = lw_zone_day_start(spec->zone, 15338) ==
                   lw_zone_day_start(spec->zone, 15339); /* Apia, 30 December 2011 */
    int64_t want = lw_zone_day(spec->zone, UNTIL - spec->pane_ms) -
                   lw_zone_day(spec->zone, FROM - spec->pane_ms);
    assert_true(days == want - skipped);
}

static void every_day_is_evaluated_once(void **state) {
    (void)state;
    for_each(check_once_a_day);
}

/* With panes short enough to end there, at six by the clock, also on days of 23 and 25
 * hours. */
static void six_hours_are_counted_from_midnight(void **state) {
    (void)state;
    for (size_t z = 0; z < NZONES; z++) {
        struct lw_spec *spec = spec_in(zones[z], 15 * LW_MINUTE);
        int64_t day = 0, n = 0;
        for (int64_t end = FROM; end < UNTIL; end += spec->pane_ms) {
            struct lw_civil c = lw_zone_civil(spec->zone, end);
            if (!lw_spec_due(spec, end, 6 * LW_HOUR))
                continue;
            int64_t now = lw_zone_day(spec->zone, end);
            /* midnight may be skipped: Sao Paulo's day begins at one o'clock; and St
             * John's clocks change at a minute past it */
            assert_true((c.hour % 6 == 0 && c.minute == 0) || c.hour == 1);
            assert_true(n == 0 || now != day || c.hour > 0);
            if (now != day && day != 0 && end > FROM + 2 * LW_DAY)
                assert_int_equal(n, 4);
            n = now == day ? n + 1 : 1;
            day = now;
        }
        free_spec(spec);
    }
}

/* Every hour means every hour, also while clocks repeat one. */
static void hours_and_less_are_never_left_out(void **state) {
    (void)state;
    struct lw_spec *spec = spec_in("America/New_York", 15 * LW_MINUTE);
    for (int64_t end = FROM; end < UNTIL; end += spec->pane_ms) {
        assert_int_equal(lw_spec_due(spec, end, LW_HOUR), end % LW_HOUR == 0);
        assert_true(lw_spec_due(spec, end, 15 * LW_MINUTE));
    }
    free_spec(spec);
}

static void weeks_begin_on_monday(void **state) {
    (void)state;
    for (size_t z = 0; z < NZONES; z++) {
        struct lw_spec *spec = spec_in(zones[z], 30 * LW_MINUTE);
        int weeks = 0;
        for (int64_t end = FROM; end < UNTIL; end += spec->pane_ms) {
            if (!lw_spec_due(spec, end, LW_WEEK))
                continue;
            assert_int_equal((lw_zone_day(spec->zone, end) + 3) % 7, 0);
            weeks++;
        }
        assert_in_range(weeks, 104, 105);
        free_spec(spec);
    }
}

/* The next decision is the first pane in which a rule is due, found step by step. */
static void check_next_decision(const struct lw_spec *spec) {
    int64_t every = spec->rule[0].every_ms;
    struct lw_rng rng;
    lw_rng_seed(&rng, (uint64_t)every);
    for (int i = 0; i < 60; i++) {
        int64_t after = FROM + (int64_t)(lw_rng_unit(&rng) * (double)(UNTIL - FROM));
        int64_t end = lw_spec_pane_start(spec, after) + spec->pane_ms;
        while (every && !lw_spec_due(spec, end, every))
            end += spec->pane_ms;
        assert_true(lw_spec_next_decision(spec, after) == end);
        assert_true(lw_spec_next_decision(spec, end - 1) == end);
    }
}

static void the_next_decision_is_the_next_that_is_due(void **state) {
    (void)state;
    static const int64_t every[] = {0, LW_HOUR, 6 * LW_HOUR, LW_DAY, 2 * LW_DAY, LW_WEEK};
    for (size_t z = 0; z < NZONES; z++)
        for (size_t i = 0; i < sizeof every / sizeof *every; i++) {
            struct lw_spec *spec = spec_in(zones[z], LW_HOUR);
            struct lw_rule *rule = core_rule(spec, "bias", "bias", LW_RULE_MODEL, 1);
            spec->retrain.bootstrap_until_ms = 0;
            rule->actions = LW_ACTION_RETRAIN;
            rule->every_ms = every[i];
            check_next_decision(spec);
            free_spec(spec);
        }
}

/* Without a zone, as multiples of UTC. */
static void without_a_zone_utc_counts(void **state) {
    (void)state;
    static const int64_t every[] = {2 * LW_HOUR, 5 * LW_HOUR, 12 * LW_HOUR, LW_DAY,
                                    3 * LW_DAY};
    struct lw_spec *spec = spec_in("", LW_HOUR);
    for (int64_t end = FROM; end < UNTIL; end += spec->pane_ms)
        for (size_t i = 0; i < sizeof every / sizeof *every; i++)
            assert_int_equal(lw_spec_due(spec, end, every[i]), end % every[i] == 0);
    free_spec(spec);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_day_is_evaluated_once),
        cmocka_unit_test(six_hours_are_counted_from_midnight),
        cmocka_unit_test(hours_and_less_are_never_left_out),
        cmocka_unit_test(weeks_begin_on_monday),
        cmocka_unit_test(the_next_decision_is_the_next_that_is_due),
        cmocka_unit_test(without_a_zone_utc_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
