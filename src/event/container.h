/* The header of an Avro object container file, and its parts on a stream. */
#ifndef LW_EVENT_CONTAINER_H
#define LW_EVENT_CONTAINER_H

#include <stdio.h>

#include "event/schema.h"

#define LW_SYNC_BYTES 16

struct lw_container {
    struct lw_schema *schema;
    char codec[32];
    uint8_t sync[LW_SYNC_BYTES];
};

/* A long from the stream: 1, 0 at a clean end (no byte read), -1 when it is cut short or
 * too long. */
int lw_stream_long(FILE *stream, int64_t *out);

/* Reads magic, metadata and sync marker. LW_EINPUT with the reason (a schema that cannot
 * be is LW_EINPUT too: the file is bad). */
int lw_container_read(FILE *stream, struct lw_container *head, struct lw_err *err);
/* lw_file_open of a stream that is open already and is closed with the file; for tests.
 */
struct lw_file;
struct lw_file *lw_file_open_stream(FILE *stream, const char *name, struct lw_err *err);
void lw_container_fini(struct lw_container *head);

#endif
