/* The monitor's state in Redis, hash `monitor`. Thread: the connection's. */
#ifndef LW_STORE_MONITOR_STATE_H
#define LW_STORE_MONITOR_STATE_H

#include "core/spec.h"
#include "core/tracking.h"
#include "store/lease.h"
#include "store/redis.h"

/* The monitor's state as last written. */
struct lw_monitor_state {
    int64_t sealed_until_ms;
    int64_t updated_ms; /* wall clock of the last step; 0: none */
    void *state;        /* free() */
    size_t len;
    /* Messages known when the last one came in, and the wall clock then (0: unknown). */
    uint64_t heard;
    int64_t heard_ms;
    char damaged[64]; /* sealed_until as in Redis, if it is implausible; see _mend */
};
int lw_monitor_state_load(struct lw_redis *r, const struct lw_spec *spec,
                          struct lw_monitor_state *out, struct lw_err *err);
/* Moves a damaged sealed_until (state->damaged) away and restores the value from the
 * newest entry of the history, which is written together with it. LW_EFENCED. */
int lw_monitor_state_restore(struct lw_redis *r, const struct lw_spec *spec,
                             const struct lw_lease *lease, struct lw_monitor_state *state,
                             struct lw_err *err);
/* Stores when messages last came in, for the `silence` rules of the next leader.
 * LW_EFENCED. */
int lw_monitor_state_set_heard(struct lw_redis *r, const struct lw_spec *spec,
                               const struct lw_lease *lease, uint64_t heard,
                               int64_t heard_ms, struct lw_err *err);

/* Only its stamp: is the state still the one that was written last? */
int lw_monitor_state_stamp(struct lw_redis *r, const struct lw_spec *spec,
                           int64_t *sealed_until_ms, int64_t *updated_ms,
                           struct lw_err *err);

/* How predictions are tracked from now on, and the event time since when it is, or is
 * not, served (0: always). Damaged text: nothing is tracked. */
int lw_monitor_state_tracking(struct lw_redis *r, const struct lw_spec *spec,
                              struct lw_tracking_set *out, int64_t *since_ms,
                              struct lw_err *err);

/* The quarantine as JSON: an array of {id, feature, from, until (0: open), why}. The
 * reply owns the text ("[]" before the first evaluation). */
struct lw_reply *lw_monitor_state_quarantine(struct lw_redis *r,
                                             const struct lw_spec *spec,
                                             const char **json, struct lw_err *err);

#endif
