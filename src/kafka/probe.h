/* A client for requests: not in a group, and not an idempotent producer, which would
 * need the permission to write. Thread: one. */
#ifndef LW_KAFKA_PROBE_H
#define LW_KAFKA_PROBE_H

#include "kafka/ranges.h"

struct lw_probe;
struct lw_probe *lw_probe_new(const struct lw_kafka_options *options, struct lw_err *err);
void lw_probe_free(struct lw_probe *p);
rd_kafka_t *lw_probe_handle(struct lw_probe *p);
/* lw_kafka_partitions. */
int32_t lw_probe_partitions(struct lw_probe *p, const char *topic, int timeout_ms,
                            struct lw_err *err);
/* What the first n partitions hold: at most n ranges, none for a partition that is empty
 * or does not answer in timeout_ms. Returns how many. */
size_t lw_probe_ranges(struct lw_probe *p, const char *topic, int32_t n, int timeout_ms,
                       struct lw_offset_range *out);

/* Checks the permissions that `leeway run` needs, each by the request that will be
 * made, in a form that the broker rejects after its ACLs, so nothing is read, moved
 * or written. 0, or -1 with LW_ECONFIG (what to grant) or LW_EAGAIN (no answer).
 * Blocks for timeout_ms and the time to close a client. */
int lw_kafka_may_read(const struct lw_kafka_options *options, const char *topic,
                      int timeout_ms, struct lw_err *err);
/* Join the group, and commit offsets of the topic for it. */
int lw_kafka_may_join(const struct lw_kafka_options *options, const char *topic,
                      int timeout_ms, struct lw_err *err);
int lw_kafka_may_write(const struct lw_kafka_options *options, const char *topic,
                       int timeout_ms, struct lw_err *err);

#endif
