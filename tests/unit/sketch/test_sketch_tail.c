/* The tail sketch: accuracy at every rank, exact merges, the collapse, hostile bytes. */
#include "sketch_test.h"

#include <float.h>
#include <math.h>

#include "base/buf.h"
#include "base/rng.h"
#include "leeway/tail.h"

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void assert_same(const struct lw_tail *a, const struct lw_tail *b) {
    struct lw_buf x = {0}, y = {0};
    lw_tail_write(a, &x);
    lw_tail_write(b, &y);
    assert_int_equal(x.len, y.len);
    assert_memory_equal(x.data, y.data, x.len);
    lw_buf_fini(&x);
    lw_buf_fini(&y);
}

static struct lw_tail *reload(const struct lw_tail *t) {
    struct lw_buf bytes = {0};
    struct lw_err err = {0};
    lw_tail_write(t, &bytes);
    struct lw_tail *back = lw_tail_read(bytes.data, bytes.len, &err);
    if (!back)
        fail_msg("%s", err.msg);
    lw_buf_fini(&bytes);
    return back;
}

/* Signs, zeros, and magnitudes from 1e-6 to 1e6. */
static double wide(struct lw_rng *rng) {
    uint64_t kind = lw_rng_below(rng, 10);
    double v = exp((lw_rng_unit(rng) - .5) * 27);
    return kind == 0 ? 0 : kind < 4 ? -v : v;
}

static void an_empty_sketch_answers_nan(void **state) {
    (void)state;
    struct lw_tail *t = lw_tail_new();
    double lo, hi;
    lw_tail_bounds(t, .5, &lo, &hi);
    assert_true(isnan(lo) && isnan(hi) && isnan(lw_tail_quantile(t, .5)));
    lw_tail_free(t);
}

/* A single value: its quantile is within the accuracy, at any magnitude and sign, and the
 * value is in its bucket, which is narrower than 2 %. */
static void every_magnitude_is_accurate(void **state) {
    (void)state;
    struct lw_tail *t = lw_tail_new();
    double worst = 0, widest = 0;
    for (double v = 2.3e-308; v < 1e308; v *= 1.00371) {
        double lo, hi;
        lw_tail_reset(t);
        lw_tail_add(t, v);
        lw_tail_bounds(t, 1, &lo, &hi);
        assert_true(lo <= v * (1 + 1e-12) && v <= hi * (1 + 1e-12));
        worst = fmax(worst, fabs(lw_tail_quantile(t, 0) / v - 1));
        widest = fmax(widest, hi / lo - 1);
        lw_tail_reset(t);
        lw_tail_add(t, -v);
        worst = fmax(worst, fabs(lw_tail_quantile(t, 0) / -v - 1));
    }
    print_message("worst %.5f, widest bucket %.5f\n", worst, widest);
    assert_true(worst <= LW_TAIL_ACCURACY * (1 + 1e-6) && worst > .9 * LW_TAIL_ACCURACY);
    assert_true(widest < .02);
    lw_tail_free(t);
}

static void extremes_have_buckets(void **state) {
    (void)state;
    const double in[] = {0.0,      -0.0,      DBL_MAX, -DBL_MAX,
                         INFINITY, -INFINITY, DBL_MIN, 4e-324};
    struct lw_tail *t = lw_tail_new();
    for (int round = 0; round < 5; round++)
        for (size_t i = 0; i < sizeof in / sizeof *in; i++)
            lw_tail_add(t, in[i]);
    assert_int_equal(lw_tail_n(t), 40);
    assert_true(fabs(lw_tail_quantile(t, 0) / -DBL_MAX - 1) < .01);
    assert_true(fabs(lw_tail_quantile(t, 1) / DBL_MAX - 1) < .01);
    assert_true(lw_tail_quantile(t, .5) == 0);
    struct lw_tail *back = reload(t);
    assert_same(t, back);
    lw_tail_free(back);
    lw_tail_free(t);
}

/* Every rank of a heavy-tailed stream of both signs, against the sorted values. */
static void every_rank_is_accurate(void **state) {
    (void)state;
    enum { N = 20000 };
    double *v = lw_calloc(N, sizeof *v);
    for (uint64_t seed = 0; seed < 5; seed++) {
        struct lw_rng rng;
        lw_rng_seed(&rng, seed);
        struct lw_tail *t = lw_tail_new();
        for (int i = 0; i < N; i++) {
            v[i] = wide(&rng);
            lw_tail_add(t, v[i]);
        }
        qsort(v, N, sizeof *v, ascending);
        double before = -INFINITY;
        for (int i = 0; i < N; i += 7) {
            double q = lw_tail_quantile(t, (i + .5) / N), lo, hi;
            assert_true(fabs(q - v[i]) <= LW_TAIL_ACCURACY * 1.000001 * fabs(v[i]));
            lw_tail_bounds(t, (i + .5) / N, &lo, &hi);
            assert_true(lo <= v[i] + fabs(v[i]) * 1e-12 &&
                        v[i] <= hi + fabs(v[i]) * 1e-12);
            assert_true(q >= before);
            before = q;
        }
        lw_tail_free(t);
    }
    free(v);
}

