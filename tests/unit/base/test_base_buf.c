/* Buffers and readers: the encoding is fixed, and no read goes past the end. */
#include "test.h"

#include <math.h>

#include "base/buf.h"

static void numbers_are_little_endian(void **state) {
    (void)state;
    struct lw_buf buf = {0};
    lw_buf_u8(&buf, 0x01);
    lw_buf_u16(&buf, 0x0203);
    lw_buf_u32(&buf, 0x04050607);
    lw_buf_u64(&buf, UINT64_C(0x08090a0b0c0d0e0f));
    lw_buf_f64(&buf, -2.5); /* c004000000000000 */
    lw_buf_blob(&buf, "xyz", 3);
    static const uint8_t want[] = {1,  3,  2,    7, 6, 5, 4, 15,  14,  13,
                                   12, 11, 10,   9, 8, 0, 0, 0,   0,   0,
                                   0,  4,  0xc0, 3, 0, 0, 0, 'x', 'y', 'z'};
    assert_int_equal(buf.len, sizeof want);
    assert_memory_equal(buf.data, want, sizeof want);
    lw_buf_fini(&buf);
    assert_null(buf.data);
}

static void written_values_are_read_back(void **state) {
    (void)state;
    struct lw_buf buf = {0};
    size_t len;
    lw_buf_u8(&buf, UINT8_MAX);
    lw_buf_u16(&buf, UINT16_MAX);
    lw_buf_u32(&buf, UINT32_MAX);
    lw_buf_u64(&buf, UINT64_MAX);
    lw_buf_f64(&buf, -INFINITY);
    lw_buf_blob(&buf, NULL, 0);
    lw_buf_blob(&buf, "ab", 2);
    struct lw_reader r = lw_reader_of(buf.data, buf.len);
    assert_int_equal(lw_reader_u8(&r), UINT8_MAX);
    assert_int_equal(lw_reader_u16(&r), UINT16_MAX);
    assert_int_equal(lw_reader_u32(&r), UINT32_MAX);
    assert_true(lw_reader_u64(&r) == UINT64_MAX);
    assert_true(lw_reader_f64(&r) == -INFINITY);
    assert_non_null(lw_reader_blob(&r, &len)); /* empty is not short */
    assert_int_equal(len, 0);
    assert_memory_equal(lw_reader_blob(&r, &len), "ab", 2);
    assert_int_equal(len, 2);
    assert_int_equal(lw_reader_left(&r), 0);
    assert_false(r.bad);
    lw_buf_fini(&buf);
}

/* Cut at every length: everything behind the cut reads as zero, and `bad` is set. */
static void a_short_reader_stays_bad(void **state) {
    (void)state;
    uint8_t bytes[23];
    memset(bytes, 0xff, sizeof bytes);
    for (size_t len = 0; len <= sizeof bytes; len++) {
        uint8_t *exact = malloc(len ? len : 1); /* a sanitizer sees reads past it */
        assert_non_null(exact);
        memcpy(exact, bytes, len);
        struct lw_reader r = lw_reader_of(exact, len);
        assert_int_equal(lw_reader_u8(&r), len >= 1 ? UINT8_MAX : 0);
        assert_int_equal(lw_reader_u16(&r), len >= 3 ? UINT16_MAX : 0);
        assert_int_equal(lw_reader_u32(&r), len >= 7 ? UINT32_MAX : 0);
        assert_true(lw_reader_u64(&r) == (len >= 15 ? UINT64_MAX : 0));
        assert_true(len >= 23 ? isnan(lw_reader_f64(&r)) : lw_reader_f64(&r) == 0);
        assert_int_equal(r.bad, len < 23);
        if (r.bad) { /* once bad, the remaining bytes are not read either */
            assert_int_equal(lw_reader_u8(&r), 0);
            assert_null(lw_reader_bytes(&r, 0));
        }
        free(exact);
    }
}

