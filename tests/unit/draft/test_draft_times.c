/* Which values are times, in which unit, which of them is the event time, and what
 * follows from the rate and the order of arrival. */
#include "support.h"

static int64_t spacing_ms = LW_MINUTE, unit_per_ms_num = 1, unit_per_ms_den = 1;
static int64_t late_ms;
static size_t late_each;

/* start, end, two whole numbers, target */
static void event_of_times(size_t i, struct lw_cell *c, struct lw_rng *rng) {
    int64_t end = T0 + (int64_t)i * spacing_ms;
    int64_t start = end - (int64_t)lw_rng_below(rng, 60) * LW_MINUTE;
    if (late_each && i % late_each == 0)
        end -= late_ms;
    c[0] = time_cell(start);
    c[1] = lw_cell_int(end * unit_per_ms_num / unit_per_ms_den);
    c[2] = lw_cell_int(INT64_C(1500000000) + (int64_t)lw_rng_below(rng, 400000000));
    c[3] = lw_cell_num(lw_rng_normal(rng));
}
#define TIMES "start:time ended_at:long phone:long target:double"

static struct made made_times(size_t n) {
    return made_of(TIMES, n, event_of_times, NULL);
}

static void a_bare_long_is_a_time_in_its_unit(void **state) {
    (void)state;
    static const struct {
        int64_t num, den;
        enum lw_unit unit;
    } units[] = {{1, 1000, LW_UNIT_S},
                 {1, 1, LW_UNIT_MS},
                 {1000, 1, LW_UNIT_US},
                 {1000000, 1, LW_UNIT_NS}};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        unit_per_ms_num = units[i].num;
        unit_per_ms_den = units[i].den;
        struct made m = made_times(3000);
        assert_true(field_named(&m, "ended_at")->instant);
        assert_int_equal(field_named(&m, "ended_at")->unit, units[i].unit);
        assert_string_equal(m.sample->column[m.draft->time].name, "ended_at");
        assert_false(field_named(&m, "phone")->instant);
        char *text = text_of(&m);
        const char *const names[] = {"", "unit: s}", "unit: ms}", "unit: us}",
                                     "unit: ns}"};
        assert_non_null(strstr(text, names[units[i].unit]));
        free(text);
        made_free(&m);
    }
    unit_per_ms_num = unit_per_ms_den = 1;
}

static void rate_and_lag_decide_panes_windows_and_hold_out(void **state) {
    (void)state;
    spacing_ms = 30 * LW_SECOND; /* 2,880 a day */
    late_ms = 100 * LW_MINUTE;
    late_each = 50;
    struct made m = made_times(30000);
    assert_true(fabs(m.draft->pace.per_day - 2880) < 60);
    assert_int_equal(m.draft->pace.pane_ms, 15 * LW_MINUTE);
    assert_int_equal(m.draft->pace.lateness_ms, 2 * LW_HOUR);
    assert_int_equal(m.draft->pace.window_ms[0], LW_DAY);
    assert_int_equal(m.draft->pace.holdout_ms, 2 * LW_DAY);
    made_free(&m);

    late_each = 0;
    spacing_ms = 30 * LW_MINUTE; /* 48 a day */
    m = made_times(3000);
    assert_int_equal(m.draft->pace.pane_ms, 6 * LW_HOUR);
    assert_int_equal(m.draft->pace.lateness_ms, 5 * LW_MINUTE);
    assert_int_equal(m.draft->pace.window_ms[0], 7 * LW_DAY);
    assert_int_equal(m.draft->pace.holdout_ms, 15 * LW_DAY); /* a quarter */
    made_free(&m);
    spacing_ms = LW_MINUTE;
}

/* At any rate, a hold-out has a thousand events or about a quarter of the sample, and a
 * short window three hundred events. */
static void lengths_have_enough_events_at_any_rate(void **state) {
    (void)state;
    for (spacing_ms = LW_SECOND; spacing_ms < LW_HOUR; spacing_ms = spacing_ms * 7 / 3) {
        struct made m = made_times(1500);
        assert_non_null(m.draft);
        const struct lw_draft_pace *p = &m.draft->pace;
        double day = (double)LW_DAY;
        assert_true(p->per_day * (double)p->holdout_ms / day >= 1000 ||
                    (double)p->holdout_ms > p->days * day / 8);
        assert_true((double)p->holdout_ms <= p->days * day / 4);
        assert_true(p->per_day * (double)p->window_ms[0] / day >= 299 ||
                    p->window_ms[0] == 28 * LW_DAY);
        assert_int_equal(LW_DAY % p->pane_ms, 0);
        assert_true(p->bootstrap_rows <= 1500 && p->bootstrap_rows >= p->min_rows);
        made_free(&m);
    }
    spacing_ms = LW_MINUTE;
}

