/* The newest state of each alert, and why its notification is not sent: a silence, or
 * another alert that explains it.
 *
 * A rule with LW_ACTION_INHIBIT (by default the rules about the feed,
 * lw_metric_of_feed) that fires at the critical level inhibits other alerts. If the
 * rule is about the whole stream, it inhibits every alert about the model or a
 * distribution; if it is about a feature, it inhibits the alerts of that feature, of
 * the predictions, and of the model. Alerts about the feed itself and alerts without a
 * rule (a rollback) are never inhibited. */
#ifndef LW_CORE_ALERT_STATUS_H
#define LW_CORE_ALERT_STATUS_H

#include "core/alert.h"

/* An alert's newest state. Unknown figures are NAN. */
struct lw_alert_status {
    uint64_t fingerprint, incident;
    bool firing; /* else resolved */
    enum lw_severity severity;
    char rule[LW_NAME_MAX], feature[LW_NAME_MAX], window[32]; /* "" where none */
    double value, threshold;
    double once_in_days; /* of a rule on a budget */
    uint64_t n;
    uint32_t model_version;
    int64_t since_ms, at_ms; /* event time; wall clock for live metrics */
    char summary[320];
    char silenced_by[16]; /* id of the silence; set by lw_alert_status_judge; "": none */
    char inhibited_by[2 * LW_NAME_MAX + 8]; /* "fault of trip_distance"; likewise */
};

/* Matching alerts are not sent. Empty fields match everything; '*' at the end of a name
 * matches any rest. */
struct lw_silence {
    char id[16]; /* 8 hex digits */
    char rule[LW_NAME_MAX], feature[LW_NAME_MAX];
    enum lw_severity severity; /* NONE: any; else exactly this one */
    int64_t from_ms, until_ms; /* wall clock: [from, until) */
    char by[192], comment[200];
};
bool lw_silence_covers(const struct lw_silence *s, const struct lw_alert_status *alert,
                       int64_t now_ms);

/* Can the silence match any alert of the stream? If not, it would have no effect:
 * LW_ECONFIG names the field. */
int lw_silence_check(const struct lw_spec *spec, const struct lw_silence *s,
                     struct lw_err *err);

/* Fills silenced_by and inhibited_by of all n. Cost: O(n * (n + nsilences)). */
void lw_alert_status_judge(const struct lw_spec *spec, struct lw_alert_status *alert,
                           size_t n, const struct lw_silence *silence, size_t nsilences,
                           int64_t now_ms);
/* Sorts for lists: firing first, then critical before warning, then newest first. */
void lw_alert_status_sort(struct lw_alert_status *alert, size_t n);

#endif
