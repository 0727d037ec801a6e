/* A client that only asks: no member of a group, and no idempotent producer, which would
 * need the right to write. Thread: one. */
#ifndef LW_KAFKA_PROBE_H
#define LW_KAFKA_PROBE_H

#include "kafka/client.h"

struct lw_probe;
struct lw_probe *lw_probe_new(const struct lw_kafka_options *options, struct lw_err *err);
void lw_probe_free(struct lw_probe *p);
rd_kafka_t *lw_probe_handle(struct lw_probe *p);
/* lw_kafka_partitions. */
int32_t lw_probe_partitions(struct lw_probe *p, const char *topic, int timeout_ms,
                            struct lw_err *err);

/* Has this user the rights that `leeway run` needs? Each is tried by the request that
 * will be made, in a form that the broker refuses behind its ACLs, so nothing is read,
 * moved or written. 0, or -1 with LW_ECONFIG (no, and what to grant) or LW_EAGAIN (no
 * answer). Blocks for at most timeout_ms and what a client takes to end. */
int lw_kafka_may_read(const struct lw_kafka_options *options, const char *topic,
                      int timeout_ms, struct lw_err *err);
/* Join the group, and commit offsets of the topic for it. */
int lw_kafka_may_join(const struct lw_kafka_options *options, const char *topic,
                      int timeout_ms, struct lw_err *err);
int lw_kafka_may_write(const struct lw_kafka_options *options, const char *topic,
                       int timeout_ms, struct lw_err *err);

#endif
