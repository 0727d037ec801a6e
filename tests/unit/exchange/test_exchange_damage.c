/* Damaged files: every truncation, and thousands of flipped bits and replaced bytes, are
 * refused with a sentence, or give a model that predicts. The sanitizers watch. */
#include "exchange_test.h"

#include "base/rng.h"

#define FLIPS 3000

static void try_bytes(const char *data, size_t len) {
    struct lw_exchange to;
    struct lw_fields fields;
    struct lw_err err = {0};
    enum lw_exchange_format format;
    struct lw_buf out = {0};
    exchange_stream(&to, &fields);
    char *exact = lw_malloc(len + !len); /* a read beyond the end is seen */
    memcpy(exact, data, len);
    struct lw_model *m = lw_exchange_import(&to, exact, len, &format, &err);
    free(exact);
    if (!m) {
        assert_true(err.code == LW_EINPUT || err.code == LW_ECONFIG);
        assert_true(strlen(err.msg) > 10);
        return;
    }
    struct lw_cell cells[5];
    for (int i = 0; i < 5; i++)
        cells[i] = i == 2 ? lw_cell_int(3) : lw_cell_num(i);
    struct lw_row row = {.cells = cells, .target = NAN};
    assert_true(isnan(lw_model_predict(m, &row)) == 0);
    assert_int_equal(lw_model_encode(m, &out, &err), 0);
    lw_buf_fini(&out);
    lw_model_free(m);
}

static void a_truncated_file_is_no_danger(void **state) {
    (void)state;
    for (size_t f = 0; f < EXCHANGE_FILES; f++) {
        size_t len, step;
        char *bytes = exchange_file(exchange_files[f], &len);
        step = len > 4000 ? 7 : 1;
        for (size_t n = 0; n < len; n += step)
            try_bytes(bytes, n);
        free(bytes);
    }
}

static void flipped_bits_are_no_danger(void **state) {
    struct lw_rng rng;
    (void)state;
    lw_rng_seed(&rng, 17);
    for (size_t f = 0; f < EXCHANGE_FILES; f++) {
        size_t len;
        char *bytes = exchange_file(exchange_files[f], &len);
        char *bad = lw_malloc(len);
        for (int i = 0; i < FLIPS; i++) {
            memcpy(bad, bytes, len);
            for (uint64_t k = 0; k <= lw_rng_below(&rng, 3); k++) {
                size_t at = (size_t)lw_rng_below(&rng, len);
                bad[at] =
                    (char)(i % 2 ? bad[at] ^ 1 << lw_rng_below(&rng, 8)
                                 : "0123456789-.eE[]{}\",=\n "[lw_rng_below(&rng, 23)]);
            }
            try_bytes(bad, len);
        }
        free(bad);
        free(bytes);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_truncated_file_is_no_danger),
        cmocka_unit_test(flipped_bits_are_no_danger),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
