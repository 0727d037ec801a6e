/* Change detectors: River's indices on the same streams, one-sidedness, restart, serial
 * form, hostile bytes. */
#include "drift_test.h"

#include "base/rng.h"
#include "data/drift/golden.h"
#include "drift/change.h"

static const char *const kinds[] = {"adwin", "page_hinkley", "kswin"};

static double unit(uint64_t seed, uint64_t i) {
    return (double)(lw_mix64((seed << 32) + i) >> 11) * 0x1.0p-53;
}

/* The streams of golden.py: approximately normal, the same operations in the same
 * order. */
static double value(uint64_t seed, uint64_t i, double mean, double sd) {
    double u = unit(seed, 4 * i) + unit(seed, 4 * i + 1) + unit(seed, 4 * i + 2) +
               unit(seed, 4 * i + 3);
    return mean + sd * ((u - 2.0) * 1.7320508);
}

static struct lw_change *make(const char *kind) {
    struct lw_change_params p = lw_change_defaults(kind);
    struct lw_err err = {0};
    struct lw_change *c = lw_change_new(kind, &p, &err);
    if (!c)
        fail_msg("%s", err.msg);
    return c;
}

static size_t run(const char *kind, const struct golden_stream *s, uint32_t *at,
                  size_t max) {
    struct lw_change *c = make(kind);
    size_t k = 0;
    for (uint32_t i = 0; i < s->n; i++)
        if (lw_change_update(
                c, value(s->seed, i, s->mean + s->height * (i / s->every), s->sd)) &&
            k < max)
            at[k++] = i;
    lw_change_free(c);
    return k;
}

static void page_hinkley_fires_where_river_does(void **state) {
    (void)state;
    uint32_t at[300];
    for (size_t g = 0; g < COUNT(golden_streams); g++) {
        const struct golden_stream *s = &golden_streams[g];
        assert_int_equal(run("page_hinkley", s, at, 300), s->ph_n);
        for (size_t i = 0; i < s->ph_n; i++)
            assert_int_equal(at[i], s->ph[i]);
    }
}

/* River skips the newest bucket of a level; one check (32 values) of difference is
 * allowed. */
static void adwin_fires_within_one_check_of_river(void **state) {
    (void)state;
    uint32_t at[300];
    for (size_t g = 0; g < COUNT(golden_streams); g++) {
        const struct golden_stream *s = &golden_streams[g];
        assert_int_equal(run("adwin", s, at, 300), s->adwin_n);
        for (size_t i = 0; i < s->adwin_n; i++)
            check_near(at[i], s->adwin[i], 0.0, 32.0);
    }
}

static size_t alarms(const char *kind, double before, double after, uint64_t seed) {
    struct lw_change *c = make(kind);
    size_t k = 0;
    for (uint64_t i = 0; i < 6000; i++)
        k += (size_t)lw_change_update(c, value(seed, i, i < 3000 ? before : after, 1.0));
    lw_change_free(c);
    return k;
}

static void growth_fires_and_a_fall_does_not(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        assert_int_equal(alarms("adwin", 5.0, 7.0, seed), 1);
        assert_int_equal(alarms("adwin", 7.0, 5.0, seed), 0);
        assert_true(alarms("kswin", 5.0, 8.0, seed) >= 1);
        size_t calm = alarms("page_hinkley", 5.0, 5.0, seed);
        assert_true(alarms("page_hinkley", 9.0, 5.0, seed) <= calm + 1);
    }
}

static void adwin_drops_high_values_after_a_fall(void **state) {
    (void)state;
    struct lw_change *c = make("adwin");
    for (uint64_t i = 0; i < 4000; i++)
        assert_int_equal(lw_change_update(c, value(3, i, i < 2000 ? 9.0 : 5.0, 1.0)), 0);
    assert_true(lw_change_width(c) <= 2048);
    uint64_t i = 4000;
    while (!lw_change_update(c, value(3, i, 6.5, 1.0)))
        assert_true(++i < 4200);
    lw_change_free(c);
}

