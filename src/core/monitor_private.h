/* Shared by monitor.c, monitor_codec.c and figures.c only. */
#ifndef LW_MONITOR_PRIVATE_H
#define LW_MONITOR_PRIVATE_H

#include "core/monitor.h"
#include "core/policy.h"
#include "core/rule.h"
#include "core/window.h"
#include "drift/change.h"
#include "leeway/fault.h"

/* Subjects of drift in a view: the features, then target, then prediction. */
#define LW_SUBJECTS_MAX (LW_FEATURES_MAX + 2)

/* One window as judged in this evaluation. */
struct lw_view {
    struct lw_counts counts;
    double expected_rmse; /* 0: no reference or no scored events */
    struct lw_pane
        *pane;     /* merged in this evaluation, or NULL: nobody has asked for it */
    bool compared; /* drift and fault are filled */
    struct lw_drift drift[LW_SUBJECTS_MAX];
    struct lw_fault fault[LW_FEATURES_MAX];
};

/* What is no rule's and fires all the same, until it is over. */
enum lw_notice_kind { LW_NOTICE_ROLLBACK, LW_NOTICE_FAILED, LW_NOTICES };
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
    struct lw_ledger ledger;
    struct lw_change *change;     /* or NULL */
    bool changed;                 /* the change detector fired with the newest pane */
    size_t slot_of[LW_RULES_MAX]; /* a rule's first slot */
    size_t nslots;
    struct lw_slot *slot;
    struct lw_notice notice[LW_NOTICES];
    int64_t leapt_from_ms; /* end of the pane before the newest gap of over max_jump */
    bool lazy;             /* figures are of no interest: only rules ask for sketches */
    size_t nviews;
    struct lw_view *view;
    size_t nfigures, figures_cap;
    struct lw_figure *figure;
};

/* The counts and errors of window i; its sketches and drift only once asked for by
 * _merge, which is most of an evaluation's cost. */
void lw__view(struct lw_monitor *m, size_t i);
void lw__view_merge(struct lw_monitor *m, size_t i);
/* What a rule reads of its subject (an index into the features, or LW_RULE_TARGET, ...).
 */
struct lw_reading lw__reading(struct lw_monitor *m, const struct lw_rule *rule,
                              int subject);
/* All figures of all views. */
void lw__figures(struct lw_monitor *m, struct lw_evaluation *out);
/* The alert's sentence for people. */
void lw__summary(struct lw_monitor *m, struct lw_alert *alert);

#endif
