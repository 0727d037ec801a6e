/* See sort.h. */
#include "base/sort.h"

#include <stdlib.h>

static int compare_rising(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void lw_sort_f64(double *v, size_t n) {
    if (n > 0)
        qsort(v, n, sizeof *v, compare_rising);
}
