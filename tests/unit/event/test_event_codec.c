/* Codecs: hand-written snappy streams, deflate that would grow too large, unknown
 * names. */
#include "support.h"

#include <zlib.h>

#include "event/codec.h"

static void unpack_is(const char *hex, const char *want) {
    struct lw_codec *codec = lw_codec_new("snappy", NULL);
    struct lw_buf out = {0};
    size_t len;
    uint8_t *data = from_hex(hex, &len);
    int rc = lw_codec_unpack(codec, data, len, LW_BLOCK_MAX, &out, NULL);
    assert_true(want ? rc == 0 : rc < 0);
    if (want)
        assert_string_equal(lw_buf_str(&out), want);
    free(data);
    lw_buf_fini(&out);
    lw_codec_free(codec);
}

/* Hand-written streams: length, literal "ab", copies; then the CRC-32. */
static void snappy_streams_are_unpacked(void **state) {
    (void)state;
    unpack_is("0000000000", "");
    unpack_is("020461629e83486d", "ab");
    unpack_is("060461620102860b8ccb", "ababab");   /* copy 4 bytes from 2 back */
    unpack_is("060461620e0200860b8ccb", "ababab"); /* 2-byte offset */
    unpack_is("060461620f02000000860b8ccb", "ababab");
    unpack_is("02f00161629e83486d", "ab");   /* length in one more byte */
    unpack_is("020461629e83486c", NULL);     /* wrong checksum */
    unpack_is("030461629e83486d", NULL);     /* shorter than claimed */
    unpack_is("010461629e83486d", NULL);     /* longer than claimed */
    unpack_is("060461620100860b8ccb", NULL); /* offset 0 */
    unpack_is("060461620103860b8ccb", NULL); /* before the start */
    unpack_is("0604616201860b8ccb", NULL);
    unpack_is("ffffffff0f0461629e83486d", NULL); /* 4 GiB */
    unpack_is("02fcffffffff61629e83486d", NULL);
    unpack_is("", NULL);
}

/* Deflate of n zeros, n a multiple of 64 KiB, created without allocating them. */
static void deflate_zeros(size_t n, struct lw_buf *out) {
    static uint8_t zeros[65536];
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_out = lw_buf_extend(out, n / 500);
    z.avail_out = (uInt)(n / 500);
    for (; n > 0; n -= sizeof zeros) {
        z.next_in = zeros;
        z.avail_in = sizeof zeros;
        int rc = deflate(&z, n > sizeof zeros ? Z_NO_FLUSH : Z_FINISH);
        assert_int_equal(rc, n > sizeof zeros ? Z_OK : Z_STREAM_END);
    }
    out->len -= z.avail_out;
    deflateEnd(&z);
}

/* A few hundred kilobytes that decompress to more than LW_BLOCK_MAX. */
static void a_bomb_is_refused(void **state) {
    (void)state;
    struct lw_codec *codec = lw_codec_new("deflate", NULL);
    struct lw_buf bomb = {0}, out = {0};
    struct lw_err err = {0};
    deflate_zeros(LW_BLOCK_MAX, &bomb);
    assert_int_equal(
        lw_codec_unpack(codec, bomb.data, bomb.len, LW_BLOCK_MAX, &out, &err), 0);
    assert_int_equal(out.len, LW_BLOCK_MAX);
    assert_int_equal(
        lw_codec_unpack(codec, bomb.data, bomb.len - 1, LW_BLOCK_MAX, &out, &err), -1);
    assert_non_null(strstr(err.msg, "damaged"));
    lw_buf_clear(&bomb);
    lw_err_clear(&err);
    deflate_zeros(LW_BLOCK_MAX + 65536, &bomb);
    assert_int_equal(
        lw_codec_unpack(codec, bomb.data, bomb.len, LW_BLOCK_MAX, &out, &err), -2);
    assert_non_null(strstr(err.msg, "more than"));
    lw_buf_fini(&bomb);
    lw_buf_fini(&out);
    lw_codec_free(codec);
}

/* The caller's limit is exact to the byte for each codec; a claimed length allocates
 * nothing. */
static void the_callers_limit_is_exact(void **state) {
    (void)state;
    static const char *const names[] = {"null", "deflate", "snappy"};
    size_t len;
    uint8_t *snappy = from_hex("060461620102860b8ccb", &len);
    for (size_t i = 0; i < 3; i++) {
        struct lw_codec *codec = lw_codec_new(names[i], NULL);
        struct lw_buf packed = {0}, out = {0};
        struct lw_err err = {0};
        lw_buf_put(&packed, i == 2 ? (const void *)snappy : "ababab", i == 2 ? len : 6);
        if (i == 1)
            lw_codec_pack(codec, (const uint8_t *)"ababab", 6, &packed);
        assert_int_equal(lw_codec_unpack(codec, packed.data, packed.len, 6, &out, &err),
                         0);
        assert_int_equal(out.len, 6);
        assert_int_equal(lw_codec_unpack(codec, packed.data, packed.len, 5, &out, &err),
                         -2);
        assert_int_equal(err.code, LW_EINPUT);
        assert_non_null(strstr(err.msg, "more than 5 bytes"));
        lw_buf_fini(&packed);
        lw_buf_fini(&out);
        lw_codec_free(codec);
    }
    free(snappy);
    /* 7 bytes claim 128 MiB */
    struct lw_codec *codec = lw_codec_new("snappy", NULL);
    struct lw_buf out = {0};
    uint8_t *liar = from_hex("8080804000000000", &len);
    assert_int_equal(lw_codec_unpack(codec, liar, len, LW_BLOCK_MAX, &out, NULL), -1);
    assert_true(out.cap < 65536);
    free(liar);
    lw_buf_fini(&out);
    lw_codec_free(codec);
}

static void unknown_codecs_are_refused(void **state) {
    (void)state;
    struct lw_err err = {0};
    static const char *const known[] = {"", "null", "deflate", "snappy"};
    for (size_t i = 0; i < 4; i++) {
        struct lw_codec *codec = lw_codec_new(known[i], NULL);
        assert_non_null(codec);
        lw_codec_free(codec);
    }
    assert_null(lw_codec_new("zstandard", &err));
    assert_int_equal(err.code, LW_EINPUT);
    assert_non_null(strstr(err.msg, "zstandard"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(snappy_streams_are_unpacked),
        cmocka_unit_test(a_bomb_is_refused),
        cmocka_unit_test(the_callers_limit_is_exact),
        cmocka_unit_test(unknown_codecs_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
