/* Shared by leader.c and leader_step.c only. */
#ifndef LW_LEADER_PRIVATE_H
#define LW_LEADER_PRIVATE_H

#include "engine/engine_private.h"
#include "engine/pager.h"
#include "store/damage.h"
#include "store/models.h"
#include "store/monitor_state.h"
#include "store/notifications.h"

/* When a partition's owner was last heard of. */
struct told {
    int64_t updated_ms; /* its word */
    int64_t heard_ms;   /* monotonic, ours; 0: not yet */
    bool again;         /* more than once since we lead */
    int64_t low_ms;     /* the least `newest` of the present interval, which ... */
    int64_t since_ms;   /* ... has begun then (monotonic); 0: there is none */
    int64_t stood_ms;   /* the least of the interval before, or INT64_MIN */
};

/* How the messages of a partition and its clock go on (leader_held.c). */
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
    int64_t tell_at_ms;         /* monotonic: not said before that it waits */
    struct lw_monitor *monitor; /* while leading */
    int64_t sealed_until_ms;    /* as in Redis */
    int64_t written_ms;         /* wall: stamp of the detector's state in Redis */
    int32_t n;      /* partitions, ever: also of a topic that was made anew, smaller */
    int32_t said;   /* ... as `meta` has it */
    bool announced; /* once: what is refused from then on is waited for */
    struct lw_partition_view *view; /* by partition */
    struct told *told;              /* by partition */
    struct lw_pace *pace;           /* by partition */
    int64_t sealed_was_ms;          /* sealed_until_ms, ... */
    int64_t sealed_since_ms;        /* ... since then (monotonic) */
    int flow;              /* of enum lw_flow, as known before the view was read; -1 */
    int64_t flow_since_ms; /* monotonic */
    int64_t complete_ms;   /* of lw_engine_complete, likewise */
    bool asked;            /* the step answers a person's request */
    struct lw_unreadable_panes unread; /* panes left out since the last step */
    int64_t looked_ms;                 /* monotonic: last look for damage; 0: none yet */
    int64_t noted_ms;           /* wall: notes of damage up to then have been told */
    uint32_t checked, unusable; /* champions: last looked at; found unusable; 0 */
    bool lost;                  /* it was told that nobody knows the champion */
    uint64_t dials;             /* connections made when the view was read */
    struct lw_evaluation *evaluation;
    struct lw_pager *pager;            /* while leading */
    int64_t trouble_ms[LW_COMPONENTS]; /* monotonic: reported since, while leading; 0 */
    struct lw_privacy privacy;         /* with its key */
    int64_t paged_ms;                  /* monotonic: last round of the pager */
    struct lw_live_state {             /* leader_live.c */
        int64_t next_ms;               /* monotonic */
        uint64_t heard, noted; /* messages when the last one came in; as Redis knows */
        int64_t heard_ms;      /* wall clock of that */
        int64_t noted_ms;      /* monotonic: last time Redis was told */
        size_t nsamples, at;   /* of the last ten minutes */
        struct lw_live_sample {
            uint64_t messages, dead, late, suspect;
        } sample[60];
    } live;
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
/* The pane that starts there, over all partitions. What cannot be read is left out; the
 * next step moves it away and reports it. known: those that have been moved away already
 * were reported by a former leader. */
struct lw_pane *lw__leader_pane(struct lw_leader *l, int64_t start_ms, bool known,
                                struct lw_err *err);
/* Reports other state that cannot be read, and in `follows` what that means. */
void lw__leader_unusable(struct lw_leader *l, const char *event, const struct lw_err *why,
                         const char *follows);
/* Sets aside what no step can be made with; what is new is told once somebody leads. */
int lw__leader_mend(struct lw_leader *l, struct lw_err *err);
/* The same now and then, and tells of what others have set aside. */
int lw__leader_look(struct lw_leader *l, struct lw_err *err);
/* An alias that is gone or names no version is put back; *aliases is what holds. */
int lw__leader_aliases(struct lw_leader *l, struct lw_aliases *aliases,
                       struct lw_err *err);
/* Says what is due by the clock: repetitions, and what was held back. */
int lw__leader_page(struct lw_leader *l, struct lw_err *err);
/* Ends what nothing watches any more. */
int lw__leader_orphans(struct lw_leader *l, struct lw_err *err);
/* Judges the rules on the running stream, when it is time; l->view must be fresh. */
void lw__live_begin(struct lw_leader *l, const struct lw_monitor_state *state);
int lw__live_step(struct lw_leader *l, struct lw_err *err);
/* What wrong clocks hold back, for health. until: event time up to which each partition
 * is complete; newest: of those that are not idle. l->view must be fresh. */
void lw__leader_held(struct lw_leader *l, const int64_t *until, int64_t newest);
/* Writes pages outside of a step; NULL: there are none. */
int lw__leader_put_out(struct lw_leader *l, const struct lw_notifications *pages,
                       struct lw_err *err);
/* Tells of troubles of leeway itself, and of their end. */
int lw__leader_itself(struct lw_leader *l, struct lw_err *err);
/* Takes up a finished training, if there is one. */
int lw__leader_answer(struct lw_leader *l, struct lw_err *err);
/* Hands a pending request to the retrainer, unless it is being worked on. */
int lw__leader_request(struct lw_leader *l, struct lw_err *err);

#endif
