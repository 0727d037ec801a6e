/* What a rule with a low threshold of its own reads: each metric's value with the p-value
 * of its own test. Nothing changed: none is significant at the level at which rules fire,
 * at any size, whatever the shape. Small real changes are, each in its own metric. */
#include "drift_test.h"

#include "columns.h"

#define RULES_AT 1e-4 /* core/figures.c: a hundredth of drift.alpha */

enum { SEEDS = 40 };

enum shape { NORMAL, LOGNORMAL, HEAVY, FEW, SHAPES };

static double draw(struct lw_rng *rng, size_t shape) {
    double z = lw_rng_normal(rng);
    switch (shape) {
    case NORMAL:
        return 10.0 + z;
    case LOGNORMAL:
        return exp(z);
    case HEAVY: /* infinite variance */
        return pow(1.0 - lw_rng_unit(rng), -0.7);
    default:
        return floor(4.0 * lw_rng_unit(rng) * lw_rng_unit(rng));
    }
}

/* One column a shape; current values pass through `change`. */
static void run(uint64_t seed, int n, int m, double (*change)(double, struct lw_rng *),
                struct lw_drift d[SHAPES]) {
    struct columns c;
    struct lw_rng rng;
    struct lw_drift_options options = lw_drift_defaults();
    columns_init(&c, "nnnn");
    for (int i = 0; i < SHAPES; i++)
        c.column[i].lo = -INFINITY, c.column[i].hi = INFINITY;
    lw_rng_seed(&rng, seed);
    for (size_t k = 0; k < SHAPES; k++) {
        for (int i = 0; i < n; i++)
            put_num(c.ref, k, draw(&rng, k));
        for (int i = 0; i < m; i++) {
            double v = draw(&rng, k);
            put_num(c.cur, k, change ? change(v, &rng) : v);
        }
    }
    lw_drift_compare(c.ref, c.cur, NULL, &options, d);
    columns_fini(&c);
}

static void nothing_is_significant_without_change(void **state) {
    (void)state;
    const int sizes[][2] = {{100, 100}, {1000, 150}, {3000, 3000}, {10000, 1000}};
    for (size_t s = 0; s < COUNT(sizes); s++) {
        size_t low = 0;
        for (uint64_t seed = 1; seed <= SEEDS; seed++) {
            struct lw_drift d[SHAPES];
            run(seed, sizes[s][0], sizes[s][1], NULL, d);
            for (size_t k = 0; k < SHAPES; k++) {
                low += d[k].w1_p < 0.05;
                if (d[k].p_adjusted < RULES_AT || d[k].ks_p_adjusted < RULES_AT ||
                    d[k].w1_p_adjusted < RULES_AT)
                    fail_msg("seed %d, n %d and %d, shape %zu: p %g, KS %g, W1 %g",
                             (int)seed, sizes[s][0], sizes[s][1], k, d[k].p_adjusted,
                             d[k].ks_p_adjusted, d[k].w1_p_adjusted);
            }
        }
        assert_true(low <= SHAPES * SEEDS / 20); /* a bound: at most the level */
    }
}

static double more(double v, struct lw_rng *rng) {
    (void)rng;
    return v + 0.4;
}

static double absurd(double v, struct lw_rng *rng) {
    return lw_rng_unit(rng) < 0.04 ? 1000.0 * v : v;
}

static void small_changes_are_significant_in_their_own_metric(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct lw_drift d[SHAPES];
        run(seed, 5000, 1000, more, d); /* the normal column's sd is 1 */
        assert_true(d[NORMAL].verdict == LW_VERDICT_OK || d[NORMAL].psi > 0.2);
        assert_true(d[NORMAL].psi >= 0.05 && d[NORMAL].p_adjusted < RULES_AT);
        assert_true(d[NORMAL].ks >= 0.05 && d[NORMAL].ks_p_adjusted < RULES_AT);
        assert_true(d[NORMAL].w1 >= 0.1 && d[NORMAL].w1_p_adjusted < RULES_AT);
        run(seed, 5000, 1000, absurd, d);
        assert_true(d[NORMAL].psi < 0.2); /* what the old gate saw */
        assert_true(d[NORMAL].w1 >= 1.0 && d[NORMAL].w1_p_adjusted < RULES_AT);
        assert_true(d[LOGNORMAL].w1 >= 1.0 && d[LOGNORMAL].w1_p_adjusted < RULES_AT);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_significant_without_change),
        cmocka_unit_test(small_changes_are_significant_in_their_own_metric),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
