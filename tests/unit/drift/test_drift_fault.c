/* Faults are distinguished from drift, and real changes are not reported as faults. */
#include "drift_test.h"

#include "columns.h"
#include "leeway/fault.h"

static double gamma_like(struct lw_rng *rng) {
    return -log(1.0 - lw_rng_unit(rng)) - log(1.0 - lw_rng_unit(rng));
}

/* n reference values, and n current ones times factor; every `lost`-th is missing. */
static struct lw_fault after(double factor, double add, int n, int lost) {
    struct columns c;
    struct lw_rng rng;
    columns_init(&c, "n");
    lw_rng_seed(&rng, 21);
    for (int i = 0; i < n; i++)
        put_num(c.ref, 0, 9.0 * gamma_like(&rng));
    for (int i = 0; i < n; i++)
        put_num(c.cur, 0,
                lost && i % lost != 0 ? NAN : 9.0 * factor * gamma_like(&rng) + add);
    struct lw_fault f = lw_fault_find(&c.ref->members[0], &c.cur->members[0]);
    columns_fini(&c);
    assert_true(isfinite(f.figure) && f.text != NULL);
    return f;
}

static void units_are_recognised(void **state) {
    (void)state;
    const double factors[] = {60.0, 100.0, 1000.0};
    for (size_t i = 0; i < COUNT(factors); i++)
        for (int down = 0; down < 2; down++) {
            double factor = down ? 1.0 / factors[i] : factors[i];
            struct lw_fault f = after(factor, 0.0, 20000, 0);
            assert_int_equal(f.kind, LW_FAULT_UNIT);
            check_near(f.figure, factor, 0.08, 0.0);
            check_near(f.unit, factor, 1e-12, 0.0);
            assert_true(strlen(f.text) > 0);
        }
}

static void ordinary_change_is_no_change_of_unit(void **state) {
    (void)state;
    const double factors[] = {1.0, 1.2,  1.4,  1.609344, 1.9, 2.0,
                              0.5, 0.62, 0.75, 30.0,     10.0};
    for (size_t i = 0; i < COUNT(factors); i++)
        assert_int_equal(after(factors[i], 0.0, 20000, 0).kind, LW_FAULT_NONE);
    /* The median grows by about 1.6 because 9 minutes are added, not through a factor. */
    assert_int_equal(after(1.0, 9.2, 20000, 0).kind, LW_FAULT_NONE);
}

static void a_burst_of_nulls_is_a_fault(void **state) {
    (void)state;
    struct lw_fault f = after(1.0, 0.0, 3000, 10);
    assert_int_equal(f.kind, LW_FAULT_NULLS);
    check_near(f.figure, 0.9, 1e-9, 0.0);
    assert_int_equal(after(1.0, 0.0, 29, 10).kind, LW_FAULT_NONE); /* too few values */
}

/* After the lockdown a fifth to a half of the trips had no dispatch fields. */
static void a_new_population_is_no_fault(void **state) {
    (void)state;
    struct columns c;
    columns_init(&c, "nc");
    for (int i = 0; i < 10000; i++) {
        put_num(c.ref, 0, i % 5 == 0 ? (double)NAN : i % 6);
        put_num(c.cur, 0, i % 2 == 0 ? (double)NAN : i % 6);
    }
    put_cat(c.ref, 1, 1, 4000);
    put_cat(c.ref, 1, 2, 4000);
    lw_cats_add_missing(c.ref->members[1].cats, 2000);
    put_cat(c.cur, 1, 1, 2500);
    put_cat(c.cur, 1, 2, 2500);
    lw_cats_add_missing(c.cur->members[1].cats, 5000);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(lw_fault_find(&c.ref->members[i], &c.cur->members[i]).kind,
                         LW_FAULT_NONE);
    columns_fini(&c);
}

static void values_out_of_range_are_a_fault(void **state) {
    (void)state;
    struct columns c;
    columns_init(&c, "n");
    for (int i = 0; i < 1000; i++) {
        put_num(c.ref, 0, i);
        put_num(c.cur, 0, i % 4 ? 5e9 : i);
    }
    struct lw_fault f = lw_fault_find(&c.ref->members[0], &c.cur->members[0]);
    assert_int_equal(f.kind, LW_FAULT_OUT_OF_RANGE);
    check_near(f.figure, 0.75, 1e-9, 0.0);
    columns_fini(&c);
}

static void a_stuck_value_is_a_fault(void **state) {
    (void)state;
    struct columns c;
    columns_init(&c, "ncn");
    for (int i = 0; i < 2000; i++) {
        put_num(c.ref, 0, i);
        put_num(c.cur, 0, i % 200 ? 3.25 : i);
        put_num(c.ref, 2, i % 3 ? 0.0 : 1.0); /* mostly 0 in the reference: not stuck */
        put_num(c.cur, 2, 0.0);
        put_cat(c.ref, 1, i % 40, 1);
        put_cat(c.cur, 1, 17, 1);
    }
    struct lw_fault f = lw_fault_find(&c.ref->members[0], &c.cur->members[0]);
    assert_int_equal(f.kind, LW_FAULT_STUCK);
    check_near(f.figure, 0.995, 0.01, 0.0);
    f = lw_fault_find(&c.ref->members[1], &c.cur->members[1]);
    assert_int_equal(f.kind, LW_FAULT_STUCK);
    check_near(f.figure, 1.0, 1e-12, 0.0);
    f = lw_fault_find(&c.ref->members[2], &c.cur->members[2]);
    assert_int_equal(f.kind, LW_FAULT_NONE);
    columns_fini(&c);
}

static void empty_columns_are_no_fault(void **state) {
    (void)state;
    struct columns c;
    columns_init(&c, "nc");
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(lw_fault_find(&c.ref->members[i], &c.cur->members[i]).kind,
                         LW_FAULT_NONE);
    columns_fini(&c);
    assert_string_equal(lw_fault_name(LW_FAULT_STUCK), "stuck");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(units_are_recognised),
        cmocka_unit_test(ordinary_change_is_no_change_of_unit),
        cmocka_unit_test(a_burst_of_nulls_is_a_fault),
        cmocka_unit_test(a_new_population_is_no_fault),
        cmocka_unit_test(values_out_of_range_are_a_fault),
        cmocka_unit_test(a_stuck_value_is_a_fault),
        cmocka_unit_test(empty_columns_are_no_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
