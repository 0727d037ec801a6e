/* Alerts about leeway itself (self_alert.c). */
#ifndef LW_ENGINE_SELF_ALERT_H
#define LW_ENGINE_SELF_ALERT_H

struct lw_err;
struct lw_leader;
struct lw_notifier;
struct lw_watch;

/* Fires and resolves alerts about leeway itself. */
int lw__self_alert_step(struct lw_leader *l, struct lw_err *err);
/* Decides which alerts bypass the outbox, and prepares their messages. */
void lw__self_alert_direct(struct lw_watch *w);
/* Sends the receiver the alerts that bypass the outbox. */
void lw__self_alert_deliver(struct lw_notifier *n);

#endif
