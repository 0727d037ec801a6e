/* Shared by the monitor's parts: monitor*.c, figures.c, metrics.c, summary.c and
 * fault_reading.c. */
#ifndef LW_CORE_MONITOR_PRIVATE_H
#define LW_CORE_MONITOR_PRIVATE_H

#include "core/monitor.h"
#include "core/policy.h"
#include "core/reference.h"
#include "core/rule.h"
#include "core/window.h"
#include "drift/change.h"
#include "leeway/fault.h"

/* Subjects of drift in a view: the features, then target, then prediction. */
#define LW_SUBJECTS_MAX (LW_FEATURES_MAX + 2)

/* One window as judged in this evaluation. */
struct lw_view {
    struct lw_counts counts;
    double expected_error; /* 0: no reference or no scored events */
    struct lw_pane *pane;  /* merged in this evaluation, or NULL: not needed yet */
    bool compared;         /* drift and fault are filled, ... */
    struct lw_match match; /* ... by comparison with this */
    struct lw_drift drift[LW_SUBJECTS_MAX];
    struct lw_fault fault[LW_FEATURES_MAX + 1]; /* the features, then target */
    /* By row of the table of metrics and subject; NULL: not computed. */
    struct lw_statistic **statistic;
};

/* What a metric reads of one window, and of one column of it. */
struct lw_metric_input {
    const struct lw_monitor *m;
    const struct lw_view *view;
    size_t window; /* its index */
    size_t column; /* the rest is about it; NULL: unknown, or not about a column */
    const struct lw_drift *drift;
    const struct lw_drift *first; /* against version 1's reference */
    const struct lw_member *before, *now;
    const struct lw_rule_state *state; /* of the reading rule; NULL: a figure */
    const struct lw_statistic *statistic;
};

struct lw_notice {
    bool firing;
    enum lw_severity severity;
    int64_t since_ms;
};

struct lw_monitor {
    const struct lw_spec *spec;
    struct lw_windows *windows;
    struct lw_reference *reference; /* the champion's, or NULL */
    struct lw_reference *first; /* version 1's, when it is not the champion's, or NULL */
    struct lw_policy policy;
    struct lw_quarantine quarantine;
    struct lw_tracking_state tracking;
    struct lw_run_summary run_summary;
    struct lw_change *change;      /* or NULL */
    bool changed;                  /* the change detector fired with the newest pane */
    size_t state_of[LW_RULES_MAX]; /* a rule's first slot */
    size_t nstates;
    struct lw_rule_state *state;
    struct lw_notice notice[LW_NOTICES];
    uint64_t unreadable;          /* panes, ever */
    char unread[LW_NOTICES][320]; /* by kind: for the next pane's alert; "": none */
    int64_t leapt_from_ms; /* end of the pane before the newest gap of over max_jump */
    struct lw_live_facts live;
    bool live_known;                            /* `live` has been filled */
    struct lw_drift since[LW_FEATURES_MAX + 1]; /* longest window, against `first` */
    bool since_known;
    bool lazy; /* figures are not needed: only rules ask for sketches */
    size_t nviews;
    struct lw_view *view;
    size_t nfigures, figures_cap;
    struct lw_figure *figure;
    size_t nshifts, shifts_cap;
    struct lw_shift_note *shift;
};

/* Fills the counts and errors of window i. _merge also fills its sketches and drift,
 * which is most of an evaluation's cost. */
void lw__monitor_view(struct lw_monitor *m, size_t i);
void lw__monitor_view_merge(struct lw_monitor *m, size_t i);
/* The value that a rule reads of a metric, and the figure that the metric publishes. */
struct lw_reading lw__monitor_metric_read(const struct lw_metric *metric,
                                          const struct lw_metric_input *in);
double lw__monitor_metric_figure(const struct lw_metric *metric,
                                 const struct lw_metric_input *in);
/* A metric's input over one window; subject: LW_RULE_MODEL if it is not about a column. */
struct lw_metric_input lw__monitor_input(struct lw_monitor *m,
                                         const struct lw_metric *metric, size_t window,
                                         int subject);
/* The window that a rule reads: the monitor's, or, for a rule with `except`, a copy in *own
 * without the calendar's days (holidays.c). */
