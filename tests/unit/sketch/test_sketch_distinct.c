/* Distinct counts against DataSketches' files, the error over seeds, the laws of merging,
 * hostile bytes. */
#include "sketch_test.h"

#include <math.h>

#include "leeway/distinct.h"

static uint8_t *bytes_of(const struct lw_hll *h, size_t *len) {
    *len = lw_hll_serial_size(h);
    uint8_t *bytes = lw_malloc(*len);
    assert_int_equal(lw_hll_write(h, bytes), *len);
    return bytes;
}

static void assert_same(const struct lw_hll *a, const struct lw_hll *b) {
    size_t x, y;
    uint8_t *p = bytes_of(a, &x), *q = bytes_of(b, &y);
    assert_int_equal(x, y);
    assert_memory_equal(p, q, x);
    free(p);
    free(q);
}

static struct lw_hll *range(int64_t from, int64_t to) {
    struct lw_hll *h = lw_hll_new();
    for (int64_t i = from; i < to; i++)
        lw_hll_add_int(h, i);
    return h;
}

static struct lw_hll *read_golden(const char *name, const char *suffix) {
    size_t len;
    uint8_t *bytes = lw_golden(name, suffix, &len);
    struct lw_err err = {0};
    struct lw_hll *h = lw_hll_read(bytes, len, &err);
    if (!h)
        fail_msg("%s%s: %s", name, suffix, err.msg);
    free(bytes);
    return h;
}

/* The library's sketch of the same values, in every mode, compact or not, has the same
 * coupons or registers as ours, because the hashes are the same. Its estimate is close to
 * ours. */
static void same_contents_as_the_library(void **state) {
    (void)state;
    size_t len;
    char *text = (char *)lw_golden("hll", ".txt", &len), *save = NULL;
    int lines = 0;
    for (char *line = strtok_r(text, "\n", &save); line;
         line = strtok_r(NULL, "\n", &save), lines++) {
        char name[32];
        int n;
        double estimate;
        assert_int_equal(sscanf(line, "%31s %d %lf", name, &n, &estimate), 3);
        struct lw_hll *theirs = read_golden(name, ".bin"), *ours = lw_hll_new();
        int texts = strcmp(name, "hll_text") == 0;
        for (int i = 0; i < n; i++) {
            char value[64];
            int value_len = snprintf(value, sizeof value, "%.*s%d", i % 40,
                                     "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", i);
            struct lw_cell cell = texts ? lw_cell_text(value, (size_t)value_len)
                                        : lw_cell_int(i * 31 - 1000);
            lw_hll_add(ours, &cell);
        }
        assert_same(ours, theirs);
        assert_true(fabs(lw_hll_estimate(ours) - estimate) <= .03 * n + 1e-9);
        if (!texts) {
            struct lw_hll *updatable = read_golden(name, "_updatable.bin");
            assert_same(ours, updatable);
            lw_hll_free(updatable);
        }
        lw_hll_free(theirs);
        lw_hll_free(ours);
    }
    assert_int_equal(lines, 9);
    free(text);
}

static void missing_and_repeated_values_do_not_count(void **state) {
    (void)state;
    struct lw_hll *h = range(0, 10);
    struct lw_cell missing = lw_cell_missing(), seven = lw_cell_int(7);
    lw_hll_add(h, &missing);
    lw_hll_add(h, &seven);
    lw_hll_add_text(h, "", 0);
    assert_true(fabs(lw_hll_estimate(h) - 10) < 1e-6);
    lw_hll_reset(h);
    assert_true(lw_hll_estimate(h) == 0);
    lw_hll_free(h);
}

/* The relative error over disjoint sets: unbiased, and of the documented size. */
static void error_is_as_documented(void **state) {
    (void)state;
    const int64_t sizes[] = {300, 500, 3000, 10000, 30000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        double sum = 0, squares = 0;
        enum { SEEDS = 60 };
        for (int64_t seed = 0; seed < SEEDS; seed++) {
            int64_t from = seed * 1000003;
            struct lw_hll *h = range(from, from + sizes[i]);
            double d = lw_hll_estimate(h) / (double)sizes[i] - 1;
            sum += d;
            squares += d * d;
            lw_hll_free(h);
        }
        double rms = sqrt(squares / SEEDS);
        print_message("n = %d: mean %.5f, rms %.5f\n", (int)sizes[i], sum / SEEDS, rms);
        assert_true(rms < 1.3 * 1.04 / 64);
        assert_true(fabs(sum / SEEDS) < 4 * .0163 / sqrt(SEEDS));
    }
}

static void merging_counts_the_union(void **state) {
    (void)state;
    const int64_t cuts[][3] = {
        {3, 6, 9}, {100, 200, 300}, {300, 350, 600}, {5, 2000, 2100}};
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        const int64_t *c = cuts[i];
        struct lw_hll *a = range(0, c[1]), *b = range(c[0], c[2]),
                      *whole = range(0, c[2]);
        struct lw_hll *ab = lw_hll_clone(a), *ba = lw_hll_clone(b);
        lw_hll_merge(ab, b);
        lw_hll_merge(ba, a);
        assert_same(ab, whole);
        assert_same(ba, whole);
        lw_hll_reset(a);
        lw_hll_merge(a, whole);
        assert_same(a, whole);
        lw_hll_free(a);
        lw_hll_free(b);
        lw_hll_free(ab);
        lw_hll_free(ba);
        lw_hll_free(whole);
    }
}

static int read_and_use(const uint8_t *data, size_t len, struct lw_err *err) {
    struct lw_hll *h = lw_hll_read(data, len, err);
    if (!h)
        return 0;
    struct lw_hll *other = range(0, 500);
    lw_hll_merge(other, h);
    lw_hll_merge(h, other);
    double estimate = lw_hll_estimate(h);
    assert_true(estimate > 400);
    lw_hll_free(other);
    lw_hll_free(h);
    return 1;
}

static void hostile_bytes_are_refused(void **state) {
    (void)state;
    const int64_t sizes[] = {0, 1, 7, 8, 30};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct lw_hll *h = range(0, sizes[i]);
        size_t len;
        uint8_t *bytes = bytes_of(h, &len);
        lw_hostile(read_and_use, bytes, len);
        free(bytes);
        lw_hll_free(h);
    }
}

/* 4 KiB of registers: damaged header bits are refused, and so are truncated and damaged
 * registers. */
static void damaged_registers_are_refused(void **state) {
    (void)state;
    struct lw_hll *h = range(0, 5000);
    size_t len;
    uint8_t *bytes = bytes_of(h, &len);
    assert_int_equal(lw_hostile_try(read_and_use, bytes, len), 1);
    for (size_t cut = 0; cut < len; cut += cut < 64 ? 1 : 251)
        assert_int_equal(lw_hostile_try(read_and_use, bytes, cut), 0);
    for (size_t bit = 0; bit < 8 * 64; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        lw_hostile_try(read_and_use, bytes, len);
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    bytes[2000] = 64;
    assert_int_equal(lw_hostile_try(read_and_use, bytes, len), 0);
    free(bytes);
    lw_hll_free(h);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_contents_as_the_library),
        cmocka_unit_test(missing_and_repeated_values_do_not_count),
        cmocka_unit_test(error_is_as_documented),
        cmocka_unit_test(merging_counts_the_union),
        cmocka_unit_test(hostile_bytes_are_refused),
        cmocka_unit_test(damaged_registers_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
