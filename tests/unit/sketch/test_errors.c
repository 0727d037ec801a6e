/* Model errors against scikit-learn and NumPy, the law of merging, hostile sums. */
#include "sketch_test.h"

#include <math.h>

#include "base/rng.h"
#include "leeway/errors.h"

static void assert_near(double a, double b, double relative) {
    if (!(fabs(a - b) <= relative * fmax(fabs(a), fabs(b))))
        fail_msg("%.17g is not %.17g", a, b);
}

/* As in make_golden.py. */
static struct lw_errors stream(int n, double noise) {
    struct lw_errors s = {0};
    for (int i = 0; i < n; i++) {
        double target = 10 + (double)(i * 37 % 101) / 10;
        double wobble = (double)(i * 53 % 97) / 97 - .5;
        lw_errors_add(&s, target, 2 + .7 * target + noise * wobble);
    }
    return s;
}

static void golden_figures(void **state) {
    (void)state;
    size_t len;
    char *text = (char *)lw_golden("errors", ".txt", &len), *save = NULL;
    int lines = 0;
    for (char *line = strtok_r(text, "\n", &save); line;
         line = strtok_r(NULL, "\n", &save), lines++) {
        double want[10];
        char *at = line;
        for (int i = 0; i < 10; i++)
            want[i] = strtod(at, &at);
        struct lw_errors s = stream((int)want[0], want[1]);
        assert_near(lw_errors_rmse(&s), want[2], 1e-12);
        assert_near(lw_errors_mae(&s), want[3], 1e-12);
        assert_near(lw_errors_bias(&s), want[4], 1e-12);
        assert_near(lw_errors_r2(&s), want[5], 1e-9);
        assert_near(lw_errors_rmse_se(&s), want[6], 1e-10);
        assert_near(lw_errors_mae_se(&s), want[7], 1e-10);
        assert_near(lw_errors_bias_se(&s), want[8], 1e-10);
        assert_near(lw_errors_recalibration_gain(&s), want[9], 1e-9);
    }
    assert_int_equal(lines, 3);
    free(text);
}

static void too_few_are_nan(void **state) {
    (void)state;
    struct lw_errors s = {0};
    assert_true(isnan(lw_errors_rmse(&s)) && isnan(lw_errors_mae(&s)));
    assert_true(isnan(lw_errors_bias(&s)) && isnan(lw_errors_r2(&s)));
    lw_errors_add(&s, 3, 4);
    assert_true(lw_errors_rmse(&s) == 1 && lw_errors_bias(&s) == 1);
    assert_true(isnan(lw_errors_rmse_se(&s)) && isnan(lw_errors_bias_se(&s)));
    assert_true(isnan(lw_errors_r2(&s)) && isnan(lw_errors_recalibration_gain(&s)));
}

static void degenerate_streams_have_figures(void **state) {
    (void)state;
    struct lw_errors perfect = {0}, shifted = {0}, flat = {0};
    for (int i = 0; i < 100; i++) {
        lw_errors_add(&perfect, i, i);
        lw_errors_add(&shifted, i, i + 2);
        lw_errors_add(&flat, 5, 5 + i % 2);
    }
    assert_true(lw_errors_rmse(&perfect) == 0 && lw_errors_rmse_se(&perfect) == 0);
    assert_true(lw_errors_r2(&perfect) == 1);
    assert_true(lw_errors_recalibration_gain(&perfect) == 0);
    assert_true(lw_errors_rmse(&shifted) == 2 && lw_errors_rmse_se(&shifted) == 0);
    assert_near(lw_errors_recalibration_gain(&shifted), 1, 1e-12);
    assert_true(isnan(lw_errors_r2(&flat))); /* the target does not vary */
    /* prediction says nothing that its own error does not: all is recalibration */
    assert_near(lw_errors_recalibration_gain(&flat), 1, 1e-9);
}

/* Where there is nothing to gain, the corrected share is 0 or chance-sized, and its mean
 * before clipping is 0: half of the streams are clipped. */
static void no_gain_from_noise(void **state) {
    (void)state;
    int zero = 0;
    double sum = 0;
    for (uint64_t seed = 0; seed < 400; seed++) {
        struct lw_rng rng;
        lw_rng_seed(&rng, seed);
        struct lw_errors s = {0};
        for (int i = 0; i < 200; i++) {
            double p = 10 + 3 * lw_rng_normal(&rng);
            lw_errors_add(&s, p + lw_rng_normal(&rng), p);
        }
        double gain = lw_errors_recalibration_gain(&s);
        assert_true(gain >= 0 && gain < .15);
        zero += gain == 0;
        sum += gain;
    }
    assert_true(zero > 200 && zero < 300); /* P(chi2_2 / 2 < 1) = .63 */
    assert_true(sum / 400 < .005);
}

static void merging_adds(void **state) {
    (void)state;
    struct lw_errors whole = stream(1000, 4), first = stream(600, 4), rest = {0};
    for (int i = 600; i < 1000; i++) {
        struct lw_errors to = stream(i + 1, 4), from = stream(i, 4);
        double target = to.y - from.y, p = to.p - from.p;
        lw_errors_add(&rest, target, p);
    }
    lw_errors_merge(&first, &rest);
    assert_int_equal(first.n, 1000);
    assert_near(lw_errors_rmse(&first), lw_errors_rmse(&whole), 1e-9);
    assert_near(lw_errors_r2(&first), lw_errors_r2(&whole), 1e-6);
}

static int read_sums(const uint8_t *data, size_t len, struct lw_err *err) {
    struct lw_errors s;
    if (lw_errors_read(&s, data, len, err)) {
        assert_int_equal(s.n, 0);
        return 0;
    }
    double gain = lw_errors_recalibration_gain(&s);
    assert_true(isnan(gain) || (gain >= 0 && gain <= 1));
    return 1;
}

static void bytes_round_trip(void **state) {
    (void)state;
    const int sizes[] = {0, 1, 2, 1000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct lw_errors s = stream(sizes[i], 4), back;
        uint8_t bytes[LW_ERRORS_BYTES];
        lw_errors_write(&s, bytes);
        assert_int_equal(lw_errors_read(&back, bytes, sizeof bytes, NULL), 0);
        assert_memory_equal(&s, &back, sizeof s);
        lw_hostile(read_sums, bytes, sizeof bytes);
    }
}

static void impossible_sums_are_refused(void **state) {
    (void)state;
    struct lw_errors good = stream(50, 4);
    struct lw_errors bad[] = {good, good, good, good, good, good, good};
    bad[0].e2 = -1;
    bad[1].abs_e = 0;
    bad[2].e4 = good.e2;
    bad[3].p2 = good.p2 / 2;
    bad[4].n = 0;
    bad[5].y = INFINITY;
    bad[6].pe = 1e12;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        uint8_t bytes[LW_ERRORS_BYTES];
        struct lw_err err = {0};
        struct lw_errors s;
        lw_errors_write(&bad[i], bytes);
        assert_int_equal(lw_errors_read(&s, bytes, sizeof bytes, &err), -1);
        assert_int_equal(err.code, LW_EINPUT);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_figures),
        cmocka_unit_test(too_few_are_nan),
        cmocka_unit_test(degenerate_streams_have_figures),
        cmocka_unit_test(no_gain_from_noise),
        cmocka_unit_test(merging_adds),
        cmocka_unit_test(bytes_round_trip),
        cmocka_unit_test(impossible_sums_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
