/* The gate: is the challenger better than the champion on the same trips, and surely so?
 *
 * For each held-out row d = (champion's error)^2 - (challenger's error)^2. Errors of
 * neighbouring trips share their hour's traffic, so the d's are summed within blocks of
 * event time first and the blocks are what is counted: z = mean(D) / (sd(D) /
 * sqrt(blocks)). Two unrelated RMSEs would need a far larger sample for the same
 * certainty, because most of their variance is common to both models. (Diebold and
 * Mariano, "Comparing Predictive Accuracy", 1995, with blocks for their long-run
 * variance.) */
#include <math.h>
#include <stdio.h>

#include "base/text.h"
#include "core/train.h"

struct sums {
    double champion2, challenger2; /* squared errors */
    struct lw_moments block;       /* of the blocks' sums of d */
};

static void add_rows(const struct lw_gate_spec *spec, const struct lw_dataset *ds,
                     size_t begin, size_t end, const double *champion,
                     const double *challenger, struct sums *s) {
    double sum = 0;
    for (size_t i = begin; i < end; i++) {
        double y = lw_dataset_target(ds, i);
        double a = champion[i - begin] - y, b = challenger[i - begin] - y;
        s->champion2 += a * a;
        s->challenger2 += b * b;
        sum += a * a - b * b;
        int64_t block = lw_dataset_time(ds, i) / spec->block_ms;
        if (i + 1 == end || lw_dataset_time(ds, i + 1) / spec->block_ms != block) {
            lw_moments_add(&s->block, sum);
            sum = 0;
        }
    }
}

void lw_gate_judge(const struct lw_gate_spec *spec, const struct lw_dataset *ds,
                   size_t begin, size_t end, const double *champion,
                   const double *challenger, struct lw_gate *out) {
    struct sums s = {0};
    *out = (struct lw_gate){.n = end - begin};
    if (end == begin) {
        snprintf(out->reason, sizeof out->reason, "no held-out rows");
        return;
    }
    add_rows(spec, ds, begin, end, champion, challenger, &s);
    double n = (double)out->n;
    double se = lw_moments_sd(&s.block) / sqrt((double)s.block.n);
    out->blocks = s.block.n;
    out->champion_rmse = sqrt(s.champion2 / n);
    out->challenger_rmse = sqrt(s.challenger2 / n);
    out->gain = s.champion2 > 0 ? 1 - s.challenger2 / s.champion2 : 0;
    out->z = s.block.n >= 2 && se > 0 ? s.block.mean / se : 0;
    out->passed = out->gain >= spec->min_gain && out->gain > 0 && out->z >= spec->z;
    snprintf(out->reason, sizeof out->reason,
             "%s on %zu held-out rows: RMSE %s against %s, gain %s%% (needs %.1f%%), "
             "z %s (needs %.2f)",
             out->passed ? "better" : "not better enough", (size_t)out->n,
             lw_digits(out->challenger_rmse, 3).text,
             lw_digits(out->champion_rmse, 3).text, lw_digits(100 * out->gain, 1).text,
             100 * spec->min_gain, lw_digits(out->z, 2).text, spec->z);
}
