/* Injected drift does exactly what its line says, identically each time. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/time.h"
#include "core/inject.h"

enum { T0, T1, ZONE, BASE, X, OPTIONAL, FIELDS };
#define AT (INT64_C(18341) * LW_DAY) /* 2020-03-20 */

/* cmocka's own function compares floats. */
static void assert_near(double a, double b, double within) {
    if (!(fabs(a - b) <= within))
        fail_msg("%.17g is not %.17g", a, b);
}

static void make_event(struct lw_event_spec *e) {
    static const struct {
        const char *name;
        enum lw_kind kind;
        bool required;
    } field[FIELDS] = {{"start", LW_TIMESTAMP, true}, {"end", LW_TIMESTAMP, true},
                       {"zone", LW_CATEGORY, true},   {"base", LW_CATEGORY, false},
                       {"x", LW_NUMERIC, true},       {"opt", LW_NUMERIC, false}};
    *e = (struct lw_event_spec){.id_field = -1,
                                .time_field = T1,
                                .target = LW_TARGET_MINUTES_BETWEEN,
                                .target_a = T0,
                                .target_b = T1,
                                .target_lo = 1,
                                .target_hi = 60};
    for (int i = 0; i < FIELDS; i++)
        lw_fields_add(&e->fields, field[i].name, field[i].kind, field[i].required, NULL);
}

/* A ten-minute trip that ends `hours` after AT. */
static void make_cells(struct lw_cell cells[FIELDS], double hours) {
    int64_t end = AT + (int64_t)(hours * LW_HOUR);
    cells[T0] = lw_cell_int(end - 10 * LW_MINUTE);
    cells[T1] = lw_cell_int(end);
    cells[ZONE] = lw_cell_int(74);
    cells[BASE] = lw_cell_text("B0001", 5);
    cells[X] = lw_cell_num(3);
    cells[OPTIONAL] = lw_cell_num(1);
}

static struct lw_injection parsed(const struct lw_event_spec *event, const char *text) {
    struct lw_injection in;
    struct lw_err err = {0};
    if (lw_inject_parse(text, event, &in, &err))
        fail_msg("%s", err.msg);
    return in;
}

/* x of an event `hours` after the beginning. */
static double x_after(const char *text, double hours) {
    struct lw_event_spec event;
    struct lw_cell cells[FIELDS];
    make_event(&event);
    make_cells(cells, hours);
    struct lw_injection in = parsed(&event, text);
    lw_inject_apply(&in, 1, &event, 7, cells);
    return cells[X].present ? cells[X].num : NAN;
}

static void drift_follows_its_shape_over_time(void **state) {
    (void)state;
    const char *sudden = "sudden:field=x,at=2020-03-20,until=2020-03-21,size=2";
    assert_near(x_after(sudden, -.01), 3, 0);
    assert_near(x_after(sudden, 0), 5, 0);
    assert_near(x_after(sudden, 23.99), 5, 0);
    assert_near(x_after(sudden, 24), 3, 0); /* `until` is exclusive */
    const char *gradual = "gradual:field=x,at=2020-03-20,over=10h,size=-4";
    assert_near(x_after(gradual, 0), 3, 0);
    assert_near(x_after(gradual, 2.5), 2, 1e-12);
    assert_near(x_after(gradual, 10), -1, 0);
    assert_near(x_after(gradual, 1000), -1, 0);
    const char *recurring = "recurring:field=x,at=2020-03-20,period=4h,size=1";
    assert_near(x_after(recurring, 1.9), 4, 0);
    assert_near(x_after(recurring, 2), 3, 0);
    assert_near(x_after(recurring, 41), 4, 0);
    const char *seasonal = "seasonal:field=x,at=2020-03-20,size=2";
    assert_near(x_after(seasonal, 6), 5, 1e-9);
    assert_near(x_after(seasonal, 18), 1, 1e-9);
    assert_near(x_after("unit:field=x,at=2020-03-20,size=1.609", 1), 3 * 1.609, 1e-12);
}

