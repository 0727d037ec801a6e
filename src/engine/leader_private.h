/* Shared by leader.c and leader_step.c only. */
#ifndef LW_LEADER_PRIVATE_H
#define LW_LEADER_PRIVATE_H

#include "engine/engine_private.h"

/* When a partition's owner was last heard of. */
struct told {
    int64_t updated_ms; /* its word */
    int64_t heard_ms;   /* monotonic, ours; 0: not yet */
    bool again;         /* more than once since we lead */
};

struct lw_leader {
    struct lw_engine *engine;
    const struct lw_config *config;
    const struct lw_spec *spec;
    struct lw_redis *redis;
    struct lw_lease lease;
    int64_t renewed_ms;         /* monotonic */
    struct lw_monitor *monitor; /* while leading */
    int64_t sealed_until_ms;    /* as in Redis */
    int64_t written_ms;         /* wall: stamp of the detector's state in Redis */
    struct lw_part_view *view;  /* by partition */
    struct told *told;          /* by partition */
    uint64_t dials;             /* connections made when the view was read */
    struct lw_evaluation *evaluation;
};

void lw__leader_drop(struct lw_leader *l);
/* The version answers from now on: its reference is loaded and the monitor told. */
int lw__leader_crown(struct lw_leader *l, uint32_t version, int64_t at_ms,
                     struct lw_err *err);
/* Brings version 1's reference, once another version answers. */
void lw__leader_first(struct lw_leader *l);
/* Writes l->evaluation and the monitor's state as one step; rolled: the rollback it
 * decided, or NULL. */
int lw__leader_write(struct lw_leader *l, const struct lw_decision *rolled, bool sealed,
                     struct lw_err *err);
/* Takes up a finished training, if there is one. */
int lw__leader_answer(struct lw_leader *l, struct lw_err *err);
/* Hands a pending request to the retrainer, unless it is being worked on. */
int lw__leader_request(struct lw_leader *l, struct lw_err *err);

#endif
