/* Enough of JSON Schema (2020-12) to hold a document against one of our schemas: type,
 * const, enum, required, properties, items, maxItems, minimum, pattern (POSIX extended)
 * and $ref into $defs. Stricter in one thing: a member that `properties` does not name is
 * an error, so nothing stays undocumented. */
#ifndef LW_TESTS_SUPPORT_JSON_SCHEMA_H
#define LW_TESTS_SUPPORT_JSON_SCHEMA_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* True when value satisfies the schema; else where says at which path and why. */
bool lw_schema_holds(const json_t *schema, const json_t *value, char *where, size_t size);

#endif
