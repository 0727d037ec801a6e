/* Another unit: fault.c asks, fault_unit.c answers. */
#ifndef LW_DRIFT_FAULT_UNIT_H
#define LW_DRIFT_FAULT_UNIT_H

#include "leeway/fault.h"

/* Both hold LW_FAULT_MIN_N values in range or more. */
struct lw_fault lw_fault_unit(const struct lw_numeric *ref, const struct lw_numeric *cur);

#endif
