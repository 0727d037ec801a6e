/* Small changes. Without a change, `shifted` keeps its level at any size and for any
 * distribution. Five small but real changes, all far below the floor of PSI, are found in
 * 5,000 rows with their size in plain units. A certain change below the floor is none. */
#include "drift_test.h"

#include "columns.h"
#include "leeway/tail.h"

static double lognormal(struct lw_rng *rng) {
    return exp(lw_rng_normal(rng));
}

/* ---- without a change ---- */

static double draw(struct lw_rng *rng, size_t shape) {
    double u = lw_rng_unit(rng);
    switch (shape) {
    case 0:
        return 10.0 + lw_rng_normal(rng);
    case 1:
        return lognormal(rng);
    case 2:
        return pow(1.0 - u, -0.7); /* infinite variance */
    case 3:
        return floor(20.0 * u * u);
    case 4:
        return u < 0.05;
    case 5:
        return 1e8 + u; /* one bucket of a tail sketch */
    default:
        return floor(200.0 * u * u);
    }
}

/* The draws in which any of eight columns is shifted at the level `strict`. */
static int shifted_draws(int n, int m, int draws, double strict) {
    struct lw_drift_options options = lw_drift_defaults();
    struct lw_rng rng;
    int alarms = 0;
    options.alpha = strict / LW_DRIFT_STRICT;
    options.floor_psi = INFINITY;
    options.floor_shift = 0; /* every part is tested */
    lw_rng_seed(&rng, (uint64_t)(n + m));
    for (int r = 0; r < draws; r++) {
        struct columns c;
        struct lw_drift d[COLUMNS_MAX];
        columns_init(&c, "nnnnnncc");
        for (size_t k = 0; k < 6; k++)
            c.column[k].lo = -INFINITY, c.column[k].hi = INFINITY;
        for (int i = 0; i < n + m; i++)
            for (size_t k = 0; k < 8; k++) {
                struct lw_profile *p = i < n ? c.ref : c.cur;
                if (k < 6)
                    put_num(p, k, draw(&rng, k));
                else
                    put_cat(p, k, (int64_t)draw(&rng, k == 6 ? 4 : 6), 1);
            }
        lw_drift_compare(c.ref, c.cur, NULL, &options, d);
        bool any = false;
        for (size_t k = 0; k < 8; k++)
            any |= d[k].verdict == LW_VERDICT_SHIFTED;
        alarms += any;
        columns_fini(&c);
    }
    return alarms;
}

static void the_level_is_kept_without_a_change(void **state) {
    (void)state;
    /* At 5 %, and three standard deviations of the count above it. */
    assert_in_range(shifted_draws(150, 150, 400, 0.05), 0, 20 + 13);
    assert_in_range(shifted_draws(1000, 200, 300, 0.05), 0, 15 + 12);
    assert_in_range(shifted_draws(2000, 2000, 100, 0.05), 0, 5 + 7);
    assert_in_range(shifted_draws(20000, 5000, 30, 0.05), 0, 1 + 4);
}

static void nothing_is_shifted_at_the_level_in_use(void **state) {
    (void)state;
    assert_int_equal(shifted_draws(1000, 1000, 100, 1e-4), 0);
}

/* ---- five small changes ---- */

enum change { FLAGS, ZEROS, PRICE, ABSURD, ZONE, CHANGES };

static double zone(struct lw_rng *rng) { /* zones 0 to 199, by 1 / rank */
    return floor(exp(log(200.0) * lw_rng_unit(rng)));
}

static void put_row(struct lw_profile *p, struct lw_rng *rng, bool now) {
    double amount = lognormal(rng), price = exp(1.0 + lw_rng_normal(rng));
    put_cat(p, FLAGS, lw_rng_unit(rng) < (now ? 0.05 : 0.005), 1);
    put_num(p, ZEROS, now && lw_rng_unit(rng) < 0.1 ? 0 : amount);
    put_num(p, PRICE, now ? 1.3 * price : price);
    put_num(p, ABSURD, now && lw_rng_unit(rng) < 0.02 ? 100 * amount : amount);
    double z = lw_rng_unit(rng) < (now ? 0.025 : 0.005) ? 275 : zone(rng);
    put_cat(p, ZONE, (int64_t)z, 1);
}

static void compare_small(uint64_t seed, int n, int m, bool now, struct columns *c,
                          struct lw_drift *d) {
    struct lw_drift_options options = lw_drift_defaults();
    struct lw_rng rng;
    columns_init(c, "cnnnc");
    lw_rng_seed(&rng, seed);
    for (int i = 0; i < n + m; i++)
        put_row(i < n ? c->ref : c->cur, &rng, i >= n && now);
    lw_drift_compare(c->ref, c->cur, NULL, &options, d);
}

static void small_changes_are_shifted(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct columns c;
        struct lw_drift d[CHANGES];
        compare_small(seed, 20000, 5000, true, &c, d);
        for (size_t k = 0; k < CHANGES; k++)
            if (d[k].verdict != LW_VERDICT_SHIFTED)
                fail_msg("seed %d, column %zu: %s, PSI %g, p %g", (int)seed, k,
                         lw_verdict_name(d[k].verdict), d[k].psi, d[k].shift.p_adjusted);
        columns_fini(&c);
    }
}