const struct lw_view *lw__monitor_view_of(const struct lw_monitor *m,
                                          const struct lw_rule *rule,
                                          struct lw_view *own);
/* What a rule reads of its subject (an index into the features, or LW_RULE_TARGET, ...).
 */
struct lw_reading lw__monitor_reading(struct lw_monitor *m, const struct lw_rule *rule,
                                      int subject);
/* Is a share above the reference's by more than chance? */
bool lw__monitor_share_rose(uint64_t before, uint64_t before_n, uint64_t now,
                            uint64_t now_n);
/* A rule's state on a subject. */
struct lw_rule_state *lw__monitor_rule_state(const struct lw_monitor *m,
                                             const struct lw_rule *rule, int subject);
/* The i-th subject of a rule. */
int lw__monitor_subject(const struct lw_rule *rule, size_t i);
/* Index of a feature or the target in a profile. */
size_t lw__monitor_column(const struct lw_spec *spec, int subject);

/* Ends the incident of a rule and its i-th subject, if there is one, with the reason
 * `why`. */
void lw__monitor_resolve(struct lw_monitor *m, size_t r, size_t i, const char *why,
                         struct lw_evaluation *out);
/* The previous champion returns. */
void lw__monitor_champion_returned(struct lw_monitor *m, const struct lw_decision *d,
                                   struct lw_evaluation *out);

/* What prevents a training (monitor_block.c). */
/* The rule whose open incident blocks every training, and in *subject its subject; or
 * NULL. */
const struct lw_rule *lw__monitor_blocked_by(const struct lw_monitor *m, int *subject);
/* The same for a rule that has not fired but would if it were evaluated now: the rows
 * of a training are checked before use. */
const struct lw_rule *lw__monitor_suspected_by(struct lw_monitor *m, int *subject);
/* Is too little left outside the quarantine for a reference? */
bool lw__monitor_reference_is_thin(const struct lw_monitor *m);
/* Into out->postponed: why a requested training has not started. */
void lw__monitor_explain_wait(struct lw_monitor *m, struct lw_evaluation *out);
/* Opens, follows and closes spans as incidents begin and end. */
void lw__monitor_update_quarantine(struct lw_monitor *m, struct lw_evaluation *out);
/* What `fault` reads of a subject (fault_reading.c); n is left to the caller. */
struct lw_reading lw__monitor_fault_reading(const struct lw_member *before,
                                            const struct lw_member *now,
                                            const struct lw_fault *found,
                                            const struct lw_rule_state *state);
/* Is this piece of a suspected fault broken? While the fault fires, a piece is broken
 * if it is nearer to the fault than to the reference. */
bool lw__monitor_fault_in_piece(const struct lw_member *before,
                                const struct lw_member *now, const struct lw_fault *found,
                                const struct lw_rule_state *state);
/* Are there enough values for lw_fault_find to decide? */
bool lw__monitor_fault_judged(const struct lw_member *before, const struct lw_member *now,
                              const struct lw_fault *found);
/* Computes all figures of all views. */
void lw__monitor_figures(struct lw_monitor *m, struct lw_evaluation *out);
/* Writes the alert's sentence (summary.c); the others are those of single metrics. */
void lw__monitor_summary(struct lw_monitor *m, struct lw_alert *alert, int subject);
/* Readers and figures of metrics.c that are elsewhere (metrics_tracking.c,
 * metrics_live.c). */
typedef struct lw_reading lw_live_reader(const struct lw_live_facts *f);
lw_live_reader lw__metric_live_silence, lw__metric_live_lag, lw__metric_live_dead,
    lw__metric_live_late, lw__metric_live_suspect;
double lw__metric_untracked(const struct lw_metric_input *in);
double lw__metric_tracked(const struct lw_metric_input *in);
struct lw_reading lw__metric_shift_read(const struct lw_metric_input *in);
double lw__metric_shift(const struct lw_metric_input *in);
typedef void lw_summary_writer(const struct lw_metric_input *in, struct lw_alert *alert,
                               const char *count);
lw_summary_writer lw__summary_ratio, lw__summary_gain, lw__summary_share,
    lw__summary_fault, lw__summary_silence, lw__summary_lag, lw__summary_live_share;

#endif
