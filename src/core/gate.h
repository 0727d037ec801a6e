/* The gate: is the challenger better than the champion on the same held-out rows, and is
 * the difference significant? */
#ifndef LW_CORE_GATE_H
#define LW_CORE_GATE_H

#include "core/spec.h"
#include "model/dataset.h"

struct lw_gate {
    uint64_t n, blocks; /* held-out rows, hours that they are in */
    uint64_t history;   /* blocks of the spec before the hold-out, for the spread */
    double champion_error, challenger_error;
    double gain;  /* 1 - challenger's mean loss / champion's */
    double z;     /* of the mean difference; positive: challenger is better */
    double needs; /* the z for which it passes: the spec's, raised for the choice */
    bool passed;
    char reason[240];
};

/* Losses of all trials on the held-out rows, by hour: from them follows how much the best
 * of them owes to the choice. */
struct lw_trial_hours {
    int64_t from_ms;   /* start of the first hour */
    size_t n, ntrials; /* hours */
    double *loss;      /* sums: ntrials rows of n */
};

/* Rows [begin, end) of a dataset are held out, rows [from, begin) are their history; and
 * both models' predictions for all of them. */
struct lw_gate_rows {
    const struct lw_dataset *ds;
    size_t from, begin, end;
    const double *champion, *challenger; /* end - from entries */
    int64_t until_ms;                    /* the end of the hold-out */
    int64_t champion_ms; /* the end of the rows that the champion was fitted on */
    const struct lw_trial_hours *trials; /* NULL: the challenger was the only one */
};
void lw_gate_judge(const struct lw_spec *spec, const struct lw_gate_rows *rows,
                   struct lw_gate *out);

#endif
