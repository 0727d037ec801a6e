/* A model file: an Avro object container (event/container.h) of one record. Its sync
 * marker is a hash of the record, so that equal models have equal files. */
#include <string.h>

#include <xxhash.h>

#include "event/codec.h"
#include "event/container.h"
#include "model/wire.h"

_Static_assert(sizeof(XXH128_canonical_t) == LW_SYNC_BYTES, "a sync marker");

int lw_wire_wrap(struct lw_buf *out, const char *schema, const struct lw_buf *record,
                 struct lw_err *err) {
    struct lw_buf packed = {0};
    XXH128_canonical_t sync;
    if (record->len > LW_MODEL_BYTES_MAX)
        return lw_fail(err, LW_EINPUT, "a model of %zu bytes is too large to store",
                       record->len);
    struct lw_codec *codec = lw_codec_new("deflate", err);
    lw_codec_pack(codec, record->data, record->len, &packed);
    lw_codec_free(codec);
    XXH128_canonicalFromHash(&sync, XXH3_128bits(record->data, record->len));
    lw_container_put_header(out, schema, "deflate", sync.digest);
    lw_container_put_block(out, 1, &packed, sync.digest);
    lw_buf_fini(&packed);
    return 0;
}

static int same_schema(const struct lw_schema *theirs, const char *text,
                       struct lw_err *err) {
    struct lw_schema *ours = lw_schema_parse(text, strlen(text), err);
    bool same = ours && lw_schema_fingerprint(ours) == lw_schema_fingerprint(theirs);
    lw_schema_free(ours);
    return same ? 0
                : lw_fail(err, LW_EINPUT,
                          "its schema is not schemas/model.avsc of this version");
}

static int read_record(FILE *stream, const struct lw_container *head, int64_t size,
                       struct lw_buf *record, struct lw_err *err) {
    struct lw_buf packed = {0};
    int64_t count;
    int rc =
        lw_container_block(stream, head, size - ftello(stream), &count, &packed, err);
    if (rc == 0)
        lw_fail(err, LW_EINPUT, "it holds no record");
    else if (rc == 1 && (count != 1 || ftello(stream) != size))
        rc = lw_fail(err, LW_EINPUT, "it holds more than one record");
    struct lw_codec *codec = rc == 1 ? lw_codec_new(head->codec, err) : NULL;
    rc = codec ? lw_codec_unpack(codec, packed.data, packed.len, LW_MODEL_BYTES_MAX,
                                 record, err)
               : -1;
    lw_codec_free(codec);
    lw_buf_fini(&packed);
    return rc;
}

int lw_wire_unwrap(const void *data, size_t len, const char *schema,
                   struct lw_buf *record, struct lw_err *err) {
    union { /* fmemopen does not accept const, but a stream opened for reading is never
             * written */
        const void *from;
        void *to;
    } bytes = {.from = data};
    struct lw_err why = {0};
    struct lw_container head = {0};
    if (len > LW_MODEL_BYTES_MAX)
        return lw_fail(err, LW_EINPUT, "not a model file: it is larger than 256 MiB");
    FILE *stream = fmemopen(bytes.to, len, "rb");
    int rc = stream ? lw_container_read(stream, &head, &why)
                    : lw_fail(&why, LW_EINPUT, "it is empty");
    if (rc == 0)
        rc = same_schema(head.schema, schema, &why);
    if (rc == 0)
        rc = read_record(stream, &head, (int64_t)len, record, &why);
    lw_container_fini(&head);
    if (stream)
        fclose(stream);
    return rc == 0 ? 0 : lw_fail(err, LW_EINPUT, "not a model file: %s", why.msg);
}