static void a_blob_longer_than_the_bytes_is_bad(void **state) {
    (void)state;
    static const uint8_t bytes[] = {0xff, 0xff, 0xff, 0xff, 'a', 'b'};
    size_t len = 7;
    struct lw_reader r = lw_reader_of(bytes, sizeof bytes);
    assert_null(lw_reader_blob(&r, &len));
    assert_int_equal(len, 0);
    assert_true(r.bad);
    struct lw_reader none = lw_reader_of(NULL, 0);
    assert_int_equal(lw_reader_left(&none), 0);
    assert_int_equal(lw_reader_u8(&none), 0);
    assert_true(none.bad);
}

static void times_and_texts_are_bounded(void **state) {
    (void)state;
    const int64_t ms[] = {0, -5, LW_STORED_MS_MAX, -LW_STORED_MS_MAX, INT64_MIN},
                  bad[] = {LW_STORED_MS_MAX + 1, -LW_STORED_MS_MAX - 1, INT64_MAX};
    const struct {
        const char *text;
        size_t len;
        const char *read; /* NULL: refused */
    } texts[] = {{"", 0, ""}, {"abc", 3, "abc"}, {"abcd", 4, NULL}, {"a\0c", 3, NULL}};
    for (size_t i = 0; i < 5; i++) {
        struct lw_buf buf = {0};
        lw_buf_i64(&buf, ms[i]);
        struct lw_reader r = lw_reader_of(buf.data, buf.len), i64 = r, strict = r;
        assert_true(lw_reader_ms(&r, INT64_MIN) == ms[i] && !r.bad);
        assert_true(lw_reader_i64(&i64) == ms[i]);
        assert_true((lw_reader_ms(&strict, 0) == ms[i]) == (ms[i] != INT64_MIN));
        assert_int_equal(strict.bad, ms[i] == INT64_MIN);
        lw_buf_fini(&buf);
    }
    for (size_t i = 0; i < 3; i++) {
        struct lw_buf buf = {0};
        lw_buf_i64(&buf, bad[i]);
        struct lw_reader r = lw_reader_of(buf.data, buf.len);
        assert_true(lw_reader_ms(&r, INT64_MIN) == 0 && r.bad);
        lw_buf_fini(&buf);
    }
    for (size_t i = 0; i < 4; i++) {
        struct lw_buf buf = {0};
        char out[4] = "xxx";
        lw_buf_blob(&buf, texts[i].text, texts[i].len);
        struct lw_reader r = lw_reader_of(buf.data, buf.len);
        lw_reader_text(&r, out, sizeof out);
        assert_int_equal(r.bad, texts[i].read == NULL);
        assert_string_equal(out, texts[i].read ? texts[i].read : "");
        lw_buf_fini(&buf);
    }
}

static void texts_grow_and_are_terminated(void **state) {
    (void)state;
    struct lw_buf buf = {0};
    assert_string_equal(lw_buf_str(&buf), "");
    for (int i = 0; i < 300; i++)
        lw_buf_printf(&buf, "%d,", i % 10);
    assert_int_equal(buf.len, 600);
    assert_string_equal(lw_buf_str(&buf) + 590, "5,6,7,8,9,");
    assert_int_equal(buf.len, 600);
    size_t cap = buf.cap;
    lw_buf_clear(&buf);
    assert_int_equal(buf.len, 0);
    assert_int_equal(buf.cap, cap);
    memcpy(lw_buf_extend(&buf, 3), "abc", 3);
    assert_string_equal(lw_buf_str(&buf), "abc");
    lw_buf_fini(&buf);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_little_endian),
        cmocka_unit_test(written_values_are_read_back),
        cmocka_unit_test(a_short_reader_stays_bad),
        cmocka_unit_test(a_blob_longer_than_the_bytes_is_bad),
        cmocka_unit_test(times_and_texts_are_bounded),
        cmocka_unit_test(texts_grow_and_are_terminated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
