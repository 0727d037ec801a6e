/* Helpers shared by the tests of sketches: golden files, and hostile bytes.
 *
 * lw_hostile gives a reader every truncation of good bytes, the bytes with one more, and
 * every single-bit flip. The reader must refuse or accept, never crash (the sanitizer
 * builds check that); truncated and longer input must be refused. The buffer is exactly
 * as long as its contents, so that a read past the end is detected. */
#ifndef LW_TESTS_UNIT_SKETCH_SKETCH_TEST_H
#define LW_TESTS_UNIT_SKETCH_SKETCH_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/text.h"
#include "leeway/err.h"

#define GOLDEN LW_SOURCE_DIR "/tests/data/sketch/"

static inline uint8_t *lw_golden(const char *name, const char *suffix, size_t *len) {
    char path[1024];
    snprintf(path, sizeof path, GOLDEN "%s%s", name, suffix);
    struct lw_err err = {0};
    char *data = lw_read_file(path, 1 << 20, len, &err);
    if (!data)
        fail_msg("%s", err.msg);
    return (uint8_t *)data;
}

/* Reads, uses and frees what the bytes encode: 1 if they were accepted, 0 if refused. */
typedef int lw_reader_under_test(const uint8_t *data, size_t len, struct lw_err *err);

static inline int lw_hostile_try(lw_reader_under_test *read, const uint8_t *data,
                                 size_t len) {
    uint8_t *exact = malloc(len + (len == 0));
    assert_non_null(exact);
    if (len > 0)
        memcpy(exact, data, len);
    struct lw_err err = {0};
    int accepted = read(exact, len, &err);
    free(exact);
    if (!accepted) {
        assert_int_equal(err.code, LW_EINPUT);
        assert_true(strlen(err.msg) > 10);
    }
    return accepted;
}

/* Returns the share of bit flips that were refused. */
static inline double lw_hostile(lw_reader_under_test *read, const uint8_t *data,
                                size_t len) {
    assert_int_equal(lw_hostile_try(read, data, len), 1);
    for (size_t cut = 0; cut < len; cut++)
        assert_int_equal(lw_hostile_try(read, data, cut), 0);
    uint8_t *copy = lw_malloc(len + 1);
    memcpy(copy, data, len);
    copy[len] = 0;
    assert_int_equal(lw_hostile_try(read, copy, len + 1), 0);
    size_t refused = 0;
    for (size_t bit = 0; bit < 8 * len; bit++) {
        copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
        refused += !lw_hostile_try(read, copy, len);
        copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    free(copy);
    return (double)refused / (8.0 * (double)len);
}

#endif
