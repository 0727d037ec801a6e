/* Comparison of whole profiles: verdicts, isolation of bad columns, shares, frozen bins,
 * correction. */
#include "drift_test.h"

#include "columns.h"
#include "data/drift/golden.h"

static void check_finite(const struct lw_drift *d) {
    const double *figures[] = {&d->psi,
                               &d->psi_raw,
                               &d->js,
                               &d->hellinger,
                               &d->ks,
                               &d->ks_p,
                               &d->w1,
                               &d->chi2,
                               &d->chi2_p,
                               &d->cramers_v,
                               &d->linf,
                               &d->unseen,
                               &d->missing_ref,
                               &d->missing_cur,
                               &d->out_of_range_ref,
                               &d->out_of_range_cur,
                               &d->missing_p,
                               &d->out_of_range_p,
                               &d->p,
                               &d->p_adjusted,
                               &d->effect,
                               &d->mean_ref,
                               &d->mean_cur};
    for (size_t i = 0; i < COUNT(figures); i++)
        assert_true(isfinite(*figures[i]));
}

static void compare(struct columns *c, struct lw_drift *out) {
    struct lw_drift_options options = lw_drift_defaults();
    options.floor_psi = 0.1;
    lw_drift_compare(c->ref, c->cur, NULL, &options, out);
    for (size_t i = 0; i < c->ref->n; i++)
        check_finite(&out[i]);
}

static void put_normal(struct lw_profile *p, size_t i, uint64_t seed, int n, double mean,
                       double sd) {
    struct lw_rng rng;
    lw_rng_seed(&rng, seed);
    for (int k = 0; k < n; k++)
        put_num(p, i, mean + sd * lw_rng_normal(&rng));
}

static void put_zones(struct lw_profile *p, size_t i, uint64_t seed, int n, int zones) {
    struct lw_rng rng;
    lw_rng_seed(&rng, seed);
    for (int k = 0; k < n; k++)
        put_cat(p, i, (int64_t)lw_rng_below(&rng, (uint64_t)zones), 1);
}

/* One column of each bad kind, between a good and a drifted one. */
static void a_bad_column_does_not_affect_others(void **state) {
    (void)state;
    struct columns c;
    struct lw_drift d[7], alone[2];
    columns_init(&c, "nnnnccc");
    put_normal(c.ref, 0, 1, 4000, 0.0, 1.0); /* drifts */
    put_normal(c.cur, 0, 2, 4000, 1.0, 1.0);
    for (int i = 0; i < 4000; i++) {
        put_num(c.ref, 1, NAN); /* never present */
        put_num(c.cur, 1, 1.0);
        put_num(c.ref, 2, 7.0); /* constant */
        put_num(c.cur, 2, 7.0);
    }
    put_normal(c.ref, 3, 3, 4000, 0.0, 1.0); /* too short */
    put_normal(c.cur, 3, 4, 99, 5.0, 1.0);
    put_zones(c.ref, 4, 5, 4000, 50); /* unchanged */
    put_zones(c.cur, 4, 6, 4000, 50);
    put_cat(c.ref, 5, 1, 4000); /* constant */
    put_cat(c.cur, 5, 1, 4000);
    put_cat(c.ref, 6, 1, 4000); /* all null now */
    lw_cats_add_missing(c.cur->members[6].cats, 4000);
    compare(&c, d);
    const enum lw_verdict want[] = {LW_VERDICT_DRIFT,    LW_VERDICT_EMPTY,
                                    LW_VERDICT_CONSTANT, LW_VERDICT_INSUFFICIENT,
                                    LW_VERDICT_OK,       LW_VERDICT_CONSTANT,
                                    LW_VERDICT_EMPTY};
    for (size_t i = 0; i < COUNT(want); i++)
        assert_int_equal(d[i].verdict, want[i]);
    assert_true(d[3].p == 1.0 && d[3].p_adjusted == 1.0 && d[3].effect == 0.0);
    assert_true(d[3].psi > 1.0); /* for people to read; nothing acts on it */
    assert_true(d[1].missing_ref == 1.0 && d[1].missing_cur == 0.0);
    assert_true(d[6].missing_cur == 1.0 && d[6].missing_p < 1e-9);
    columns_fini(&c);

    columns_init(&c, "nc"); /* the two columns that can be judged, alone */
    put_normal(c.ref, 0, 1, 4000, 0.0, 1.0);
    put_normal(c.cur, 0, 2, 4000, 1.0, 1.0);
    put_zones(c.ref, 1, 5, 4000, 50);
    put_zones(c.cur, 1, 6, 4000, 50);
    compare(&c, alone);
    assert_true(alone[1].p_adjusted == d[4].p_adjusted && alone[1].psi == d[4].psi);
    columns_fini(&c);
}

