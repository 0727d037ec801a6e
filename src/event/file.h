/* Avro object container files: records out as their encoded bytes, in file order; records
 * in. */
#ifndef LW_EVENT_FILE_H
#define LW_EVENT_FILE_H

#include "event/decoder.h"

struct lw_file;

/* Codecs null, deflate and snappy. LW_EINPUT with path and reason for a file that is
 * missing, foreign, damaged or of another codec. Thread: one at a time a handle. */
struct lw_file *lw_file_open(const char *path, struct lw_err *err);
void lw_file_close(struct lw_file *file);
/* All blocks together may unpack to that many bytes at most (no limit unless called; a
 * block always has one). What is more is LW_EINPUT, and _exceeded says that it was that.
 */
void lw_file_limit(struct lw_file *file, int64_t bytes);
bool lw_file_exceeded(const struct lw_file *file);
/* The schema's text as it stands in the header, defaults, aliases and logical types
 * included; borrowed. */
const char *lw_file_schema_json(const struct lw_file *file);
/* The decoder of the file's records: its own schema is the writer's. LW_ECONFIG as
 * lw_avro_decoder_new; independent of the file afterwards. */
struct lw_decoder *lw_file_decoder(const struct lw_file *file,
                                   const struct lw_schema *reader,
                                   const struct lw_fields *fields, struct lw_err *err);
/* The next record's encoded bytes (borrowed until the next call): 1, or 0 at the end, or
 * -1 with LW_EINPUT naming path and record; an error is given again on every later call.
 * The bytes are a whole record of the schema. Cost: some 3 million trips a second,
 * inflating included; memory: one block. */
int lw_file_next(struct lw_file *file, const uint8_t **data, size_t *len,
                 struct lw_err *err);
/* Share of the file read so far, in [0, 1]. */
double lw_file_progress(const struct lw_file *file);

/* A new file (an old one is replaced), deflate, blocks of 64 KiB; the header holds
 * schema_json as given. LW_ECONFIG: the schema or the path cannot be. _append refuses
 * bytes that are no record of the schema (LW_EINPUT); a full disk is LW_ESTOP. Equal
 * records under an equal path give equal bytes. */
struct lw_file_writer;
struct lw_file_writer *lw_file_create(const char *path, const char *schema_json,
                                      struct lw_err *err);
int lw_file_append(struct lw_file_writer *w, const uint8_t *data, size_t len,
                   struct lw_err *err);
int lw_file_finish(struct lw_file_writer *w,
                   struct lw_err *err); /* closes and frees, also on failure */

#endif
