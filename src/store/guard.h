/* Writes that only the holder of the newest fencing token may make: a list of commands
 * that guarded.lua checks and runs. */
#ifndef LW_STORE_GUARD_H
#define LW_STORE_GUARD_H

#include "store/evaluation.h"
#include "store/keys.h"
#include "store/lease.h"

/* Starts the list. The script checks the token and, if step is given, its sealed_until
 * and whether this step (id, <= 32 bytes) is already written. */
struct lw_cmd *lw_guard_begin(struct lw_redis *r, const struct lw_spec *spec,
                              const struct lw_lease *lease,
                              const struct lw_evaluation_step *step, const char *id);
/* Adds an operation: size_t slot = lw_cmd_slot(c); its words; lw_cmd_fill(c, slot). */
int lw_guard_run(struct lw_redis *r, struct lw_cmd *c, const char *what,
                 struct lw_err *err);

/* The id of a step, also of what is written with it; and the operations of the step.
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
/* Parses an entry of `alerts`; false: it is unreadable (alerts.c). */
bool lw__alerts_entry(const char *fingerprint, const struct lw_reply *value,
                      struct lw_alert_status *out);
/* The silences in the hash that have not ended, soonest end first; free() (alerts.c). */
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
/* The same for the stream of evaluations, which is separate so that frequent
 * evaluations do not push decisions out of the audit. */
void lw__audit_evaluation_words(struct lw_cmd *c, const struct lw_spec *spec,
                                const struct lw_audit_line *line);

#endif
