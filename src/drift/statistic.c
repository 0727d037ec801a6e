/* See statistic.h. */
#include "drift/statistic.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "drift/stats.h"

static bool statistic_applies(const struct lw_member *m, const struct lw_drift *judged,
                              bool categories) {
    return judged->verdict != LW_VERDICT_EMPTY && judged->n_ref > 0 &&
           judged->n_cur > 0 && (m->kind == LW_NUMERIC || categories);
}

void lw_statistic_compare(lw_statistic_fn *statistic, const struct lw_statistic_input *in,
                          struct lw_statistic *out) {
    const struct lw_drift *judged = in->judged;
    size_t n = in->reference->n, k = 0;
    double *p = lw_calloc(n, sizeof *p);
    size_t *at = lw_calloc(n, sizeof *at);
    for (size_t i = 0; i < n; i++) {
        const struct lw_member *before = &in->reference->members[i];
        out[i] = (struct lw_statistic){.p = 1, .p_adjusted = 1};
        if (!statistic_applies(before, &judged[i], in->categories))
            continue;
        if (judged[i].verdict == LW_VERDICT_CONSTANT) {
            out[i].known = true;
            continue;
        }
        out[i] = statistic(before, &in->current->members[i]);
        out[i].known = isfinite(out[i].value);
        out[i].p_adjusted = 1;
        if (judged[i].verdict == LW_VERDICT_INSUFFICIENT) {
            out[i].p = 1;
            continue;
        }
        at[k] = i;
        p[k++] = out[i].p;
    }
    lw_drift_p_adjust(p, k, in->correction);
    for (size_t i = 0; i < k; i++)
        out[at[i]].p_adjusted = p[i];
    free(p);
    free(at);
}
