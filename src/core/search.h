/* Which candidates a training tries, on which rows; internal to the layer.
 *
 * grid     every candidate on all rows before the hold-out.
 * halving  every candidate on the newest quarter of those rows, the better half again on
 *          the newest half, the better half of these on all: with 8 candidates the rows
 *          of 6 fits instead of 8, of which two are full. Successive halving (Jamieson,
 *          Talwalkar 2016) with rows as the resource. The newest, because a shuffled
 *          quarter would hide from the first round that the world has changed.
 * random   `budget` of them on all rows, drawn without repetition. The moment of the
 *          training is mixed into the seed: a draw can be repeated, and yet trainings one
 *          after the other see the whole grid.
 *
 * All are scored on the same held-out newest rows, which no fit sees. Left out:
 * Hyperband's brackets; there are 32 candidates at most. */
#ifndef LW_CORE_SEARCH_H
#define LW_CORE_SEARCH_H

#include "core/train.h"

struct lw_split {
    const struct lw_dataset *ds;
    size_t begin, hold, end; /* rows [begin, hold) to fit, [hold, end) held out */
    struct lw_labels labels; /* of the held-out rows: the bounds of a label */
    bool tracked;            /* answers are tracked predictions */
    size_t recent;           /* the first row of the history, before the hold-out */
    int64_t until_ms;        /* the end of the hold-out */
    struct lw_trial_losses *losses; /* filled by the search; for LW_TRIALS_MAX trials */
};

/* What predictions for the held-out rows are served as: tracked in order of time, or as
 * they are. out may be predicted itself. */
void lw__search_answer(const struct lw_spec *spec, const struct lw_split *s,
                       const double *predicted, double *out);

/* Error of predictions for the held-out rows, and the sums behind it; a label counts as
 * `labels` says. */
double lw__search_held_out(const struct lw_task *task, const struct lw_split *s,
                           const double *predicted, struct lw_losses *errors);

/* Fills the trials of `out`. The best model, fitted on [begin, hold) and owned by the
 * caller, with its held-out predictions in `best` (end - hold entries); out->chosen is
 * its trial. A candidate whose fit, predictions or error are not finite has failed, and
 * so has one that `failed` (by candidate; NULL: none) gives a reason for. NULL and
 * LW_EINPUT with all reasons when none is left. */
struct lw_failures {
    char why[LW_CANDIDATES_MAX][LW_TRIAL_NOTE]; /* "": not failed */
};
struct lw_model *lw__search(const struct lw_spec *spec, const struct lw_split *s,
                            struct lw_training *out, double *best,
                            const struct lw_failures *failed, struct lw_err *err);
/* The same for one model that was made elsewhere: its predictions and its trial. */
int lw__search_imported(const struct lw_spec *spec, const struct lw_split *s,
                        struct lw_training *out, struct lw_model *imported, double *best,
                        struct lw_err *err);

#endif
