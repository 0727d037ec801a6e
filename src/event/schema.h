/* An Avro schema, parsed and bounded; and the decoder that resolves a writer's schema
 * against what we want to read.
 *
 * A schema is read as Avro's Java library reads one: its names are not checked, and its
 * JSON may have comments, a byte order mark and bare NaN (schema_text.c). libavro has no
 * part in it: it refuses half of that, and forgets defaults, aliases and logical types.
 * A decoder is a flat plan: one step a writer field, each either "skip" or "store in cell
 * i with this promotion". Lengths, counts and depths on the wire are bounded before
 * anything is allocated; decoding allocates nothing. Resolution follows the Avro
 * specification 1.11, section Schema Resolution. */
#ifndef LW_EVENT_SCHEMA_H
#define LW_EVENT_SCHEMA_H

#include "leeway/row.h"

struct lw_schema;

/* A record schema from JSON text. LW_ECONFIG with name and position. */
struct lw_schema *lw_schema_parse(const char *json, size_t len, struct lw_err *err);
struct lw_schema *lw_schema_load(const char *path, struct lw_err *err);
void lw_schema_free(struct lw_schema *schema);
const char *lw_schema_name(const struct lw_schema *schema);
const char *lw_schema_json(const struct lw_schema *schema); /* as given, in plain JSON */
uint64_t lw_schema_fingerprint(
    const struct lw_schema *schema); /* CRC-64-AVRO of the canonical form */
/* Field names in order, for "did you mean"; borrowed. */
size_t lw_schema_fields(const struct lw_schema *schema, const char *const **names);

struct lw_decoder;

/* A decoder from records written with `writer` to cells of `fields`, named as in `reader`
 * (which may be the same schema; neither need outlive the decoder). "trip.distance" is
 * the field distance of the record field trip, which may be nullable. A field that the
 * writer lacks takes the reader's default; without one, a required field is LW_ECONFIG,
 * any other is missing. Fields match by name, then by the reader's aliases, then
 * (beyond the specification) by the writer's own: a producer may rename under a reader
 * that keeps the old name. Names of records are not compared. Numbers widen (and, beyond
 * the specification, a reader's narrower type reads a wider one: cells hold doubles),
 * unions with null are nullable, of any other union the branch at hand is read if it can
 * be (missing if not). What a kind can be had from: numeric    int, long, float, double,
 * boolean (0, 1), decimal, times (in ms) category   int, long, boolean, string, bytes,
 * enum, fixed; float and double while whole (LW_EINPUT when not) timestamp  long, and
 * what has a logical type timestamp-, local-timestamp- (millis, micros, nanos) or date;
 * the unit is the writer's, else the reader's, else milliseconds; beyond 2^53 ms is
 * LW_EINPUT text string, bytes, enum, fixed; int and long (num and key, no text) Anything
 * else is LW_ECONFIG. NaN is missing. The key of a text is set for categories only. Cost:
 * the schemas' size; allocates. */
struct lw_decoder *lw_decoder_new(const struct lw_schema *writer,
                                  const struct lw_schema *reader,
                                  const struct lw_fields *fields, struct lw_err *err);
void lw_decoder_free(struct lw_decoder *d);

/* Decodes one datum; all of the bytes must be used. cells has fields->n entries; texts
 * point into `data` (or into the decoder, for defaults and enum symbols). LW_EINPUT names
 * field, offset and reason; the cells are then unspecified. Hot path: allocates nothing.
 * Thread: any, a decoder is read-only. */
int lw_decoder_decode(const struct lw_decoder *d, const uint8_t *data, size_t len,
                      struct lw_cell *cells, struct lw_err *err);

#endif
