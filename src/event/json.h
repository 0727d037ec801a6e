/* Records in JSON to cells: the same fields, kinds and bounds as the Avro decoder's, for
 * people and programs that ask for a prediction.
 *
 * Values stand as in Avro's JSON encoding, without the type names in unions: a number for
 * int, long, float, double and decimal, true and false, text for string, enum, bytes
 * (ASCII only) and fixed, null. A time is a number in the schema's unit, or text
 * such as "2020-03-12T05:00:00Z". A name that the schema lacks is refused: a slip of the
 * pen would otherwise be a missing value. */
#ifndef LW_EVENT_JSON_H
#define LW_EVENT_JSON_H

#include <jansson.h>

#include "event/schema.h"

struct lw_json_decoder;

/* The schema must outlive the decoder. LW_ECONFIG: a field is not in the schema. */
struct lw_json_decoder *lw_json_decoder_new(const struct lw_schema *schema,
                                            const struct lw_fields *fields,
                                            struct lw_err *err);
void lw_json_decoder_free(struct lw_json_decoder *d);

/* cells has fields->n entries; texts point into the record (or into the schema, for
 * defaults). An absent field takes the schema's default or is missing; LW_EINPUT when
 * needed[i] and it may not be: it is required by the configuration, or the schema gives
 * neither default nor null. Every error names its field. Thread: any; the decoder is
 * read-only. Allocates nothing unless it fails. */
int lw_json_decode(const struct lw_json_decoder *d, const json_t *record,
                   const bool *needed, struct lw_cell *cells, struct lw_err *err);

#endif
