/* Rebuilds one pane of one partition from Kafka. */
#ifndef LW_ENGINE_REBUILD_H
#define LW_ENGINE_REBUILD_H

#include "config/config.h"
#include "store/damage.h"

struct lw_rebuilt {
    struct lw_partition *partition; /* holds the pane; the caller frees */
    struct lw_pane *pane;           /* borrowed from it */
    uint64_t wanted;                /* events that the pane had; finding as many makes it
                        identical */
    bool exact;    /* complete, or all that is left of a restarted pane */
    uint64_t gone; /* offsets that Kafka no longer holds */
};
/* Reads the offsets that were recorded for the pane, outside the group, and scores
 * with the versions that scored it. LW_ENOTFOUND: nothing was recorded, or Kafka has
 * none of it. Blocks while reading. */
struct lw_rebuilder {
    const struct lw_config *config;
    struct lw_registry *registry; /* of framing confluent; else NULL */
    struct lw_redis *redis;
};
int lw_rebuild_pane(const struct lw_rebuilder *with, int64_t start_ms, int32_t partition,
                    struct lw_rebuilt *out, struct lw_err *err);

#endif