static void the_change_is_in_plain_units(void **state) {
    (void)state;
    struct columns c;
    struct lw_drift d[CHANGES];
    char text[CHANGES][LW_SHIFT_TEXT];
    compare_small(3, 20000, 5000, true, &c, d);
    for (size_t k = 0; k < CHANGES; k++)
        lw_shift_describe(&d[k].shift, &c.ref->members[k], &c.cur->members[k], text[k]);
    assert_int_equal(d[FLAGS].shift.key, 1);
    check_near(d[FLAGS].shift.share.cur, 0.05, 0, 0.01);
    assert_true(d[ZEROS].shift.value == 0);
    check_near(d[ZEROS].shift.share.cur, 0.1, 0, 0.015);
    check_near(d[PRICE].shift.median_cur / d[PRICE].shift.median_ref, 1.3, 0.05, 0);
    check_near(d[ABSURD].shift.above.ref, 0.001, 0, 0.0005); /* the last thousandth */
    check_near(d[ABSURD].shift.above.cur, 0.02, 0, 0.008);
    assert_int_equal(d[ZONE].shift.key, 275);
    assert_non_null(strstr(text[FLAGS], "1: 0."));
    assert_non_null(strstr(text[ZEROS], "value 0: 0.0 → "));
    assert_non_null(strstr(text[PRICE], " (× 1."));
    assert_non_null(strstr(text[ABSURD], "above "));
    assert_non_null(strstr(text[ZONE], "275: 0."));
    columns_fini(&c);
}

static void a_change_of_missing_values_is_a_shift(void **state) {
    (void)state;
    struct columns c;
    struct lw_drift d[1];
    struct lw_drift_options options = lw_drift_defaults();
    struct lw_rng rng;
    char text[LW_SHIFT_TEXT];
    columns_init(&c, "n");
    lw_rng_seed(&rng, 5);
    for (int i = 0; i < 10000; i++) {
        put_num(c.ref, 0, lw_rng_normal(&rng));
        put_num(c.cur, 0, i % 20 ? lw_rng_normal(&rng) : NAN);
    }
    lw_drift_compare(c.ref, c.cur, NULL, &options, d);
    assert_int_equal(d->verdict, LW_VERDICT_SHIFTED);
    assert_string_equal(
        lw_shift_describe(&d->shift, &c.ref->members[0], &c.cur->members[0], text),
        "missing: 0.0 → 5.0 %");
    columns_fini(&c);
}

/* ---- certain, but too small ---- */

static void certain_but_tiny_is_ok(void **state) {
    (void)state;
    struct columns c;
    struct lw_drift d[2];
    struct lw_drift_options options = lw_drift_defaults();
    columns_init(&c, "cc");
    for (int64_t k = 0; k < 2; k++) {
        put_cat(c.ref, (size_t)k, 1, 200000000);
        put_cat(c.ref, (size_t)k, 2, 800000000);
        put_cat(c.cur, (size_t)k, 1, k ? 25000000 : 20400000); /* 20 to 20.4 and 25 % */
        put_cat(c.cur, (size_t)k, 2, k ? 75000000 : 79600000);
    }
    lw_drift_compare(c.ref, c.cur, NULL, &options, d);
    assert_true(d[0].p_adjusted < 1e-12);
    assert_int_equal(d[0].verdict, LW_VERDICT_OK);
    assert_int_equal(d[0].shift.parts, 0);
    assert_int_equal(d[1].verdict, LW_VERDICT_SHIFTED);
    columns_fini(&c);
}

/* Rare categories beyond the cap have counts within an error, of which the closest pair
 * counts. */
static void beyond_the_cap_only_certain_changes_count(void **state) {
    (void)state;
    struct lw_drift_options options = lw_drift_defaults();
    struct lw_rng rng;
    lw_rng_seed(&rng, 9);
    for (int change = 0; change < 2; change++) {
        struct columns c;
        struct lw_drift d[1];
        columns_init(&c, "c");
        for (int i = 0; i < 40000; i++) {
            int64_t level = (int64_t)(20000 * lw_rng_unit(&rng));
            bool now = i >= 20000;
            put_cat(now ? c.cur : c.ref, 0, now && change && i % 20 == 0 ? -7 : level, 1);
        }
        lw_drift_compare(c.ref, c.cur, NULL, &options, d);
        assert_int_equal(d->verdict, change ? LW_VERDICT_SHIFTED : LW_VERDICT_OK);
        if (change)
            assert_int_equal((int64_t)d->shift.key, -7);
        columns_fini(&c);
    }
}

/* ---- counts of the tail sketch ---- */

static void tail_counts_are_exact(void **state) {
    (void)state;
    struct lw_tail *t = lw_tail_new();
    for (int i = -50; i <= 100; i++)
        lw_tail_add(t, i);
    struct lw_tail_counts c = lw_tail_counts(t, 80.0);
    uint64_t above = 0;
    for (int i = 1; i <= 100; i++)
        above += i > 82; /* buckets are at most 2 % wide */
    assert_int_equal(c.zeros, 1);
    assert_in_range(c.above, above, 20);
    c = lw_tail_counts(t, -10.0);
    assert_int_equal(c.below, 40);
    assert_int_equal(c.above, 110);
    c = lw_tail_counts(t, 0.0);
    assert_int_equal(c.below, 50);
    assert_int_equal(c.above, 100);
    lw_tail_free(t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_level_is_kept_without_a_change),
        cmocka_unit_test(nothing_is_shifted_at_the_level_in_use),
        cmocka_unit_test(small_changes_are_shifted),
        cmocka_unit_test(the_change_is_in_plain_units),
        cmocka_unit_test(a_change_of_missing_values_is_a_shift),
        cmocka_unit_test(certain_but_tiny_is_ok),
        cmocka_unit_test(beyond_the_cap_only_certain_changes_count),
        cmocka_unit_test(tail_counts_are_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
