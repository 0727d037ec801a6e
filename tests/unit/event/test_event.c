/* Events: time, target, validity, and the syntax of checks. */
#include "support.h"

#include <math.h>

#include "event/event.h"

enum { ID, FROM, TO, MILES, FARE };

static struct lw_event_spec spec_of(void) {
    struct lw_event_spec spec = {
        .id_field = ID,
        .time_field = TO,
        .target = LW_TARGET_MINUTES_BETWEEN,
        .target_a = FROM,
        .target_b = TO,
        .target_lo = 1,
        .target_hi = 60,
    };
    spec.fields = fields_of_text(
        "id:text,from:timestamp,to:timestamp,trip.miles:numeric,fare:numeric");
    struct lw_err err = {0};
    lw_event_check_parse("0 <= trip.miles < 50", &spec.fields, &spec.check[0], &err);
    lw_event_check_parse("fare > 0", &spec.fields, &spec.check[1], &err);
    spec.nchecks = 2;
    if (err.code)
        fail_msg("%s", err.msg);
    return spec;
}

static int reason(double minutes, double miles, double fare) {
    struct lw_event_spec spec = spec_of();
    struct lw_row row;
    int64_t from = INT64_C(1583989200000);
    struct lw_cell cells[] = {lw_cell_text("x", 1), lw_cell_int(from),
                              lw_cell_int(from + (int64_t)(minutes * 60000)),
                              lw_cell_num(miles), lw_cell_num(fare)};
    int rc = lw_event_row(&spec, cells, 5, &row, NULL);
    assert_ptr_equal(row.cells, cells);
    assert_true(row.time_ms == from + (int64_t)(minutes * 60000));
    assert_true(row.target == minutes);
    return rc;
}

static void reasons_have_an_order(void **state) {
    (void)state;
    assert_int_equal(reason(10, 2, 5), LW_GOOD);
    assert_int_equal(reason(1, 2, 5), LW_GOOD); /* the target's bounds are inclusive */
    assert_int_equal(reason(60, 2, 5), LW_GOOD);
    assert_int_equal(reason(0.5, 2, 5), LW_REJECTED_TARGET_LOW);
    assert_int_equal(reason(60.25, 2, 5), LW_REJECTED_TARGET_HIGH);
    assert_int_equal(reason(-3, 99, -5), LW_REJECTED_TARGET_LOW);
    assert_int_equal(reason(10, 50, -5), LW_REJECTED_CHECK);
    assert_int_equal(reason(10, 0, 0), LW_REJECTED_CHECK + 1);
    assert_int_equal(reason(10, NAN, NAN), LW_GOOD); /* missing passes */
}

/* A prediction is requested before the target is known; the checks are the same. */
static void checks_need_no_target(void **state) {
    (void)state;
    struct lw_event_spec spec = spec_of();
    struct lw_cell cells[] = {lw_cell_missing(), lw_cell_missing(), lw_cell_missing(),
                              lw_cell_num(2), lw_cell_num(5)};
    assert_int_equal(lw_event_check(&spec, cells), LW_GOOD);
    cells[MILES] = lw_cell_num(50);
    assert_int_equal(lw_event_check(&spec, cells), LW_REJECTED_CHECK);
    cells[MILES] = lw_cell_missing(); /* missing passes */
    cells[FARE] = lw_cell_num(0);
    assert_int_equal(lw_event_check(&spec, cells), LW_REJECTED_CHECK + 1);
}

static void reasons_have_names(void **state) {
    (void)state;
    struct lw_event_spec spec = spec_of();
    assert_string_equal(lw_event_reason(&spec, LW_GOOD), "good");
    assert_string_equal(lw_event_reason(&spec, LW_REJECTED_NO_TARGET), "target missing");
    assert_string_equal(lw_event_reason(&spec, LW_REJECTED_TARGET_LOW),
                        "target below range");
    assert_string_equal(lw_event_reason(&spec, LW_REJECTED_TARGET_HIGH),
                        "target above range");
    assert_string_equal(lw_event_reason(&spec, LW_REJECTED_CHECK + 1), "fare > 0");
    assert_string_equal(lw_event_reason(&spec, LW_REJECTED_CHECK + 2), "unknown");
    assert_string_equal(lw_event_reason(&spec, -1), "unknown");
}

