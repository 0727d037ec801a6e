/* An Avro schema, parsed and bounded.
 *
 * A schema is read as in Avro's Java library: names are not checked, and the JSON may
 * have comments, a byte order mark and bare NaN (schema_text.c). libavro is not used: it
 * refuses many such schemas, and drops defaults, aliases and logical types. */
#ifndef LW_EVENT_SCHEMA_H
#define LW_EVENT_SCHEMA_H

#include "leeway/row.h"

struct lw_schema;

/* A record schema from JSON text. LW_ECONFIG with name and position. */
struct lw_schema *lw_schema_parse(const char *json, size_t len, struct lw_err *err);
struct lw_schema *lw_schema_load(const char *path, struct lw_err *err);
void lw_schema_free(struct lw_schema *schema);
const char *lw_schema_name(const struct lw_schema *schema);
const char *lw_schema_json(const struct lw_schema *schema); /* as given, as strict JSON
                                                             */
uint64_t lw_schema_fingerprint(
    const struct lw_schema *schema); /* CRC-64-AVRO of the canonical form */
/* Field names in order, for "did you mean"; borrowed. */
/* Whether a field's values are texts (1), integers (0), or either, or something else (-1).
 * A dotted name is a field of a nested record. */
int lw_schema_texts(const struct lw_schema *schema, const char *field);
size_t lw_schema_fields(const struct lw_schema *schema, const char *const **names);

#endif
