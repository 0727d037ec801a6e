/* A prediction for the topic `source.scored`: the record of schemas/scored.avsc in
 * Avro's single-object encoding (C3 01, the schema's CRC-64-AVRO fingerprint, the
 * datum), so that a reader can recognise the version of the schema without a registry.
 * Pure; appends to a reused buffer, and allocates nothing once the buffer has grown.
 * Thread: any. */
#ifndef LW_EVENT_SCORED_H
#define LW_EVENT_SCORED_H

#include "base/buf.h"
#include "leeway/row.h"

/* CRC-64-AVRO of schemas/scored.avsc. */
#define LW_SCORED_FINGERPRINT UINT64_C(0x8b74531f1148eb14)

struct lw_scored_event {
    const struct lw_cell *id; /* or NULL; missing: null */
    const char *topic;        /* of the event */
    int32_t partition;
    int64_t offset;
    int64_t time_ms;   /* event time */
    double prediction; /* the answer */
    uint32_t version;
    double untracked; /* the model's own prediction; the same unless tracking is served */
};

/* Appends the identifier as text, always UTF-8: a text as it is (with invalid UTF-8
 * escaped), a uuid with dashes, other bytes in hexadecimal digits, an integer in
 * decimal. Returns its length in bytes; a missing identifier appends nothing and returns
 * 0. */
size_t lw_scored_key(const struct lw_cell *id, struct lw_buf *out);
/* Appends the message's value. */
void lw_scored_value(const struct lw_scored_event *e, struct lw_buf *out);

#endif