static void empty_profiles_have_the_verdict_empty(void **state) {
    (void)state;
    struct columns c;
    struct lw_drift d[2];
    columns_init(&c, "nc");
    compare(&c, d);
    assert_int_equal(d[0].verdict, LW_VERDICT_EMPTY);
    assert_int_equal(d[1].verdict, LW_VERDICT_EMPTY);
    columns_fini(&c);
}

static void a_constant_that_moves_is_drift(void **state) {
    (void)state;
    struct columns c;
    struct lw_drift d[2];
    columns_init(&c, "nc");
    for (int i = 0; i < 500; i++) {
        put_num(c.ref, 0, 7.0);
        put_num(c.cur, 0, 8.0);
    }
    put_cat(c.ref, 1, 3, 500);
    put_cat(c.cur, 1, 4, 500);
    compare(&c, d);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(d[i].verdict, LW_VERDICT_DRIFT);
        check_near(d[i].js, 1.0, 0.01, 0.0);
        check_near(d[i].cramers_v, 1.0, 0.01, 0.0);
    }
    check_near(d[0].ks, 1.0, 1e-12, 0.0);
    check_near(d[0].w1, 2.0, 0.01,
               0.0); /* two points: the sd of both sides together is .5 */
    check_near(d[1].unseen, 1.0, 1e-12, 0.0);
    check_near(d[1].linf, 1.0, 1e-12, 0.0);
    columns_fini(&c);
}

static void effect_is_the_same_at_every_size(void **state) {
    (void)state;
    /* Deciles, mean moved by half a sd: PSI of the population is .2485 (golden.py:
     * psi_of_shift). */
    const int sizes[] = {100, 500, 2000, 60000};
    for (size_t s = 0; s < COUNT(sizes); s++) {
        double sum = 0.0;
        int repeats = s == 0 ? 200 : s < 3 ? 60 : 12, drifts = 0;
        for (int r = 0; r < repeats; r++) {
            struct columns c;
            struct lw_drift d;
            columns_init(&c, "n");
            put_normal(c.ref, 0, (uint64_t)(1000 + r), 10000, 0.0, 1.0);
            put_normal(c.cur, 0, (uint64_t)(5000 + r), sizes[s], 0.5, 1.0);
            compare(&c, &d);
            sum += d.psi;
            drifts += d.verdict == LW_VERDICT_DRIFT;
            columns_fini(&c);
        }
        /* Three standard errors of the mean over the repeats. */
        check_near(sum / repeats, golden_psi_of_shift, 0.0, 0.024);
        assert_true(drifts >= (s == 0 ? repeats / 2 : repeats - 1));
    }
}

static void significant_but_small_changes_are_no_drift(void **state) {
    (void)state;
    struct columns c;
    struct lw_drift d;
    columns_init(&c, "n");
    put_normal(c.ref, 0, 1, 60000, 0.0, 1.0);
    put_normal(c.cur, 0, 2, 60000, 0.18, 1.0);
    compare(&c, &d);
    assert_true(d.p_adjusted < 1e-4 && d.psi < 0.06);
    assert_int_equal(d.verdict, LW_VERDICT_SHIFTED);
    columns_fini(&c);
}

static void frozen_bins_are_used_as_given(void **state) {
    (void)state;
    struct columns c;
    struct lw_drift own, frozen;
    struct lw_drift_options options = lw_drift_defaults();
    struct lw_bins bins;
    columns_init(&c, "n");
    put_normal(c.ref, 0, 1, 5000, 0.0, 1.0);
    put_normal(c.cur, 0, 2, 5000, 0.3, 1.0);
    compare(&c, &own);
    lw_bins_from(&c.ref->members[0].num, options.bins, &bins);
    lw_drift_compare(c.ref, c.cur, &bins, &options, &frozen);
    assert_true(own.psi == frozen.psi && own.chi2 == frozen.chi2);
    bins = (struct lw_bins){.nedges = 1, .edge = {0.0}};
    lw_drift_compare(c.ref, c.cur, &bins, &options, &frozen);
    assert_true(frozen.psi < own.psi && frozen.psi > 0.01);
    assert_true(frozen.ks == own.ks); /* does not need bins */
    bins = (struct lw_bins){.nedges = 4, .edge = {1.0, NAN, -1.0, INFINITY}};
    lw_drift_compare(c.ref, c.cur, &bins, &options, &frozen);
    check_finite(&frozen);
    columns_fini(&c);
}

