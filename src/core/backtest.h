/* The whole policy on rows from files: scoring, panes, monitor, training and promotion,
 * with the same core that `run` drives. Rows come in arrival order; a training takes no
 * time; a promotion takes effect from the next row on. Pure. */
#ifndef LW_CORE_BACKTEST_H
#define LW_CORE_BACKTEST_H

#include "core/follow.h"
#include "core/monitor.h"
#include "core/partition.h"
#include "core/run_summary.h"

struct lw_backtest;

/* Callbacks, called as things happen; any may be NULL. */
struct lw_backtest_hooks {
    void *arg;
    void (*evaluated)(void *arg, const struct lw_evaluation *e);
    void (*trained)(void *arg, const struct lw_request *request, uint32_t version,
                    const struct lw_training *training, const char *failure);
    /* A good event that was scored and on time, with its values as by lw_spec_watch and
     * its scores, the champion's first, then the shadows'. Hot path. */
    void (*scored)(void *arg, const struct lw_row *row, const struct lw_cell *watched,
                   const struct lw_scored *scored, size_t nscored);
    /* The week after a promotion is over, or the stream has ended. Costs two predictions
     * an event. */
    void (*followed)(void *arg, const struct lw_followed *f);
};

struct lw_backtest *lw_backtest_new(const struct lw_spec *spec,
                                    const struct lw_backtest_hooks *hooks);
void lw_backtest_free(struct lw_backtest *b);
/* Calls lw_monitor_release, as a person would, when event time reaches that moment. At
 * most LW_RELEASES_MAX; `which` is borrowed. */
#define LW_RELEASES_MAX 16
void lw_backtest_release(struct lw_backtest *b, const char *which, int64_t at_ms);

/* One decodable event with its outcome (lw_event_row). LW_ESTOP when a model cannot be
 * used. */
int lw_backtest_event(struct lw_backtest *b, const struct lw_row *row, int reason,
                      struct lw_err *err);
/* The stream has ended: seals the remaining panes. */
int lw_backtest_end(struct lw_backtest *b, struct lw_err *err);

const struct lw_run_summary *lw_backtest_run_summary(const struct lw_backtest *b);
const uint64_t *lw_backtest_counters(const struct lw_backtest *b); /* LW_COUNTERS */
const struct lw_monitor *lw_backtest_monitor(const struct lw_backtest *b);

#endif
