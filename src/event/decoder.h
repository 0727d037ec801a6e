/* The interface for decoding: from a record in any encoding to the cells of the fields
 * in the configuration. Avro's binary encoding and JSON implement it with the same
 * fields, kinds and conversions (event/convert.h), so a value means the same in both.
 * Kafka, files, replays and HTTP predictions all use it. */
#ifndef LW_EVENT_DECODER_H
#define LW_EVENT_DECODER_H

#include <jansson.h>

#include "base/buf.h"
#include "event/schema.h"

enum lw_encoding {
    LW_ENCODING_AVRO,
    LW_ENCODING_JSON /* HTTP predictions; not accepted by source.encoding yet */
};

struct lw_encoded_record {
    const uint8_t *data; /* encoded, or NULL */
    size_t len;
    const json_t *json; /* JSON only: the record, if already parsed */
    /* JSON only: the fields that must have a value, one flag per field; NULL: those that
     * the configuration requires or that the schema does not allow to be null. In Avro
     * the schemas and the configuration decide. */
    const bool *needed;
};

/* Memory that decoded texts may point into. One per thread; zero-initialized. */
struct lw_decoder_scratch {
    struct lw_buf room;
    json_t *document; /* of the last record given as bytes */
};
void lw_decoder_scratch_fini(struct lw_decoder_scratch *scratch);

struct lw_decoder;

struct lw_decoder_type {
    int (*decode)(const struct lw_decoder *d, const struct lw_encoded_record *record,
                  struct lw_decoder_scratch *scratch, struct lw_cell *cells,
                  struct lw_err *err);
    void (*free)(struct lw_decoder *d);
};

/* The first member of every implementation. Read-only: any number of threads share one.
 */
struct lw_decoder {
    const struct lw_decoder_type *type;
};

/* Decodes one record; all of its bytes must be used. cells has fields->n entries; texts
 * point into the record, the scratch, the decoder or the schema. LW_EINPUT: the record
 * cannot be decoded; the message names field, position and reason, and the cells are
 * unspecified. Avro needs no scratch (NULL) and allocates nothing. */
static inline int lw_decoder_decode(const struct lw_decoder *d,
                                    const struct lw_encoded_record *record,
                                    struct lw_decoder_scratch *scratch,
                                    struct lw_cell *cells, struct lw_err *err) {
    return d->type->decode(d, record, scratch, cells, err);
}

/* Bytes in Avro. */
static inline int lw_decoder_decode_bytes(const struct lw_decoder *d, const uint8_t *data,
                                          size_t len, struct lw_cell *cells,
                                          struct lw_err *err) {
    struct lw_encoded_record record = {.data = data, .len = len};
    return d->type->decode(d, &record, NULL, cells, err);
}

static inline void lw_decoder_free(struct lw_decoder *d) {
    if (d)
        d->type->free(d);
}

/* Creates the decoder of an encoding. JSON has no writer's schema and ignores `writer`.
 */
struct lw_decoder *lw_decoder_new(enum lw_encoding encoding,
                                  const struct lw_schema *writer,
                                  const struct lw_schema *reader,
                                  const struct lw_fields *fields, struct lw_err *err);

/* Decodes records written with `writer` to cells of `fields`, named as in `reader`
 * (which may be the same schema; neither need outlive the decoder). "trip.distance" is
 * the field distance of the record field trip, which may be nullable.
 *
 * Resolution follows the Avro specification 1.11, section Schema Resolution. A field
 * that the writer lacks takes the reader's default; without one, a required field is
 * LW_ECONFIG and any other is missing. Fields match by name, then by the reader's
 * aliases, then (beyond the specification) by the writer's: a producer may rename a
 * field while the reader keeps the old name. Names of records are not compared. Numbers
 * widen (and, beyond the specification, a reader's narrower type reads a wider one:
 * cells hold doubles). Unions with null are nullable; in any other union, a branch that
 * cannot be converted is missing.
 *
 * A kind is read from:
 *   numeric    int, long, float, double, boolean (0, 1), decimal, times (in ms)
 *   category   int, long, boolean, string, bytes, enum, fixed; float and double while
 *              whole (LW_EINPUT when not)
 *   timestamp  long, and the logical types timestamp-, local-timestamp- (millis, micros,
 *              nanos) and date; the unit is the writer's, else the reader's, else
 *              milliseconds; beyond 2^53 ms is LW_EINPUT
 *   text       string, bytes, enum, fixed; int and long (num and key, no text)
 * Anything else is LW_ECONFIG. NaN is missing. Only categories have a key of their text.
 * Cost: linear in the schemas' size; allocates. */
struct lw_decoder *lw_decoder_new_avro(const struct lw_schema *writer,
                                       const struct lw_schema *reader,
                                       const struct lw_fields *fields,
                                       struct lw_err *err);

/* Decodes records in Avro's JSON encoding, relaxed for hand-written JSON: the type's
 * name around a union's value is optional; a number may be wider than the schema's type,
 * and 3.0 is accepted as a whole number; a time is a number in the field's unit or text
 * such as "2020-03-12T05:00:00+01:00"; a decimal is a number, optionally in quotes; a
 * uuid is text. A name that is not in the schema is an error, because a misspelt name
 * would otherwise be a missing value. An absent field takes the schema's default or is
 * missing. A value of another type is LW_EINPUT; one that cannot be converted to the
 * field's kind is missing, or LW_EINPUT when the field is required. The schema and the
 * fields must outlive the decoder. LW_ECONFIG: a field is not in the schema. Given a
 * parsed record, decoding allocates nothing once the scratch has grown, unless it fails.
 */
struct lw_decoder *lw_decoder_new_json(const struct lw_schema *schema,
                                       const struct lw_fields *fields,
                                       struct lw_err *err);

#endif
