/* Data faults, as opposed to drift: a broken feed must be repaired, not learned.
 *
 * A fault is checked first, because it explains a change better than drift does, and no
 * retraining on faulty data is planned. Definitions, thresholds and reasons:
 * docs/statistics.md. */
#ifndef LEEWAY_FAULT_H
#define LEEWAY_FAULT_H

#include "leeway/profile.h"

#ifdef __cplusplus
extern "C" {
#endif

enum lw_fault_kind {
    LW_FAULT_NONE,
    LW_FAULT_NULLS,        /* figure: share of missing values now */
    LW_FAULT_OUT_OF_RANGE, /* figure: share of out-of-range values now */
    LW_FAULT_UNIT,         /* figure: ratio of the medians, current over reference */
    LW_FAULT_NEGATIVE,     /* figure: share of negative values now */
    LW_FAULT_STUCK         /* figure: share of the commonest value now */
};
const char *lw_fault_name(enum lw_fault_kind kind); /* "nulls", "unit", ... */

struct lw_fault {
    enum lw_fault_kind kind;
    double figure; /* finite; 0 for NONE */
    double unit;   /* UNIT: the factor found, e.g. 60 or 1.609344 or their inverse */
    const char
        *text; /* a clause for people, e.g. "minutes sent as seconds"; never NULL */
};

/* Minimum rows on each side for any fault but NONE. */
#define LW_FAULT_MIN_N 30

/* Pure function of two members of the same kind: a feature's, or the target's (the last
 * column of a pane's and of a reference's profile). O(retained items + categories).
 * Checks in the order of the enum and returns the first fault that applies. */
struct lw_fault lw_fault_find(const struct lw_member *reference,
                              const struct lw_member *current);

#ifdef __cplusplus
}
#endif
#endif
