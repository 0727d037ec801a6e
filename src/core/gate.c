/* The gate: is the challenger better than the champion on the same trips, and surely so?
 *
 * For each held-out row d = (champion's error)^2 - (challenger's error)^2. Errors of
 * neighbouring trips share their hour's traffic, so the d's are summed within blocks of
 * event time first and the blocks are what is counted: z = mean(D) / (sd(D) /
 * sqrt(blocks)). Two unrelated RMSEs would need a far larger sample for the same
 * certainty, because most of their variance is common to both models. (Diebold and
 * Mariano, "Comparing Predictive Accuracy", 1995, with blocks for their long-run
 * variance.)
 *
 * Nothing may be won by a few rows. A label that neither model comes near multiplies
 * whatever small difference there is between them: among 3,000 trips of a quarter of an
 * hour one of a million minutes decides alone. Such rows are set apart: a hundredth of
 * the rows at most (but a handful of a small hold-out), and only where both errors are
 * FAR times what they are for the next row. Which rows those are does not depend on who
 * is champion. And the gain must be there without the block that speaks loudest for it,
 * and be more than rounding. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"
#include "core/train.h"

#define FAR     10.0
#define HANDFUL 5
#define ROUNDING                                                                         \
    5e-4 /* of the mean squared error: what shows as a tenth of a percent                \
          */

struct sums {
    size_t n;
    double champion2, challenger2; /* squared errors */
    double d;                      /* their differences */
    struct lw_moments block;       /* of the blocks' sums of d */
    double sum, loudest;           /* of all blocks; the largest one */
};

/* What the better of the two models errs by in each row. */
static double *least_errors(const struct lw_dataset *ds, size_t begin, size_t end,
                            const double *champion, const double *challenger) {
    double *out = lw_malloc((end - begin) * sizeof *out);
    for (size_t i = begin; i < end; i++) {
        double y = lw_dataset_target(ds, i);
        out[i - begin] =
            fmin(fabs(champion[i - begin] - y), fabs(challenger[i - begin] - y));
    }
    return out;
}

static int falling(const void *a, const void *b) {
    const double *x = a, *y = b;
    return (*x < *y) - (*x > *y);
}

/* Errors above this are set apart. */
static double too_far(const double *least, size_t n) {
    size_t few = n / 20 < HANDFUL ? n / 20 : HANDFUL;
    few = n / 100 > few ? n / 100 : few;
    double *sorted = lw_memdup(least, n * sizeof *least);
    qsort(sorted, n, sizeof *sorted, falling);
    double next = sorted[few];
    free(sorted);
    return next > 0 ? FAR * next : INFINITY;
}

static void end_block(struct sums *s, double *sum) {
    lw_moments_add(&s->block, *sum);
    s->sum += *sum;
    s->loudest = fmax(s->loudest, *sum);
    *sum = 0;
}

static void add_rows(const struct lw_gate_spec *spec, const struct lw_dataset *ds,
                     size_t begin, size_t end, const double *champion,
                     const double *challenger, struct sums *s) {
    double *least = least_errors(ds, begin, end, champion, challenger);
    double limit = too_far(least, end - begin), sum = 0;
    for (size_t i = begin; i < end; i++) {
        double y = lw_dataset_target(ds, i);
        double a = champion[i - begin] - y, b = challenger[i - begin] - y;
        if (!(least[i - begin] > limit)) {
            s->n++;
            s->champion2 += a * a;
            s->challenger2 += b * b;
            /* a^2 - b^2, without the difference of two large squares */
            sum += (champion[i - begin] - challenger[i - begin]) * (a + b);
        }
        int64_t block = lw_dataset_time(ds, i) / spec->block_ms;
        if (i + 1 == end || lw_dataset_time(ds, i + 1) / spec->block_ms != block)
            end_block(s, &sum);
    }
    free(least);
}

static void decide(const struct lw_gate_spec *spec, const struct sums *s,
                   struct lw_gate *out) {
    double n = (double)s->n, se = lw_moments_sd(&s->block) / sqrt((double)s->block.n);
    out->blocks = s->block.n;
    out->champion_rmse = sqrt(s->champion2 / n);
    out->challenger_rmse = sqrt(s->challenger2 / n);
    out->gain = s->champion2 > 0 ? s->sum / s->champion2 : 0;
    out->z = s->block.n >= 2 && se > 0 ? s->block.mean / se : 0;
    out->passed = out->gain >= spec->min_gain && out->gain > ROUNDING &&
                  out->z >= spec->z && s->sum - s->loudest > 0;
}

void lw_gate_judge(const struct lw_gate_spec *spec, const struct lw_dataset *ds,
                   size_t begin, size_t end, const double *champion,
                   const double *challenger, struct lw_gate *out) {
    struct sums s = {0};
    char apart[80] = "";
    *out = (struct lw_gate){.n = end - begin};
    if (end == begin) {
        snprintf(out->reason, sizeof out->reason, "no held-out rows");
        return;
    }
    add_rows(spec, ds, begin, end, champion, challenger, &s);
    decide(spec, &s, out);
    out->apart = out->n - s.n;
    if (out->apart)
        snprintf(apart, sizeof apart, "; %zu absurd rows set apart", (size_t)out->apart);
    else if (!out->passed && s.sum > 0 && s.sum <= s.loudest)
        snprintf(apart, sizeof apart, "; one block of time makes all of the gain");
    snprintf(out->reason, sizeof out->reason,
             "%s on %zu held-out rows: RMSE %s against %s, gain %s%% (needs %.1f%%), "
             "z %s (needs %.2f)%s",
             out->passed ? "better" : "not better enough", (size_t)out->n,
             lw_digits(out->challenger_rmse, 3).text,
             lw_digits(out->champion_rmse, 3).text, lw_digits(100 * out->gain, 1).text,
             100 * spec->min_gain, lw_digits(out->z, 2).text, spec->z, apart);
}
