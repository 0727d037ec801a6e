#ifndef LW_BASE_SORT_H
#define LW_BASE_SORT_H

#include <stddef.h>

/* Sorts n numbers, the smallest first; with a NaN the order is undefined. O(n log n). */
void lw_sort_f64(double *v, size_t n);

#endif