static void a_missing_target_is_rejected(void **state) {
    (void)state;
    struct lw_event_spec spec = spec_of();
    struct lw_row row;
    struct lw_cell cells[] = {lw_cell_text("x", 1), lw_cell_missing(),
                              lw_cell_int(INT64_C(1583989200000)), lw_cell_num(1),
                              lw_cell_num(1)};
    assert_int_equal(lw_event_row(&spec, cells, 5, &row, NULL), LW_REJECTED_NO_TARGET);
    assert_true(isnan(row.target));
    assert_int_equal(row.time_ms, 1583989200000);
}

static void a_missing_time_is_an_error(void **state) {
    (void)state;
    struct lw_event_spec spec = spec_of();
    struct lw_row row;
    struct lw_err err = {0};
    struct lw_cell cells[] = {lw_cell_text("x", 1), lw_cell_int(0), lw_cell_missing(),
                              lw_cell_num(1), lw_cell_num(1)};
    assert_int_equal(lw_event_row(&spec, cells, 5, &row, &err), -1);
    assert_int_equal(err.code, LW_EINPUT);
    assert_non_null(strstr(err.msg, "\"to\""));
}

static int row_at(int64_t ms, enum lw_unit unit, bool record, struct lw_err *err) {
    struct lw_event_spec spec = spec_of();
    struct lw_row row;
    spec.time_field = record ? -1 : TO;
    spec.time_unit = unit;
    spec.target_lo = -INFINITY;
    spec.target_hi = INFINITY;
    struct lw_cell cells[] = {lw_cell_text("x", 1), lw_cell_int(0), lw_cell_int(ms),
                              lw_cell_num(1), lw_cell_num(1)};
    *err = (struct lw_err){0};
    return lw_event_row(&spec, cells, record ? ms : LW_NO_TIME, &row, err);
}

/* An event with an implausible time does not move the watermark: it becomes a dead letter
 * whose message suggests a remedy. */
