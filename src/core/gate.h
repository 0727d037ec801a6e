/* The gate: is the challenger better than the champion on the same held-out rows, and is
 * the difference significant? */
#ifndef LW_CORE_GATE_H
#define LW_CORE_GATE_H

#include "core/spec.h"
#include "model/dataset.h"

struct lw_gate {
    uint64_t n, blocks;
    double champion_error, challenger_error;
    double gain; /* 1 - challenger's mean loss / champion's */
    double z;    /* mean block difference over its standard error; positive: challenger is
                    better */
    bool passed;
    char reason[240];
};

/* Rows [begin, end) of a dataset, and both models' predictions for them. */
struct lw_gate_rows {
    const struct lw_dataset *ds;
    size_t begin, end;
    const double *champion, *challenger; /* end - begin entries */
};
void lw_gate_judge(const struct lw_spec *spec, const struct lw_gate_rows *rows,
                   struct lw_gate *out);

#endif
