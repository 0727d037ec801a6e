/* A rule's reading of a fault: present, over, or unknown. */
#include "support/core_fixture.h"

#include "core/monitor_private.h"

static const struct lw_column columns[] = {
    {.name = "x", .kind = LW_NUMERIC, .lo = -1e9, .hi = 1e9},
    {.name = "c", .kind = LW_CATEGORY}};

struct side {
    struct lw_profile *p;
};

/* n values exp(sd z) x `times`, evenly spaced ranks; `missing` more values are
 * missing. */
static struct side numbers(int n, double times, int missing, int out) {
    struct side s = {lw_profile_new(columns, 2, 1)};
    for (int i = 0; i < n; i++) {
        double u = (i + .5) / n, z = 5.55556 * (1 - pow((1 - u) / u, .1186));
        lw_profile_add_numeric(s.p, 0, times * exp(.6 * z));
    }
    for (int i = 0; i < missing; i++)
        lw_profile_add_numeric(s.p, 0, NAN);
    for (int i = 0; i < out; i++)
        lw_profile_add_numeric(s.p, 0, 1e12);
    return s;
}

/* n values, of which `same` are equal; the others differ. */
static struct side stuck(int n, int same, bool category) {
    struct side s = {lw_profile_new(columns, 2, 1)};
    for (int i = 0; i < n; i++) {
        int v = i < same ? 7 : 100 + i % 90;
        if (!category) {
            lw_profile_add_numeric(s.p, 0, v);
            continue;
        }
        struct lw_cell cells[2] = {lw_cell_num(1), lw_cell_int(v)};
        lw_profile_add(s.p, cells);
    }
    return s;
}

static struct lw_rule_state firing(enum lw_fault_kind kind, double unit) {
    return (struct lw_rule_state){
        .state = LW_ALERT_FIRING, .fault = (uint8_t)kind, .unit = unit};
}

enum state { THERE, OVER, NOT_KNOWN };

static enum state read_of(struct side before, struct side now, int column,
                          struct lw_rule_state state, enum lw_fault_kind kind) {
    struct lw_fault found = {.kind = kind, .text = ""};
    struct lw_reading r = lw__monitor_fault_reading(
        &before.p->members[column], &now.p->members[column], &found, &state);
    assert_true(r.significant);
    return !r.known ? NOT_KNOWN : r.value == 1 ? THERE : OVER;
}

/* Checks a reading and frees the sides. */
static void reads(enum state want, struct side before, struct side now, int column,
                  struct lw_rule_state state) {
    assert_int_equal(read_of(before, now, column, state, LW_FAULT_NONE), want);
    assert_int_equal(read_of(before, now, column, state, LW_FAULT_UNIT), THERE);
    lw_profile_free(before.p);
    lw_profile_free(now.p);
}

static void too_few_values_are_unknown(void **state) {
    (void)state;
    struct lw_rule_state quiet = {0}, loud = firing(LW_FAULT_NULLS, 0);
    reads(NOT_KNOWN, numbers(500, 1, 0, 0), numbers(29, 1, 0, 0), 0, quiet);
    reads(OVER, numbers(500, 1, 0, 0), numbers(30, 1, 0, 0), 0, quiet);
    reads(NOT_KNOWN, numbers(29, 1, 0, 0), numbers(500, 1, 0, 0), 0, quiet);
    reads(NOT_KNOWN, numbers(500, 1, 0, 0), numbers(29, 1, 0, 0), 0, loud);
    reads(OVER, numbers(500, 1, 0, 0), numbers(30, 1, 0, 0), 0, loud);
    reads(NOT_KNOWN, stuck(500, 0, true), stuck(29, 0, true), 1, quiet);
    reads(OVER, stuck(500, 0, true), stuck(30, 0, true), 1, quiet);
}

static void nulls_are_over_once_most_values_are_back(void **state) {
    (void)state;
    struct lw_rule_state loud = firing(LW_FAULT_NULLS, 0), quiet = {0};
    reads(NOT_KNOWN, numbers(1000, 1, 0, 0), numbers(599, 1, 401, 0), 0, loud);
    reads(OVER, numbers(1000, 1, 0, 0), numbers(600, 1, 400, 0), 0, loud);
    reads(OVER, numbers(1000, 1, 0, 0), numbers(599, 1, 401, 0), 0, quiet);
    reads(OVER, numbers(500, 1, 500, 0), numbers(300, 1, 700, 0), 0, loud); /* of those */
    reads(NOT_KNOWN, numbers(500, 1, 500, 0), numbers(299, 1, 701, 0), 0, loud);
    loud = firing(LW_FAULT_OUT_OF_RANGE, 0);
    reads(NOT_KNOWN, numbers(1000, 1, 0, 0), numbers(599, 1, 0, 401), 0, loud);
    reads(OVER, numbers(1000, 1, 0, 0), numbers(600, 1, 0, 400), 0, loud);
}