static void implausible_times_are_errors(void **state) {
    (void)state;
    const int64_t now = INT64_C(1767225600000); /* 2026 */
    struct lw_err err;
    static const struct {
        double factor;
        enum lw_unit unit;
        const char *says;
    } cases[] = {
        {1e3, LW_UNIT_MS, "would be plausible as microseconds: set its unit to us"},
        {1e6, LW_UNIT_MS, "would be plausible as nanoseconds: set its unit to ns"},
        {1e-3, LW_UNIT_MS, "would be plausible as seconds: set its unit to s"},
        {1e3, LW_UNIT_US, "would be plausible as nanoseconds: set its unit to ns"},
        {1e-3, LW_UNIT_US, "would be plausible as milliseconds: set its unit to ms"},
        {1e-6, LW_UNIT_US, "would be plausible as seconds: set its unit to s"},
        {1e-6, LW_UNIT_NS, "would be plausible as milliseconds: set its unit to ms"},
        {1e3, LW_UNIT_S, "would be plausible as milliseconds: set its unit to ms"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t ms = (int64_t)((double)now * cases[i].factor);
        assert_int_equal(row_at(ms, cases[i].unit, false, &err), -1);
        assert_int_equal(err.code, LW_EINPUT);
        if (!strstr(err.msg, cases[i].says))
            fail_msg("\"%s\" does not say \"%s\"", err.msg, cases[i].says);
    }
    row_at(now * 1000, LW_UNIT_MS, false, &err);
    assert_non_null(strstr(err.msg, "event time \"to\" is 57971-"));
    static const int64_t nonsense[] = {
        0, -1, INT64_MAX, INT64_MIN + 1, LW_TIME_FROM - 1, LW_TIME_UNTIL};
    for (size_t i = 0; i < sizeof nonsense / sizeof *nonsense; i++) {
        assert_int_equal(row_at(nonsense[i], LW_UNIT_MS, false, &err), -1);
        assert_non_null(strstr(err.msg, "outside the years 1990 to 2100"));
        assert_null(strstr(err.msg, "set its unit"));
        assert_int_equal(row_at(nonsense[i], LW_UNIT_MS, true, &err), -1);
    }
    assert_int_equal(row_at(LW_TIME_FROM, LW_UNIT_MS, false, &err), LW_GOOD);
    assert_int_equal(row_at(LW_TIME_UNTIL - 1, LW_UNIT_MS, true, &err), LW_GOOD);
    assert_int_equal(row_at(LW_NO_TIME, LW_UNIT_MS, true, &err), -1);
    assert_string_equal(err.msg, "event.time is `record`, but the record has no time");
}

static void the_target_can_be_a_field_and_the_time_the_records(void **state) {
    (void)state;
    struct lw_event_spec spec = spec_of();
    struct lw_row row;
    spec.target = LW_TARGET_FIELD;
    spec.target_a = FARE;
    spec.time_field = -1;
    struct lw_cell cells[] = {lw_cell_missing(), lw_cell_missing(), lw_cell_missing(),
                              lw_cell_num(1), lw_cell_num(7.25)};
    assert_int_equal(lw_event_row(&spec, cells, 1583989200000, &row, NULL), LW_GOOD);
    assert_true(row.target == 7.25);
    assert_int_equal(row.time_ms, 1583989200000);
}

static void check_is(const char *text, int field, double lo, double hi, bool lo_open,
                     bool hi_open) {
    struct lw_event_spec spec = spec_of();
    struct lw_check check;
    struct lw_err err = {0};
    if (lw_event_check_parse(text, &spec.fields, &check, &err) < 0)
        fail_msg("%s", err.msg);
    assert_int_equal(check.field, field);
    assert_true(check.lo == lo && check.hi == hi);
    assert_true(isinf(lo) || check.lo_open == lo_open);
    assert_true(isinf(hi) || check.hi_open == hi_open);
    assert_string_equal(check.reason, text);
}

static void checks_parse(void **state) {
    (void)state;
    check_is("fare < 50", FARE, -INFINITY, 50, false, true);
    check_is("fare<=50", FARE, -INFINITY, 50, false, false);
    check_is("fare >= -2.5e1", FARE, -25, INFINITY, false, false);
    check_is("fare > 0", FARE, 0, INFINITY, true, false);
    check_is("0 < fare", FARE, 0, INFINITY, true, false);
    check_is("7 >= fare", FARE, -INFINITY, 7, false, false);
    check_is("0 <= trip.miles < 10", MILES, 0, 10, false, true);
    check_is("  10 > trip.miles >= 0 ", MILES, 0, 10, false, true);
    check_is("3 <= fare <= 3", FARE, 3, 3, false, false);
}

static void check_refused(const char *text, const char *because) {
    struct lw_event_spec spec = spec_of();
    struct lw_check check;
    struct lw_err err = {0};
    assert_int_equal(lw_event_check_parse(text, &spec.fields, &check, &err), -1);
    assert_int_equal(err.code, LW_ECONFIG);
    if (!strstr(err.msg, because))
        fail_msg("\"%s\" does not say \"%s\"", err.msg, because);
}

static void bad_checks_are_refused(void **state) {
    (void)state;
    char longer[400];
    check_refused("", "not a comparison");
    check_refused("fare", "not a comparison");
    check_refused("fare = 5", "not a comparison");
    check_refused("fare == 5", "not a comparison");
    check_refused("fare <", "not a comparison");
    check_refused("< 5", "not a comparison");
    check_refused("0 < fare < 5 < 6", "not a comparison");
    check_refused("fare < 5 dollars", "not a comparison");
    check_refused("fare < trip.miles", "must be a number");
    check_refused("fare < 5x", "must be a number");
    check_refused("0 < fare > 5", "same way");
    check_refused("5 < fare < 5", "no value lies");
    check_refused("9 <= fare <= 5", "no value lies");
    check_refused("fair < 5", "did you mean \"fare\"");
    check_refused("id < 5", "no order");
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    check_refused(longer, "too long");
    longer[150] = '\0';
    check_refused(longer, "not a comparison");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reasons_have_an_order),
        cmocka_unit_test(checks_need_no_target),
        cmocka_unit_test(reasons_have_names),
        cmocka_unit_test(a_missing_target_is_rejected),
        cmocka_unit_test(a_missing_time_is_an_error),
        cmocka_unit_test(implausible_times_are_errors),
        cmocka_unit_test(the_target_can_be_a_field_and_the_time_the_records),
        cmocka_unit_test(checks_parse),
        cmocka_unit_test(bad_checks_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
