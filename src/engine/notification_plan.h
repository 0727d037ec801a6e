/* The leader's notification planner: what each receiver was last notified of, in
 * memory while this process leads, and what is sent next. Thread: the leader's. */
#ifndef LW_ENGINE_NOTIFICATION_PLAN_H
#define LW_ENGINE_NOTIFICATION_PLAN_H

#include "engine/engine_private.h"
#include "store/notifications.h"

struct lw_notification_plan;

struct lw_notification_plan *lw_notification_plan_new(const struct lw_config *config);
void lw_notification_plan_free(struct lw_notification_plan *p);
/* Loads alerts, messages, what receivers were notified of, and the silences. */
int lw_notification_plan_load(struct lw_notification_plan *p, struct lw_redis *r,
                              struct lw_err *err);
/* Reloads the silences when they are older than a second. */
int lw_notification_plan_silences(struct lw_notification_plan *p, struct lw_redis *r,
                                  struct lw_err *err);

/* Notifications for an evaluation's changes; json[i] is the message of alert i
 * (empty: it could not be rendered). They belong to the plan and count as written: if
 * writing them fails, the plan must be loaded again. */
const struct lw_notifications *
lw_notification_plan_changes(struct lw_notification_plan *p, const struct lw_alert *alert,
                             size_t n, const struct lw_buf *json, int64_t now_ms);
/* The same for one alert about leeway itself, with its state, which the monitor does
 * not have. */
const struct lw_notifications *lw_notification_plan_itself(struct lw_notification_plan *p,
                                                           const struct lw_alert *alert,
                                                           const struct lw_buf *json,
                                                           int64_t now_ms);
/* Status of an alert; NULL: unknown. Borrowed until the next call. */
const struct lw_alert_status *
lw_notification_plan_status(const struct lw_notification_plan *p, uint64_t fingerprint);
/* Resolves alerts of rules and features that the configuration no longer has or the
 * monitor does not know. */
const struct lw_notifications *
lw_notification_plan_orphans(struct lw_notification_plan *p, const struct lw_monitor *m,
                             int64_t now_ms);

/* Notifications that are due by the clock: repetitions, and those that a silence or a
 * cause deferred. again renders the current message of a firing alert as repetition
 * `repeat` (false: it could not); waits is true while a delivery of the alert to the
 * receiver is pending, when a repetition would only lengthen its queue. NULL: nothing
 * is due. */
struct lw_notification_hooks {
    void *arg;
    bool (*again)(void *arg, uint64_t fingerprint, unsigned repeat, struct lw_buf *json);
    bool (*waits)(void *arg, const struct lw_receiver *r, uint64_t fingerprint);
};
const struct lw_notifications *
lw_notification_plan_round(struct lw_notification_plan *p,
                           const struct lw_notification_hooks *hooks, int64_t now_ms);

#endif
