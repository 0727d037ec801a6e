/* See format.h. */
#include "alert/format.h"

#include "base/mem.h"

static const char *const format_names[LW_FORMATS] = {
    "json",    "alertmanager_webhook", "alertmanager", "slack", "pagerduty", "teams",
    "template"};

const char *lw_format_name(enum lw_format f) {
    lw_assert((unsigned)f < LW_FORMATS);
    return format_names[f];
}

enum lw_keyed lw_format_keyed(enum lw_format f) {
    switch (f) {
    case LW_FORMAT_ALERTMANAGER:
    case LW_FORMAT_ALERTMANAGER_WEBHOOK:
        return LW_KEYED_LABELS;
    case LW_FORMAT_PAGERDUTY:
        return LW_KEYED_INCIDENT;
    default:
        return LW_KEYED_NOT;
    }
}
