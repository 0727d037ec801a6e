/* A prediction as it goes to the topic `source.scored`: the record of schemas/scored.avsc
 * in Avro's single-object encoding (C3 01, the schema's CRC-64-AVRO fingerprint, the
 * datum), so that a reader can tell by which version of the schema a message was written,
 * without a registry. Pure; appends to a buffer that is used again, and so allocates
 * nothing once that has grown. Thread: any. */
#ifndef LW_EVENT_SCORED_H
#define LW_EVENT_SCORED_H

#include "base/buf.h"
#include "leeway/row.h"

/* CRC-64-AVRO of schemas/scored.avsc. */
#define LW_SCORED_FINGERPRINT UINT64_C(0x4e88e39ae0b940e4)

struct lw_scored_event {
    const struct lw_cell *id; /* or NULL; missing: null */
    const char *topic;        /* of the event */
    int32_t partition;
    int64_t offset;
    int64_t time_ms; /* event time */
    double prediction;
    uint32_t version;
};

/* The identifier as text, appended, always UTF-8: a text as it is (but for bytes that are
 * no UTF-8, which are escaped), a uuid with dashes, other bytes in hexadecimal digits, an
 * integer in decimal. Returns its bytes, or 0 and nothing appended when it is missing. */
size_t lw_scored_key(const struct lw_cell *id, struct lw_buf *out);
/* Appends the message's value. */
void lw_scored_value(const struct lw_scored_event *e, struct lw_buf *out);

#endif
