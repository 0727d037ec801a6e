/* Shared by leader.c and its parts: leader_damage.c (unreadable state), leader_live.c
 * (rules on the running stream), leader_sealing_block.c (wrong clocks), leader_step.c
 * (writing steps and trainings), self_alert.c. Thread: the leader's. */
#ifndef LW_ENGINE_LEADER_PRIVATE_H
#define LW_ENGINE_LEADER_PRIVATE_H

#include "engine/engine_private.h"
#include "engine/notification_plan.h"
#include "store/damage.h"
#include "store/models.h"
#include "store/monitor_state.h"
#include "store/notifications.h"

/* The last heartbeat of a partition's owner. */
struct owner_heartbeat {
    int64_t updated_ms; /* the owner's stamp */
    int64_t heard_ms;   /* monotonic, when it was seen; 0: not yet */
    bool again;         /* seen more than once since this process leads */
    int64_t low_ms;     /* lowest `newest` of the current interval, ... */
    int64_t since_ms;   /* ... which began then (monotonic); 0: none */
    int64_t stood_ms;   /* lowest of the previous interval, or INT64_MIN */
};

/* Progress of a partition's messages and of its clock (leader_sealing_block.c). */
struct lw_pace {
    bool seen;
    uint64_t counted, timed; /* accumulated, and all that had a time, when the ... */
    int64_t counted_ms;      /* ... last one was accumulated (monotonic) */
    int64_t until_ms;        /* event time up to which it is complete ... */
    int64_t until_since_ms;  /* ... since then (monotonic), ... */
    uint64_t at_until;       /* ... and its messages at that moment */
    uint64_t at_sealed;      /* its messages when a pane was last sealed */
};

struct lw_leader {
    struct lw_engine *engine;
    const struct lw_config *config;
    const struct lw_spec *spec;
    struct lw_redis *redis;
    struct lw_lease lease;
    int64_t renewed_ms;         /* monotonic */
    int64_t tell_at_ms;         /* monotonic: when the next retry may be logged */
    struct lw_monitor *monitor; /* while leading */
    int64_t sealed_until_ms;    /* as in Redis */
    int64_t written_ms;         /* wall: stamp of the monitor's state in Redis */
    int32_t n; /* partitions ever seen, also before the topic was recreated with fewer */
    int32_t recorded;                  /* ... as `meta` has it */
    bool announced;                    /* since then, missing permissions are retried */
    struct lw_partition_view *view;    /* by partition */
    struct owner_heartbeat *heartbeat; /* by partition */
    struct lw_pace *pace;              /* by partition */
    int64_t sealed_was_ms;             /* sealed_until_ms, ... */
    int64_t sealed_since_ms;           /* ... since then (monotonic) */
    int flow;              /* of enum lw_flow, as known before the view was read; -1 */
    int64_t flow_since_ms; /* monotonic */
    int64_t complete_ms;   /* of lw_engine_complete, likewise */
    bool asked;            /* the step answers a command */
    uint32_t imported;     /* version that waits for its test; 0: none */
    bool served;           /* tracked predictions, as in Redis */
    struct lw_unreadable_panes unread; /* panes left out since the last step */
    int64_t looked_ms;                 /* monotonic: last look for damage; 0: none yet */
    int64_t noted_ms;                  /* wall: damage noted up to then was reported */
    uint32_t checked, unusable;        /* champions: last looked at; found unusable; 0 */
    bool lost;                         /* the loss of the champion was reported */
    uint64_t dials;                    /* connections made when the view was read */
    struct lw_evaluation *evaluation;
    struct lw_notification_plan *plan; /* while leading */
    int64_t trouble_ms[LW_COMPONENTS]; /* monotonic: reported since, while leading; 0 */
    struct lw_privacy privacy;         /* with its key */
    int64_t plan_round_ms;     /* monotonic: last round of the notification plan */
    struct lw_live_state {     /* leader_live.c */
        int64_t next_ms;       /* monotonic */
        uint64_t heard, noted; /* messages when the last one came in; as Redis knows */
        int64_t heard_ms;      /* wall clock of that */
        int64_t noted_ms;      /* monotonic: when Redis was last updated */
        size_t nsamples, at;   /* of the last ten minutes */
        struct lw_live_sample {
            uint64_t messages, dead, late, suspect;
        } sample[60];
    } live;
};

void lw__leader_drop(struct lw_leader *l);
/* Makes the version the monitor's champion and loads its reference. */
int lw__leader_set_champion(struct lw_leader *l, uint32_t version, int64_t at_ms,
                            struct lw_err *err);
/* Loads the first version's reference once another version is champion. */
void lw__leader_first(struct lw_leader *l);
/* Writes l->evaluation and the monitor's state as one step; rolled: the rollback it
 * decided, or NULL. */
int lw__leader_write(struct lw_leader *l, const struct lw_decision *rolled, bool sealed,
                     struct lw_err *err);
/* The pane that starts there, over all partitions. Unreadable parts are left out; the
 * next step moves them away and reports them. known: parts that were moved away already
 * were reported by an earlier leader. */
struct lw_pane *lw__leader_pane(struct lw_leader *l, int64_t start_ms, bool known,
                                struct lw_err *err);
/* Reports other unreadable state; `follows` says what that means. */
void lw__leader_report_unreadable(struct lw_leader *l, const struct lw_err *why,
                                  const char *follows);
/* Moves keys that block every step to unreadable:NAME; the next leader reports them. */
int lw__leader_move_damaged(struct lw_leader *l, struct lw_err *err);
/* The same every few seconds; also reports keys that others moved. */
int lw__leader_check_damage(struct lw_leader *l, struct lw_err *err);
/* Restores an alias that is missing or names no version; *aliases is the result. */
int lw__leader_aliases(struct lw_leader *l, struct lw_aliases *aliases,
                       struct lw_err *err);
/* Sends notifications that are due by the clock: repetitions and deferred ones. */
int lw__leader_notify_due(struct lw_leader *l, struct lw_err *err);
/* Resolves alerts that nothing watches any more. */
int lw__leader_orphans(struct lw_leader *l, struct lw_err *err);
/* Judges the rules on the running stream when due; l->view must be fresh. */
void lw__leader_live_begin(struct lw_leader *l, const struct lw_monitor_state *state);
int lw__leader_live_step(struct lw_leader *l, struct lw_err *err);
/* Finds sealing that wrong clocks block, for health. until: event time up to which
 * each partition is complete; newest: of those that are not idle. l->view must be
 * fresh. */
void lw__leader_sealing_block(struct lw_leader *l, const int64_t *until, int64_t newest);
/* Writes notifications outside of a step; NULL: none. */
int lw__leader_write_notifications(struct lw_leader *l,
                                   const struct lw_notifications *notifications,
                                   struct lw_err *err);
/* Handles a finished training, if any. */
int lw__leader_answer(struct lw_leader *l, struct lw_err *err);
/* Passes a pending request to the retrainer, unless it is being handled. */
int lw__leader_request(struct lw_leader *l, struct lw_err *err);

#endif
