/* Allocation that cannot fail quietly; see mem.h for why. */
#include "base/mem.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __GLIBC__ /* defined by any of its headers */
#include <malloc.h>
#endif
#ifdef __linux__
#include <sys/prctl.h>
#endif

static void *check_allocated(void *p, size_t size) {
    if (!p && size > 0) {
        fprintf(stderr, "leeway: out of memory asking for %zu bytes\n", size);
        abort();
    }
    return p;
}

static size_t size_product(size_t count, size_t size) {
    size_t total;
    if (__builtin_mul_overflow(count, size, &total)) {
        fprintf(stderr, "leeway: allocation of %zu x %zu bytes overflows\n", count, size);
        abort();
    }
    return total;
}

void *lw_malloc(size_t size) {
    return check_allocated(malloc(size ? size : 1), size);
}

void *lw_calloc(size_t count, size_t size) {
    size_t total = size_product(count, size);
    return check_allocated(calloc(1, total ? total : 1), total);
}

void *lw_realloc(void *old, size_t count, size_t size) {
    size_t total = size_product(count, size);
    return check_allocated(realloc(old, total ? total : 1), total);
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

/* The kernel then writes no core file and passes none to a collector, whatever the limits
 * and its patterns say. */
void lw_mem_dumpable(bool allowed) {
#ifdef __linux__
    prctl(PR_SET_DUMPABLE, allowed ? 1UL : 0UL, 0UL, 0UL, 0UL);
#else
    (void)allowed;
#endif
}

/* glibc keeps freed memory for a program that will soon need as much again. A monitor
 * trains for a second in a week and catches up after a stop, so it would keep two or three
 * times its working set for good:
 *
 * - The free end of a thread's arena is given back when it is larger than a threshold, at
 *   first 128 KiB, but raised to twice the largest mapped block ever freed, up to 64 MiB,
 *   and blocks below half of it are not mapped any more. The columns of one training
 *   raise it. Setting either holds both. Blocks above 4 MiB, larger columns, are mappings
 *   of their own, which grow without being copied and are gone when freed; what is
 *   allocated for a message, a flush or a fetch from Kafka (by default up to 3 MiB) is
 *   not. An arena's free end is 2 MiB at most.
 * - What is free between blocks in use is given back by malloc_trim alone, which
 *   lw_mem_trim calls: the daemon once a minute. What of it is needed again costs a page
 *   fault for each 4 KiB, some thousand in a minute.
 *
 * The number of arenas stays glibc's: those of idle threads are small, and sharing them
 * would make the client library's threads and the workers wait for each other. */
#define MAPPED_BYTES   (4 << 20)
#define FREE_END_BYTES (2 << 20)

void lw_mem_policy(void) {
#ifdef __GLIBC__
    mallopt(M_MMAP_THRESHOLD, MAPPED_BYTES);
    mallopt(M_TRIM_THRESHOLD, FREE_END_BYTES);
#endif
}

/* glibc accepts no threshold above 32 MiB. */
#define KEPT_BLOCK_BYTES (32 << 20)
#define KEPT_END_BYTES   (1 << 30)

void lw_mem_keep(void) {
#ifdef __GLIBC__
    mallopt(M_MMAP_THRESHOLD, KEPT_BLOCK_BYTES);
    mallopt(M_TRIM_THRESHOLD, KEPT_END_BYTES);
#endif
}

void lw_mem_trim(void) {
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}

size_t lw_mem_used(void) {
#if defined __GLIBC__ && (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 33)
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
#else
    return 0;
#endif
}

void lw_assert_failed(const char *cond, const char *file, int line, const char *func) {
    fprintf(stderr, "leeway: broken invariant %s in %s (%s:%d)\n", cond, func, file,
            line);
    abort();
}
