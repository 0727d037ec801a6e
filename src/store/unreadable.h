/* Shared by the files that find unreadable panes, move them and report them. */
#ifndef LW_STORE_UNREADABLE_H
#define LW_STORE_UNREADABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/spec.h"
#include "store/redis.h"

/* A pane of one partition that cannot be read, and why. */
struct lw_unreadable_pane {
    int64_t start_ms;
    int32_t partition;
    bool moved; /* already moved to its unreadable key */
    char why[256];
};
struct lw_unreadable_panes { /* grows; all zero is empty */
    size_t n, cap;
    struct lw_unreadable_pane *item;
};
void lw_unreadable_add(struct lw_unreadable_panes *all,
                       const struct lw_unreadable_pane *one);
void lw_unreadable_fini(struct lw_unreadable_panes *all);

struct lw_evaluation_step;

/* Part of a step: moves the panes that are still in place, with a line in the audit
 * for each. */
void lw__unreadable_put(struct lw_cmd *c, const struct lw_spec *spec,
                        const struct lw_evaluation_step *step);
/* Called by the owner of the partition, in the epoch just claimed. LW_EAGAIN: claim
 * again. */
int lw__unreadable_move(struct lw_redis *r, const struct lw_spec *spec, const char *topic,
                        uint64_t epoch, const struct lw_unreadable_pane *one,
                        struct lw_err *err);
/* The notes about one pane of each partition: the request, and its reply. */
void lw__unreadable_query(struct lw_cmd *c, const struct lw_spec *spec,
                          int32_t npartitions, int64_t start_ms);
void lw__unreadable_notes(const struct lw_reply *notes, int64_t start_ms,
                          struct lw_unreadable_panes *out);

#endif
