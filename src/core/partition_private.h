/* Shared by partition.c and partition_codec.c only. */
#ifndef LW_PARTITION_PRIVATE_H
#define LW_PARTITION_PRIVATE_H

#include "core/partition.h"

#define LW_SPARE_PANES   8 /* as many panes as one flush may close; in the long run ... */
#define LW_SPARE_AT_REST 2 /* ... one opens while the one before it is not yet closed */
#define LW_FIRST_MAX     16
#define LW_TIME_LIMIT    (INT64_C(1) << 60) /* ms either side of 1970 */

struct lw_partition {
    const struct lw_spec *spec;
    int32_t number;
    uint64_t stream_key;
    int64_t newest_ms, oldest_ms; /* INT64_MIN while not known */
    int64_t first[LW_FIRST_MAX];  /* times of the first events, until they agree */
    int nfirst;
    int suspects; /* consecutive events far ahead that agree with each other */
    int64_t suspect_ms;
    uint64_t counter[LW_COUNTERS];
    struct lw_pane **pane; /* in order of start */
    size_t npanes, cap;
    struct lw_pane *spare[LW_SPARE_PANES];
    size_t nspare;
};

#endif
