/* Avro object container files: reads records as encoded bytes, in file order, and writes
 * them. */
#ifndef LW_EVENT_FILE_H
#define LW_EVENT_FILE_H

#include <stdio.h>

#include "event/decoder.h"

struct lw_file;

/* Codecs null, deflate and snappy. LW_EINPUT with path and reason if the file is
 * missing, of another format, damaged or uses another codec. Thread: one at a time per
 * handle. */
struct lw_file *lw_file_open(const char *path, struct lw_err *err);
/* lw_file_open for an open stream, which is closed with the file. */
struct lw_file *lw_file_open_stream(FILE *stream, const char *name, struct lw_err *err);
void lw_file_close(struct lw_file *file);
/* Limits the unpacked bytes of all blocks together (without a call only the limit per
 * block applies). A larger file is LW_EINPUT, and lw_file_exceeded returns true. */
void lw_file_limit(struct lw_file *file, int64_t bytes);
bool lw_file_exceeded(const struct lw_file *file);
/* The schema's text as in the header, with defaults, aliases and logical types;
 * borrowed. */
const char *lw_file_schema_json(const struct lw_file *file);
/* Creates a decoder of the file's records, with the file's schema as writer's schema.
 * LW_ECONFIG as lw_decoder_new_avro; the decoder does not depend on the file. */
struct lw_decoder *lw_file_decoder(const struct lw_file *file,
                                   const struct lw_schema *reader,
                                   const struct lw_fields *fields, struct lw_err *err);
/* Returns the next record's encoded bytes (borrowed until the next call): 1, or 0 at the
 * end, or -1 with LW_EINPUT naming path and record; every later call returns the same
 * error. The bytes are a whole record of the schema. Speed: about 3 million trips per
 * second, including decompression; memory: one block. */
int lw_file_next(struct lw_file *file, const uint8_t **data, size_t *len,
                 struct lw_err *err);
/* Share of the file read so far, in [0, 1]. */
double lw_file_progress(const struct lw_file *file);

/* Creates or replaces a file, with deflate and blocks of 64 KiB; the header holds
 * schema_json as given. LW_ECONFIG: the schema or the path is invalid. _append refuses
 * bytes that are not a record of the schema (LW_EINPUT); a full disk is LW_ESTOP. Equal
 * records under an equal path give equal bytes. */
struct lw_file_writer;
struct lw_file_writer *lw_file_create(const char *path, const char *schema_json,
                                      struct lw_err *err);
int lw_file_append(struct lw_file_writer *w, const uint8_t *data, size_t len,
                   struct lw_err *err);
int lw_file_finish(struct lw_file_writer *w,
                   struct lw_err *err); /* closes and frees, also on failure */

#endif