/* The new values of the column do not matter as long as they are not those of the unit;
 * but a few dozen values must not look like it by chance. */
static void a_unit_fault_is_over_once_another_unit_is_certain(void **state) {
    (void)state;
    struct lw_rule_state up = firing(LW_FAULT_UNIT, 1.609344),
                         down = firing(LW_FAULT_UNIT, 1 / 1.609344);
    reads(NOT_KNOWN, numbers(5000, 1, 0, 0), numbers(5000, 1.609, 0, 0), 0, up);
    reads(NOT_KNOWN, numbers(5000, 1, 0, 0), numbers(5000, 1.5, 0, 0), 0, up);
    reads(OVER, numbers(5000, 1, 0, 0), numbers(5000, 1.3, 0, 0), 0, up);
    reads(NOT_KNOWN, numbers(5000, 1, 0, 0), numbers(60, 1.3, 0, 0), 0, up);
    reads(OVER, numbers(5000, 1, 0, 0), numbers(120, 1, 0, 0), 0, up);
    reads(OVER, numbers(5000, 1, 0, 0), numbers(5000, .5, 0, 0), 0, up);
    reads(NOT_KNOWN, numbers(5000, 1, 0, 0), numbers(5000, 1 / 1.5, 0, 0), 0, down);
    reads(NOT_KNOWN, numbers(5000, 1, 0, 0), numbers(60, 1 / 1.3, 0, 0), 0, down);
    reads(OVER, numbers(5000, 1, 0, 0), numbers(5000, 1 / 1.3, 0, 0), 0, down);
    reads(OVER, numbers(5000, -1, 0, 0), numbers(5000, -1.3, 0, 0), 0, up);
    reads(NOT_KNOWN, numbers(5000, -1, 0, 0), numbers(5000, -1.5, 0, 0), 0, up);
    reads(OVER, numbers(5000, 1, 0, 0), numbers(5000, -1.6, 0, 0), 0, up);
    reads(OVER, numbers(5000, 1, 0, 0), numbers(5000, 1.609, 0, 0), 0,
          firing(LW_FAULT_UNIT, NAN)); /* a damaged state does not last forever */
}

static void a_stuck_value_is_over_once_others_appear(void **state) {
    (void)state;
    struct lw_rule_state loud = firing(LW_FAULT_STUCK, 0);
    for (int c = 0; c < 2; c++) {
        int near = c ? 0 : 20; /* a sketch's error; categories are counted */
        reads(NOT_KNOWN, stuck(1000, 10, c), stuck(1000, 950 + near, c), c, loud);
        reads(OVER, stuck(1000, 10, c), stuck(1000, 949 - near, c), c, loud);
        reads(OVER, stuck(1000, 500 + near, c), stuck(1000, 1000, c), c, loud);
        reads(NOT_KNOWN, stuck(1000, 499 - near, c), stuck(1000, 1000, c), c, loud);
    }
}

static bool in_piece(double times, enum lw_fault_kind kind, struct lw_rule_state state) {
    struct side before = numbers(5000, 1, 0, 0), now = numbers(100, times, 0, 0);
    struct lw_fault found = {.kind = kind, .text = ""};
    bool broken = lw__monitor_fault_in_piece(&before.p->members[0], &now.p->members[0],
                                             &found, &state);
    lw_profile_free(before.p);
    lw_profile_free(now.p);
    return broken;
}

static void a_pane_belongs_to_the_nearer_side(void **state) {
    (void)state;
    struct lw_rule_state quiet = {0}, up = firing(LW_FAULT_UNIT, 1.609344);
    assert_false(in_piece(1.6, LW_FAULT_NONE, quiet));
    assert_true(in_piece(1.6, LW_FAULT_UNIT, quiet));
    assert_false(in_piece(1.22, LW_FAULT_NONE, up));
    assert_true(in_piece(1.32, LW_FAULT_NONE, up));
    assert_false(in_piece(.6, LW_FAULT_NONE, up));
    assert_true(in_piece(.6, LW_FAULT_STUCK, up));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(too_few_values_are_unknown),
        cmocka_unit_test(nulls_are_over_once_most_values_are_back),
        cmocka_unit_test(a_unit_fault_is_over_once_another_unit_is_certain),
        cmocka_unit_test(a_stuck_value_is_over_once_others_appear),
        cmocka_unit_test(a_pane_belongs_to_the_nearer_side),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
