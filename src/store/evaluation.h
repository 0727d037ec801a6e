/* Writes one step of the leader, fenced by its token. Thread: the connection's. */
#ifndef LW_STORE_EVALUATION_H
#define LW_STORE_EVALUATION_H

#include "core/monitor.h"
#include "store/lease.h"
#include "store/notifications.h"
#include "store/state.h"

/* Everything that one step of the monitor changes: monitor state, now, history,
 * windows, alert states, outbox, audit and shadows. Fenced by the token and the
 * sealed_until that was loaded. LW_EFENCED: another process has led meanwhile; drop
 * the token and load the state again. After LW_EAGAIN the same step may be sent again:
 * a step that was already written is recognised by its content and succeeds. */
struct lw_evaluation_step {
    const struct lw_lease *lease;
    int64_t was_sealed_until_ms;
    struct lw_monitor *monitor; /* after the step */
    const struct lw_evaluation *evaluation;
    bool sealed; /* a pane was sealed: now, history and windows are written */
    bool served; /* the tracked predictions, until this step */
    bool asked;  /* answers the oldest request of a person, and removes it */
    const struct lw_notifications *notifications; /* or NULL */
    const struct lw_unreadable_panes *unread; /* panes left out of this step, or NULL */
    int64_t now_ms;
};
int lw_evaluation_write(struct lw_redis *r, const struct lw_spec *spec,
                        const struct lw_evaluation_step *step, struct lw_err *err);

struct lw_buf;
struct lw_cmd;
/* The id of a step, also of what is written with it; and the operations of the step.
 * state: the monitor's bytes. */
void lw__evaluation_id(const struct lw_evaluation_step *step, const struct lw_buf *state,
                       const char *extra, char out[17]);
void lw__evaluation_put(struct lw_redis *r, struct lw_cmd *c, const struct lw_spec *spec,
                        const struct lw_evaluation_step *step, const struct lw_buf *state,
                        const char *id);

#endif
