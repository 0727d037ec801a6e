/* How the champion's predictions are tracked, as /api/v1/now and `leeway status --json`
 * show it. The caller owns the value. Thread: any. */
#ifndef LW_STORE_TRACKING_JSON_H
#define LW_STORE_TRACKING_JSON_H

#include <jansson.h>

#include "core/tracking.h"

/* null: tracking is off. Numbers that are not known are null. */
json_t *lw_tracking_json(const struct lw_tracking_spec *spec,
                         const struct lw_tracking_set *set, uint32_t champion,
                         int64_t since_ms);

#endif
