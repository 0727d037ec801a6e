/* A stream's specification as plain values: the part of the configuration that the core
 * needs. Created once at start (config/) and never changed; everything in the core
 * borrows it. */
#ifndef LW_CORE_SPEC_H
#define LW_CORE_SPEC_H

#include "core/metrics.h"
#include "event/event.h"
#include "leeway/drift.h"
#include "leeway/profile.h"
#include "model/fit.h"
#include "model/plan.h"

#define LW_FEATURES_MAX     64
#define LW_WINDOWS_MAX      8
#define LW_WINDOW_PANES_MAX 20000 /* in one window: each evaluation walks over them */
#define LW_RULES_MAX        64
#define LW_CANDIDATES_MAX   32
#define LW_VERSIONS_MAX     6 /* model versions that can share one pane */

/* A window: the last `length_ms` of sealed panes. */
struct lw_window_spec {
    char name[32];
    int64_t length_ms;
};

enum lw_action {
    LW_ACTION_NONE = 0,
    LW_ACTION_RETRAIN = 1, /* firing asks for a retrain */
    LW_ACTION_BLOCK = 2,   /* while firing, nothing is trained: the data is broken */
    LW_ACTION_INHIBIT = 4  /* while firing, alerts that it explains are not sent */
};

struct lw_rule {
    char name[LW_NAME_MAX];
    const struct lw_metric *metric;
    int feature;           /* index into features; LW_RULE_TARGET, LW_RULE_PREDICTION, or
                              LW_RULE_EACH */
    int window;            /* index into windows */
    double warn, critical; /* NAN: that level is not used */
    double clear_below;    /* a firing rule clears under this (hysteresis); NAN: a tenth
                              of the way back from its lower threshold */
    /* A rule on a budget: incidents of one subject in `period_ms` of event time, by level
     * (enum lw_usual_level). Its thresholds are learned, and never below warn and critical.
     * Both 0: fixed thresholds. */
    double rate[2];
    int64_t period_ms;
    int except; /* 1 + index of a calendar whose days the reading leaves out; 0: none */
    int for_count, clear_count;
    int64_t every_ms; /* evaluated at panes in which this is due (lw_spec_due); 0: at
                         every pane */
    /* fewer events in the window: insufficient, so the reading changes nothing */
    uint64_t min_n;
    unsigned actions; /* of enum lw_action; at the critical level */
};
enum {
    LW_RULE_EACH = -1,
    LW_RULE_TARGET = -2,
    LW_RULE_PREDICTION = -3,
    LW_RULE_MODEL = -4
};

struct lw_change_spec {
    char kind[16]; /* "" none, "adwin", "page_hinkley", "kswin" on the hourly error over
                      its expectation */
    double delta, lambda, alpha;
};

struct lw_gate_spec {
    double min_gain;  /* minimum relative reduction of the loss */
    double z;         /* minimum z of the blocked paired difference */
    int64_t block_ms; /* paired differences are first summed over this much event time */
};

/* How a training searches the candidates; see core/search.h. */
enum lw_search_kind { LW_SEARCH_GRID, LW_SEARCH_HALVING, LW_SEARCH_RANDOM };

struct lw_search_spec {
    enum lw_search_kind kind;
    uint32_t budget; /* random: candidates drawn */
    uint64_t seed;   /* random */
};

struct lw_retrain_spec {
    int64_t bootstrap_until_ms; /* train version 1 when event time reaches this; 0: see
                                   rows */
    uint64_t bootstrap_rows;    /* ... or when this many usable rows have arrived */
    int64_t holdout_ms;
    uint64_t min_rows;  /* usable rows before the hold-out */
    uint64_t min_fresh; /* usable rows since the last training */
    int64_t
        cooldown_ms; /* after a retrain; doubles after a rejection up to cooldown_max */
    int64_t cooldown_max_ms;
    int64_t max_age_ms;   /* retrain when the champion is older; 0: never for age */
    int64_t stale_age_ms; /* ... and when it is older than this and recalibrating it */
    double stale_gain;    /* would remove this share of its squared error over the longest
                             window (core/stale.h); age 0: never */
    int max_per_week;     /* 0: no limit */
    int64_t window_ms;    /* rows read at most; the longest candidate's window */
    int64_t reference_ms; /* newest rows that make the reference profile */
    struct lw_search_spec search;
    double predict_us; /* a slower candidate is not chosen; 0: no limit */
    struct lw_gate_spec gate;
    int64_t probation_ms; /* 0: none */
    double probation_z;   /* roll back when worse by this z */
    /* keeps version 1 as a shadow, to compare with no retraining at all */
    bool keep_first;
};

/* Correcting predictions between trainings (core/tracking.h). */
struct lw_tracking_spec {
    int64_t time_constant_ms; /* a pane weighs 1/e at this age; 0: off */
};

