/* Drift detection and policy as one pure state machine: sealed panes and finished
 * trainings in, evaluations, alerts and training requests out. It has no clock: time is
 * the sealed panes' event time. `run` and `backtest` use this same code, and with the
 * same panes it makes the same decisions. */
#ifndef LW_CORE_MONITOR_H
#define LW_CORE_MONITOR_H

#include "core/alert.h"
#include "core/decision.h"
#include "core/pane.h"
#include "core/quarantine.h"
#include "core/reference.h"
#include "core/request.h"
#include "core/run_summary.h"
#include "core/train.h"

/* One figure of an evaluation, a finite number. An unknown figure is left out, or 0
 * where its metric says so (LW_METRIC_ZERO). */
struct lw_figure {
    char name[LW_NAME_MAX + 40]; /* "<window>:n", "<window>:psi:<feature>", ... */
    double value;
};

/* What changed in a column that is shifted or drifted, in words. */
struct lw_shift_note {
    char name[LW_NAME_MAX + 40]; /* "<window>:shift:<feature>" */
    char text[LW_SHIFT_TEXT];
};

/* What happened to a span of the quarantine (core/quarantine.h). */
enum lw_span_event { LW_SPAN_BEGINS, LW_SPAN_ENDS, LW_SPAN_RELEASED };
struct lw_span_change {
    enum lw_span_event what;
    struct lw_span span; /* after the event; released: as it was */
};

#define LW_ALERTS_MAX    64
#define LW_DECISIONS_MAX 4

struct lw_evaluation {
    int64_t at_ms; /* end of the newest sealed pane */
    /* The figures include those of columns; otherwise these are still the newest ones
     * that did (lw_spec_publish_ms). */
    bool columns;
    size_t nfigures;
    struct lw_figure *figure; /* borrowed from the monitor until its next call */
    size_t nshifts;
    struct lw_shift_note *shift; /* likewise */
    size_t nalerts;
    struct lw_alert alert[LW_ALERTS_MAX];
    struct lw_request request;
    size_t ndecisions;
    struct lw_decision decision[LW_DECISIONS_MAX];
    size_t nspans;
    struct lw_span_change span[LW_SPANS_MAX];
    char by[160];        /* the person who released them */
    char postponed[240]; /* why a person's request has to wait; "": it does not */
};

struct lw_monitor;

struct lw_monitor *lw_monitor_new(const struct lw_spec *spec);
void lw_monitor_free(struct lw_monitor *m);

/* Seals the next pane, merged over partitions, in order of start (taken). Gaps in time
 * are allowed: a pane that no partition has is empty. Fills out. */
void lw_monitor_seal(struct lw_monitor *m, struct lw_pane *pane,
                     struct lw_evaluation *out);

/* Before lw_monitor_seal: a part of the stream's state cannot be read, and the caller
 * continues without it. panes: how many, 0 for other state. Counted, and reported by
 * the next sealed pane's evaluation as the alert `unreadable-pane` or
 * `unreadable-state`, unless that alert already fires. */
void lw_monitor_unreadable(struct lw_monitor *m, uint64_t panes, const char *text);
/* The same alerts at once, without a new pane, as of the last sealed one. Fills out; no
 * alert: there is nothing to report, or nothing was sealed yet. */
void lw_monitor_report_unreadable(struct lw_monitor *m, struct lw_evaluation *out);
/* The pane to seal next, when the next one with events starts at start_ms: that one, or
 * an empty one before it. An empty window does not change by staying empty, so a run of
 * empty panes ends with the last window's. */
int64_t lw_monitor_next(const struct lw_monitor *m, int64_t start_ms);
/* No window has an event: empty panes need not be sealed. */
bool lw_monitor_blank(const struct lw_monitor *m);
/* Event time had run ahead, and the partitions have taken it back: panes are complete
 * up to until_ms. Drops what was sealed since it ran ahead. Returns where sealing
 * continues. */
int64_t lw_monitor_return(struct lw_monitor *m, int64_t until_ms);

/* What the leader observes of the running stream: the figures of live metrics in the
 * next evaluations, and the input of lw_monitor_live. A backtest has none. */
void lw_monitor_facts(struct lw_monitor *m, const struct lw_live_facts *now);
/* Evaluates a rule on a live metric with the newest facts, independent of panes. rule:
 * its index. Fills out, whose at_ms is the wall clock. */
void lw_monitor_live(struct lw_monitor *m, size_t rule, int64_t at_ms,
                     struct lw_evaluation *out);