static void missing_and_out_of_range_are_shares_of_all_rows(void **state) {
    (void)state;
    struct columns c;
    struct lw_drift d[2];
    columns_init(&c, "nc");
    for (int i = 0; i < 1000; i++) {
        put_num(c.ref, 0, i % 10 == 0 ? NAN : i % 10 == 1 ? 2e6 : i);
        put_num(c.cur, 0, i % 5 == 0 ? NAN : i % 5 == 1 ? 2e6 : i);
    }
    put_cat(c.ref, 1, 1, 500);
    put_cat(c.ref, 1, 2, 400);
    lw_cats_add_missing(c.ref->members[1].cats, 100);
    put_cat(c.cur, 1, 1, 400);
    put_cat(c.cur, 1, 9, 100);
    lw_cats_add_missing(c.cur->members[1].cats, 500);
    compare(&c, d);
    assert_int_equal(d[0].n_ref, 800);
    assert_int_equal(d[0].n_cur, 600);
    check_near(d[0].missing_ref, 0.1, 1e-12, 0.0);
    check_near(d[0].missing_cur, 0.2, 1e-12, 0.0);
    check_near(d[0].out_of_range_ref, 0.1, 1e-12, 0.0);
    check_near(d[0].out_of_range_cur, 0.2, 1e-12, 0.0);
    assert_true(d[0].missing_p < 1e-6 && d[0].out_of_range_p < 1e-6);
    check_near(d[1].missing_ref, 0.1, 1e-12, 0.0);
    check_near(d[1].missing_cur, 0.5, 1e-12, 0.0);
    check_near(d[1].unseen, 0.2, 1e-12, 0.0);
    check_near(d[1].linf, 400.0 / 900.0, 1e-12, 0.0);
    columns_fini(&c);
}

static void a_tail_of_new_rare_zones_is_detected(void **state) {
    (void)state;
    struct columns c;
    struct lw_drift d;
    columns_init(&c, "c");
    put_zones(c.ref, 0, 1, 20000, 40);
    put_zones(c.cur, 0, 2, 1200, 40);
    for (int64_t key = 1000; key < 1400; key++) /* 400 zones, one trip each */
        put_cat(c.cur, 0, key, 1);
    compare(&c, &d);
    assert_int_equal(d.verdict, LW_VERDICT_DRIFT);
    check_near(d.unseen, 0.25, 1e-12, 0.0);
    assert_true(d.linf < 0.02);
    columns_fini(&c);
}

static void unchanged_categories_past_the_cap_do_not_drift(void **state) {
    (void)state;
    struct columns c;
    struct lw_drift d;
    columns_init(&c, "c");
    put_zones(c.ref, 0, 1, 60000, 3000);
    put_zones(c.cur, 0, 2, 60000, 3000);
    for (int i = 0; i < 2; i++) {
        put_cat(i ? c.cur : c.ref, 0, 7, 20000);
        put_cat(i ? c.cur : c.ref, 0, 8, 10000);
    }
    compare(&c, &d);
    assert_true(lw_cats_error(c.ref->members[0].cats) > 0);
    assert_int_equal(d.verdict, LW_VERDICT_OK);
    assert_true(d.psi < 0.05);
    put_cat(c.cur, 0, 8, 60000);
    compare(&c, &d);
    assert_int_equal(d.verdict, LW_VERDICT_DRIFT);
    columns_fini(&c);
}

static void verdicts_have_names(void **state) {
    (void)state;
    assert_string_equal(lw_verdict_name(LW_VERDICT_OK), "ok");
    assert_string_equal(lw_verdict_name(LW_VERDICT_SHIFTED), "shifted");
    assert_string_equal(lw_verdict_name(LW_VERDICT_CONSTANT), "constant");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bad_column_does_not_affect_others),
        cmocka_unit_test(empty_profiles_have_the_verdict_empty),
        cmocka_unit_test(a_constant_that_moves_is_drift),
        cmocka_unit_test(effect_is_the_same_at_every_size),
        cmocka_unit_test(significant_but_small_changes_are_no_drift),
        cmocka_unit_test(frozen_bins_are_used_as_given),
        cmocka_unit_test(missing_and_out_of_range_are_shares_of_all_rows),
        cmocka_unit_test(a_tail_of_new_rare_zones_is_detected),
        cmocka_unit_test(unchanged_categories_past_the_cap_do_not_drift),
        cmocka_unit_test(verdicts_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
