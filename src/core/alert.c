/* See alert.h. */
#include "core/alert.h"

#include "core/health.h"

const char *lw_alert_severity_name(enum lw_severity s) {
    static const char *const names[] = {"none", "warning", "critical"};
    return names[s];
}

static const char *const notice_name[LW_NOTICES] = {
    "rollback", "training-failed", "unreadable-pane", "unreadable-state"};

const char *lw_alert_notice_name(size_t i) {
    if (i < LW_NOTICES)
        return notice_name[i];
    i -= LW_NOTICES;
    return i < LW_COMPONENTS ? lw_health_component_alert((enum lw_component)i) : NULL;
}
