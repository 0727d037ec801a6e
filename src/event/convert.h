/* One value to one cell: the rules that the decode loop, defaults and records in JSON
 * share.
 *
 * A step says what a value is converted to (event/decode_plan.h). A value that cannot be
 * converted is refused, and the refusal holds the value. The caller decides what follows:
 * a required field fails the event, any other is missing. */
#ifndef LW_EVENT_CONVERT_H
#define LW_EVENT_CONVERT_H

#include "base/buf.h"
#include "event/decode_plan.h"

/* The largest instant that a double holds exactly, some 285,000 years either way. */
#define LW_MS_MAX (INT64_C(1) << 53)

struct lw_refusal {
    const char *why; /* NULL: none */
    char value[80];  /* set with why; shown text */
};

/* Each sets the cell, or refuses and leaves it as it was. Times are instants afterwards:
 * one that the type calls local is read in the zone, as is a text without an offset. NaN
 * is missing, as is what is refused. The key of a text is set where step->keyed. */
bool lw_value_whole(const struct lw_decode_step *step, const struct lw_zone *zone,
                    int64_t v, struct lw_cell *cell, struct lw_refusal *no);
bool lw_value_real(const struct lw_decode_step *step, const struct lw_zone *zone,
                   double v, struct lw_cell *cell, struct lw_refusal *no);
bool lw_value_text(const struct lw_decode_step *step, const struct lw_zone *zone,
                   const char *text, size_t len, struct lw_cell *cell,
                   struct lw_refusal *no);
bool lw_value_decimal(const struct lw_decode_step *step, const uint8_t *bytes, size_t len,
                      struct lw_cell *cell, struct lw_refusal *no);
/* Refuses a text, as far as it can be shown. Returns false. */
bool lw_refuse_text(struct lw_refusal *no, const char *why, const char *text, size_t len);

/* A value of a type as JSON; the type may be a union. There are two dialects. A default
 * of a schema is in Avro's JSON encoding: bytes are text with one character a byte. In a
 * record that people and programs write, times may be text too, decimals and uuids are
 * what they look like, a number is promoted as Avro promotes it, and a union's value may
 * have its type's name around it. */
struct lw_json_value {
    const struct lw_node *type;
    const struct lw_field *field;
    const struct lw_zone *zone;
    bool is_default;
    struct lw_buf *room; /* for bytes that JSON writes otherwise; see lw_json_room */
};

/* 1: the cell is set. 0: it is of the type, but cannot be what the field wants: missing.
 * -1: it is not of the type. In the last two cases `no` has why. Allocates nothing. */
int lw_value_json(const struct lw_json_value *v, const json_t *json, struct lw_cell *cell,
                  struct lw_refusal *no);
/* Bytes of room that a value may take. Cells point into the room, so make it large enough
 * for all of a record's values first. */
size_t lw_json_room(const json_t *json);
void lw_room_make(struct lw_buf *room, size_t bytes);

/* Two's complement, big-endian, over 10^scale; false when longer than 64 bytes. */
bool lw_decimal(const uint8_t *bytes, size_t len, int scale, double *out);

#endif
