/* The monitor's state in Redis, hash `monitor`. Thread: the one of the connection. */
#ifndef LW_STORE_MONITOR_STATE_H
#define LW_STORE_MONITOR_STATE_H

#include "core/spec.h"
#include "store/lease.h"
#include "store/redis.h"

/* The monitor's state as last written: sealed_until (INT64_MIN when none) and the
 * monitor's bytes (NULL when none). */
struct lw_monitor_state {
    int64_t sealed_until_ms;
    int64_t updated_ms; /* wall clock of the last step; 0: none */
    void *state;        /* free() */
    size_t len;
    /* Messages known when the last one came in, and when that was (wall; 0: not known).
     */
    uint64_t heard;
    int64_t heard_ms;
    char damaged[64]; /* sealed_until as it stands there, when it is none; see _mend */
};
int lw_monitor_state_load(struct lw_redis *r, const struct lw_spec *spec,
                          struct lw_monitor_state *out, struct lw_err *err);
/* sealed_until is damaged (state->damaged): moves it away and restores what the newest
 * entry of the history says of it, for the two are written together. LW_EFENCED. */
int lw_monitor_state_restore(struct lw_redis *r, const struct lw_spec *spec,
                             const struct lw_lease *lease, struct lw_monitor_state *state,
                             struct lw_err *err);
/* Notes that messages came in, for the next leader's rules on `silence`. LW_EFENCED. */
int lw_monitor_state_set_heard(struct lw_redis *r, const struct lw_spec *spec,
                               const struct lw_lease *lease, uint64_t heard,
                               int64_t heard_ms, struct lw_err *err);

/* Its stamp only: whether what is there is what was written last. */
int lw_monitor_state_stamp(struct lw_redis *r, const struct lw_spec *spec,
                           int64_t *sealed_until_ms, int64_t *updated_ms,
                           struct lw_err *err);

/* What is in quarantine, as JSON: an array of {id, feature, from, until (0: open), why}.
 * The reply owns the text ("[]" before the first evaluation). */
struct lw_reply *lw_monitor_state_quarantine(struct lw_redis *r,
                                             const struct lw_spec *spec,
                                             const char **json, struct lw_err *err);

#endif
