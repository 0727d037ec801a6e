/* Avro object container files: header and blocks, read from a stream and written to a
 * buffer. Files of events (file.h) and model files share it. */
#ifndef LW_EVENT_CONTAINER_H
#define LW_EVENT_CONTAINER_H

#include <stdio.h>

#include "base/buf.h"
#include "event/schema.h"

#define LW_SYNC_BYTES 16

struct lw_container {
    struct lw_schema *schema;
    char codec[32];
    uint8_t sync[LW_SYNC_BYTES];
};

/* Reads magic, metadata and sync marker. LW_EINPUT with the reason (also for an invalid
 * schema: the file is bad). */
int lw_container_read(FILE *stream, struct lw_container *head, struct lw_err *err);
/* The next block: 1 with its count of records and its bytes, still compressed; 0 at a
 * clean end; -1 with LW_EINPUT. `left`: the remaining bytes of the stream, or -1 if
 * unknown. */
int lw_container_block(FILE *stream, const struct lw_container *head, int64_t left,
                       int64_t *count, struct lw_buf *packed, struct lw_err *err);
/* Appends a header, and a block of `count` records in compressed bytes. */
void lw_container_put_header(struct lw_buf *out, const char *schema, const char *codec,
                             const uint8_t sync[LW_SYNC_BYTES]);
void lw_container_put_block(struct lw_buf *out, int64_t count,
                            const struct lw_buf *packed,
                            const uint8_t sync[LW_SYNC_BYTES]);
void lw_container_fini(struct lw_container *head);

#endif
