/* Shared by the files that read partition state. */
#ifndef LW_STORE_STATE_PRIVATE_H
#define LW_STORE_STATE_PRIVATE_H

#include "store/state.h"

/* The answers of adopt.lua. Tracking that is absent or damaged leaves out->tracking as
 * it is. */
struct lw_adopted {
    const struct lw_reply *champion, *shadows, *tracking;
};
void lw__state_read_active(const struct lw_adopted *adopted,
                           struct lw_active_versions *out);
/* Applies a leader's sealed_until to p, if it is accepted; "": there is none. */
void lw__state_read_sealed(struct lw_partition *p, const struct lw_reply *reply);
/* The stored progress: its bytes, the offset that it belongs to, and a hash of both. */
void lw__state_put_progress(struct lw_buf *out, const struct lw_partition *p,
                            int64_t next_offset);
/* Removes offset and hash from *len. LW_EINPUT. */
int lw__state_open_progress(const char *data, size_t *len, int64_t *next_offset,
                            struct lw_err *err);
/* A line "<start> <first> <last> <events>" of offsets:<p>. Returns how many fields are
 * readable; 0: the line has no offsets (the topic was recreated meanwhile). */
struct lw_offsets_line {
    int64_t start_ms, first, last;
    uint64_t events;
};
int lw__state_offsets_line(const struct lw_reply *line, struct lw_offsets_line *out);
/* In the epoch of the claim: moves a next_offset that differs from the progress's to
 * unreadable:NAME and restores it. */
int lw__state_restore_offset(struct lw_redis *r, const struct lw_claim_target *of,
                             struct lw_claim *out, struct lw_err *err);
/* In the epoch of the claim: moves an unreadable part hash to unreadable:NAME, and
 * creates a new one from what else is known: where the newest pane ends, which panes
 * are open. of->p is replaced. LW_EAGAIN: claim again. */
int lw__state_rebuild(struct lw_redis *r, const struct lw_claim_target *of,
                      struct lw_claim *out, const char *why, struct lw_err *err);
/* The longest time that a pane is kept. */
int64_t lw__state_pane_expiry_ms(const struct lw_spec *spec);
/* The start in "<start>:<partition>"; INT64_MIN: not the name of a pane. */
int64_t lw__state_pane_start(const struct lw_spec *spec, const char *name,
                             int32_t *number);
int lw__state_pane_fill(struct lw_pane *pane, const struct lw_reply *fields,
                        struct lw_err *err);

#endif