/* A stream gives the same bytes however it is split, merged, stored and loaded, cloned,
 * or added to a reused sketch, also if it spans more buckets than are kept. */
static void the_order_of_operations_does_not_change_the_bytes(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 60; seed++) {
        struct lw_rng rng;
        lw_rng_seed(&rng, seed);
        size_t n = (size_t)lw_rng_below(&rng, seed % 3 == 0 ? 60 : 3000);
        double reach = seed % 4 == 0 ? 600 : seed % 4 == 1 ? 60 : 3; /* in octaves */
        struct lw_tail *whole = lw_tail_new(), *part[4], *used = lw_tail_new();
        for (int p = 0; p < 4; p++)
            part[p] = lw_tail_new();
        for (int i = 0; i < 100; i++)
            lw_tail_add(used, wide(&rng));
        lw_tail_reset(used);
        for (size_t i = 0; i < n; i++) {
            double v = ldexp(wide(&rng), (int)((lw_rng_unit(&rng) - .5) * reach));
            lw_tail_add(whole, v);
            lw_tail_add(used, v);
            lw_tail_add(part[lw_rng_below(&rng, 4)], v);
        }
        struct lw_tail *forth = lw_tail_new(), *back = lw_tail_new();
        for (int p = 0; p < 4; p++) {
            struct lw_tail *loaded = reload(part[3 - p]);
            lw_tail_merge(forth, part[p]);
            lw_tail_merge(back, loaded);
            lw_tail_free(loaded);
        }
        struct lw_tail *copy = lw_tail_clone(forth);
        assert_same(whole, forth);
        assert_same(whole, back);
        assert_same(whole, used);
        assert_same(whole, copy);
        assert_int_equal(lw_tail_n(copy), n);
        lw_tail_free(copy);
        lw_tail_free(whole);
        lw_tail_free(forth);
        lw_tail_free(back);
        lw_tail_free(used);
        for (int p = 0; p < 4; p++)
            lw_tail_free(part[p]);
    }
}

/* 600 octaves do not fit: the largest magnitudes keep their accuracy, the smallest are
 * known to be small, and no value is lost. */
static void the_smallest_magnitudes_collapse(void **state) {
    (void)state;
    struct lw_tail *t = lw_tail_new();
    for (int i = 0; i < 600; i++) {
        lw_tail_add(t, ldexp(1.37, i - 300));
        lw_tail_add(t, -ldexp(1.37, 300 - i));
    }
    assert_int_equal(lw_tail_n(t), 1200);
    for (int i = 560; i < 600; i++) {
        double rank = (600 + i + 1) / 1200.0;
        assert_true(fabs(lw_tail_quantile(t, rank) / ldexp(1.37, i - 300) - 1) < .01);
    }
    double lo, hi;
    lw_tail_bounds(t, 601 / 1200.0, &lo, &hi);
    assert_true(lo == 0 && hi >= ldexp(1.37, -300) && hi < ldexp(1, 250));
    struct lw_buf bytes = {0};
    lw_tail_write(t, &bytes);
    assert_true(bytes.len < 2 * 60 * 4 + 32);
    lw_buf_fini(&bytes);
    lw_tail_free(t);
}

static int read_and_use(const uint8_t *data, size_t len, struct lw_err *err) {
    struct lw_tail *t = lw_tail_read(data, len, err);
    if (!t)
        return 0;
    struct lw_tail *other = lw_tail_new();
    for (int i = -50; i < 50; i++) {
        lw_tail_add(other, i);
        lw_tail_add(t, ldexp(i, 10 * i));
    }
    lw_tail_merge(t, other);
    double q = lw_tail_quantile(t, .5);
    assert_true(!isnan(q));
    lw_tail_free(lw_tail_clone(t));
    lw_tail_free(other);
    lw_tail_free(t);
    return 1;
}

static void hostile_bytes_are_refused(void **state) {
    (void)state;
    const int sizes[] = {0, 1, 20, 24, 25, 300};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct lw_rng rng;
        lw_rng_seed(&rng, i);
        struct lw_tail *t = lw_tail_new();
        for (int j = 0; j < sizes[i]; j++)
            lw_tail_add(t, wide(&rng));
        struct lw_buf bytes = {0};
        lw_tail_write(t, &bytes);
        lw_hostile(read_and_use, bytes.data, bytes.len);
        lw_buf_fini(&bytes);
        lw_tail_free(t);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_sketch_answers_nan),
        cmocka_unit_test(every_magnitude_is_accurate),
        cmocka_unit_test(extremes_have_buckets),
        cmocka_unit_test(every_rank_is_accurate),
        cmocka_unit_test(the_order_of_operations_does_not_change_the_bytes),
        cmocka_unit_test(the_smallest_magnitudes_collapse),
        cmocka_unit_test(hostile_bytes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
