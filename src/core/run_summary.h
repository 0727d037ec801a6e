/* Run summary: error with and without retraining by local month of event time, and counts of
 * alerts and retrains. Part of the monitor's state, so it outlives processes and
 * leaders. */
#ifndef LW_CORE_RUN_SUMMARY_H
#define LW_CORE_RUN_SUMMARY_H

#include "base/buf.h"
#include "core/pane.h"

#define LW_MONTHS_MAX 60

struct lw_month {
    int32_t year, month; /* 1..12 */
    uint64_t events;
    /* of the champions, whichever version it was: the managed model */
    struct lw_losses answered;
    struct lw_losses untracked; /* of their plain predictions */
    /* Of version 1 on the same events: the frozen model, plain and tracked. */
    struct lw_losses first, first_tracked;
};

/* Error of the frozen model; NAN where it was not scored on the same events as the
 * champion (keep_first: false). */
double lw_run_summary_frozen_error(const struct lw_month *m);

struct lw_run_summary {
    uint64_t warnings, criticals; /* alerts fired, by their worst severity */
    uint64_t retrains;            /* trainings finished, except the bootstrap */
    uint64_t promotions, rejections, failures, rollbacks;
    size_t nmonths;
    struct lw_month month[LW_MONTHS_MAX]; /* the newest ones, in order */
};

/* first: the version called frozen; 0: none yet. */
void lw_run_summary_pane(struct lw_run_summary *l, const struct lw_pane *pane,
                         uint32_t first);
/* Over all months kept. */
void lw_run_summary_totals(const struct lw_run_summary *l, struct lw_month *out);
void lw_run_summary_write(const struct lw_run_summary *l, const struct lw_task *task,
                          struct lw_buf *out);
void lw_run_summary_read(struct lw_run_summary *l, const struct lw_task *task,
                         struct lw_reader *r);

#endif
