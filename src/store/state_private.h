/* Shared by the files that read partition state. */
#ifndef LW_STORE_STATE_PRIVATE_H
#define LW_STORE_STATE_PRIVATE_H

#include "store/state.h"

void lw__force_read(const struct lw_reply *champion, const struct lw_reply *shadows,
                    struct lw_active_versions *out);
/* A leader's sealed_until, where it is believed; "": nothing. */
void lw__sealed_read(struct lw_partition *p, const struct lw_reply *reply);
/* The progress as it is kept: behind its bytes the offset that it stands at, and a hash
 * of both. */
void lw__progress_put(struct lw_buf *out, const struct lw_partition *p,
                      int64_t next_offset);
/* Takes the two off *len again. LW_EINPUT. */
int lw__progress_open(const char *data, size_t *len, int64_t *next_offset,
                      struct lw_err *err);
/* A line "<start> <first> <last> <events>" of offsets:<p>. How many of its fields can be
 * read; 0: it tells no offsets, as one of a topic that was recreated meanwhile. */
struct lw_offsets_line {
    int64_t start_ms, first, last;
    uint64_t events;
};
int lw__offsets_line(const struct lw_reply *line, struct lw_offsets_line *out);
/* A partition that is being claimed. */
struct lw_claim_target {
    const struct lw_spec *spec;
    const char *topic, *owner;
    int32_t number;
    struct lw_partition *p;
};
/* In the epoch of the claim: next_offset is not the one that the progress stands at; it
 * is put back. What was there is moved away. */
int lw__put_back(struct lw_redis *r, const struct lw_claim_target *of,
                 struct lw_claim *out, struct lw_err *err);
/* In the epoch of the claim: moves away a part hash that cannot be read, and begins it
 * anew with what else is known: where the newest pane ends, which panes are open. of->p
 * is replaced. LW_EAGAIN: claim again. */
int lw__rebuild(struct lw_redis *r, const struct lw_claim_target *of,
                struct lw_claim *out, const char *why, struct lw_err *err);
/* For how long a pane is kept whatever happens. */
int64_t lw__pane_expiry_ms(const struct lw_spec *spec);
/* "<start>:<partition>" as the start; INT64_MIN: it names no pane. */
int64_t lw__pane_start(const struct lw_spec *spec, const char *name, int32_t *number);
int lw__pane_fill(struct lw_pane *pane, const struct lw_reply *fields,
                  struct lw_err *err);

#endif
