/* Container headers: "Obj" 1, a map of metadata, a sync marker (Avro 1.11, Object
 * Container Files).
 *
 * libavro is not used, because it returns a schema without defaults, aliases and logical
 * types, and allocates whatever length a block claims. LW_META_MAX bounds the metadata;
 * keys other than avro.schema and avro.codec are skipped. */
#include "event/container.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/varint.h"
#include "event/codec.h"

#define LW_META_MAX (4 * 1024 * 1024)
#define READ_BYTES  ((size_t)1024 * 1024)

/* Reads a long from the stream: 1; 0 at a clean end (no byte read); -1 if it is cut off
 * or overflows. */
static int stream_long(FILE *stream, int64_t *out) {
    uint8_t bytes[LW_VARINT_MAX];
    size_t n = 0;
    int b;
    do {
        b = getc(stream);
        if (b == EOF)
            return n == 0 ? 0 : -1;
        bytes[n++] = (uint8_t)b;
    } while (b >= 0x80 && n < sizeof bytes);
    uint64_t v;
    if (!lw_varint_read(bytes, bytes + n, &v))
        return -1;
    *out = lw_unzigzag(v);
    return 1;
}

/* Reads one length-prefixed value into buf; *budget is the rest of LW_META_MAX. */
static int read_value(FILE *stream, struct lw_buf *buf, int64_t *budget) {
    int64_t len;
    lw_buf_clear(buf);
    if (stream_long(stream, &len) != 1 || len < 0 || len > *budget)
        return -1;
    *budget -= len;
    while (buf->len < (size_t)len) { /* memory grows with the data */
        size_t part = (size_t)len - buf->len < 4096 ? (size_t)len - buf->len : 4096;
        if (fread(lw_buf_extend(buf, part), 1, part, stream) != part)
            return -1;
    }
    lw_buf_u8(buf, '\0');
    buf->len--;
    return 0;
}

static int keep_value(struct lw_container *head, const char *key,
                      const struct lw_buf *value, struct lw_err *err) {
    if (strcmp(key, "avro.codec") == 0)
        lw_copy(head->codec, sizeof head->codec, (const char *)value->data);
    if (strcmp(key, "avro.schema") != 0)
        return 0;
    lw_schema_free(head->schema);
    head->schema = lw_schema_parse((const char *)value->data, value->len, err);
    if (!head->schema && err && err->code == LW_ECONFIG)
        err->code = LW_EINPUT;
    return head->schema ? 0 : -1;
}

static int read_pairs(FILE *stream, struct lw_container *head, struct lw_buf *buf,
                      int64_t *budget, struct lw_err *err) {
    int64_t count, size;
    for (;;) {
        if (stream_long(stream, &count) != 1)
            return -1;
        if (count == 0)
            return 0;
        if (count < 0 && stream_long(stream, &size) != 1)
            return -1;
        for (uint64_t n = count < 0 ? -(uint64_t)count : (uint64_t)count; n > 0; n--) {
            char key[64];
            *budget -= 2; /* so that empty pairs count too */
            if (*budget < 0 || read_value(stream, &buf[0], budget) < 0)
                return -1;
            lw_copy(key, sizeof key, (const char *)buf[0].data);
            if (read_value(stream, &buf[1], budget) < 0 ||
                keep_value(head, key, &buf[1], err) < 0)
                return -1;
        }
    }
}

int lw_container_read(FILE *stream, struct lw_container *head, struct lw_err *err) {
    char magic[4];
    struct lw_buf buf[2] = {{0}, {0}};
    int64_t budget = LW_META_MAX;
    *head = (struct lw_container){0};
    if (fread(magic, 1, sizeof magic, stream) != sizeof magic ||
        memcmp(magic, "Obj\001", sizeof magic) != 0)
        return lw_fail(err, LW_EINPUT, "not an Avro container file");
    int rc = read_pairs(stream, head, buf, &budget, err);
    lw_buf_fini(&buf[0]);
    lw_buf_fini(&buf[1]);
    if (rc < 0)
        return lw_fail(err, LW_EINPUT, "the header is damaged or cut short");
    if (!head->schema)
        return lw_fail(err, LW_EINPUT, "the header has no avro.schema");
    if (fread(head->sync, 1, LW_SYNC_BYTES, stream) != LW_SYNC_BYTES)
        return lw_fail(err, LW_EINPUT, "the header is cut short");
    return 0;
}

/* Reads exactly len bytes. Memory grows with the data, not with the header's claim,
 * because the size of a pipe is unknown. */
static bool read_packed(FILE *stream, size_t len, struct lw_buf *packed) {
    lw_buf_clear(packed);
    while (packed->len < len) {
        size_t part = len - packed->len;
        if (part > READ_BYTES)
            part = READ_BYTES;
        if (fread(lw_buf_extend(packed, part), 1, part, stream) != part)
            return false;
    }
    return true;
}

int lw_container_block(FILE *stream, const struct lw_container *head, int64_t left,
                       int64_t *count, struct lw_buf *packed, struct lw_err *err) {
    static const char cut[] = "the file ends in the middle of a block";
    int64_t size;
    uint8_t sync[LW_SYNC_BYTES];
    int rc = stream_long(stream, count);
    if (rc == 0 && !ferror(stream))
        return 0;
    if (rc != 1 || stream_long(stream, &size) != 1)
        return lw_fail(err, LW_EINPUT, "%s", cut);
    if (*count < 0 || size < 0 || size > LW_BLOCK_MAX)
        return lw_fail(err, LW_EINPUT, "a block's count or size is invalid");
    if ((left >= 0 && size > left) || !read_packed(stream, (size_t)size, packed) ||
        fread(sync, 1, sizeof sync, stream) != sizeof sync)
        return lw_fail(err, LW_EINPUT, "%s", cut);
    if (memcmp(sync, head->sync, sizeof sync) != 0)
        return lw_fail(err, LW_EINPUT, "no sync marker after the block: damaged");
    return 1;
}

static void put_text(struct lw_buf *out, const char *text) {
    lw_varint_put_long(out, (int64_t)strlen(text));
    lw_buf_put(out, text, strlen(text));
}

void lw_container_put_header(struct lw_buf *out, const char *schema, const char *codec,
                             const uint8_t sync[LW_SYNC_BYTES]) {
    lw_buf_put(out, "Obj\001", 4);
    lw_varint_put_long(out, 2);
    put_text(out, "avro.schema");
    put_text(out, schema);
    put_text(out, "avro.codec");
    put_text(out, codec);
    lw_varint_put_long(out, 0);
    lw_buf_put(out, sync, LW_SYNC_BYTES);
}

void lw_container_put_block(struct lw_buf *out, int64_t count,
                            const struct lw_buf *packed,
                            const uint8_t sync[LW_SYNC_BYTES]) {
    lw_varint_put_long(out, count);
    lw_varint_put_long(out, (int64_t)packed->len);
    lw_buf_put(out, packed->data, packed->len);
    lw_buf_put(out, sync, LW_SYNC_BYTES);
}

void lw_container_fini(struct lw_container *head) {
    lw_schema_free(head->schema);
    *head = (struct lw_container){0};
}