/* A requested training has ended. On success `version` is the number of its model;
 * training == NULL or `early`: it failed, with reason. Decides promote or reject; the
 * caller then carries it out and, for a promotion, passes the reference to
 * lw_monitor_champion. */
void lw_monitor_trained(struct lw_monitor *m, uint64_t request, uint32_t version,
                        const struct lw_training *training, const char *reason,
                        struct lw_evaluation *out);

/* The version that answers from now on (after a promotion, a rollback, or at start),
 * with its reference (taken; NULL when it has none). */
void lw_monitor_champion(struct lw_monitor *m, uint32_t version, struct lw_reference *ref,
                         int64_t since_ms);
/* A person has made a version champion: resolves the alerts about the previous one.
 * Fills out; call it before lw_monitor_champion. */
void lw_monitor_crowned(struct lw_monitor *m, uint32_t version,
                        struct lw_evaluation *out);
/* Does the alert of that fingerprint fire? */
bool lw_monitor_fires(const struct lw_monitor *m, uint64_t fingerprint);
/* A firing alert with its present figures, as the one alert of out. False when it does
 * not fire, or when its figure is not available now (live metrics, alerts without a
 * rule). */
bool lw_monitor_alert(struct lw_monitor *m, uint64_t fingerprint,
                      struct lw_evaluation *out);
/* Version 1's reference (taken; NULL: none), so that drift since the first model stays
 * visible beside drift since the present one: the figures `<longest
 * window>:psi_first:<feature>`. */
void lw_monitor_first(struct lw_monitor *m, struct lw_reference *ref);
uint32_t lw_monitor_first_version(const struct lw_monitor *m); /* 0: none yet */
/* A person asks for a training. While an incident of a blocking rule is open the
 * request waits until it ends, and out->postponed gives the reason. */
void lw_monitor_ask(struct lw_monitor *m, const char *who, struct lw_evaluation *out);

/* A person ends the quarantine of a feature, of `target`, or of the span with that
 * number: training may use its rows again. An open incident about it resolves, and
 * fires again only after good values have been seen. False: no such span. */
bool lw_monitor_release(struct lw_monitor *m, const char *which, const char *who,
                        struct lw_evaluation *out);
/* The spans in quarantine now (borrowed until the next call). */
const struct lw_quarantine *lw_monitor_quarantine(const struct lw_monitor *m);

/* Versions to be scored as shadows: the first one if kept, the previous one in
 * probation. */
/* How workers track the versions from now on (borrowed until the next call). */
const struct lw_tracking_set *lw_monitor_tracking(const struct lw_monitor *m);
size_t lw_monitor_shadows(const struct lw_monitor *m, uint32_t out[LW_VERSIONS_MAX]);
uint32_t lw_monitor_champion_version(const struct lw_monitor *m);
int64_t lw_monitor_sealed_until(const struct lw_monitor *m); /* INT64_MIN at first */
uint64_t lw_monitor_pending(
    const struct lw_monitor *m); /* id of the request not yet answered, or 0 */
struct lw_request lw_monitor_request(const struct lw_monitor *m); /* that request */
/* The merged window as last evaluated (for the store's window:<name>:<feature>), or
 * NULL before the first evaluation. */
struct lw_pane *lw_monitor_window(struct lw_monitor *m, size_t window);
/* Drift figures are not needed (a backtest): windows are merged only when a rule asks
 * for them. Decisions are the same; drift figures are 0 where no rule asked. */
void lw_monitor_lazy(struct lw_monitor *m);

/* What windows are compared with, or NULL (borrowed until the champion changes). */
const struct lw_reference *lw_monitor_reference(const struct lw_monitor *m);
/* The newest panes of that span merged (the longest window's at most), without those in
 * quarantine, which older ones replace; the caller frees. Its `answered` covers more,
 * LW_LEVEL_DAYS (core/policy.h): the usual level of the error. */
struct lw_pane *lw_monitor_recent(const struct lw_monitor *m, int64_t span_ms);
const struct lw_run_summary *lw_monitor_run_summary(const struct lw_monitor *m);

/* State other than the panes: alert states, counts, change detector, policy. After
 * reading it and refilling the sealed panes of the longest window (lw_monitor_refill),
 * the monitor continues exactly. */
void lw_monitor_write(const struct lw_monitor *m, struct lw_buf *out);
int lw_monitor_read(struct lw_monitor *m, const void *data, size_t len,
                    struct lw_err *err);
/* Adds an already evaluated pane to the windows again, without evaluating it (taken). */
void lw_monitor_refill(struct lw_monitor *m, struct lw_pane *pane);

#endif
