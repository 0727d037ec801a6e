/* Compression of a container file's blocks: null, deflate and snappy to read; deflate to
 * write. One codec's buffers and zlib state are reused for a whole file. Thread: one at
 * a time. */
#ifndef LW_EVENT_CODEC_H
#define LW_EVENT_CODEC_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "leeway/err.h"

#define LW_BLOCK_MAX    (128 * 1024 * 1024)         /* bytes of a block of events */
#define LW_UNPACKED_MAX ((size_t)256 * 1024 * 1024) /* bytes of any block, unpacked */

struct lw_codec;

/* Creates a codec by the name in a file's header ("" is null). LW_EINPUT if it is not
 * supported. */
struct lw_codec *lw_codec_new(const char *name, struct lw_err *err);
void lw_codec_free(struct lw_codec *codec);

/* Replaces out by the decompressed block; -1 and LW_EINPUT if it is damaged, -2 and
 * LW_EINPUT if it would exceed `max` bytes (at most LW_UNPACKED_MAX). Memory grows with
 * the data, not with a length that the block claims. */
int lw_codec_unpack(struct lw_codec *codec, const uint8_t *data, size_t len, size_t max,
                    struct lw_buf *out, struct lw_err *err);
/* Replaces out by the block compressed with deflate. codec must be deflate. */
void lw_codec_pack(struct lw_codec *codec, const uint8_t *data, size_t len,
                   struct lw_buf *out);

#endif
