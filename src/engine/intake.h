/* A Kafka message's value as the cells of the stream's fields: framing, the schema
 * that it was written with, then decoding.
 *
 * An intake belongs to one thread and caches at most 256 decoders; the last one is
 * checked first, so a message costs one comparison. Other schemas come from the
 * registry's cache, which may have to request them. */
#ifndef LW_ENGINE_INTAKE_H
#define LW_ENGINE_INTAKE_H

#include <librdkafka/rdkafka.h>

#include "config/config.h"
#include "event/framing.h"

struct lw_intake;

/* registry: for framing confluent (NULL otherwise); both are borrowed. LW_ECONFIG
 * when a configured schema cannot be read as the stream's. */
struct lw_intake *lw_intake_new(const struct lw_config *config,
                                struct lw_registry *registry, struct lw_err *err);
void lw_intake_free(struct lw_intake *in);

/* cells has one entry per field; texts point into the message. LW_EINPUT: it can never
 * be read. LW_EAGAIN: its schema is unknown and was requested. Hot path: allocates and
 * locks only for a new schema (librdkafka allocates to parse headers, if a message has
 * any). */
int lw_intake_decode(struct lw_intake *in, const rd_kafka_message_t *m,
                     struct lw_cell *cells, struct lw_err *err);
/* How long the registry must not know an id before its messages count as unreadable
 * (default: source.registry.missing_wait). */
void lw_intake_patience(struct lw_intake *in, int64_t ms);
/* After LW_EINPUT: because the registry does not know the schema. */
bool lw_intake_unknown(const struct lw_intake *in);
/* After LW_EAGAIN: what the message waits for, without its payload. */
struct lw_frame lw_intake_wanted(const struct lw_intake *in);
/* Requests the schema of a later message, if it is unknown; 1: requested. */
int lw_intake_ahead(struct lw_intake *in, const rd_kafka_message_t *m);
/* False while decoding would return LW_EAGAIN. */
bool lw_intake_ready(struct lw_intake *in, const struct lw_frame *frame);

/* Unix ms of the record; LW_NO_TIME when it has none. */
int64_t lw_intake_message_time(const rd_kafka_message_t *m);

#endif
