/* See message.h. Raw values and Avro's single-object encoding are written with the
 * configured schema; the latter says so itself, and anything else is refused rather than
 * misread. */
#include "engine/message.h"

#include <inttypes.h>

struct lw_decoder *lw_message_decoder(const struct lw_config *config,
                                      struct lw_err *err) {
    if (config->source.framing == LW_FRAMING_CONFLUENT) {
        lw_fail(err, LW_ECONFIG,
                "source.framing: confluent needs a schema registry client, which this "
                "version "
                "does not have yet; raw and single-object are read");
        return NULL;
    }
    return lw_decoder_new(config->source.schema, config->source.schema,
                          &config->spec.event.fields, err);
}

static int unwrap(const struct lw_config *config, const rd_kafka_message_t *m,
                  struct lw_frame *frame, struct lw_err *err) {
    if (lw_frame_parse(config->source.framing, m->payload, m->len, frame, err))
        return -1;
    uint64_t ours = lw_schema_fingerprint(config->source.schema);
    if (frame->by == LW_SCHEMA_CRC64 && frame->crc64 != ours)
        return lw_fail(err, LW_EINPUT,
                       "written with the schema of fingerprint %016" PRIx64
                       ", the configured one has %016" PRIx64,
                       frame->crc64, ours);
    return 0;
}

int lw_message_decode(const struct lw_config *config, const struct lw_decoder *decoder,
                      const rd_kafka_message_t *m, struct lw_cell *cells,
                      struct lw_err *err) {
    struct lw_frame frame = {.payload = m->payload, .len = m->len};
    if (config->source.framing != LW_FRAMING_RAW && unwrap(config, m, &frame, err))
        return -1;
    return lw_decoder_decode(decoder, frame.payload, frame.len, cells, err);
}

int64_t lw_message_time(const rd_kafka_message_t *m) {
    rd_kafka_timestamp_type_t type;
    int64_t ms = rd_kafka_message_timestamp(m, &type);
    return type == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE ? 0 : ms;
}
