/* How a message names its schema: not at all (raw), by Confluent's framings, or by
 * Avro's single-object encoding. */
#ifndef LW_EVENT_FRAMING_H
#define LW_EVENT_FRAMING_H

#include <stddef.h>
#include <stdint.h>

#include "leeway/err.h"

enum lw_framing {
    LW_FRAMING_RAW,       /* the configured schema, no header */
    LW_FRAMING_CONFLUENT, /* 0x00 + 4-byte id, or 0x01 + 16-byte GUID, or GUID in a record
                             header */
    LW_FRAMING_SINGLE     /* C3 01 + CRC-64-AVRO, little-endian */
};

struct lw_frame {
    enum { LW_SCHEMA_CONFIGURED, LW_SCHEMA_ID, LW_SCHEMA_GUID, LW_SCHEMA_CRC64 } by;
    uint32_t id;
    uint8_t guid[16];
    uint64_t crc64;
    const uint8_t *payload; /* borrowed */
    size_t len;
};

/* Splits a message value. LW_EINPUT if the bytes do not have this framing. */
int lw_framing_parse(enum lw_framing framing, const uint8_t *data, size_t len,
                     struct lw_frame *frame, struct lw_err *err);
/* The same if the record header LW_FRAMING_HEADER carries the id or the GUID: the value
 * is then the bare datum. LW_EINPUT if the header is not a schema id. */
#define LW_FRAMING_HEADER "__value_schema_id"
int lw_framing_parse_header(const uint8_t *header, size_t header_len, const uint8_t *data,
                            size_t len, struct lw_frame *frame, struct lw_err *err);

#endif
