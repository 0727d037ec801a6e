/* details.top_drifted and details.shifted of a message. Internal to the layer. */
#ifndef LW_ALERT_TOP_DRIFTED_H
#define LW_ALERT_TOP_DRIFTED_H

#include <jansson.h>

#include "alert/alert_json.h"

/* Compares the sketches of the context's reference and window, if it has both; else the
 * lists are empty. */
void lw__top_drifted_put(json_t *details, const struct lw_spec *spec,
                         const struct lw_alert *alert,
                         const struct lw_alert_context *context);

#endif
