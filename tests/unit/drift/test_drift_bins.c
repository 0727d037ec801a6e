/* Frozen bins: quantile edges, ties, few values, constants, open ends. */
#include "drift_test.h"

#include "base/rng.h"
#include "drift/cells.h"

static struct lw_bins bins_of(const double *v, size_t n, int bins) {
    struct lw_numeric num = {.n = n, .kll = kll_of(v, n)};
    struct lw_bins out;
    lw_bins_from(&num, bins, &out);
    lw_kll_free(num.kll);
    for (int i = 1; i < out.nedges; i++)
        assert_true(out.edge[i] > out.edge[i - 1]);
    return out;
}

/* Which bin a value falls into. */
static int bin_of(const struct lw_bins *b, double v) {
    int i = 0;
    while (i < b->nedges && v > b->edge[i])
        i++;
    return i;
}

static void quantiles_share_the_rows_equally(void **state) {
    (void)state;
    double v[150];
    for (int i = 0; i < 150; i++)
        v[i] = (i * 37) % 150;
    struct lw_bins b = bins_of(v, 150, 10);
    int count[10] = {0};
    assert_int_equal(b.nedges, 9);
    for (int i = 0; i < 150; i++)
        count[bin_of(&b, v[i])]++;
    for (int i = 0; i < 10; i++)
        assert_int_equal(count[i], 15);
    assert_int_equal(bin_of(&b, -INFINITY), 0);
    assert_int_equal(bin_of(&b, INFINITY), 9);
}

static void a_large_sketch_shares_within_its_error(void **state) {
    (void)state;
    struct lw_rng rng;
    struct lw_numeric num = {.kll = lw_kll_new(LW_KLL_K_DEFAULT, 4)};
    struct lw_bins b;
    int count[10] = {0};
    lw_rng_seed(&rng, 6);
    for (int i = 0; i < 100000; i++)
        lw_kll_update(num.kll, lw_rng_normal(&rng));
    lw_bins_from(&num, 10, &b);
    assert_int_equal(b.nedges, 9);
    lw_rng_seed(&rng, 6);
    for (int i = 0; i < 100000; i++)
        count[bin_of(&b, lw_rng_normal(&rng))]++;
    for (int i = 0; i < 10; i++)
        check_near(count[i] / 1e5, 0.1, 0.0, lw_kll_rank_error(num.kll, 1));
    lw_kll_free(num.kll);
}

static void ties_leave_fewer_bins_and_no_empty_one(void **state) {
    (void)state;
    double v[140];
    for (int i = 0; i < 140; i++)
        v[i] = i < 100 ? 3.0 : i;
    struct lw_bins b = bins_of(v, 140, 10);
    assert_true(b.nedges >= 2 && b.nedges < 9);
    assert_true(b.edge[0] == 3.0);
}

static void a_heavy_value_at_either_end_keeps_its_split(void **state) {
    (void)state;
    double v[120];
    for (int end = 0; end < 2; end++) {
        for (int i = 0; i < 120; i++)
            v[i] = i < 104 ? (end ? 500.0 : -500.0) : i;
        struct lw_bins b = bins_of(v, 120, 10);
        assert_true(b.nedges >= 1);
        assert_true(bin_of(&b, v[0]) != bin_of(&b, 110.0));
    }
}

static void few_values_have_a_bin_each_and_strangers_their_own(void **state) {
    (void)state;
    double v[60];
    for (int i = 0; i < 60; i++)
        v[i] = i % 4;
    struct lw_bins b = bins_of(v, 60, 10);
    assert_int_equal(b.nedges, 5);
    for (int i = 0; i < 4; i++)
        assert_int_equal(bin_of(&b, i), i + 1);
    assert_int_equal(bin_of(&b, -1.0), 0);
    assert_int_equal(bin_of(&b, 7.0), 5);
}

static void a_constant_has_a_below_an_at_and_an_above(void **state) {
    (void)state;
    double v[50];
    for (int i = 0; i < 50; i++)
        v[i] = 2.5;
    struct lw_bins b = bins_of(v, 50, 10);
    assert_int_equal(b.nedges, 2);
    assert_int_equal(bin_of(&b, 2.4), 0);
    assert_int_equal(bin_of(&b, 2.5), 1);
    assert_int_equal(bin_of(&b, 2.6), 2);
}

static void nothing_gives_no_edges(void **state) {
    (void)state;
    struct lw_bins b = bins_of(NULL, 0, 10);
    assert_int_equal(b.nedges, 0);
}

static void all_sizes_are_accepted(void **state) {
    (void)state;
    double v[500];
    for (int i = 0; i < 500; i++)
        v[i] = (i * 7919) % 500;
    for (int bins = 2; bins <= LW_BINS_MAX; bins++)
        assert_int_equal(bins_of(v, 150, bins).nedges, bins - 1);
    v[0] = INFINITY;
    v[1] = -INFINITY;
    struct lw_bins b = bins_of(v, 500, LW_BINS_MAX);
    for (int i = 0; i < b.nedges; i++)
        assert_true(isfinite(b.edge[i]));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantiles_share_the_rows_equally),
        cmocka_unit_test(a_large_sketch_shares_within_its_error),
        cmocka_unit_test(ties_leave_fewer_bins_and_no_empty_one),
        cmocka_unit_test(a_heavy_value_at_either_end_keeps_its_split),
        cmocka_unit_test(few_values_have_a_bin_each_and_strangers_their_own),
        cmocka_unit_test(a_constant_has_a_below_an_at_and_an_above),
        cmocka_unit_test(nothing_gives_no_edges),
        cmocka_unit_test(all_sizes_are_accepted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
