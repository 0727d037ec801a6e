/* A Kafka message's value as the cells of the stream's fields: framing, then decoding. */
#ifndef LW_MESSAGE_H
#define LW_MESSAGE_H

#include <librdkafka/rdkafka.h>

#include "config/config.h"
#include "event/schema.h"

/* The decoder for what the configuration says of the topic. LW_ECONFIG. */
struct lw_decoder *lw_message_decoder(const struct lw_config *config, struct lw_err *err);

/* cells has one entry a field; texts point into the message. LW_EINPUT: it can never be
 * read. Hot path. */
int lw_message_decode(const struct lw_config *config, const struct lw_decoder *decoder,
                      const rd_kafka_message_t *m, struct lw_cell *cells,
                      struct lw_err *err);
/* Unix ms of the record; 0 when it has none. */
int64_t lw_message_time(const rd_kafka_message_t *m);

#endif
