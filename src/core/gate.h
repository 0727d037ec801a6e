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
    double gain; /* 1 - challenger's mean loss / champion's */
    /* Of the mean difference, positive if the challenger is better, in the weaker of two
     * verdicts; and what it needs there: the spec's z, raised for the choice. */
    double z, needs;
    uint32_t looks; /* the hold-out was chosen from so many */
    bool passed;
    char reason[240];
};

/* Losses of all trials: from them follows how much the best of them owes to the choice.
 * Sums, in ntrials rows. */
struct lw_trial_losses {
    size_t ntrials;
    int64_t from_ms; /* start of the first hour */
    size_t nhours;
    double *hour; /* of the held-out rows */
    size_t nblocks;
    double *block; /* of their history, by lw_gate_block; 0 blocks: unknown */
};

/* How old the block of that time is, in blocks, before the end of the hold-out. */
size_t lw_gate_block(const struct lw_spec *spec, int64_t until_ms, int64_t ms);

/* Rows [begin, end) of a dataset are held out, rows [from, begin) are their history; and
 * both models' predictions for all of them. */
struct lw_gate_rows {
    const struct lw_dataset *ds;
    size_t from, begin, end;
    const double *champion, *challenger; /* end - from entries */
    int64_t until_ms;                    /* the end of the hold-out */
    int64_t champion_ms; /* the end of the rows that the champion was fitted on */
    uint32_t looks;      /* struct lw_request */
    const struct lw_trial_losses *trials; /* NULL: the challenger was the only one */
};
void lw_gate_judge(const struct lw_spec *spec, const struct lw_gate_rows *rows,
                   struct lw_gate *out);

#endif
