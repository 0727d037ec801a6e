/* The sorts and merges inside KLL, whose networks and buffers depend on the number of
 * items: every length, compared with the C library's sort. */
#include "sketch_test.h"

#include <math.h>

#include "base/rng.h"
#include "sketch/kll_impl.h"

#define SEED 20261126

static int rising(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Possible contents of a level: few values, equal ones, sorted ones, infinities. */
enum shape { RANDOM, FEW, EQUAL, UP, DOWN, INFINITE, SHAPES };

static double value(struct lw_rng *rng, enum shape shape, size_t i, size_t n) {
    double u = lw_rng_unit(rng);
    switch (shape) {
    case FEW:
        return floor(4 * u);
    case EQUAL:
        return 7;
    case UP:
        return (double)i;
    case DOWN:
        return (double)(n - i);
    case INFINITE:
        return u < .2 ? -INFINITY : u > .8 ? INFINITY : u;
    default:
        return u;
    }
}

static void fill(struct lw_rng *rng, enum shape shape, double *v, size_t n) {
    for (size_t i = 0; i < n; i++)
        v[i] = value(rng, shape, i, n);
}

static void sorts(size_t n) {
    struct lw_rng rng;
    double *v = lw_calloc(n + 1, sizeof *v), *expected = lw_calloc(n + 1, sizeof *v);
    for (enum shape shape = 0; shape < SHAPES; shape++) {
        lw_rng_seed(&rng, SEED + n);
        fill(&rng, shape, v, n);
        memcpy(expected, v, n * sizeof *v);
        v[n] = expected[n] = -1; /* sentinel */
        qsort(expected, n, sizeof *expected, rising);
        lw__kll_sort(v, (uint32_t)n);
        if (memcmp(v, expected, (n + 1) * sizeof *v) != 0)
            fail_msg("%zu items of shape %d, seed %d", n, (int)shape, SEED);
    }
    free(v);
    free(expected);
}

static void every_length_is_sorted(void **state) {
    (void)state;
    static const size_t longer[] = {511, 512, 513, 1023, 1024, 1025, 2048, 2049, 7000};
    for (size_t n = 0; n <= 300; n++)
        sorts(n);
    for (size_t i = 0; i < sizeof longer / sizeof *longer; i++)
        sorts(longer[i]);
}

static void merges(size_t na, size_t nb) {
    struct lw_rng rng;
    size_t n = na + nb;
    double *v = lw_calloc(n + 1, sizeof *v), *expected = lw_calloc(n + 1, sizeof *v);
    double *b = lw_calloc(nb + 1, sizeof *b);
    for (enum shape shape = 0; shape < SHAPES; shape++) {
        lw_rng_seed(&rng, SEED + 1000 * na + nb);
        fill(&rng, shape, v, na);
        fill(&rng, shape, b, nb);
        qsort(v, na, sizeof *v, rising);
        qsort(b, nb, sizeof *b, rising);
        memcpy(expected, v, na * sizeof *v);
        memcpy(expected + na, b, nb * sizeof *b);
        v[n] = expected[n] = -1;
        qsort(expected, n, sizeof *expected, rising);
        lw__kll_merge_in(v, na, b, nb);
        if (memcmp(v, expected, (n + 1) * sizeof *v) != 0)
            fail_msg("%zu and %zu items of shape %d, seed %d", na, nb, (int)shape, SEED);
    }
    free(v);
    free(expected);
    free(b);
}

static void every_pair_of_lengths_is_merged(void **state) {
    (void)state;
    static const size_t longer[] = {1, 12, 100, 511, 512, 513, 1500};
    size_t n = sizeof longer / sizeof *longer;
    for (size_t na = 0; na <= 40; na++)
        for (size_t nb = 0; nb <= 40; nb++)
            merges(na, nb);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < n; k++)
            merges(longer[i], longer[k]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_length_is_sorted),
        cmocka_unit_test(every_pair_of_lengths_is_merged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
