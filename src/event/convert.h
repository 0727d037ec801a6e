/* Converts one value to one cell, by rules that Avro records, defaults and JSON records
 * share.
 *
 * A step gives the target of the conversion (event/decode_plan.h). A value that cannot
 * be converted is refused, and the refusal shows the value. The caller decides what
 * follows: a required field fails the event, any other is missing. */
#ifndef LW_EVENT_CONVERT_H
#define LW_EVENT_CONVERT_H

#include "base/buf.h"
#include "event/decode_plan.h"

/* The largest instant that a double represents exactly, about 285,000 years either way.
 */
#define LW_MS_MAX (INT64_C(1) << 53)

struct lw_refusal {
    const char *why; /* NULL: none */
    char value[80];  /* set with why; shown text */
};

/* Each sets the cell, or refuses and leaves it as it was. Times become instants: a time
 * of a local type is read in the zone, and so is a text without an offset. NaN and
 * refused values are missing. The key of a text is set if step->keyed. */
bool lw_convert_whole(const struct lw_decode_step *step, const struct lw_zone *zone,
                      int64_t v, struct lw_cell *cell, struct lw_refusal *no);
bool lw_convert_real(const struct lw_decode_step *step, const struct lw_zone *zone,
                     double v, struct lw_cell *cell, struct lw_refusal *no);
bool lw_convert_text(const struct lw_decode_step *step, const struct lw_zone *zone,
                     const char *text, size_t len, struct lw_cell *cell,
                     struct lw_refusal *no);
bool lw_convert_decimal(const struct lw_decode_step *step, const uint8_t *bytes,
                        size_t len, struct lw_cell *cell, struct lw_refusal *no);
/* Refuses a text, shortened if it is long. Returns false. */
bool lw_convert_refuse_text(struct lw_refusal *no, const char *why, const char *text,
                            size_t len);

/* A value of a type as JSON; the type may be a union. There are two dialects. A default
 * in a schema uses Avro's JSON encoding: bytes are text with one character per byte. A
 * record may also have times as text, decimals and uuids in their usual form, numbers
 * that Avro would promote, and the type's name around a union's value. */
struct lw_json_value {
    const struct lw_node *type;
    const struct lw_field *field;
    const struct lw_zone *zone;
    bool is_default;
    struct lw_buf *room; /* for bytes that JSON encodes; see lw_convert_room */
};

/* 1: the cell is set. 0: the value is of the type, but does not convert to the field's
 * kind: missing. -1: the value is not of the type. In the last two cases `no` has the
 * reason. Allocates nothing. */
int lw_convert_json(const struct lw_json_value *v, const json_t *json,
                    struct lw_cell *cell, struct lw_refusal *no);
/* The room in bytes that a value may need. Cells point into the room, so reserve enough
 * for all values of a record first. */
size_t lw_convert_room(const json_t *json);
void lw_convert_reserve(struct lw_buf *room, size_t bytes);

/* Two's complement, big-endian, over 10^scale; false when longer than 64 bytes. */
bool lw_convert_decimal_number(const uint8_t *bytes, size_t len, int scale, double *out);

#endif