static void the_width_after_an_alarm_covers_the_new_regime(void **state) {
    (void)state;
    for (size_t k = 0; k < COUNT(kinds); k++) {
        struct lw_change *c = make(kinds[k]);
        uint64_t i = 0;
        while (!lw_change_update(c, value(8, i, i < 500 ? 0.0 : 6.0, 1.0)))
            assert_true(++i < 700);
        uint64_t since = i - 500 + 1;
        assert_true(i >= 500);
        /* Page-Hinkley's sum wanders before the change, so its estimate may be too
         * early. */
        uint64_t room = strcmp(kinds[k], "page_hinkley") == 0 ? 500 : 40;
        assert_true(lw_change_width(c) <= since + room &&
                    lw_change_width(c) + 12 >= since);
        lw_change_update(c, 0.0);
        assert_int_equal(lw_change_width(c), 1);
        lw_change_free(c);
    }
}

static void no_alarm_before_min_n_or_for_non_finite_values(void **state) {
    (void)state;
    for (size_t k = 0; k < COUNT(kinds); k++) {
        struct lw_change_params p = lw_change_defaults(kinds[k]);
        p.min_n = 1000;
        struct lw_change *c = lw_change_new(kinds[k], &p, NULL);
        for (int i = 0; i < 999; i++)
            assert_int_equal(lw_change_update(c, i < 500 ? 0.0 : 900.0), 0);
        uint64_t width = lw_change_width(c);
        assert_int_equal(lw_change_update(c, NAN), 0);
        assert_int_equal(lw_change_update(c, INFINITY), 0);
        assert_int_equal(lw_change_width(c), width);
        lw_change_free(c);
    }
}

/* A scale of s with values times s gives the same alarms. */
static void the_scale_makes_units_irrelevant(void **state) {
    (void)state;
    for (size_t k = 0; k < COUNT(kinds); k++) {
        struct lw_change_params p = lw_change_defaults(kinds[k]);
        struct lw_change *a = lw_change_new(kinds[k], &p, NULL);
        p.scale = 64.0;
        struct lw_change *b = lw_change_new(kinds[k], &p, NULL);
        int fired = 0;
        for (uint64_t i = 0; i < 3000; i++) {
            double v = value(4, i, i < 1500 ? 1.0 : 5.0, 1.0);
            int x = lw_change_update(a, v);
            assert_int_equal(x, lw_change_update(b, 64.0 * v));
            fired |= x;
        }
        assert_true(fired);
        lw_change_free(a);
        lw_change_free(b);
    }
}

/* Storing and loading a detector at every step does not change its results. */
static void interruptions_do_not_change_the_alarms(void **state) {
    (void)state;
    for (size_t k = 0; k < COUNT(kinds); k++) {
        struct lw_change *smooth = make(kinds[k]), *broken = make(kinds[k]);
        struct lw_buf a = {0}, b = {0};
        for (uint64_t i = 0; i < 1200; i++) {
            double v = value(9, i, i < 600 ? 1.0 : 4.0, 1.0);
            assert_int_equal(lw_change_update(smooth, v), lw_change_update(broken, v));
            lw_buf_clear(&a);
            lw_change_write(broken, &a);
            lw_change_free(broken);
            broken = make(kinds[k]);
            assert_int_equal(lw_change_read(broken, a.data, a.len, NULL), 0);
        }
        lw_change_write(smooth, &b);
        lw_buf_clear(&a);
        lw_change_write(broken, &a);
        assert_int_equal(a.len, b.len);
        assert_memory_equal(a.data, b.data, a.len);
        lw_buf_fini(&a);
        lw_buf_fini(&b);
        lw_change_free(smooth);
        lw_change_free(broken);
    }
}

