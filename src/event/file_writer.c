/* Writes container files: the schema's text as given, blocks of 64 KiB, deflate.
 *
 * libavro is not used, because it drops defaults and logical types from the schema in
 * the header. The sync marker is made from the schema's fingerprint and the path, so
 * that equal rows give equal files. Each record is validated before it is written, so
 * that the file is always readable. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "event/canonical.h"
#include "event/codec.h"
#include "event/container.h"
#include "event/file.h"
#include "event/skip_layout.h"

#define BLOCK_BYTES 65536

struct lw_file_writer {
    char *path;
    FILE *stream;
    struct lw_schema *schema;
    struct lw_codec *codec;
    struct lw_skip_layouts layouts;
    uint32_t layout;
    struct lw_buf block, packed;
    int64_t count; /* records in block */
    uint8_t sync[LW_SYNC_BYTES];
};

static int write_out(struct lw_file_writer *w, const void *data, size_t len,
                     struct lw_err *err) {
    if (len == 0 || fwrite(data, 1, len, w->stream) == len)
        return 0;
    return lw_fail(err, LW_ESTOP, "%s: cannot write: %s", w->path, strerror(errno));
}

static int write_header(struct lw_file_writer *w, struct lw_err *err) {
    struct lw_buf head = {0};
    uint64_t fingerprint = lw_schema_fingerprint(w->schema);
    uint64_t half[2] = {
        lw_mix64(fingerprint),
        lw_mix64(fingerprint ^ lw_canonical_crc64(w->path, strlen(w->path)))};
    memcpy(w->sync, half, sizeof half);
    lw_container_put_header(&head, lw_schema_json(w->schema), "deflate", w->sync);
    int rc = write_out(w, head.data, head.len, err);
    lw_buf_fini(&head);
    return rc;
}

static void writer_free(struct lw_file_writer *w) {
    if (w->stream)
        fclose(w->stream);
    lw_schema_free(w->schema);
    lw_codec_free(w->codec);
    lw_skip_layout_fini(&w->layouts);
    lw_buf_fini(&w->block);
    lw_buf_fini(&w->packed);
    free(w->path);
    free(w);
}

static int writer_begin(struct lw_file_writer *w, const char *schema_json,
                        struct lw_err *err) {
    w->schema = lw_schema_parse(schema_json, strlen(schema_json), err);
    w->codec = lw_codec_new("deflate", err);
    if (!w->schema)
        return -1;
    w->layout = lw_skip_layout_of(&w->layouts, w->schema->top);
    lw_skip_layout_seal(&w->layouts);
    w->stream = fopen(w->path, "wb");
    if (!w->stream)
        return lw_fail(err, LW_ECONFIG, "%s: cannot create: %s", w->path,
                       strerror(errno));
    return write_header(w, err);
}

struct lw_file_writer *lw_file_create(const char *path, const char *schema_json,
                                      struct lw_err *err) {
    struct lw_file_writer *w = lw_calloc(1, sizeof *w);
    w->path = lw_strdup(path);
    if (writer_begin(w, schema_json, err) < 0) {
        writer_free(w);
        return NULL;
    }
    return w;
}

static int flush_block(struct lw_file_writer *w, struct lw_err *err) {
    struct lw_buf out = {0};
    if (w->count == 0)
        return 0;
    lw_codec_pack(w->codec, w->block.data, w->block.len, &w->packed);
    lw_container_put_block(&out, w->count, &w->packed, w->sync);
    int rc = write_out(w, out.data, out.len, err);
    lw_buf_fini(&out);
    lw_buf_clear(&w->block);
    w->count = 0;
    return rc;
}

int lw_file_append(struct lw_file_writer *w, const uint8_t *data, size_t len,
                   struct lw_err *err) {
    if (len == 0 || len > LW_BLOCK_MAX / 2 ||
        lw_skip_layout_end(&w->layouts, w->layout, data, data + len) != data + len)
        return lw_fail(err, LW_EINPUT, "%s: not a record of schema %.100s", w->path,
                       lw_schema_name(w->schema));
    lw_buf_put(&w->block, data, len);
    w->count++;
    return w->block.len >= BLOCK_BYTES ? flush_block(w, err) : 0;
}

int lw_file_finish(struct lw_file_writer *w, struct lw_err *err) {
    int rc = flush_block(w, err);
    int closed = fclose(w->stream);
    w->stream = NULL;
    if (rc == 0 && closed != 0)
        rc = lw_fail(err, LW_ESTOP, "%s: cannot write: %s", w->path, strerror(errno));
    writer_free(w);
    return rc;
}
