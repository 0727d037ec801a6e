/* One pane of one partition, made again from Kafka. */
#ifndef LW_REBUILD_H
#define LW_REBUILD_H

#include "config/config.h"
#include "store/damage.h"

struct lw_rebuilt {
    struct lw_partition *partition; /* holds the pane; the caller frees */
    struct lw_pane *pane;           /* borrowed from it */
    uint64_t wanted; /* events that the pane held; it is the same again when as many are
                        found */
    uint64_t gone;   /* offsets of it that Kafka no longer holds */
};
/* Reads the offsets that are noted for the pane, outside the group, and scores with the
 * versions that scored it. LW_ENOTFOUND: nothing is noted of it, or Kafka holds nothing.
 * Blocks for as long as reading takes. */
int lw_rebuild_pane(const struct lw_config *config, struct lw_redis *redis,
                    int64_t start_ms, int32_t partition, struct lw_rebuilt *out,
                    struct lw_err *err);

#endif
