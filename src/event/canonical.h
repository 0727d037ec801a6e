/* Parsing Canonical Form of a schema, and its fingerprint. */
#ifndef LW_EVENT_CANONICAL_H
#define LW_EVENT_CANONICAL_H

#include "base/buf.h"
#include "event/schema.h"

/* Parsing Canonical Form into out (appended), and its CRC-64-AVRO. */
void lw_canonical_form(const struct lw_schema *schema, struct lw_buf *out);
uint64_t lw_canonical_crc64(const void *data, size_t len);

#endif
