/* Allocation that cannot fail quietly; see mem.h for why. */
#include "base/mem.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *checked(void *p, size_t size) {
    if (!p && size > 0) {
        fprintf(stderr, "leeway: out of memory asking for %zu bytes\n", size);
        abort();
    }
    return p;
}

static size_t product(size_t count, size_t size) {
    size_t total;
    if (__builtin_mul_overflow(count, size, &total)) {
        fprintf(stderr, "leeway: allocation of %zu x %zu bytes overflows\n", count, size);
        abort();
    }
    return total;
}

void *lw_malloc(size_t size) {
    return checked(malloc(size ? size : 1), size);
}

void *lw_calloc(size_t count, size_t size) {
    size_t total = product(count, size);
    return checked(calloc(1, total ? total : 1), total);
}

void *lw_realloc(void *old, size_t count, size_t size) {
    size_t total = product(count, size);
    return checked(realloc(old, total ? total : 1), total);
}

char *lw_strndup(const char *text, size_t len) {
    char *copy = lw_malloc(len + 1);
    memcpy(copy, text, len);
    copy[len] = '\0';
    return copy;
}

char *lw_strdup(const char *text) {
    return lw_strndup(text, strlen(text));
}

void *lw_memdup(const void *data, size_t size) {
    void *copy = lw_malloc(size);
    if (size > 0)
        memcpy(copy, data, size);
    return copy;
}

void lw_assert_failed(const char *cond, const char *file, int line, const char *func) {
    fprintf(stderr, "leeway: broken invariant %s in %s (%s:%d)\n", cond, func, file,
            line);
    abort();
}
