/* Detection of another unit, used by fault.c. */
#ifndef LW_DRIFT_FAULT_UNIT_H
#define LW_DRIFT_FAULT_UNIT_H

#include "leeway/fault.h"

/* Both sides have at least LW_FAULT_MIN_N values in range. */
struct lw_fault lw_fault_unit(const struct lw_numeric *ref, const struct lw_numeric *cur);

#endif
