/* One step of the leader, written at once and fenced by its token. Thread: the one of
 * the connection. */
#ifndef LW_STORE_EVALUATION_H
#define LW_STORE_EVALUATION_H

#include "core/monitor.h"
#include "store/lease.h"
#include "store/notifications.h"
#include "store/state.h"

/* Everything one step of the monitor changes, at once: monitor state, now, history,
 * windows, alert states, outbox, audit, and the shadows. Fenced by the token and by the
 * sealed_until that was loaded: LW_EFENCED when somebody else has led meanwhile (then
 * give up the lease's token and load again). After LW_EAGAIN the same step may be sent
 * again: one that is in already is recognised by its content and answers as success. */
struct lw_evaluation_step {
    const struct lw_lease *lease;
    int64_t was_sealed_until_ms;
    struct lw_monitor *monitor; /* after the step */
    const struct lw_evaluation *evaluation;
    bool sealed; /* a pane was sealed: now, history and windows are written */
    bool asked;  /* answers the oldest request of a person, which is taken off */
    const struct lw_notifications *pages;     /* or NULL */
    const struct lw_unreadable_panes *unread; /* panes left out of this step, or NULL */
    int64_t now_ms;
};
int lw_evaluation_write(struct lw_redis *r, const struct lw_spec *spec,
                        const struct lw_evaluation_step *step, struct lw_err *err);

#endif
