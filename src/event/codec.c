/* Codecs of Avro object container files.
 *
 * deflate is RFC 1951 without a zlib header; fastavro leaves up to four bytes of zlib's
 * checksum behind it, which are skipped (the records must fill the block exactly, so the
 * check is not needed). Spark and the Java tools write snappy by default: the raw snappy
 * format followed by the big-endian CRC-32 of the decompressed data; it is read only.
 * bzip2, xz and zstandard are not supported: they are rare for events and each needs
 * another library. The caller bounds the output. */
#include "event/codec.h"

#include <stdlib.h>
#include <string.h>
#define ZLIB_CONST /* next_in is a pointer to const */
#include <zlib.h>

#include "base/mem.h"
#include "base/varint.h"

enum codec_kind { CODEC_NULL, CODEC_DEFLATE, CODEC_SNAPPY };

struct lw_codec {
    enum codec_kind kind;
    z_stream in, out; /* zlib keeps its windows between blocks */
};

struct lw_codec *lw_codec_new(const char *name, struct lw_err *err) {
    static const char *const names[] = {"null", "deflate", "snappy"};
    size_t kind = 0;
    while (kind < 3 && name[0] && strcmp(names[kind], name) != 0)
        kind++;
    if (kind == 3) {
        lw_fail(
            err, LW_EINPUT,
            "codec \"%.40s\" is not supported; write the file with null, deflate or snappy",
            name);
        return NULL;
    }
    struct lw_codec *codec = lw_calloc(1, sizeof *codec);
    codec->kind = (enum codec_kind)kind;
    lw_assert(inflateInit2(&codec->in, -15) == Z_OK);
    lw_assert(deflateInit2(&codec->out, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) ==
              Z_OK);
    return codec;
}

void lw_codec_free(struct lw_codec *codec) {
    if (!codec)
        return;
    inflateEnd(&codec->in);
    deflateEnd(&codec->out);
    free(codec);
}

static int too_much(size_t max, struct lw_err *err) {
    lw_fail(err, LW_EINPUT, "a block decompresses to more than %zu bytes", max);
    return -2;
}

static int unpack_deflate(struct lw_codec *codec, const uint8_t *data, size_t len,
                          size_t max, struct lw_buf *out, struct lw_err *err) {
    z_stream *z = &codec->in;
    lw_assert(inflateReset(z) == Z_OK);
    z->next_in = data;
    z->avail_in = (uInt)len;
    int rc = Z_OK;
    while (rc == Z_OK && out->len <= max) {
        size_t room = out->cap > out->len ? out->cap - out->len : 65536;
        if (room > max + 1 - out->len)
            room = max + 1 - out->len;
        z->next_out = lw_buf_extend(out, room);
        z->avail_out = (uInt)room;
        rc = inflate(z, Z_NO_FLUSH);
        out->len -= z->avail_out;
    }
    bool whole = rc == Z_STREAM_END && z->avail_in <= 4;
    if (out->len > max)
        return too_much(max, err);
    return whole ? 0 : lw_fail(err, LW_EINPUT, "a block's deflate data is damaged");
}

/* Snappy: copies `n` bytes from `offset` bytes back, one by one because they may
 * overlap. */
static bool copy_back(struct lw_buf *out, size_t offset, size_t n) {
    if (offset == 0 || offset > out->len)
        return false;
    uint8_t *to = lw_buf_extend(out, n);
    for (size_t i = 0; i < n; i++)
        to[i] = to[(ptrdiff_t)i - (ptrdiff_t)offset];
    return true;
}

static uint32_t snappy_little_endian(struct lw_reader *r, unsigned bytes) {
    uint32_t v = 0;
    for (unsigned i = 0; i < bytes; i++)
        v |= (uint32_t)lw_reader_u8(r) << (8 * i);
    return v;
}

static bool snappy_literal(struct lw_reader *r, uint8_t tag, size_t want,
                           struct lw_buf *out) {
    size_t n = tag >> 2;
    if (n >= 60)
        n = snappy_little_endian(r, (unsigned)n - 59);
    n++;
    const void *bytes = n <= want - out->len ? lw_reader_bytes(r, n) : NULL;
    if (bytes)
        lw_buf_put(out, bytes, n);
    return bytes != NULL;
}

static bool snappy_copy(struct lw_reader *r, uint8_t tag, size_t want,
                        struct lw_buf *out) {
    size_t n = (size_t)(tag >> 2) + 1, offset;
    if ((tag & 3) == 1) {
        n = 4 + ((tag >> 2) & 7);
        offset = (size_t)(tag >> 5) << 8 | lw_reader_u8(r);
    } else {
        offset = snappy_little_endian(r, (tag & 3) == 2 ? 2 : 4);
    }
    return !r->bad && n <= want - out->len && copy_back(out, offset, n);
}

static bool snappy_elements(struct lw_reader *r, uint64_t want, struct lw_buf *out) {
    while (lw_reader_left(r) > 0 && !r->bad) {
        uint8_t tag = lw_reader_u8(r);
        bool ok = (tag & 3) == 0 ? snappy_literal(r, tag, (size_t)want, out)
                                 : snappy_copy(r, tag, (size_t)want, out);
        if (!ok)
            return false;
    }
    return !r->bad && out->len == want;
}

static int unpack_snappy(const uint8_t *data, size_t len, size_t max, struct lw_buf *out,
                         struct lw_err *err) {
    if (len < 5)
        return lw_fail(err, LW_EINPUT, "a block's snappy data is too short");
    struct lw_reader r = lw_reader_of(data, len - 4);
    const uint8_t *c = data + len - 4;
    uint32_t crc =
        (uint32_t)c[0] << 24 | (uint32_t)c[1] << 16 | (uint32_t)c[2] << 8 | c[3];
    uint64_t want = lw_varint_get(&r);
    if (want > max)
        return too_much(max, err);
    if (!snappy_elements(&r, want, out) ||
        crc != (uint32_t)crc32_z(0, out->data, out->len))
        return lw_fail(err, LW_EINPUT, "a block's snappy data is damaged");
    return 0;
}

int lw_codec_unpack(struct lw_codec *codec, const uint8_t *data, size_t len, size_t max,
                    struct lw_buf *out, struct lw_err *err) {
    lw_assert(max <= LW_UNPACKED_MAX);
    lw_buf_clear(out);
    if (codec->kind == CODEC_DEFLATE)
        return unpack_deflate(codec, data, len, max, out, err);
    if (codec->kind == CODEC_SNAPPY)
        return unpack_snappy(data, len, max, out, err);
    if (len > max)
        return too_much(max, err);
    lw_buf_put(out, data, len);
    return 0;
}

void lw_codec_pack(struct lw_codec *codec, const uint8_t *data, size_t len,
                   struct lw_buf *out) {
    lw_assert(codec->kind == CODEC_DEFLATE && len <= LW_UNPACKED_MAX);
    z_stream *z = &codec->out;
    lw_assert(deflateReset(z) == Z_OK);
    lw_buf_clear(out);
    size_t room = deflateBound(z, (uLong)len);
    z->next_in = data;
    z->avail_in = (uInt)len;
    z->next_out = lw_buf_extend(out, room);
    z->avail_out = (uInt)room;
    lw_assert(deflate(z, Z_FINISH) == Z_STREAM_END);
    out->len -= z->avail_out;
}
