/* See sort.h. Many numbers are sorted by their bits, a byte at a time: ten times as fast
 * as by comparisons. Negative numbers have all bits flipped, the others the sign, so that
 * the order of the bits is that of the numbers. */
#include "base/sort.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define RADIX_MIN 512 /* with fewer, comparisons are as fast */
#define SIGN      (UINT64_C(1) << 63)
#define BYTES     8

static int compare_rising(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* How many keys have each value of each byte. */
static void bytes_count(const uint64_t *key, size_t n, size_t count[BYTES][256]) {
    memset(count, 0, BYTES * sizeof *count);
    for (size_t i = 0; i < n; i++)
        for (size_t b = 0; b < BYTES; b++)
            count[b][key[i] >> (8 * b) & 0xFF]++;
}

/* Moves the keys into the order of one byte. Keeps the order of equals; false if all are
 * equal, and nothing was moved. */
static bool byte_sort(const uint64_t *key, size_t n, size_t byte, size_t *count,
                      uint64_t *out) {
    size_t at = 0, shift = 8 * byte;
    if (count[key[0] >> shift & 0xFF] == n)
        return false;
    for (size_t v = 0; v < 256; v++) {
        size_t here = count[v];
        count[v] = at;
        at += here;
    }
    for (size_t i = 0; i < n; i++)
        out[count[key[i] >> shift & 0xFF]++] = key[i];
    return true;
}

static void radix_sort(double *v, size_t n) {
    uint64_t *key = lw_malloc(2 * n * sizeof *key), *other = key + n, *all = key;
    size_t count[BYTES][256];
    memcpy(key, v, n * sizeof *key);
    for (size_t i = 0; i < n; i++)
        key[i] ^= key[i] & SIGN ? UINT64_MAX : SIGN;
    bytes_count(key, n, count);
    for (size_t b = 0; b < BYTES; b++)
        if (byte_sort(key, n, b, count[b], other)) {
            uint64_t *sorted = other;
            other = key;
            key = sorted;
        }
    for (size_t i = 0; i < n; i++)
        key[i] ^= key[i] & SIGN ? SIGN : UINT64_MAX;
    memcpy(v, key, n * sizeof *key);
    free(all);
}

void lw_sort_f64(double *v, size_t n) {
    if (n > RADIX_MIN)
        radix_sort(v, n);
    else if (n > 0)
        qsort(v, n, sizeof *v, compare_rising);
}