/* Any truncation is refused; any flipped byte is refused or gives a working detector. */
static void hostile_bytes_are_refused_or_harmless(void **state) {
    (void)state;
    for (size_t k = 0; k < COUNT(kinds); k++) {
        struct lw_change *c = make(kinds[k]);
        for (uint64_t i = 0; i < 777; i++)
            lw_change_update(c, value(5, i, 1.0, 1.0));
        struct lw_buf good = {0};
        lw_change_write(c, &good);
        for (size_t len = 0; len < good.len; len++) {
            struct lw_err err = {0};
            assert_int_equal(lw_change_read(c, good.data, len, &err), -1);
            assert_int_equal(err.code, LW_EINPUT);
            assert_int_equal(lw_change_width(c), 0);
        }
        size_t refused = 0;
        for (size_t i = 0; i < good.len * 8; i++) {
            good.data[i / 8] ^= (uint8_t)(1u << (i % 8));
            refused += lw_change_read(c, good.data, good.len, NULL) != 0;
            for (int j = 0; j < 70; j++)
                lw_change_update(c, j);
            good.data[i / 8] ^= (uint8_t)(1u << (i % 8));
        }
        assert_true(refused > 0);
        lw_buf_fini(&good);
        lw_change_free(c);
    }
}

static void state_of_another_kind_or_scale_is_refused(void **state) {
    (void)state;
    struct lw_change *ph = make("page_hinkley"), *ad = make("adwin");
    struct lw_change_params p = lw_change_defaults("adwin");
    p.scale = 2.0;
    struct lw_change *other = lw_change_new("adwin", &p, NULL);
    struct lw_buf buf = {0};
    struct lw_err err = {0};
    lw_change_write(ad, &buf);
    assert_int_equal(lw_change_read(ph, buf.data, buf.len, &err), -1);
    assert_non_null(strstr(err.msg, "another detector"));
    lw_err_clear(&err);
    assert_int_equal(lw_change_read(other, buf.data, buf.len, &err), -1);
    assert_non_null(strstr(err.msg, "scaled by 1, now by 2"));
    lw_buf_fini(&buf);
    lw_change_free(ph);
    lw_change_free(ad);
    lw_change_free(other);
}

static void check_refused(const char *kind, struct lw_change_params p, const char *says) {
    struct lw_err err = {0};
    assert_null(lw_change_new(kind, &p, &err));
    assert_int_equal(err.code, LW_ECONFIG);
    if (!strstr(err.msg, says))
        fail_msg("'%s' does not say '%s'", err.msg, says);
}

static void errors_name_the_bad_parameter(void **state) {
    (void)state;
    struct lw_change_params p = lw_change_defaults("adwin");
    check_refused("adwim", p, "did you mean 'adwin'");
    check_refused("x", p, "page_hinkley");
    p.scale = 0.0;
    check_refused("adwin", p, "scale 0");
    p.scale = 1.0;
    p.delta = 1.0;
    check_refused("adwin", p, "delta 1");
    p.delta = NAN;
    check_refused("adwin", p, "delta");
    check_refused("page_hinkley", p, "delta");
    p.delta = 0.0;
    p.lambda = 0.0;
    check_refused("page_hinkley", p, "lambda 0");
    p.alpha = 0.0;
    check_refused("kswin", p, "alpha 0");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(page_hinkley_fires_where_river_does),
        cmocka_unit_test(adwin_fires_within_one_check_of_river),
        cmocka_unit_test(growth_fires_and_a_fall_does_not),
        cmocka_unit_test(adwin_drops_high_values_after_a_fall),
        cmocka_unit_test(the_width_after_an_alarm_covers_the_new_regime),
        cmocka_unit_test(no_alarm_before_min_n_or_for_non_finite_values),
        cmocka_unit_test(the_scale_makes_units_irrelevant),
        cmocka_unit_test(interruptions_do_not_change_the_alarms),
        cmocka_unit_test(hostile_bytes_are_refused_or_harmless),
        cmocka_unit_test(state_of_another_kind_or_scale_is_refused),
        cmocka_unit_test(errors_name_the_bad_parameter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
