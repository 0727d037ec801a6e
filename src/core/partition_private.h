/* Shared by partition.c and partition_codec.c only. */
#ifndef LW_CORE_PARTITION_PRIVATE_H
#define LW_CORE_PARTITION_PRIVATE_H

#include "core/clock.h"
#include "core/partition.h"

#define LW_SPARE_PANES   8 /* as many panes as one flush may close; in the long run ... */
#define LW_SPARE_AT_REST 2 /* ... one opens while the one before it is not yet closed */

struct lw_partition {
    const struct lw_spec *spec;
    int32_t number;
    uint64_t stream_key;
    struct lw_clock clock;
    int64_t bound_ms;  /* time of the Kafka record that is being added */
    int64_t oldest_ms; /* start of the oldest pane ever held; INT64_MIN while not known */
    int64_t shut_ms;   /* end of the oldest pane in memory that the mark has not passed */
    int64_t struck_from_ms, struck_until_ms; /* starts of panes discarded since a flush */
    int64_t flushed_newest_ms;               /* lw_partition_newest at the last flush */
    uint64_t counter[LW_COUNTERS];
    struct lw_tracking_set tracking; /* of panes that begin from now on */
    struct lw_pane **pane;           /* in order of start */
    size_t npanes, cap;
    struct lw_pane *spare[LW_SPARE_PANES];
    size_t nspare;
};

#endif