static void event_with_text_time(size_t i, struct lw_cell *c, struct lw_rng *rng) {
    static char text[40];
    struct lw_civil t = lw_civil(T0 + (int64_t)i * LW_MINUTE);
    snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:00Z", t.year, t.month, t.day,
             t.hour, t.minute);
    c[0] = lw_cell_text(text, strlen(text));
    c[1] = lw_cell_num(t.hour + lw_rng_normal(rng));
}

static void a_text_is_a_time_and_the_only_one_has_an_hour(void **state) {
    (void)state;
    struct made m = made_of("when:string load:double", 3000, event_with_text_time, NULL);
    assert_string_equal(m.sample->column[m.draft->time].name, "when");
    assert_role(&m, "when", LW_DRAFT_INSTANT);
    char *text = text_of(&m);
    assert_non_null(strstr(text, "hour(when)"));
    free(text);
    made_free(&m);
}

static void event_of_wrong_times(size_t i, struct lw_cell *c, struct lw_rng *rng) {
    event_of_times(i, c, rng);
    if (i % 100 == 0)
        c[1] = lw_cell_int(INT64_C(2240000000000)); /* in 2040 */
}

static void a_few_wrong_times_change_nothing(void **state) {
    (void)state;
    struct made good = made_times(5000);
    struct made bad = made_of(TIMES, 5000, event_of_wrong_times, NULL);
    assert_int_equal(bad.draft->time, good.draft->time);
    assert_int_equal(bad.draft->pace.lateness_ms, good.draft->pace.lateness_ms);
    made_free(&good);
    made_free(&bad);
}

static void event_of_dates(size_t i, struct lw_cell *c, struct lw_rng *rng) {
    c[0] = time_cell((T0 / LW_DAY + (int64_t)i / 300) * LW_DAY);
    c[1] = lw_cell_num(lw_rng_normal(rng));
    c[2] = lw_cell_num(lw_rng_normal(rng));
}

static void without_times_it_is_the_records(void **state) {
    (void)state;
    struct made m =
        made_of("day:double x:double target:double", 500, event_of_dates, NULL);
    assert_int_equal(m.draft->time, -1);
    char *text = text_of(&m);
    assert_non_null(strstr(text, "  time: record"));
    free(text);
    made_free(&m);
    m = made_of("day:date x:double target:double", 3000, event_of_dates, NULL);
    text = text_of(&m);
    assert_non_null(strstr(text, "weekday(day)"));
    assert_null(strstr(text, "hour(day)"));
    free(text);
    made_free(&m);
}

static void event_of_calls(size_t i, struct lw_cell *c, struct lw_rng *rng) {
    c[0] = time_cell(T0 + (int64_t)i * LW_MINUTE);
    c[1] = time_cell(T0 + (int64_t)i * LW_MINUTE - (int64_t)lw_rng_below(rng, LW_DAY));
    c[2] = lw_cell_num(lw_rng_normal(rng));
    c[3] = lw_cell_num(lw_rng_normal(rng)); /* if there is a fourth field */
}

/* An hour by UTC would drift whenever the clocks change. */
static void hours_are_watched_by_clocks_that_people_live_by(void **state) {
    (void)state;
    const struct lw_draft_wishes rome = {
        .lo = NAN, .hi = NAN, .time_zone = "Europe/Rome"};
    static const struct {
        const char *fields;
        bool zone, watched;
    } cases[] = {{"at:time due:time target:double x:double", false, false},
                 {"at:time due:time target:double x:double", true, true},
                 {"at:time due:local target:double x:double", false, true},
                 {"at:time due:time target:double", false, true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct made m =
            made_of(cases[i].fields, 3000, event_of_calls, cases[i].zone ? &rome : NULL);
        char *text = text_of(&m);
        assert_non_null(strstr(text, "hour(due)"));
        assert_int_equal(strstr(text, "\n  due_hour: {of:") != NULL, cases[i].watched);
        assert_int_equal(strstr(text, "\n  # due_hour: {of:") != NULL, !cases[i].watched);
        assert_int_equal(strstr(text, "\n  time_zone: Europe/Rome") != NULL,
                         cases[i].zone);
        free(text);
        made_free(&m);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bare_long_is_a_time_in_its_unit),
        cmocka_unit_test(rate_and_lag_decide_panes_windows_and_hold_out),
        cmocka_unit_test(lengths_have_enough_events_at_any_rate),
        cmocka_unit_test(a_text_is_a_time_and_the_only_one_has_an_hour),
        cmocka_unit_test(a_few_wrong_times_change_nothing),
        cmocka_unit_test(without_times_it_is_the_records),
        cmocka_unit_test(hours_are_watched_by_clocks_that_people_live_by),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
