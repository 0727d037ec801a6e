/* The time of a partition: a clock that follows the majority of its events.
 *
 * Any event's time may be wrong: a trip of 2041, a meter that ran a day ahead, a producer
 * whose clock was wrong for an hour. So no single event moves anything:
 *
 * - The *crowd* is the median of the latest LW_CROWD events. Fewer than half of them
 *   cannot move it past what the others say.
 * - The *mark* closes panes. It follows the crowd, less the lateness, and each step is
 *   paid for by events: each pays for 1.75 times the usual interval between
 *   two events. So b events with wrong clocks move the mark by the time of about 1.75 b
 *   events.
 * - A step of more than max_jump is a *leap*. It is made in one piece, once the events
 *   behind it would have paid for max_jump, or are as many as came before (at most
 *   1,000). Until then the mark stays and events of both times are accumulated; if the old
 * time comes back, the new panes are discarded.
 * - A leap is doubtful until as many events have followed it as came between it and the
 *   leap before. Meanwhile it is undone (a *return*) when as many events in a row say an
 *   older time as said the newer one. Panes of the older time that it closed stay closed,
 *   and the panes of the newer time are discarded, so no event is counted twice. The
 *   start is as doubtful as a leap.
 *
 * A time that is later than its own Kafka record by more than max_jump is never believed.
 * docs/design.md has the cost and the limits. The clock depends on
 * the events alone: a clock that is written and read back continues exactly. */
#ifndef LW_CORE_CLOCK_H
#define LW_CORE_CLOCK_H

#include "base/buf.h"
#include "core/spec.h"

#define LW_CROWD      16
#define LW_DOUBTS     8
#define LW_TIME_LIMIT (INT64_C(1) << 60) /* ms either side of 1970 */

/* What events have said since the start, or since a leap that is still doubtful. */
struct lw_doubt {
    int64_t left_ms;           /* the crowd that the leap left; INT64_MIN: the start */
    uint64_t events;           /* events since then, up to the next leap */
    int64_t from_ms, until_ms; /* ends of the oldest and newest pane closed since */
    uint64_t held;             /* by those panes */
};

struct lw_clock {
    int64_t late_ms, jump_ms, pane_ms; /* of the configuration */
    uint32_t agree;
    /* The state. Times are INT64_MIN while unknown. */
    uint32_t n, at;           /* of latest; where the next one goes */
    int64_t latest[LW_CROWD]; /* times in order of arrival */
    int64_t sorted[LW_CROWD]; /* the same in order of time */
    int64_t crowd_ms;         /* their median */
    int64_t front_ms;         /* the crowd as the mark last followed it */
    int64_t land_ms;  /* where a leap would land: the least time of the events ahead */
    int64_t mark_ms;  /* panes that end at or before it are closed */
    int64_t floor_ms; /* ... and panes that end here stay closed in any case */
    int64_t shut_ms;  /* end of the newest pane that was closed without doubt */
    uint64_t trusted; /* events without doubt */
    uint32_t ndoubts;
    struct lw_doubt doubt[LW_DOUBTS]; /* the newest last */
    uint64_t behind, ahead; /* in a row: the crowd behind the mark; a leap ahead of it */
    uint32_t home;          /* in a row, at most LW_CROWD: the crowd near the mark */
    uint32_t learned;       /* events behind the learned intervals, at most HORIZON */
    double spacing_ms;      /* usual interval between two events ... */
    double leaps_ms;        /* ... and in leaps, each of max_jump */
    double credit_ms;       /* paid for and not yet used */
    struct lw_struck {      /* by a return with the last event */
        int64_t from_ms, until_ms; /* ends of panes */
        uint64_t events;           /* events in them; 0: no return */
    } struck;
};

void lw_clock_init(struct lw_clock *c, const struct lw_spec *spec);

enum lw_clock_verdict {
    LW_CLOCK_BELIEVED,
    LW_CLOCK_SUSPECT /* far ahead of the crowd or of its own record, and alone there */
};
/* One event says t; bound_ms: the time of its Kafka record, INT64_MAX if unknown. Moves
 * crowd and mark. Hot path. */
enum lw_clock_verdict lw_clock_event(struct lw_clock *c, int64_t t, int64_t bound_ms);

/* Panes that end at or before this are closed. INT64_MIN: not known yet. */
int64_t lw_clock_mark(const struct lw_clock *c);
/* The newest time that `jump_agree` of the latest events have reached, at most max_jump
 * ahead of the crowd. INT64_MIN: not known yet. */
int64_t lw_clock_newest(const struct lw_clock *c);
/* Is a pane that starts there further ahead than the crowd and any `jump_agree` of the
 * latest events allow? */
bool lw_clock_forsakes(const struct lw_clock *c, int64_t start_ms);

/* The mark has passed the end of a pane that holds that many events. */
void lw_clock_shut(struct lw_clock *c, int64_t end_ms, uint64_t events);
/* Has the last event caused a return that discards panes? Answers once, with the panes. */
bool lw_clock_struck(struct lw_clock *c, struct lw_struck *out);
/* The leader has sealed up to there: closed for good, unless that lies further ahead
 * than the crowd can have led it. */
void lw_clock_sealed(struct lw_clock *c, int64_t until_ms);

/* Restores a clock of which only this is known: panes that end at mark_ms or before are
 * closed for good, and the latest events said newest_ms. */
void lw_clock_resume(struct lw_clock *c, const struct lw_spec *spec, int64_t mark_ms,
                     int64_t newest_ms);

void lw_clock_write(const struct lw_clock *c, struct lw_buf *out);
void lw_clock_read(struct lw_clock *c, struct lw_reader *r);

#endif
