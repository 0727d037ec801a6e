/* The whole loop, as `run` drives it: score, accumulate, seal, train, set the
 * champion; on request, a successor continues from serialised state. It shares no code
 * with lw_backtest. */
#ifndef LW_TESTS_SUPPORT_CORE_LOOP_H
#define LW_TESTS_SUPPORT_CORE_LOOP_H

#include "support/core_fixture.h"

#include "core/monitor.h"
#include "core/partition.h"

#define CORE_VERSIONS_MAX 40

struct core_version {
    struct lw_model *model;
    int64_t as_of_ms;
    struct lw_buf reference;
};

struct core_loop {
    const struct lw_spec *spec;
    struct lw_partition *partition;
    struct lw_monitor *monitor;
    struct lw_dataset *rows;
    struct core_version version[CORE_VERSIONS_MAX]; /* by number */
    uint32_t next_version;
    struct lw_buf *sealed; /* bytes of every sealed pane */
    int64_t *sealed_start;
    size_t nsealed;
    int64_t offset;
    struct lw_buf log; /* one line per alert, request and decision */
    /* injected faults: */
    int restart_every;    /* panes; 0: never */
    uint32_t bad_version; /* promoted regardless of the gate; predicts 8 too high */
    int barred;           /* requests that bar a candidate */
    size_t left_out;      /* spans excluded from the newest training */
    int requests, fired, rollbacks, resolved, confirmed, promoted;
};

void core_loop_init(struct core_loop *l, const struct lw_spec *spec);
void core_loop_fini(struct core_loop *l);
void core_loop_event(struct core_loop *l, const struct core_event *e);
/* Processes events of the stream until its clock reaches until_ms. */
void core_loop_until(struct core_loop *l, struct core_stream *s, int64_t until_ms);
void core_loop_end(struct core_loop *l);
/* A person requests a training. */
void core_loop_ask(struct core_loop *l, const char *who);
/* A person releases what is in quarantine; false if there is nothing of that name. */
bool core_loop_release(struct core_loop *l, const char *which, const char *who);
/* The state of a test of the loop. */
struct core_run {
    struct lw_spec *spec;
    struct core_loop loop;
    struct core_stream stream;
};
int core_run_teardown(void **state); /* of a struct core_run made by lw_calloc */
/* The rules may have been changed: creates the monitor again; the stream continues. */
void core_run_again(struct core_run *r);
void core_run_until(struct core_run *r, double days); /* from CORE_START */
/* One line for everything in an evaluation except its figures. */
void core_log(struct lw_buf *log, const struct lw_evaluation *e);
double core_figure(const struct lw_evaluation *e, const char *name);

#endif
