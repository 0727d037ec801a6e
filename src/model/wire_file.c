/* The container: "Obj" 1, a map with schema and codec, a sync marker, then blocks of
 * (count, size, bytes, marker). Inflation stops at LW_MODEL_BYTES_MAX. */
#include <stdlib.h>
#include <string.h>

#include <avro.h>
#include <xxhash.h>
#include <zlib.h>

#include "base/mem.h"
#include "model/wire.h"

#define SYNC       16
#define SCHEMA_MAX ((size_t)64 << 10)

static const char magic[4] = {'O', 'b', 'j', 1};

int lw_wire_deflate(const struct lw_buf *in, struct lw_buf *out, struct lw_err *err) {
    z_stream z = {0};
    if (in->len > LW_MODEL_BYTES_MAX)
        return lw_fail(err, LW_EINPUT, "a model of %zu bytes is too large to store",
                       in->len);
    lw_assert(deflateInit2(&z, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    uLong bound = deflateBound(&z, (uLong)in->len);
    z.next_in = in->data;
    z.avail_in = (uInt)in->len;
    z.next_out = lw_buf_extend(out, bound);
    z.avail_out = (uInt)bound;
    lw_assert(deflate(&z, Z_FINISH) == Z_STREAM_END);
    out->len -= z.avail_out;
    deflateEnd(&z);
    return 0;
}

int lw_wire_wrap(struct lw_buf *out, const char *schema, const struct lw_buf *record,
                 struct lw_err *err) {
    struct lw_buf body = {0};
    if (lw_wire_deflate(record, &body, err))
        return -1;
    XXH128_canonical_t sync;
    XXH128_canonicalFromHash(&sync, XXH3_128bits(record->data, record->len));
    lw_buf_put(out, magic, sizeof magic);
    lw_wire_open(out, 2);
    lw_wire_text(out, "avro.schema");
    lw_wire_text(out, schema);
    lw_wire_text(out, "avro.codec");
    lw_wire_text(out, "deflate");
    lw_wire_close(out);
    lw_buf_put(out, sync.digest, SYNC);
    lw_varint_put_long(out, 1);
    lw_wire_string(out, (const char *)body.data, body.len);
    lw_buf_put(out, sync.digest, SYNC);
    lw_buf_fini(&body);
    return 0;
}

static int file_damaged(struct lw_err *err, const char *what) {
    return lw_fail(err, LW_EINPUT, "not a model file: %s", what);
}

int lw_wire_inflate(const void *data, size_t len, size_t max, struct lw_buf *out,
                    struct lw_err *err) {
    z_stream z = {0};
    int rc = Z_OK;
    union { /* zlib's input is not const, but it is not written to either */
        const void *from;
        Bytef *to;
    } bytes = {.from = data};
    lw_assert(inflateInit2(&z, -15) == Z_OK);
    z.next_in = bytes.to;
    z.avail_in = (uInt)len;
    while (rc == Z_OK && out->len <= max) {
        size_t room = out->len < 65536 ? 65536 : out->len;
        z.next_out = lw_buf_extend(out, room);
        z.avail_out = (uInt)room;
        rc = inflate(&z, Z_NO_FLUSH);
        out->len -= z.avail_out;
        if (rc == Z_OK && z.avail_in == 0 && z.avail_out)
            rc = Z_DATA_ERROR; /* it ends before its end marker */
    }
    inflateEnd(&z);
    if (out->len > max)
        return lw_fail(err, LW_EINPUT,
                       "not a model file: it inflates to more than %zu bytes", max);
    return rc == Z_STREAM_END ? 0 : file_damaged(err, "its compressed block is damaged");
}

static int same_schema(const char *theirs, size_t len, const char *ours,
                       struct lw_err *err) {
    avro_schema_t a = NULL, b = NULL;
    if (len > SCHEMA_MAX || avro_schema_from_json_length(theirs, len, &a))
        return file_damaged(err, "its schema cannot be parsed");
    lw_assert(avro_schema_from_json_length(ours, strlen(ours), &b) == 0);
    int equal = avro_schema_equal(a, b);
    avro_schema_decref(a);
    avro_schema_decref(b);
    if (equal)
        return 0;
    return file_damaged(err, "its schema is not schemas/model.avsc of this version");
}

static bool text_is(const char *text, size_t len, const char *what) {
    return len == strlen(what) && memcmp(text, what, len) == 0;
}

struct container_header {
    const char *schema, *codec;
    size_t schema_len, codec_len;
    const uint8_t *sync;
};

static int read_header(struct lw_reader *in, struct container_header *h,
                       struct lw_err *err) {
    uint64_t left = 0;
    const void *start = lw_reader_bytes(in, sizeof magic);
    *h = (struct container_header){.codec = "null", .codec_len = 4};
    if (!start || memcmp(start, magic, sizeof magic) != 0)
        return file_damaged(err, "it does not begin as an Avro container file does");
    while (lw_wire_more(in, &left)) {
        size_t key_len, len;
        const char *key = lw_wire_get_string(in, &key_len);
        const char *value = lw_wire_get_string(in, &len);
        if (text_is(key, key_len, "avro.schema")) {
            h->schema = value;
            h->schema_len = len;
        } else if (text_is(key, key_len, "avro.codec")) {
            h->codec = value;
            h->codec_len = len;
        }
    }
    h->sync = lw_reader_bytes(in, SYNC);
    if (in->bad || !h->schema)
        return file_damaged(err, "its header is cut short");
    return 0;
}

static int read_block(struct lw_reader *in, const struct container_header *h,
                      struct lw_buf *record, struct lw_err *err) {
    size_t len;
    int64_t count = lw_varint_get_long(in);
    const char *data = lw_wire_get_string(in, &len);
    const void *sync = lw_reader_bytes(in, SYNC);
    if (in->bad)
        return file_damaged(err, "its block is cut short");
    if (memcmp(sync, h->sync, SYNC) != 0)
        return file_damaged(err, "its sync marker is wrong");
    if (count != 1 || lw_reader_left(in))
        return file_damaged(err, "it holds more than one record");
    if (text_is(h->codec, h->codec_len, "deflate"))
        return lw_wire_inflate(data, len, LW_MODEL_BYTES_MAX, record, err);
    if (!text_is(h->codec, h->codec_len, "null"))
        return file_damaged(err, "its codec is neither deflate nor null");
    lw_buf_put(record, data, len);
    return 0;
}

int lw_wire_unwrap(const void *data, size_t len, const char *schema,
                   struct lw_buf *record, struct lw_err *err) {
    struct lw_reader in = lw_reader_of(data, len);
    struct container_header h;
    if (len > LW_MODEL_BYTES_MAX)
        return file_damaged(err, "it is larger than 256 MiB");
    if (read_header(&in, &h, err) || same_schema(h.schema, h.schema_len, schema, err))
        return -1;
    return read_block(&in, &h, record, err);
}
