/* The spread between blocks, and the z of the best of several: laws on drawn numbers. */
#include "support/core_fixture.h"

#include "core/blocks.h"

#define RUNS 2000

/* Mean of the variance over many runs of n days; `add` changes the values of a run. */
static double mean_variance(size_t n, void (*add)(double *value, size_t n)) {
    struct lw_rng rng;
    double value[60], sum = 0;
    lw_rng_seed(&rng, 7);
    for (int run = 0; run < RUNS; run++) {
        for (size_t i = 0; i < n; i++)
            value[i] = 2 * lw_rng_normal(&rng);
        if (add)
            add(value, n);
        sum += lw_blocks_spread(value, n, 7).variance / RUNS;
    }
    return sum;
}

static void weekly_rhythm(double *value, size_t n) {
    for (size_t i = 0; i < n; i++)
        value[i] += i % 7 >= 5 ? 20 : 0;
}

static void lasting_change(double *value, size_t n) {
    for (size_t i = n - 5; i < n; i++)
        value[i] += 20;
}

static void gaps(double *value, size_t n) {
    for (size_t i = 0; i < n; i += 9)
        value[i] = NAN;
}

static void the_spread_is_that_of_the_blocks(void **state) {
    (void)state;
    static const size_t n[] = {2, 4, 8, 12, 27, 28, 30, 60};
    for (size_t k = 0; k < sizeof n / sizeof *n; k++) {
        double v = mean_variance(n[k], NULL);
        assert_true(v > 4 * .85 && v < 4 * 1.25);
    }
}

static void rhythm_change_and_gaps_are_no_spread(void **state) {
    (void)state;
    double v = mean_variance(28, weekly_rhythm);
    assert_true(v > 4 * .85 && v < 4 * 1.25);
    v = mean_variance(28, lasting_change);
    assert_true(v < 4 * 2.5); /* as spread it would be 70 */
    v = mean_variance(28, gaps);
    assert_true(v > 4 * .85 && v < 4 * 1.3);
}

static void too_little_is_unknown(void **state) {
    (void)state;
    static const double one[] = {3}, gap[] = {3, NAN, 4};
    assert_true(lw_blocks_spread(NULL, 0, 7).df == 0);
    assert_true(lw_blocks_spread(one, 1, 7).df == 0);
    assert_true(lw_blocks_spread(gap, 3, 7).df == 0);
}

/* Two blocks are Student's test with one degree of freedom. */
static void two_blocks_have_one_degree_of_freedom(void **state) {
    (void)state;
    static const double two[] = {1, 4};
    struct lw_block_spread s = lw_blocks_spread(two, 2, 7);
    assert_true(s.variance == 4.5 && s.df == 1);
}

static double best_z(size_t k, double common, double z) {
    enum { BLOCKS = 400 };
    struct lw_rng rng;
    double *d = lw_malloc(k * BLOCKS * sizeof *d), shared;
    lw_rng_seed(&rng, 11);
    for (size_t i = 0; i < BLOCKS; i++) {
        shared = common * lw_rng_normal(&rng);
        for (size_t j = 0; j < k; j++)
            d[j * BLOCKS + i] =
                5 + shared + sqrt(1 - common * common) * lw_rng_normal(&rng);
    }
    double out = lw_blocks_best_z(d, k, BLOCKS, z);
    free(d);
    return out;
}

/* Of independent ones, the largest of k passes z with 1 - (1 - p)^k. */
static void the_best_of_independent_rivals_needs_sidaks_z(void **state) {
    (void)state;
    assert_true(fabs(best_z(2, 0, 1.645) - 1.955) < .12);
    assert_true(fabs(best_z(8, 0, 1.645) - 2.490) < .12);
    assert_true(fabs(best_z(8, 0, 0) - 1.383) < .12);
    assert_true(fabs(best_z(8, 0, 3.09) - 3.66) < .12); /* Bonferroni */
}

static void equal_rivals_need_no_more(void **state) {
    (void)state;
    assert_true(fabs(best_z(8, 1, 1.645) - 1.645) < .08);
    assert_true(best_z(1, 0, 1.645) == 1.645);
}

static void more_and_other_rivals_need_more(void **state) {
    (void)state;
    double before = 0;
    for (size_t k = 1; k <= 32; k *= 2) {
        double z = best_z(k, .5, 1.645);
        assert_true(z >= before);
        assert_true(z <= best_z(k, 0, 1.645) + .05);
        before = z;
    }
    for (double z = -10; z < 10; z += .5)
        assert_true(best_z(4, .5, z) >= z);
}

static void rivals_without_a_difference_do_not_count(void **state) {
    (void)state;
    double d[3 * 10] = {0};
    for (size_t i = 0; i < 10; i++)
        d[i] = (double)i;
    assert_true(lw_blocks_best_z(d, 3, 10, 1.645) == 1.645);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_spread_is_that_of_the_blocks),
        cmocka_unit_test(rhythm_change_and_gaps_are_no_spread),
        cmocka_unit_test(too_little_is_unknown),
        cmocka_unit_test(two_blocks_have_one_degree_of_freedom),
        cmocka_unit_test(the_best_of_independent_rivals_needs_sidaks_z),
        cmocka_unit_test(equal_rivals_need_no_more),
        cmocka_unit_test(more_and_other_rivals_need_more),
        cmocka_unit_test(rivals_without_a_difference_do_not_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
