/* Reads container files: blocks in, encoded records out.
 *
 * A block is read and unpacked into buffers that are reused for the whole file; skip
 * layouts find the records in it without decoding them. All sizes are checked before
 * memory is allocated: the size of a block against LW_BLOCK_MAX and the rest of the
 * file, its unpacked size against lw_file_limit, its count against the records that must
 * fill it exactly. An error is final and every later call returns it. libavro is not
 * used: it returns values instead of bytes, trusts the lengths, and drops parts of the
 * schema. */
#include "event/file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "event/codec.h"
#include "event/container.h"
#include "event/skip_layout.h"

struct lw_file {
    char *path;
    FILE *stream;
    int64_t size; /* of the file; 0: a pipe */
    struct lw_container head;
    struct lw_codec *codec;
    struct lw_skip_layouts layouts;
    uint32_t layout;
    struct lw_buf packed, block;
    int64_t budget; /* remaining limit of unpacked bytes */
    bool exceeded;
    const uint8_t *at, *end; /* in block */
    int64_t left;            /* records of the block not yet returned */
    uint64_t given;          /* records returned in total */
    int64_t passed;          /* bytes read from the file */
    struct lw_err failed;
};

static int file_begin(struct lw_file *file, struct lw_err *err) {
    struct stat st;
    if (fstat(fileno(file->stream), &st) == 0 && S_ISREG(st.st_mode))
        file->size = st.st_size;
    if (lw_container_read(file->stream, &file->head, err) < 0)
        return -1;
    file->codec = lw_codec_new(file->head.codec, err);
    if (!file->codec)
        return -1;
    lw_buf_extend(&file->block, 1); /* so that an empty block has an address */
    file->layout = lw_skip_layout_of(&file->layouts, file->head.schema->top);
    lw_skip_layout_seal(&file->layouts);
    if (file->layouts.layout[file->layout].empty)
        return lw_fail(err, LW_EINPUT, "its records have no fields");
    return 0;
}

struct lw_file *lw_file_open_stream(FILE *stream, const char *name, struct lw_err *err) {
    struct lw_file *file = lw_calloc(1, sizeof *file);
    file->path = lw_strdup(name);
    file->stream = stream;
    file->budget = INT64_MAX;
    if (file_begin(file, err) < 0) {
        lw_err_context(err, "%s", name);
        lw_file_close(file);
        return NULL;
    }
    return file;
}

struct lw_file *lw_file_open(const char *path, struct lw_err *err) {
    FILE *stream = fopen(path, "rb");
    if (stream)
        return lw_file_open_stream(stream, path, err);
    lw_fail(err, LW_EINPUT, "%s: cannot open: %s", path, strerror(errno));
    return NULL;
}

void lw_file_close(struct lw_file *file) {
    if (!file)
        return;
    fclose(file->stream);
    lw_container_fini(&file->head);
    lw_codec_free(file->codec);
    lw_skip_layout_fini(&file->layouts);
    lw_buf_fini(&file->packed);
    lw_buf_fini(&file->block);
    free(file->path);
    free(file);
}

const char *lw_file_schema_json(const struct lw_file *file) {
    return lw_schema_json(file->head.schema);
}

struct lw_decoder *lw_file_decoder(const struct lw_file *file,
                                   const struct lw_schema *reader,
                                   const struct lw_fields *fields, struct lw_err *err) {
    return lw_decoder_new_avro(file->head.schema, reader, fields, err);
}

void lw_file_limit(struct lw_file *file, int64_t bytes) {
    file->budget = bytes;
}

bool lw_file_exceeded(const struct lw_file *file) {
    return file->exceeded;
}

double lw_file_progress(const struct lw_file *file) {
    double share = file->size > 0 ? (double)file->passed / (double)file->size : 0;
    return share < 1 ? share : 1;
}

static int fail_in_file(struct lw_file *file, const char *why, struct lw_err *err) {
    lw_fail(&file->failed, LW_EINPUT, "%s: record %llu: %s", file->path,
            (unsigned long long)file->given + 1, why);
    return lw_fail(err, LW_EINPUT, "%s", file->failed.msg);
}

/* Unpacks the current block. */
static int unpack_block(struct lw_file *file, struct lw_err *err) {
    struct lw_err why = {0};
    size_t len = file->packed.len;
    size_t max = file->budget < LW_BLOCK_MAX ? (size_t)file->budget : LW_BLOCK_MAX;
    int rc =
        lw_codec_unpack(file->codec, file->packed.data, len, max, &file->block, &why);
    file->exceeded = rc == -2;
    if (rc < 0)
        return fail_in_file(file, why.msg, err);
    file->budget -= (int64_t)file->block.len;
    file->at = file->block.data;
    file->end = file->at + file->block.len;
    return 0;
}

/* The next block with records in it: 1, or 0 at the end. */
static int next_block(struct lw_file *file, struct lw_err *err) {
    while (file->left == 0) {
        int64_t count;
        struct lw_err why = {0};
        if (file->at != file->end)
            return fail_in_file(file, "bytes are left in the block before it", err);
        file->passed = ftello(file->stream);
        int64_t left = file->size > 0 ? file->size - file->passed : -1;
        int rc = lw_container_block(file->stream, &file->head, left, &count,
                                    &file->packed, &why);
        if (rc < 0)
            return fail_in_file(file, why.msg, err);
        if (rc == 0)
            return 0;
        file->passed = ftello(file->stream);
        if (unpack_block(file, err) < 0)
            return -1;
        file->left = count;
    }
    return 1;
}

int lw_file_next(struct lw_file *file, const uint8_t **data, size_t *len,
                 struct lw_err *err) {
    if (file->failed.code != LW_OK)
        return lw_fail(err, file->failed.code, "%s", file->failed.msg);
    if (file->left == 0) {
        int rc = next_block(file, err);
        if (rc <= 0)
            return rc;
    }
    const uint8_t *end =
        lw_skip_layout_end(&file->layouts, file->layout, file->at, file->end);
    if (!end)
        return fail_in_file(file, "its bytes are not a record of the file's schema", err);
    *data = file->at;
    *len = (size_t)(end - file->at);
    file->at = end;
    file->left--;
    file->given++;
    return 1;
}
