/* Error by month and segment of `leeway evaluate`: every row is in one group, deciles keep
 * equal values together, and empty groups are dropped. */
#include "cli_test.h"

#include <math.h>

#include "cli/evaluate.h"

static void deciles_keep_equal_values_together(void **state) {
    (void)state;
    double value[100], edge[LW_DECILES];
    for (size_t i = 0; i < 100; i++)
        value[i] = i < 55 ? 1 : (double)i;
    size_t n = lw_evaluate_deciles(value, 100, edge);
    assert_int_equal(n, 6);
    assert_true(edge[0] == 1 && edge[n - 1] == 99);
    for (size_t i = 1; i < n; i++)
        assert_true(edge[i] > edge[i - 1]);
    assert_int_equal(lw_evaluate_deciles(value, 0, edge), 0);
}

static void every_row_is_in_one_group(void **state) {
    (void)state;
    struct lw_evaluate_rows rows = {0};
    struct lw_evaluate_groups groups;
    const struct lw_evaluate_by by = {.text = "x", .kind = LW_NUMERIC};
    for (int i = 0; i < 1000; i++) {
        struct lw_evaluate_row row = {.target = i % 7,
                                      .prediction = i % 5,
                                      .month = (2020 + 21 * (i % 2)) * 12 + 2,
                                      .number = i,
                                      .present = i % 10 != 0};
        lw_evaluate_rows_add(&rows, &row);
    }
    lw_evaluate_group(&rows, &by, &groups);
    assert_int_equal(groups.all.errors.n, 1000);
    assert_int_equal(groups.nmonths, 2); /* months in between have none */
    assert_string_equal(groups.month[0].name, "2020-03");
    assert_string_equal(groups.month[1].name, "2041-03");
    assert_int_equal(groups.nsegments, LW_DECILES + 1);
    assert_string_equal(groups.segment[LW_DECILES].name, "(missing)");
    uint64_t n = 0;
    double e2 = 0;
    for (size_t i = 0; i < groups.nsegments; i++) {
        n += groups.segment[i].errors.n;
        e2 += groups.segment[i].errors.e2;
    }
    assert_int_equal(n, 1000);
    assert_true(fabs(e2 - groups.all.errors.e2) < 1e-9 * e2);
    lw_evaluate_groups_fini(&groups);
    free(rows.row);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(deciles_keep_equal_values_together),
        cmocka_unit_test(every_row_is_in_one_group),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
