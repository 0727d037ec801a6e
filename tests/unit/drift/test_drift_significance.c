/* The input of a rule with a low threshold of its own: each metric's value with the
 * p-value of its own test. Without a change none is significant at the level at which
 * rules fire, at any size and for any distribution. Small real changes are significant,
 * each in its own metric. */
#include "drift_test.h"

#include "columns.h"
#include "data/drift/golden_floors.h"
#include "drift/stats.h"

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

/* One column per distribution; current values pass through `change`. */
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

static void no_metric_is_significant_without_a_change(void **state) {
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
        assert_true(low <= SHAPES * SEEDS / 20); /* an upper bound: at most the level */
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
        assert_true(d[NORMAL].verdict == LW_VERDICT_SHIFTED || d[NORMAL].psi > 0.2);
        assert_true(d[NORMAL].psi >= 0.05 && d[NORMAL].p_adjusted < RULES_AT);
        assert_true(d[NORMAL].ks >= 0.05 && d[NORMAL].ks_p_adjusted < RULES_AT);
        assert_true(d[NORMAL].w1 >= 0.1 && d[NORMAL].w1_p_adjusted < RULES_AT);
        run(seed, 5000, 1000, absurd, d);
        assert_true(d[NORMAL].psi < 0.2); /* PSI would not have seen it */
        assert_true(d[NORMAL].w1 >= 1.0 && d[NORMAL].w1_p_adjusted < RULES_AT);
        assert_true(d[LOGNORMAL].w1 >= 1.0 && d[LOGNORMAL].w1_p_adjusted < RULES_AT);
    }
}

static void wasserstein_matches_scipy(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(golden_w1); i++) {
        const struct golden_w1 *g = &golden_w1[i];
        struct lw_numeric ref = {.kll = kll_of(g->a, (size_t)g->n)};
        struct lw_numeric cur = {.kll = kll_of(g->b, (size_t)g->m)};
        for (int k = 0; k < g->n; k++)
            lw_moments_add(&ref.moments, g->a[k]);
        for (int k = 0; k < g->m; k++)
            lw_moments_add(&cur.moments, g->b[k]);
        struct lw_w1 w1 = lw_drift_w1_test(&ref, &cur);
        check_near(w1.area, g->area, 1e-10, 0.0);
        check_near(w1.p, g->p, 1e-6, 1e-300);
        lw_kll_free(ref.kll);
        lw_kll_free(cur.kll);
    }
}

static void unseen_matches_scipy(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(golden_unseen); i++) {
        const struct golden_unseen *g = &golden_unseen[i];
        struct lw_cats *ref = lw_cats_new(100), *cur = lw_cats_new(100);
        struct lw_cells cells = {0};
        for (int k = 0; k < 60; k++) {
            lw_cats_add_int(ref, k, (uint64_t)g->ref[k]);
            lw_cats_add_int(cur, k, (uint64_t)g->cur[k]);
        }
        struct lw_cats_diff d = lw_cells_categories(&cells, ref, cur);
        assert_true(d.known);
        check_near(d.unseen, g->unseen, 1e-12, 0.0);
        check_near(d.expected, g->expected, 1e-12, 0.0);
        check_near(d.p, g->p, 1e-9, 0.0);
        lw_cells_fini(&cells);
        lw_cats_free(ref);
        lw_cats_free(cur);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wasserstein_matches_scipy),
        cmocka_unit_test(unseen_matches_scipy),
        cmocka_unit_test(no_metric_is_significant_without_a_change),
        cmocka_unit_test(small_changes_are_significant_in_their_own_metric),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
