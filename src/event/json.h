/* Records in JSON to cells, for people and programs that ask for a prediction: the same
 * fields, kinds and rules as the Avro decoder's (event/convert.h), so that what the
 * stream takes is taken here, and means the same.
 *
 * Values stand as in Avro's JSON encoding; the type's name around a value of a union may
 * be left out. A number may be wider than the schema's type, or 3.0 where that is whole.
 * A time is a number in the field's unit, or text such as "2020-03-12T05:00:00+01:00"; a
 * decimal is a number, or one in quotes; a uuid is text. A name that the schema lacks is
 * refused: a slip of the pen would otherwise be a missing value. */
#ifndef LW_EVENT_JSON_H
#define LW_EVENT_JSON_H

#include <jansson.h>

#include "base/buf.h"
#include "event/schema.h"

struct lw_json_decoder;

/* The schema must outlive the decoder. LW_ECONFIG: a field is not in the schema. */
struct lw_json_decoder *lw_json_decoder_new(const struct lw_schema *schema,
                                            const struct lw_fields *fields,
                                            struct lw_err *err);
void lw_json_decoder_free(struct lw_json_decoder *d);

/* cells has fields->n entries; texts point into the record, the room or the schema. An
 * absent field takes the schema's default or is missing; LW_EINPUT when needed[i] and it
 * may not be: it is required by the configuration, or the schema gives neither default
 * nor null. A value of another type is LW_EINPUT; one that the field cannot be had from
 * is missing, as in the stream, or LW_EINPUT when the field is required. Every error
 * names its field and value. Thread: any; the decoder is read-only. Allocates nothing
 * once the room has grown, unless it fails. */
int lw_json_decode(const struct lw_json_decoder *d, const json_t *record,
                   const bool *needed, struct lw_cell *cells, struct lw_buf *room,
                   struct lw_err *err);

#endif