static void a_target_of_minutes_moves_the_later_time(void **state) {
    (void)state;
    struct lw_event_spec event;
    struct lw_cell cells[FIELDS], before[FIELDS];
    struct lw_row row;
    make_event(&event);
    make_cells(cells, 1);
    memcpy(before, cells, sizeof cells);
    struct lw_injection in = parsed(&event, "sudden:field=target,at=2020-03-20,size=2.5");
    assert_int_equal(lw_inject_apply(&in, 1, &event, 0, cells), 1);
    assert_int_equal(lw_event_row(&event, cells, 0, &row, NULL), LW_GOOD);
    assert_near(row.target, 12.5, 1e-9);
    assert_int_equal(row.time_ms - (int64_t)before[T1].key, 150 * LW_SECOND);
    assert_int_equal(cells[T0].key, before[T0].key);
    make_cells(cells, 1);
    in = parsed(&event, "unit:field=target,at=2020-03-20,size=60");
    lw_inject_apply(&in, 1, &event, 0, cells);
    assert_int_equal(lw_event_row(&event, cells, 0, &row, NULL), LW_REJECTED_TARGET_HIGH);
    assert_near(row.target, 600, 1e-9);
}

static void a_target_in_a_field_is_changed(void **state) {
    (void)state;
    struct lw_event_spec event;
    struct lw_cell cells[FIELDS];
    make_event(&event);
    event.target = LW_TARGET_FIELD;
    event.target_a = X;
    make_cells(cells, 1);
    struct lw_injection in = parsed(&event, "sudden:field=target,at=2020-03-20,size=1");
    lw_inject_apply(&in, 1, &event, 0, cells);
    assert_near(cells[X].num, 4, 0);
}

static void nulls_and_new_categories_are_injected(void **state) {
    (void)state;
    struct lw_event_spec event;
    struct lw_cell cells[FIELDS];
    make_event(&event);
    struct lw_injection in[3] = {
        parsed(&event, "nulls:field=opt,at=2020-03-20"),
        parsed(&event, "categories:field=zone,at=2020-03-20,size=3"),
        parsed(&event, "categories:field=base,at=2020-03-20")};
    bool seen[3] = {false};
    for (uint64_t i = 0; i < 200; i++) {
        make_cells(cells, 1);
        assert_int_equal(lw_inject_apply(in, 3, &event, i, cells), 3);
        assert_false(cells[OPTIONAL].present);
        assert_in_range(cells[ZONE].key, 900001, 900003);
        seen[cells[ZONE].key - 900001] = true;
        assert_int_equal(cells[BASE].key, lw_text_key("new-1", 5));
        assert_memory_equal(cells[BASE].text, "new-1", 5);
    }
    assert_true(seen[0] && seen[1] && seen[2]);
    make_cells(cells, 1);
    cells[OPTIONAL] = lw_cell_missing();
    lw_inject_apply(in, 1, &event, 0, cells);
    assert_false(in[0].hit); /* it was already missing */
}

static void noise_is_normal_and_affects_its_share(void **state) {
    (void)state;
    struct lw_event_spec event;
    struct lw_cell cells[FIELDS];
    make_event(&event);
    struct lw_injection in = parsed(&event, "labels:at=2020-03-20,size=2,share=0.25");
    double sum = 0, sum2 = 0;
    const uint64_t n = 20000;
    for (uint64_t i = 0; i < n; i++) {
        make_cells(cells, 1);
        lw_inject_apply(&in, 1, &event, i, cells);
        double minutes = (cells[T1].num - cells[T0].num) / LW_MINUTE - 10;
        sum += minutes;
        sum2 += minutes * minutes;
    }
    assert_int_equal(in.events, n);
    /* five standard errors: sqrt(n p q) = 61; sd of a square of N(0, 2): 5.7 */
    assert_in_range(in.touched, n / 4 - 306, n / 4 + 306);
    double touched = (double)in.touched;
    assert_true(fabs(sum / touched) < 5 * 2 / sqrt(touched));
    assert_true(fabs(sum2 / touched - 4) < 5 * 5.7 / sqrt(touched));
}

/* Independent of earlier events and of other injections. */
static void chance_depends_on_seed_and_number_alone(void **state) {
    (void)state;
    struct lw_event_spec event;
    struct lw_cell a[FIELDS], b[FIELDS], c[FIELDS];
    make_event(&event);
    struct lw_injection one = parsed(&event, "nulls:field=opt,at=2020-03-20,share=.5");
    struct lw_injection two[2] = {parsed(&event, "labels:at=2020-03-20,size=1"), one};
    struct lw_injection other =
        parsed(&event, "nulls:field=opt,at=2020-03-20,share=.5,seed=2");
    int differ = 0, hits = 0;
    for (uint64_t i = 100; i-- > 0;) {
        make_cells(a, 1);
        make_cells(b, 1);
        make_cells(c, 1);
        lw_inject_apply(two, 2, &event, i, a);
        lw_inject_apply(&one, 1, &event, i, b);
        lw_inject_apply(&other, 1, &event, i, c);
        assert_int_equal(a[OPTIONAL].present, b[OPTIONAL].present);
        differ += b[OPTIONAL].present != c[OPTIONAL].present;
        hits += !b[OPTIONAL].present;
    }
    assert_in_range(differ, 25, 75);
    assert_in_range(hits, 25, 75);
}

