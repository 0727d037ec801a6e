/* `meta`: contract version, topic, partitions and pane length of a stream. */
#ifndef LW_STORE_META_H
#define LW_STORE_META_H

#include "core/spec.h"
#include "store/redis.h"

#define LW_PARTITIONS_MAX 100000 /* of a topic; more is damage */

/* Checks only the contract version, for programs that only read. LW_EINPUT: the state
 * follows another version. */
int lw_meta_contract(struct lw_redis *r, const struct lw_spec *spec, struct lw_err *err);
/* Checks whether this configuration can continue with the state in Redis. LW_ECONFIG:
 * another contract version, panes of another length, or another topic. */
int lw_meta_check(struct lw_redis *r, const struct lw_spec *spec, const char *topic,
                  struct lw_err *err);
/* The number of partitions that the stream has known so far; 0: it is new; -1: error.
 * More than the topic has now (live) count only where there is a state of them. */
int32_t lw_meta_partitions(struct lw_redis *r, const struct lw_spec *spec,
                           const char *topic, int32_t live, struct lw_err *err);

/* Writes `meta` (contract version, configuration hash, feature list, partitions,
 * created), after lw_meta_check. */
int lw_meta_write(struct lw_redis *r, const struct lw_spec *spec, const char *topic,
                  int32_t npartitions, const char *code_version, int64_t now_ms,
                  struct lw_err *err);

#endif
