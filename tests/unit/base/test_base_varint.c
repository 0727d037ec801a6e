/* Varints: every value round-trips through every reader, no reader reads past the end,
 * and every reader refuses a tenth byte that overflows 64 bits. */
#include "test.h"

#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/varint.h"

static uint64_t value_at(struct lw_rng *rng, unsigned i) {
    uint64_t edge = UINT64_C(1) << i % 64;
    return i < 192 ? edge - 1 + i / 64 : lw_rng_next(rng) >> lw_rng_below(rng, 64);
}

/* In memory of exactly `len` bytes, so that a sanitizer detects a read past the end. */
static void read_all(const uint8_t *data, size_t len, bool ok, uint64_t want) {
    uint8_t *copy = malloc(len + 1);
    memcpy(copy, data, len);
    uint8_t *exact = realloc(copy, len ? len : 1);
    uint64_t v = 0;
    const uint8_t *after = lw_varint_read(exact, exact + len, &v);
    assert_ptr_equal(after, ok ? exact + len : NULL);
    assert_true(!ok || v == want);
    after = lw_varint_read_slow(exact, exact + len, &v);
    assert_ptr_equal(after, ok ? exact + len : NULL);
    assert_true(!ok || v == want);
    struct lw_reader r = lw_reader_of(exact, len);
    assert_true(lw_varint_get(&r) == (ok ? want : 0));
    assert_int_equal(r.bad, !ok);
    free(exact);
}

static void values_round_trip_and_cuts_are_refused(void **state) {
    (void)state;
    struct lw_rng rng;
    lw_rng_seed(&rng, 20261130);
    for (unsigned i = 0; i < 20000; i++) {
        uint64_t v = value_at(&rng, i);
        struct lw_buf buf = {0};
        lw_varint_put(&buf, v);
        assert_int_equal(buf.len, lw_varint_size(v));
        read_all(buf.data, buf.len, true, v);
        read_all(buf.data, buf.len - 1, false, 0);
        struct lw_reader r = lw_reader_of(buf.data, buf.len);
        assert_true(lw_varint_get_shortest(&r) == v && !r.bad);
        assert_true(lw_zigzag(lw_unzigzag(v)) == v);
        lw_buf_clear(&buf);
        lw_varint_put_long(&buf, (int64_t)v);
        r = lw_reader_of(buf.data, buf.len);
        assert_true(lw_varint_get_long(&r) == (int64_t)v && !r.bad);
        lw_buf_fini(&buf);
    }
}

static void a_tenth_byte_that_overflows_is_refused(void **state) {
    (void)state;
    uint8_t bytes[11];
    memset(bytes, 0xff, sizeof bytes);
    for (unsigned last = 0; last < 256; last++) {
        bytes[9] = (uint8_t)last;
        read_all(bytes, 10, last <= 1, UINT64_MAX >> (last == 0));
    }
    read_all(bytes, 11, false, 0);
}

static void longer_forms_are_refused_by_canonical_readers(void **state) {
    (void)state;
    static const uint8_t zero[] = {0x80, 0x00};
    read_all(zero, 2, true, 0);
    struct lw_reader r = lw_reader_of(zero, 2);
    assert_true(lw_varint_get_shortest(&r) == 0 && r.bad);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_round_trip_and_cuts_are_refused),
        cmocka_unit_test(a_tenth_byte_that_overflows_is_refused),
        cmocka_unit_test(longer_forms_are_refused_by_canonical_readers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
