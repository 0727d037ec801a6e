/* Alert states and their notifications, written by the leader. Thread: the
 * connection's. Texts are UTF-8. */
#ifndef LW_STORE_NOTIFICATIONS_H
#define LW_STORE_NOTIFICATIONS_H

#include "core/alert_status.h"
#include "core/monitor.h"
#include "store/lease.h"
#include "store/redis.h"

/* One delivery in the outbox; the caller renders the message as JSON
 * (alert/alert_json.h). */
struct lw_outgoing {
    char id[96];    /* idempotency key: incident-transition@receiver */
    uint64_t alert; /* fingerprint: deliveries of one alert stay in order */
    const char *json;
    size_t len;
};
/* A field of `alerts:message` (fingerprint: the newest message of an alert) or of
 * `alerts:notified` (fingerprint@receiver: what the receiver was last notified of);
 * text NULL deletes it. */
struct lw_notification_field {
    char name[64];
    const char *text;
    size_t len;
};
/* What is written together about alerts, in a step or by itself: deliveries, what
 * receivers were thereby notified of, alert states that change outside an evaluation,
 * and lines of the audit. */
struct lw_notifications {
    size_t noutgoing, nmessages, nnotified, nalerts, nlines;
    const struct lw_outgoing *outgoing;
    const struct lw_notification_field *message, *notified;
    const struct lw_alert *alert;
    const struct lw_notification_line {
        char what[16];
        char detail[416];
    } * line;
};
/* Writes outside a step; now_ms becomes the monitor's stamp. LW_EFENCED. After
 * LW_EAGAIN the outcome is unknown: load the notification states again. */
int lw_notifications_write(struct lw_redis *r, const struct lw_spec *spec,
                           const struct lw_lease *lease,
                           const struct lw_notifications *notifications, int64_t now_ms,
                           struct lw_err *err);
/* Loads what a new leader must know of alerts: calls back once per field, unordered.
 * `notified` gets the field's name and text. One round trip. */
struct lw_notifications_reader {
    void *arg;
    void (*alert)(void *arg, const struct lw_alert_status *alert);
    void (*message)(void *arg, const char *fingerprint, const char *json, size_t len);
    void (*notified)(void *arg, const char *name, const char *text);
};
int lw_notifications_load(struct lw_redis *r, const struct lw_spec *spec,
                          const struct lw_notifications_reader *reader,
                          struct lw_err *err);

struct lw_cmd;
struct lw_evaluation_step;
/* Alert states, messages, outbox and notification states. */
void lw__notifications_put(struct lw_redis *r, struct lw_cmd *c,
                           const struct lw_spec *spec,
                           const struct lw_evaluation_step *step);

#endif
