/* Moments against a two-pass computation in long double, where the naive sum of squares
 * fails. */
#include "sketch_test.h"

#include <math.h>

#include "base/rng.h"
#include "leeway/moments.h"

static double two_pass_variance(const double *v, size_t n) {
    long double mean = 0, sum = 0;
    for (size_t i = 0; i < n; i++)
        mean += (long double)v[i] / (long double)n;
    for (size_t i = 0; i < n; i++)
        sum += ((long double)v[i] - mean) * ((long double)v[i] - mean);
    return (double)(sum / (long double)(n - 1));
}

static void assert_near(double a, double b, double relative) {
    if (!(fabs(a - b) <= relative * fmax(fabs(a), fabs(b))))
        fail_msg("%.17g is not %.17g", a, b);
}

static void no_value_and_one_value(void **state) {
    (void)state;
    struct lw_moments m = {0}, empty = {0};
    assert_true(isnan(lw_moments_variance(&m)));
    lw_moments_merge(&m, &empty);
    assert_int_equal(m.n, 0);
    lw_moments_add(&m, -7);
    assert_true(m.mean == -7 && m.min == -7 && m.max == -7);
    assert_true(isnan(lw_moments_sd(&m)));
    lw_moments_merge(&m, &empty);
    assert_true(m.n == 1 && m.mean == -7);
    lw_moments_merge(&empty, &m);
    assert_true(empty.n == 1 && empty.mean == -7 && empty.max == -7);
}

/* A standard deviation of 1 at a mean of 1e9: E x^2 - (E x)^2 would lose every digit. */
static void stable_far_from_zero(void **state) {
    (void)state;
    enum { N = 10000 };
    struct lw_rng rng;
    lw_rng_seed(&rng, 1);
    double v[N], naive = 0, sum = 0;
    struct lw_moments m = {0};
    for (size_t i = 0; i < N; i++) {
        v[i] = 1e9 + lw_rng_normal(&rng);
        lw_moments_add(&m, v[i]);
        naive += v[i] * v[i];
        sum += v[i];
    }
    double want = two_pass_variance(v, N);
    assert_near(lw_moments_variance(&m), want,
                1e-7); /* 1e9 / 1e16: the precision of the mean */
    assert_near(lw_moments_sd(&m), sqrt(want), 1e-7);
    assert_true(fabs((naive - sum * sum / N) / (N - 1) - want) > .1);
}

static void any_split_merges_to_the_same(void **state) {
    (void)state;
    enum { N = 3000 };
    double v[N];
    for (uint64_t seed = 0; seed < 50; seed++) {
        struct lw_rng rng;
        lw_rng_seed(&rng, seed);
        struct lw_moments whole = {0}, part[8] = {{0}}, chain = {0}, back = {0};
        for (size_t i = 0; i < N; i++) {
            v[i] = 1000 + 10 * lw_rng_normal(&rng);
            lw_moments_add(&whole, v[i]);
            lw_moments_add(&part[lw_rng_below(&rng, 1 + seed % 8)], v[i]);
        }
        for (int i = 0; i < 8; i++) {
            lw_moments_merge(&chain, &part[i]);
            lw_moments_merge(&back, &part[7 - i]);
        }
        assert_true(chain.n == N && back.n == N);
        assert_true(chain.min == whole.min && chain.max == whole.max);
        assert_near(chain.mean, whole.mean, 1e-13);
        assert_near(back.mean, whole.mean, 1e-13);
        assert_near(lw_moments_variance(&chain), two_pass_variance(v, N), 1e-11);
        assert_near(lw_moments_variance(&back), lw_moments_variance(&chain), 1e-12);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_value_and_one_value),
        cmocka_unit_test(stable_far_from_zero),
        cmocka_unit_test(any_split_merges_to_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
