/* Random numbers: the generators are the published ones, and samples have the right
 * distribution. */
#include "test.h"

#include <math.h>

#include "base/rng.h"

/* splitmix64 from seed 1234567; the caller advances the counter. */
static void splitmix64_matches_the_published_values(void **state) {
    (void)state;
    static const uint64_t want[] = {
        UINT64_C(6457827717110365317), UINT64_C(3203168211198807973),
        UINT64_C(9817491932198370423), UINT64_C(4593380528125082431),
        UINT64_C(16408922859458223821)};
    uint64_t counter = 1234567;
    for (size_t i = 0; i < COUNT(want); i++, counter += UINT64_C(0x9e3779b97f4a7c15))
        assert_true(lw_mix64(counter) == want[i]);
    struct lw_rng rng;
    lw_rng_seed(&rng, 1234567);
    for (size_t i = 0; i < 4; i++)
        assert_true(rng.s[i] == want[i]);
}

/* xoshiro256** from the state 1, 2, 3, 4, as computed by its authors' C code. */
static void xoshiro256_matches_the_published_values(void **state) {
    (void)state;
    static const uint64_t want[] = {UINT64_C(11520),
                                    UINT64_C(0),
                                    UINT64_C(1509978240),
                                    UINT64_C(1215971899390074240),
                                    UINT64_C(1216172134540287360),
                                    UINT64_C(607988272756665600),
                                    UINT64_C(16172922978634559625),
                                    UINT64_C(8476171486693032832),
                                    UINT64_C(10595114339597558777),
                                    UINT64_C(2904607092377533576)};
    struct lw_rng rng = {{1, 2, 3, 4}};
    for (size_t i = 0; i < COUNT(want); i++)
        assert_true(lw_rng_next(&rng) == want[i]);
}

static void equal_seeds_give_equal_streams(void **state) {
    (void)state;
    struct lw_rng a, b, c;
    lw_rng_seed(&a, 7);
    lw_rng_seed(&b, 7);
    lw_rng_seed(&c, 8);
    int same = 0;
    for (int i = 0; i < 1000; i++) {
        uint64_t x = lw_rng_next(&a);
        assert_true(x == lw_rng_next(&b));
        same += x == lw_rng_next(&c);
    }
    assert_int_equal(same, 0);
}

/* chi-square with 6 degrees of freedom: its 99.9th percentile is 22.5; the seed is
 * fixed. */
static void below_is_uniform(void **state) {
    (void)state;
    struct lw_rng rng;
    int count[7] = {0};
    lw_rng_seed(&rng, 3);
    for (int i = 0; i < 70000; i++)
        count[lw_rng_below(&rng, 7)]++;
    double chi2 = 0;
    for (int i = 0; i < 7; i++)
        chi2 += (count[i] - 10000.0) * (count[i] - 10000.0) / 10000.0;
    assert_true(chi2 < 22.5);
    assert_int_equal(lw_rng_below(&rng, 1), 0);
    for (int i = 0; i < 100; i++) /* the largest n: no endless rejection */
        assert_true(lw_rng_below(&rng, UINT64_MAX) < UINT64_MAX);
}

static void unit_and_normal_have_their_moments(void **state) {
    (void)state;
    struct lw_rng rng;
    double u = 0, z = 0, z2 = 0, z4 = 0;
    enum { N = 100000 };
    lw_rng_seed(&rng, 5);
    for (int i = 0; i < N; i++) {
        double x = lw_rng_unit(&rng), n = lw_rng_normal(&rng);
        assert_true(x >= 0 && x < 1);
        assert_true(isfinite(n));
        u += x;
        z += n;
        z2 += n * n;
        z4 += n * n * n * n;
    }
    assert_true(fabs(u / N - 0.5) < 0.004); /* about four standard errors each */
    assert_true(fabs(z / N) < 0.013);
    assert_true(fabs(z2 / N - 1) < 0.018);
    assert_true(fabs(z4 / N - 3) < 0.13);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(splitmix64_matches_the_published_values),
        cmocka_unit_test(xoshiro256_matches_the_published_values),
        cmocka_unit_test(equal_seeds_give_equal_streams),
        cmocka_unit_test(below_is_uniform),
        cmocka_unit_test(unit_and_normal_have_their_moments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
