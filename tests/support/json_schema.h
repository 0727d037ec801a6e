/* The part of JSON Schema (2020-12) that our schemas use: type,
 * const, enum, required, properties, items, maxItems, minimum, pattern (POSIX extended)
 * and $ref into $defs. It is stricter in one respect: a member that `properties` does not
 * name is an error, so every member is documented. */
#ifndef LW_TESTS_SUPPORT_JSON_SCHEMA_H
#define LW_TESTS_SUPPORT_JSON_SCHEMA_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* True if value satisfies the schema; else `where` has the path and the reason. */
bool lw_schema_holds(const json_t *schema, const json_t *value, char *where, size_t size);

#endif
