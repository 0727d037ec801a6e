/* Sorting numbers: the same as by comparisons, at any length. */
#include "test.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/rng.h"
#include "base/sort.h"

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* Of every size and sign, with infinities, the smallest numbers and many ties. */
static double any_number(struct lw_rng *rng) {
    static const double odd[] = {0, 1, -1, INFINITY, -INFINITY, 5e-324, -5e-324, 1e308};
    if (lw_rng_below(rng, 4) == 0)
        return odd[lw_rng_below(rng, COUNT(odd))];
    return ldexp(lw_rng_normal(rng), (int)lw_rng_below(rng, 2000) - 1000);
}

static void check(struct lw_rng *rng, size_t n, bool alike) {
    double *got = lw_malloc((n + 1) * sizeof *got),
           *want = lw_malloc((n + 1) * sizeof *want);
    for (size_t i = 0; i < n; i++)
        want[i] = got[i] = alike ? 60 + lw_rng_unit(rng) : any_number(rng);
    qsort(want, n, sizeof *want, compare);
    lw_sort_f64(got, n);
    assert_memory_equal(got, want, n * sizeof *got);
    free(got);
    free(want);
}

static void numbers_are_sorted_as_by_comparisons(void **state) {
    (void)state;
    static const size_t sizes[] = {0,   1,   2,   3,    100,  511,
                                   512, 513, 514, 1000, 4096, 65536};
    struct lw_rng rng;
    lw_rng_seed(&rng, 3);
    for (size_t i = 0; i < COUNT(sizes); i++)
        for (int round = 0; round < 4; round++)
            check(&rng, sizes[i], round % 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_sorted_as_by_comparisons),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
