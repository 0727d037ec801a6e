/* Retrain and prove: rows in, a verdict and a model out. Pure; the retrainer reads rows
 * from Kafka, the backtest and `leeway train` from files.
 *
 * The newest `holdout` of event time is held out; candidates are fitted on what is
 * before it and scored on it (search.h says which, and on how many rows); the best is
 * compared with the champion on the same rows (gate.h); a model to promote is fitted again
 * on everything.
 *
 * Rows in quarantine are never used; the hold-out reaches further back until it has its
 * full length outside of them. */
#ifndef LW_CORE_TRAIN_H
#define LW_CORE_TRAIN_H

#include "core/gate.h"
#include "core/pane.h"
#include "core/quarantine.h"
#include "core/reference.h"
#include "leeway/model.h"

/* One candidate, fitted once and scored on the held-out rows. Halving fits the better ones
 * again. */
#define LW_TRIALS_MAX (2 * LW_CANDIDATES_MAX)
#define LW_TRIAL_NOTE 160

struct lw_trial {
    char name[LW_NAME_MAX];
    const struct lw_fit_spec
        *fit;          /* its parameters; borrowed from the spec; NULL: imported */
    int round;         /* of halving; else 0 */
    uint64_t rows;     /* fitted */
    double seconds;    /* by the spec's clock */
    double predict_us; /* estimated cost of a prediction (model/cost.h); 0: not fitted */
    bool costly;       /* more than the budget: it is not chosen */
    double error;      /* on the held-out rows; NAN: it failed, and note says why */
    char note[LW_TRIAL_NOTE]; /* ..., or dropped columns */
};

/* What a training left out of its window because of one span; spans may share rows. */
struct lw_left_out {
    struct lw_span span;
    uint64_t rows;
};

struct lw_training {
    /* In: the moment of the training, the rows to leave out, and a candidate that was
     * rolled back recently. That candidate is chosen only if no other could be fitted,
     * and it does not pass the gate. "": none. */
    int64_t as_of_ms;
    struct lw_quarantine quarantine;
    char barred[LW_NAME_MAX];
    bool tracked; /* candidates and champion are judged as they are served: tracked */
    bool verdict_only;   /* what does not pass the gate is not kept: no model of it */
    int64_t champion_ms; /* the end of the rows that the champion was fitted on */
    uint32_t looks;      /* struct lw_request; 0: nothing has chosen the moment */
    /* A model that was made elsewhere, judged in place of the candidates; its atoms are in
     * the dataset's plan. It becomes `model`, or is freed. NULL: none. */
    struct lw_model *imported;
    /* Out. */
    size_t ndays; /* tracked: the chosen candidate's losses by day of the hold-out */
    struct lw_tracking_day day[LW_TRACKING_DAYS];
    size_t nleft;
    struct lw_left_out left[LW_SPANS_MAX];
    int64_t holdout_from_ms, rows_from_ms;
    uint64_t rows, holdout_rows;
    bool early; /* it failed with too few rows: `rows` and `holdout_rows` */
    size_t ntrials, chosen;
    struct lw_trial trial[LW_TRIALS_MAX];
    struct lw_gate gate;            /* passed is true when there is no champion */
    struct lw_model *model;         /* refitted on all rows; owned; see verdict_only */
    struct lw_reference *reference; /* owned; version 0 until it has one */
};

/* Trains on a dataset sorted by time; rows at or after as_of_ms are ignored. champion may
 * be NULL; this call binds it to the dataset's plan. recent: the merged panes of the
 * newest reference_ms, which become the reference's profile and counts; NULL: those stay
 * empty. Reads only the "in" fields of *out. Returns 0, or -1 with LW_EINPUT (too few
 * rows, see `early`; no candidate could be fitted) and nothing to free. */
int lw_train(const struct lw_spec *spec, const struct lw_dataset *ds,
             struct lw_model *champion, const struct lw_pane *recent,
             struct lw_training *out, struct lw_err *err);
void lw_training_fini(struct lw_training *t);

#endif
