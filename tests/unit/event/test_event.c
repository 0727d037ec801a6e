/* Events: time, target, validity, and the little language of checks. */
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
    lw_check_parse("0 <= trip.miles < 50", &spec.fields, &spec.check[0], &err);
    lw_check_parse("fare > 0", &spec.fields, &spec.check[1], &err);
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
    assert_int_equal(reason(0.5, 2, 5), LW_ASIDE_TARGET_LOW);
    assert_int_equal(reason(60.25, 2, 5), LW_ASIDE_TARGET_HIGH);
    assert_int_equal(reason(-3, 99, -5), LW_ASIDE_TARGET_LOW);
    assert_int_equal(reason(10, 50, -5), LW_ASIDE_CHECK);
    assert_int_equal(reason(10, 0, 0), LW_ASIDE_CHECK + 1);
    assert_int_equal(reason(10, NAN, NAN), LW_GOOD); /* missing passes */
}

/* A prediction is asked for before the truth is there: the checks are the same. */
static void checks_need_no_target(void **state) {
    (void)state;
    struct lw_event_spec spec = spec_of();
    struct lw_cell cells[] = {lw_cell_missing(), lw_cell_missing(), lw_cell_missing(),
                              lw_cell_num(2), lw_cell_num(5)};
    assert_int_equal(lw_event_check(&spec, cells), LW_GOOD);
    cells[MILES] = lw_cell_num(50);
    assert_int_equal(lw_event_check(&spec, cells), LW_ASIDE_CHECK);
    cells[MILES] = lw_cell_missing(); /* missing passes */
    cells[FARE] = lw_cell_num(0);
    assert_int_equal(lw_event_check(&spec, cells), LW_ASIDE_CHECK + 1);
}

static void reasons_have_names(void **state) {
    (void)state;
    struct lw_event_spec spec = spec_of();
    assert_string_equal(lw_event_reason(&spec, LW_GOOD), "good");
    assert_string_equal(lw_event_reason(&spec, LW_ASIDE_NO_TARGET), "target missing");
    assert_string_equal(lw_event_reason(&spec, LW_ASIDE_TARGET_LOW),
                        "target below range");
    assert_string_equal(lw_event_reason(&spec, LW_ASIDE_TARGET_HIGH),
                        "target above range");
    assert_string_equal(lw_event_reason(&spec, LW_ASIDE_CHECK + 1), "fare > 0");
    assert_string_equal(lw_event_reason(&spec, LW_ASIDE_CHECK + 2), "unknown");
    assert_string_equal(lw_event_reason(&spec, -1), "unknown");
}

static void a_missing_target_is_set_aside(void **state) {
    (void)state;
    struct lw_event_spec spec = spec_of();
    struct lw_row row;
    struct lw_cell cells[] = {lw_cell_text("x", 1), lw_cell_missing(), lw_cell_int(60000),
                              lw_cell_num(1), lw_cell_num(1)};
    assert_int_equal(lw_event_row(&spec, cells, 5, &row, NULL), LW_ASIDE_NO_TARGET);
    assert_true(isnan(row.target));
    assert_int_equal(row.time_ms, 60000);
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

static void field_target_and_record_time(void **state) {
    (void)state;
    struct lw_event_spec spec = spec_of();
    struct lw_row row;
    spec.target = LW_TARGET_FIELD;
    spec.target_a = FARE;
    spec.time_field = -1;
    struct lw_cell cells[] = {lw_cell_missing(), lw_cell_missing(), lw_cell_missing(),
                              lw_cell_num(1), lw_cell_num(7.25)};
    assert_int_equal(lw_event_row(&spec, cells, 1234, &row, NULL), LW_GOOD);
    assert_true(row.target == 7.25);
    assert_int_equal(row.time_ms, 1234);
}

static void check_is(const char *text, int field, double lo, double hi, bool lo_open,
                     bool hi_open) {
    struct lw_event_spec spec = spec_of();
    struct lw_check check;
    struct lw_err err = {0};
    if (lw_check_parse(text, &spec.fields, &check, &err) < 0)
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
    assert_int_equal(lw_check_parse(text, &spec.fields, &check, &err), -1);
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
    check_refused("5 < fare < 5", "nothing can lie");
    check_refused("9 <= fare <= 5", "nothing can lie");
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
        cmocka_unit_test(a_missing_target_is_set_aside),
        cmocka_unit_test(a_missing_time_is_an_error),
        cmocka_unit_test(field_target_and_record_time),
        cmocka_unit_test(checks_parse),
        cmocka_unit_test(bad_checks_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
