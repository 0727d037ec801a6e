/* How predictions are tracked, as text: the field `tracking` of the hashes `monitor` and
 * part:<topic>:<p>. "served" or "shadow", then for each version its number and a, b, c
 * of core/tracking.h; empty when no version is tracked. The numbers are exact. */
#ifndef LW_STORE_TRACKING_TEXT_H
#define LW_STORE_TRACKING_TEXT_H

#include "core/tracking.h"

#define LW_TRACKING_TEXT_MAX 640

char *lw_tracking_text(const struct lw_tracking_set *set, char out[LW_TRACKING_TEXT_MAX]);
/* False: the text is damaged, and *out is unchanged. */
bool lw_tracking_parse(const char *text, struct lw_tracking_set *out);

#endif
