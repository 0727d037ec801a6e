/* Alert states and what is sent about them, written by the leader. Thread: the one of
 * the connection. Texts are UTF-8. */
#ifndef LW_STORE_NOTIFICATIONS_H
#define LW_STORE_NOTIFICATIONS_H

#include "core/alert_status.h"
#include "core/monitor.h"
#include "store/lease.h"
#include "store/redis.h"

/* One alert as it goes to the outbox: rendered by the caller (alert/alert_json.h) as our JSON.
 */
struct lw_outgoing {
    char id[96];    /* idempotency key: incident-transition@receiver */
    uint64_t alert; /* fingerprint: deliveries about one alert keep their order */
    const char *json;
    size_t len;
};
/* A field of `alerts:message` (fingerprint, the newest message of an alert) or of
 * `alerts:told` (fingerprint@receiver, what it was told); text NULL: it goes. */
struct lw_notification_field {
    char name[64];
    const char *text;
    size_t len;
};
/* What goes out with a step, or by itself, all at once: deliveries, what was said to whom
 * by that, alerts that change their state otherwise than by the evaluation, and lines for
 * the audit. */
struct lw_notifications {
    size_t noutgoing, nmessages, ntold, nalerts, nlines;
    const struct lw_outgoing *outgoing;
    const struct lw_notification_field *message, *told;
    const struct lw_alert *alert;
    const struct lw_notification_line {
        char what[16];
        char detail[416];
    } * line;
};
/* By itself, outside a step; now_ms becomes the monitor's stamp. LW_EFENCED; after
 * LW_EAGAIN its fate is unknown: load what was told again. */
int lw_notifications_write(struct lw_redis *r, const struct lw_spec *spec,
                           const struct lw_lease *lease,
                           const struct lw_notifications *pages, int64_t now_ms,
                           struct lw_err *err);
/* What a new leader must know of alerts; each calls back once a field, in no order.
 * `told` gets the field's name and its text. One round trip. */
struct lw_notifications_reader {
    void *arg;
    void (*alert)(void *arg, const struct lw_alert_status *alert);
    void (*message)(void *arg, const char *fingerprint, const char *json, size_t len);
    void (*told)(void *arg, const char *name, const char *text);
};
int lw_notifications_load(struct lw_redis *r, const struct lw_spec *spec,
                          const struct lw_notifications_reader *reader,
                          struct lw_err *err);

#endif
