/* The text of a schema, made strict JSON. */
#ifndef LW_EVENT_SCHEMA_TEXT_H
#define LW_EVENT_SCHEMA_TEXT_H

#include <jansson.h>

#include "base/buf.h"
#include "leeway/err.h"

/* Appends the text to out as strict JSON; accepts what Avro's Java library accepts.
 * LW_ECONFIG if it is UTF-16. */
int lw_schema_text(const char *json, size_t len, struct lw_buf *out, struct lw_err *err);
/* Parses the output of lw_schema_text; a default may contain a zero byte. */
json_t *lw_schema_text_load(const char *text, size_t len, json_error_t *where);
/* The text if it has no zero byte, or NULL. */
const char *lw_schema_text_name(const json_t *json);

#endif
