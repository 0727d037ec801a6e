/* Alerts and silences as JSON for lists. Figures, versions and times that are not known are
 * null. The caller owns the object. Thread: any. */
#ifndef LW_ALERT_STATUS_JSON_H
#define LW_ALERT_STATUS_JSON_H

#include <jansson.h>

#include "core/alert_status.h"

json_t *lw_alert_status_json(const struct lw_alert_status *alert);
json_t *lw_silence_json(const struct lw_silence *silence);

#endif