static void times_are_compared_before_any_change(void **state) {
    (void)state;
    struct lw_event_spec event;
    struct lw_cell cells[FIELDS];
    make_event(&event);
    struct lw_injection in[2] = {
        parsed(&event, "sudden:field=target,at=2020-03-20,size=120"),
        parsed(&event, "sudden:field=x,at=2020-03-20T02:00,size=1")};
    make_cells(cells, 1); /* moved to three o'clock */
    lw_inject_apply(in, 2, &event, 0, cells);
    assert_true(in[0].hit);
    assert_false(in[1].hit);
    assert_int_equal(in[1].events, 0);
}

static void an_event_without_its_time_is_left_alone(void **state) {
    (void)state;
    struct lw_event_spec event;
    struct lw_cell cells[FIELDS];
    make_event(&event);
    make_cells(cells, 1);
    cells[T1] = lw_cell_missing();
    struct lw_injection in = parsed(&event, "sudden:field=x,at=1970-01-01,size=1");
    assert_int_equal(lw_inject_apply(&in, 1, &event, 0, cells), 0);
    assert_near(cells[X].num, 3, 0);
    assert_int_equal(lw_inject_apply(NULL, 0, &event, 0, cells), 0);
}

static void errors_say_what_and_where(void **state) {
    (void)state;
    static const struct {
        const char *text, *says;
    } bad[] = {
        {"", "KIND:key=value"},
        {"suden:field=x,at=2020-03-20,size=1", "did you mean 'sudden'"},
        {"sudden:field=x,at=2020-03-20", "the key 'size' is missing"},
        {"sudden:field=x,size=1", "the key 'at' is missing"},
        {"sudden:at=2020-03-20,size=1", "the key 'field' is missing"},
        {"sudden:field=y,at=2020-03-20,size=1", "no field 'y'"},
        {"sudden:field=zone,at=2020-03-20,size=1", "'zone' is category"},
        {"sudden:field=x,at=tomorrow,size=1", "'tomorrow' is not a time"},
        {"sudden:field=x,at=2020-03-20,until=2020-03-20,size=1", "'until' must be later"},
        {"sudden:field=x,at=2020-03-20,size=nan", "'nan' is not a number"},
        {"sudden:field=x,at=2020-03-20,size=1,size=2", "'size' is given twice"},
        {"sudden:field=x,at=2020-03-20,size=1,sede=4", "did you mean 'seed'"},
        {"sudden:field=x,at=2020-03-20,size=1,share=0", "share: '0'"},
        {"sudden:field=x,at=2020-03-20,size=1,share=1.1", "share: '1.1'"},
        {"recurring:field=x,at=2020-03-20,size=1,period=0", "period: '0'"},
        {"nulls:field=x,at=2020-03-20", "required"},
        {"nulls:field=target,at=2020-03-20", "cannot be applied to the target"},
        {"labels:field=x,at=2020-03-20,size=1", "leave out field"},
        {"categories:field=zone,at=2020-03-20,size=0", "1 to 1000"},
        {"categories:field=zone,at=2020-03-20,size=2.5", "1 to 1000"},
        {"sudden:field", "not key=value"},
    };
    struct lw_event_spec event;
    make_event(&event);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct lw_injection in;
        struct lw_err err = {0};
        assert_int_equal(lw_inject_parse(bad[i].text, &event, &in, &err), -1);
        assert_int_equal(err.code, LW_ECONFIG);
        if (!strstr(err.msg, bad[i].says))
            fail_msg("%s: %s", bad[i].text, err.msg);
    }
    char longest[600];
    memset(longest, 'x', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    struct lw_injection in;
    assert_int_equal(lw_inject_parse(longest, &event, &in, NULL), -1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(drift_follows_its_shape_over_time),
        cmocka_unit_test(a_target_of_minutes_moves_the_later_time),
        cmocka_unit_test(a_target_in_a_field_is_changed),
        cmocka_unit_test(nulls_and_new_categories_are_injected),
        cmocka_unit_test(noise_is_normal_and_affects_its_share),
        cmocka_unit_test(chance_depends_on_seed_and_number_alone),
        cmocka_unit_test(times_are_compared_before_any_change),
        cmocka_unit_test(an_event_without_its_time_is_left_alone),
        cmocka_unit_test(errors_say_what_and_where),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
