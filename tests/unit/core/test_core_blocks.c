/* The spread between blocks, and the z of the best of several: laws on drawn numbers. */
#include "support/core_fixture.h"

#include "core/blocks.h"
#include "data/core/golden_blocks.h"

#include "drift/special.h"

#define RUNS 4000

/* Days that are drawn: each keeps a share of the day before; parts have a level each. */
struct days {
    size_t n, split; /* days; of the first part */
    double keeps;
    double value[64];
};

static void draw(struct lw_rng *rng, struct days *d) {
    double now = lw_rng_normal(rng);
    for (size_t i = 0; i < d->n; i++) {
        now = d->keeps * now + sqrt(1 - d->keeps * d->keeps) * lw_rng_normal(rng);
        d->value[i] = 2 * now + (i < d->split ? 50 : 0);
    }
}

static struct lw_block_spread spread_of(const struct days *d, size_t span) {
    const struct lw_block_part part[] = {{d->value, d->split},
                                         {d->value + d->split, d->n - d->split}};
    return lw_blocks_spread(part, 2, span);
}

static double mean_variance(struct days *d, size_t span) {
    struct lw_rng rng;
    double sum = 0;
    lw_rng_seed(&rng, 7);
    for (int run = 0; run < RUNS; run++) {
        draw(&rng, d);
        sum += spread_of(d, span).variance / RUNS;
    }
    return sum;
}

static void the_spread_is_that_of_a_mean_of_blocks(void **state) {
    (void)state;
    static const struct days days[] = {{5, 0, 0, {0}},
                                       {12, 5, 0, {0}},
                                       {26, 0, 0, {0}},
                                       {26, 3, 0, {0}},
                                       {60, 30, 0, {0}}};
    for (size_t k = 0; k < sizeof days / sizeof *days; k++)
        for (size_t span = 1; span <= 3; span++) {
            struct days d = days[k];
            double v = mean_variance(&d, span), want = 4.0 / (double)span;
            assert_true(v > want * .9 && v < want * 1.1);
        }
}

/* The mean of two days that keep half of each other varies by 3/4 of a day's variance. */
static void weather_that_lasts_counts(void **state) {
    (void)state;
    struct days d = {26, 0, .5, {0}};
    double v = mean_variance(&d, 2);
    assert_true(v > .6 * 4 && v < .75 * 4);
}

static void a_lasting_change_is_no_spread(void **state) {
    (void)state;
    struct lw_rng rng;
    double sum = 0, storms = 0;
    lw_rng_seed(&rng, 7);
    for (int run = 0; run < RUNS; run++) {
        struct days d = {26, 0, 0, {0}};
        draw(&rng, &d);
        for (size_t i = 0; i < 4; i++)
            d.value[i] += 40;
        sum += spread_of(&d, 2).variance / RUNS;
        draw(&rng, &d);
        d.value[5] += 40;
        d.value[15] += 40;
        storms += spread_of(&d, 2).variance / RUNS;
    }
    assert_true(sum > 2 * .85 && sum < 2 * 1.1);
    assert_true(storms > 20);
}

/* Student's t with these degrees of freedom passes 5 % of the means of new blocks. */
static void the_degrees_of_freedom_hold_the_level(void **state) {
    (void)state;
    static const struct days days[] = {
        {5, 0, 0, {0}}, {8, 3, 0, {0}}, {26, 0, 0, {0}}, {26, 12, 0, {0}}};
    struct lw_rng rng;
    lw_rng_seed(&rng, 13);
    for (size_t k = 0; k < sizeof days / sizeof *days; k++)
        for (size_t span = 1; span <= 3; span++) {
            double passed = 0, runs = 5 * RUNS;
            for (int run = 0; run < 5 * RUNS; run++) {
                struct days d = days[k];
                draw(&rng, &d);
                struct lw_block_spread s = spread_of(&d, span);
                double mean = 2 * lw_rng_normal(&rng) / sqrt((double)span);
                passed += lw_special_student_sf(mean / sqrt(s.variance), s.df) < .05;
            }
            if (passed > .065 * runs || (days[k].n > 20 && passed < .03 * runs))
                fail_msg("%zu days, span %zu: %.4f", days[k].n, span, passed / runs);
        }
}

static void too_little_is_unknown(void **state) {
    (void)state;
    static const double three[] = {3, NAN, 4};
    const struct lw_block_part none = {three, 0}, one = {three, 1}, gap = {three, 3};
    assert_true(lw_blocks_spread(&none, 1, 1).df == 0);
    assert_true(lw_blocks_spread(&one, 1, 1).df == 0);
    assert_true(lw_blocks_spread(&gap, 1, 2).df == 0);
}

/* Two blocks are Student's test with one degree of freedom. */
static void two_blocks_have_one_degree_of_freedom(void **state) {
    (void)state;
    static const double two[] = {1, 4};
    const struct lw_block_part part = {two, 2};
    struct lw_block_spread s = lw_blocks_spread(&part, 1, 1);
    assert_true(s.variance == 4.5 && s.df == 1);
}

static void the_spread_agrees_with_numpy_and_scipy(void **state) {
    (void)state;
    const struct lw_block_part part[] = {
        {golden_day, GOLDEN_SPLIT},
        {golden_day + GOLDEN_SPLIT, GOLDEN_DAYS - GOLDEN_SPLIT}};
    for (size_t span = 1; span <= GOLDEN_SPANS; span++) {
        struct lw_block_spread s = lw_blocks_spread(part, 2, span);
        double p = lw_special_student_sf(1.5 / sqrt(s.variance), s.df);
        assert_true(fabs(s.variance - golden_variance[span - 1]) < 1e-12);
        assert_true(fabs(s.df - golden_df[span - 1]) < 1e-12);
        assert_true(fabs(p - golden_p[span - 1]) < 1e-10);
    }
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

static void the_largest_of_independent_ones_needs_sidaks_z(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof golden_largest / sizeof *golden_largest; i++)
        assert_true(fabs(lw_blocks_largest_z(golden_largest[i].n, golden_largest[i].z) -
                         golden_largest[i].largest) < 1e-7);
    for (double z = -40; z < 40; z += .5) {
        assert_true(lw_blocks_largest_z(0, z) == z && lw_blocks_largest_z(1, z) == z);
        for (uint32_t n = 1; n < 1000; n *= 3)
            assert_true(lw_blocks_largest_z(n + 1, z) >= lw_blocks_largest_z(n, z));
    }
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
        cmocka_unit_test(the_spread_is_that_of_a_mean_of_blocks),
        cmocka_unit_test(the_spread_agrees_with_numpy_and_scipy),
        cmocka_unit_test(the_largest_of_independent_ones_needs_sidaks_z),
        cmocka_unit_test(weather_that_lasts_counts),
        cmocka_unit_test(a_lasting_change_is_no_spread),
        cmocka_unit_test(the_degrees_of_freedom_hold_the_level),
        cmocka_unit_test(too_little_is_unknown),
        cmocka_unit_test(two_blocks_have_one_degree_of_freedom),
        cmocka_unit_test(the_best_of_independent_rivals_needs_sidaks_z),
        cmocka_unit_test(equal_rivals_need_no_more),
        cmocka_unit_test(more_and_other_rivals_need_more),
        cmocka_unit_test(rivals_without_a_difference_do_not_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
