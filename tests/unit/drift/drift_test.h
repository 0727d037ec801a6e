/* Helpers shared by the drift tests: cmocka's includes, tolerance checks, sketches of
 * arrays. */
#ifndef LW_TESTS_UNIT_DRIFT_DRIFT_TEST_H
#define LW_TESTS_UNIT_DRIFT_DRIFT_TEST_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "leeway/kll.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

/* Fails with both numbers if they differ by more than rel (relative) and abs. */
#define check_near(got, want, rel, abs)                                                  \
    check_near_at((got), (want), (rel), (abs), __FILE__, __LINE__)
static inline void check_near_at(double got, double want, double rel, double abs_,
                                 const char *file, int line) {
    if (fabs(got - want) <= abs_ + rel * fabs(want))
        return;
    print_error("got %.17g, want %.17g\n", got, want);
    _fail(file, line);
}

static inline struct lw_kll *kll_of(const double *v, size_t n) {
    struct lw_kll *s = lw_kll_new(LW_KLL_K_DEFAULT, 1);
    for (size_t i = 0; i < n; i++)
        lw_kll_update(s, v[i]);
    return s;
}

#endif
