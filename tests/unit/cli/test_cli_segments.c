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
    struct lw_evaluate_rows rows = {.task = &lw_task_regression};
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
    assert_int_equal(groups.all.losses.n, 1000);
    assert_int_equal(groups.nmonths, 2); /* months in between have none */
    assert_string_equal(groups.month[0].name, "2020-03");
    assert_string_equal(groups.month[1].name, "2041-03");
    assert_int_equal(groups.nsegments, LW_DECILES + 1);
    assert_string_equal(groups.segment[LW_DECILES].name, "(missing)");
    uint64_t n = 0;
    double loss = 0;
    for (size_t i = 0; i < groups.nsegments; i++) {
        n += groups.segment[i].losses.n;
        loss += groups.segment[i].losses.loss;
    }
    assert_int_equal(n, 1000);
    assert_true(fabs(loss - groups.all.losses.loss) < 1e-9 * loss);
    lw_evaluate_groups_fini(&groups);
    free(rows.row);
}

struct sorted_group {
    double order, loss;
};

static struct lw_evaluate_rank sorted_rank(const void *group) {
    const struct sorted_group *g = group;
    return (struct lw_evaluate_rank){g->order, g->loss};
}

static void few_groups_keep_their_natural_order(void **state) {
    (void)state;
    struct sorted_group group[32];
    for (int i = 0; i < 32; i++)
        group[i] = (struct sorted_group){31 - i, i};
    lw_evaluate_sort(group, 31, sizeof *group, sorted_rank);
    for (int i = 1; i < 31; i++)
        assert_true(group[i].order > group[i - 1].order);
    lw_evaluate_sort(group, 32, sizeof *group, sorted_rank); /* too many */
    for (int i = 1; i < 32; i++)
        assert_true(group[i].loss < group[i - 1].loss);
    group[30].order = NAN; /* one has no order */
    lw_evaluate_sort(group, 31, sizeof *group, sorted_rank);
    assert_true(group[0].loss > group[30].loss);
    lw_evaluate_sort(group, 0, sizeof *group, sorted_rank);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(few_groups_keep_their_natural_order),
        cmocka_unit_test(deciles_keep_equal_values_together),
        cmocka_unit_test(every_row_is_in_one_group),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
