/* Writes that only the holder of the newest fencing token may make: a list of commands
 * behind the checks of lw_script_guarded. */
#ifndef LW_STORE_GUARD_H
#define LW_STORE_GUARD_H

#include "store/evaluation.h"
#include "store/keys.h"
#include "store/lease.h"

/* Starts the list: the token is checked, and if step is given also its sealed_until and
 * whether this very step (id, <= 32 bytes) is in already. */
struct lw_cmd *lw_guard_begin(struct lw_redis *r, const struct lw_spec *spec,
                              const struct lw_lease *lease,
                              const struct lw_evaluation_step *step, const char *id);
/* Operations: size_t slot = lw_cmd_slot(c); words; lw_cmd_fill(c, slot). */
int lw_guard_run(struct lw_redis *r, struct lw_cmd *c, const char *what,
                 struct lw_err *err);

/* An id of the step and of what else happens with it, and the operations of the step.
 * state: the monitor's bytes. */
void lw__evaluation_id(const struct lw_evaluation_step *step, const struct lw_buf *state,
                       const char *extra, char out[17]);
void lw__evaluation_put(struct lw_redis *r, struct lw_cmd *c, const struct lw_spec *spec,
                        const struct lw_evaluation_step *step, const struct lw_buf *state,
                        const char *id);
/* now, history and windows of an evaluation (figures.c). */
void lw__figures_put(struct lw_cmd *c, const struct lw_spec *spec,
                     const struct lw_evaluation_step *step);
void lw__windows_put(struct lw_redis *r, struct lw_cmd *c, const struct lw_spec *spec,
                     struct lw_monitor *m);
/* Alert states, messages, outbox and notification states (notifications.c). */
void lw__alerts_put(struct lw_redis *r, struct lw_cmd *c, const struct lw_spec *spec,
                    const struct lw_evaluation_step *step);

/* One entry of the outbox (outbox.c). */
void lw__outbox_put(struct lw_cmd *c, const struct lw_spec *spec,
                    const struct lw_outgoing *o);
/* An entry of `alerts`; false: it cannot be read (alerts.c). */
bool lw__alerts_entry(const char *fingerprint, const struct lw_reply *value,
                      struct lw_alert_status *out);
/* The silences of the hash that have not ended, soonest end first; free() (alerts.c). */
size_t lw__alerts_silences(const struct lw_reply *hash, int64_t now_ms,
                           struct lw_silence **out);

#define LW_AUDIT_CAP       50000
#define LW_EVALUATIONS_CAP 10000
#define LW_OUTBOX_CAP      10000
struct lw_audit_line {
    const char *what, *who, *detail;
    int64_t event_ms, now_ms;
};
/* The words of one XADD to the audit stream. */
void lw__audit_words(struct lw_cmd *c, const struct lw_spec *spec,
                     const struct lw_audit_line *line);
/* ... to the stream of evaluations. It is separate because events decide how many there
 * are, and they must not push decisions out of the audit. */
void lw__audit_evaluation_words(struct lw_cmd *c, const struct lw_spec *spec,
                                const struct lw_audit_line *line);

#endif
