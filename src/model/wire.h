/* The part of Avro's binary encoding that schemas/model.avsc needs, and its container
 * file.
 *
 * libavro is not used here, because its reader does not bound allocations by the size of
 * the input, and because its writer seeds rand() from the clock for the sync marker, so
 * that equal models would have different files. The writer's schema is parsed and
 * compared by libavro. */
#ifndef LW_MODEL_WIRE_H
#define LW_MODEL_WIRE_H

#include "base/varint.h"
#include "leeway/err.h"

#define LW_MODEL_BYTES_MAX ((size_t)256 << 20) /* of a decoded record */

void lw_wire_string(struct lw_buf *out, const char *text, size_t len);
void lw_wire_text(struct lw_buf *out, const char *text);
/* An array or map of n items: open, the items, close. Only close if n is 0. */
void lw_wire_open(struct lw_buf *out, size_t n);
void lw_wire_close(struct lw_buf *out);
void lw_wire_put_float(struct lw_buf *out, float v);

/* A reader with a sticky failure (lw_reader.bad). Strings are borrowed. */
const char *lw_wire_get_string(struct lw_reader *in, size_t *len);
double lw_wire_get_double(struct lw_reader *in);
float lw_wire_get_float(struct lw_reader *in);
bool lw_wire_get_boolean(struct lw_reader *in);
/* Walks an array or map: `while (lw_wire_more(in, &left))` reads one item per iteration.
 * `left` starts at 0. A count larger than the remaining bytes fails. */
bool lw_wire_more(struct lw_reader *in, uint64_t *left);

/* One record as an object container file, deflated; its sync marker is a hash. */
int lw_wire_wrap(struct lw_buf *out, const char *schema, const struct lw_buf *record,
                 struct lw_err *err);
/* The only record of a container file whose schema equals ours; LW_EINPUT. */
int lw_wire_unwrap(const void *data, size_t len, const char *schema,
                   struct lw_buf *record, struct lw_err *err);

#endif
