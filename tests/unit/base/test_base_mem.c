/* Freed memory returns to the system, also from another thread's arena, from between
 * blocks that stay allocated, and after a large block has been freed. */
#include "test.h"

#include <pthread.h>
#include <unistd.h>

#include "base/mem.h"

#define BLOCK  1024
#define BLOCKS 65536 /* 64 MiB */
#define FLOOD  16384 /* 16 MiB */
#define KEPT   256   /* one block in so many stays: no end of an arena is free */

/* Under a sanitizer the arenas are not glibc's. */
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__ || !defined __GLIBC__
#define TRIMS 0
#else
#define TRIMS 1
#endif

static size_t resident_bytes(void) {
    unsigned long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%*u %lu", &pages), 1);
    fclose(f);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static void *allocate_burst(void *arg) {
    char **block = arg;
    for (size_t i = 0; i < BLOCKS; i++) {
        block[i] = lw_malloc(BLOCK);
        memset(block[i], (int)(i / KEPT), BLOCK);
    }
    for (size_t i = 0; i < BLOCKS; i++)
        if (i % KEPT != KEPT - 1)
            free(block[i]);
    return NULL;
}

static void memory_of_a_burst_returns_to_the_system(void **state) {
    (void)state;
    if (!TRIMS)
        skip();
    char **block = lw_calloc(BLOCKS, sizeof *block);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, allocate_burst, block), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    size_t before = resident_bytes(), used = lw_mem_used();
    assert_in_range(used, BLOCKS / KEPT * BLOCK, BLOCKS * BLOCK / 8);
    assert_true(before > BLOCKS * BLOCK / 2); /* the allocator keeps it until ... */
    lw_mem_trim();
    size_t after = resident_bytes();
    print_message(
        "resident: %zu KiB with what was freed, %zu KiB without; in use: %zu KiB\n",
        before / 1024, after / 1024, used / 1024);
    assert_true(before - after > BLOCKS / 4 * 3 * BLOCK);
    for (size_t i = KEPT - 1; i < BLOCKS; i += KEPT) {
        for (size_t j = 0; j < BLOCK; j++)
            assert_int_equal(block[i][j], (char)(i / KEPT));
        free(block[i]);
    }
    free(block);
}

static void *flood_thread(void *arg) {
    char **block = arg;
    for (size_t i = 0; i < FLOOD; i++)
        block[i] = memset(lw_malloc(BLOCK), 1, BLOCK);
    for (size_t i = FLOOD; i-- > 0;)
        free(block[i]);
    return NULL;
}

/* glibc alone would from now on keep up to 48 MiB of an arena's end. */
static void a_large_block_does_not_change_the_policy(void **state) {
    (void)state;
    if (!TRIMS)
        skip();
    lw_mem_policy();
    free(memset(lw_malloc(24 << 20), 1, 24 << 20));
    char **block = lw_calloc(FLOOD, sizeof *block);
    size_t before = resident_bytes();
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, flood_thread, block), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    size_t after = resident_bytes();
    print_message(
        "resident: %zu KiB before, %zu KiB after 16 MiB were allocated and freed\n",
        before / 1024, after / 1024);
    assert_true(after < before + (4 << 20));
    free(block);
}

static void memory_in_use_is_counted(void **state) {
    (void)state;
    if (!TRIMS)
        skip();
    size_t before = lw_mem_used();
    void *small = lw_malloc(50000), *mapped = lw_malloc(50000000);
    assert_in_range(lw_mem_used() - before, 50050000, 50200000);
    free(mapped);
    free(small);
    assert_true(lw_mem_used() < before + 40000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_of_a_burst_returns_to_the_system),
        cmocka_unit_test(memory_in_use_is_counted),
        cmocka_unit_test(a_large_block_does_not_change_the_policy), /* sets the policy */
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
