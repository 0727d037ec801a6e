/* `meta`: contract version, topic, partitions and pane length of a stream. */
#ifndef LW_STORE_META_H
#define LW_STORE_META_H

#include "core/spec.h"
#include "store/redis.h"

#define LW_PARTITIONS_MAX 100000 /* of a topic; more is damage */

/* Checks only the contract version, for programs that only read. LW_EINPUT: the state
 * has another version. */
int lw_meta_contract(struct lw_redis *r, const struct lw_spec *spec, struct lw_err *err);
/* Checks whether this configuration can continue the state in Redis. LW_ECONFIG:
 * another contract version, pane length or topic. */
int lw_meta_check(struct lw_redis *r, const struct lw_spec *spec, const char *topic,
                  struct lw_err *err);
/* The number of partitions that the stream has known so far; 0: it is new; -1: error.
 * Partitions beyond the topic's current number (live) count only if they have state. */
int32_t lw_meta_partitions(struct lw_redis *r, const struct lw_spec *spec,
                           const char *topic, int32_t live, struct lw_err *err);

struct lw_meta {
    const char *topic;
    int32_t npartitions;
    const char *code_version;
    int64_t now_ms;
};
/* Writes `meta` (contract version, configuration hash, feature list, partitions,
 * created), after lw_meta_check. */
int lw_meta_write(struct lw_redis *r, const struct lw_spec *spec,
                  const struct lw_meta *meta, struct lw_err *err);

#endif