/* Who makes the predictions that are watched. */
enum lw_predictor {
    LW_PREDICTOR_MODELS, /* our candidates, trained on the stream */
    LW_PREDICTOR_EVENTS, /* a model elsewhere: each event carries its prediction */
    LW_PREDICTOR_NONE    /* nobody: features and target are watched */
};

struct lw_task;

struct lw_spec {
    char stream[LW_NAME_MAX];
    const struct lw_task *task; /* what is predicted and how it is judged (core/task.h) */
    struct lw_event_spec event;
    enum lw_predictor predictor;
    struct lw_zone *zone;          /* event time's days and hours are its; NULL: UTC's */
    struct lw_calendars calendars; /* that holiday() can name */
    struct lw_plan *watch;         /* the atoms of the monitored features */
    struct lw_plan *train;         /* the terms of the models */

    size_t nfeatures;
    struct lw_column feature[LW_FEATURES_MAX];
    int feature_atom[LW_FEATURES_MAX]; /* in watch */
    /* Columns of a pane's profile: the features, then `target`. */
    struct lw_column column[LW_FEATURES_MAX + 1];
    struct lw_column score_column[2]; /* `prediction`, `error`: kept per version */

    int64_t pane_ms, lateness_ms, max_jump_ms, idle_timeout_ms;
    int jump_agree; /* number of latest events that make a far time believable */
    size_t nwindows;
    struct lw_window_spec window[LW_WINDOWS_MAX];
    struct lw_drift_options drift;
    size_t nrules;
    struct lw_rule rule[LW_RULES_MAX];
    struct lw_change_spec change;
    struct lw_retrain_spec retrain;
    struct lw_tracking_spec tracking;
    size_t ncandidates;
    struct lw_fit_spec candidate[LW_CANDIDATES_MAX];
    uint64_t config_hash; /* of the text that this was read from */
    /* A clock for recording how long each trial took; NULL: 0. No decision depends on
     * it. */
    double (*seconds)(void);
};

/* Is the truth known, so that predictions have errors? */
static inline bool lw_spec_labelled(const struct lw_spec *spec) {
    return spec->event.target != LW_TARGET_NONE;
}
/* Are models trained here? Otherwise a version is a reference, and the one candidate is
 * of the kind LW_FIT_EXTERNAL. */
static inline bool lw_spec_trains(const struct lw_spec *spec) {
    return spec->predictor == LW_PREDICTOR_MODELS;
}
/* Has an event predictions? */
static inline bool lw_spec_predicts(const struct lw_spec *spec) {
    return spec->predictor != LW_PREDICTOR_NONE;
}
/* Has the stream that column: a feature's index, then the target, then the prediction? */
static inline bool lw_spec_has_column(const struct lw_spec *spec, size_t column) {
    return column < spec->nfeatures ||
           (column == spec->nfeatures ? lw_spec_labelled(spec) : lw_spec_predicts(spec));
}
/* Fills column and score_column from the features and the target's range. The task is
 * regression unless one is set. */
void lw_spec_columns(struct lw_spec *spec);
/* A new plan over the event's fields, in its zone, with the calendars. A plan from which
 * models are fitted needs the zone's name too. */
struct lw_plan *lw_spec_plan(const struct lw_spec *spec);
/* The watched values of a row in column order: the features, then the target. out has
 * nfeatures + 1 cells. Hot path. */
void lw_spec_watch(const struct lw_spec *spec, const struct lw_row *row,
                   struct lw_cell *out);
/* Start of the pane that the time is in. */
int64_t lw_spec_pane_start(const struct lw_spec *spec, int64_t t);
/* Text of a feature index of a rule: its name, "target", "prediction", or "". */
const char *lw_spec_feature_name(const struct lw_spec *spec, int feature);
/* Whether something that is done every `every_ms` is due when a pane ends at end_ms: its
 * time lies in that pane, or at its end. The times are those at which the zone's clocks
 * show a multiple of every_ms, counted from local midnight, or from midnight before Monday
 * when it is a number of whole weeks. */
bool lw_spec_due(const struct lw_spec *spec, int64_t end_ms, int64_t every_ms);
/* The next event time after `after_ms` at which a training may be requested. A replay
 * that pauses there makes the decisions that were made live. */
int64_t lw_spec_next_decision(const struct lw_spec *spec, int64_t after_ms);
/* Figures that need the windows' sketches are published at multiples of this time: as
 * soon as a 24th of the shortest window is new, but not with every short pane. */
int64_t lw_spec_publish_ms(const struct lw_spec *spec);
/* Blocks of a day in which references are kept for windows that are shorter than a week:
 * 0 if there is none, 4 if all have whole days, else one for each hour; or one for each
 * pane that is longer. */
size_t lw_spec_blocks(const struct lw_spec *spec);
/* The longest window's index; 0 when there is none. */
size_t lw_spec_longest(const struct lw_spec *spec);
/* Length of the longest window. */
int64_t lw_spec_longest_window(const struct lw_spec *spec);

#endif
