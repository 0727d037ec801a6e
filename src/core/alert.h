/* An alert: one change of state of a rule on one subject, or of something that leeway
 * reports without a rule. */
#ifndef LW_CORE_ALERT_H
#define LW_CORE_ALERT_H

#include "core/spec.h"

enum lw_alert_state { LW_ALERT_OK, LW_ALERT_PENDING, LW_ALERT_FIRING };
enum lw_severity { LW_SEVERITY_NONE, LW_SEVERITY_WARN, LW_SEVERITY_CRITICAL };
const char *
lw_alert_severity_name(enum lw_severity s); /* "none", "warning", "critical" */

/* Alerts that the monitor raises without a rule. */
enum lw_notice_kind {
    LW_NOTICE_ROLLBACK,
    LW_NOTICE_FAILED, /* a training */
    LW_NOTICE_PANE,   /* cannot be read */
    LW_NOTICE_STATE,  /* the monitor's state or a reference cannot be read */
    LW_NOTICES
};
/* The names of all alerts without a rule, by number: the notices, then those about
 * leeway itself (core/health.h); NULL past the last one. */
const char *lw_alert_notice_name(size_t i);

/* One change of an alert's state: fired, worsened or resolved. */
struct lw_alert {
    uint64_t fingerprint; /* of (stream, rule, feature) */
    uint64_t incident;    /* (fingerprint, start): the same from firing to resolved */
    bool firing;          /* else resolved */
    enum lw_severity severity;
    const struct lw_rule *rule; /* NULL for an alert without a rule */
    char name[LW_NAME_MAX];     /* the rule's, or "rollback", ... */
    char feature[LW_NAME_MAX];  /* "" for the model's own metrics */
    char window[32];
    double value, threshold;
    double once_in_days; /* how rare the value is on this stream; NAN: not known */
    uint64_t n;          /* sample size behind the value */
    uint32_t model_version;
    int64_t since_ms;  /* event time: start of the incident */
    int64_t at_ms;     /* event time: end of the window judged */
    char summary[320]; /* in plain words */
};

#endif
