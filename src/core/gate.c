/* See gate.h.
 *
 * For each held-out row d = champion's loss - challenger's loss; for regression this is
 * the difference of squared errors. Errors of neighbouring events are correlated (trips
 * share their hour's traffic), so the d's are first summed within blocks of event time,
 * and the block sums D are the sample: z = mean(D) / (sd(D) / sqrt(blocks)). Two
 * independent errors would need a far larger sample for the same certainty, because most
 * of their variance is common to both models. (Diebold and Mariano, "Comparing Predictive
 * Accuracy", 1995, with blocks for their long-run variance.)
 *
 * A few rows must not decide. An extreme label (lw_dataset_labels) counts only up to a
 * bound: a handful of them would make both errors equal to the third digit, whatever the
 * models. A row that both models miss by far more than nearly all other rows says nothing
 * about either: in d an error is capped at FAR times the 99th percentile. And the gain
 * must exist without the block with the largest gain, and must exceed rounding.
 *
 * A row without a finite prediction of the champion is not a pair; a champion that lacks
 * more than one prediction in a hundred has lost. A challenger must have all of them. */
#include "core/gate.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/sort.h"
#include "base/text.h"
#include "core/task.h"

#define UNANSWERED_MAX 0.01
#define FAR            5.0  /* times the 99th percentile of the smaller of both errors */
#define FEW            5    /* rows always above that percentile */
#define ROUNDING       5e-4 /* of the loss: a gain that shows as a tenth of a percent */

struct sums {
    uint64_t n, unanswered; /* pairs; rows without a prediction of the champion */
    bool broken;            /* a prediction of the challenger is missing */
    double champion_loss, challenger_loss;
    double capped_loss;      /* the champion's, capped as in d */
    double sum, loudest;     /* of d over all blocks; of the largest block */
    struct lw_moments block; /* block sums of d */
};

static double distance_cap(const struct lw_task *task, const struct lw_gate_rows *rows,
                           const struct lw_labels *labels) {
    size_t count = rows->end - rows->begin, n = 0;
    size_t few = count / 100 > FEW ? count / 100 : FEW;
    double *miss = lw_malloc((count + 1) * sizeof *miss), cap = INFINITY;
    for (size_t i = 0; i < count; i++) {
        double y = lw_label_bounded(labels, lw_dataset_target(rows->ds, rows->begin + i));
        double a = task->distance(y, rows->champion[i]);
        double b = task->distance(y, rows->challenger[i]);
        double least = isfinite(a) && a < b ? a : b;
        if (isfinite(least))
            miss[n++] = least;
    }
    lw_sort_f64(miss, n);
    if (n >= 20 * (size_t)FEW && miss[n - 1 - few] > 0)
        cap = FAR * miss[n - 1 - few];
    free(miss);
    return cap;
}

static void sums_add(struct sums *s, const struct lw_loss_pair *pair, double *sum) {
    s->n++;
    s->champion_loss += pair->champion;
    s->challenger_loss += pair->challenger;
    s->capped_loss += pair->capped;
    *sum += pair->difference;
}

static void end_block(struct sums *s, double *sum) {
    lw_moments_add(&s->block, *sum);
    s->sum += *sum;
    s->loudest = fmax(s->loudest, *sum);
    *sum = 0;
}

/* Blocks of a day are local days. */
static int64_t block_of(const struct lw_spec *spec, const struct lw_dataset *ds,
                        size_t i) {
    return lw_zone_clock(spec->zone, lw_dataset_time(ds, i)) /
           spec->retrain.gate.block_ms;
}

static void rows_add(const struct lw_spec *spec, const struct lw_gate_rows *rows,
                     struct sums *s) {
    const struct lw_dataset *ds = rows->ds;
    struct lw_labels labels = lw_dataset_labels(ds, rows->begin, rows->end);
    double sum = 0, cap = distance_cap(spec->task, rows, &labels);
    for (size_t i = rows->begin; i < rows->end; i++) {
        double y = lw_label_bounded(&labels, lw_dataset_target(ds, i));
        double a = rows->champion[i - rows->begin], b = rows->challenger[i - rows->begin];
        s->broken |= !isfinite(b - y);
        if (isfinite(a - y)) {
            struct lw_loss_pair pair = spec->task->compare(y, a, b, cap);
            sums_add(s, &pair, &sum);
        } else {
            s->unanswered++;
        }
        if (i + 1 == rows->end || block_of(spec, ds, i + 1) != block_of(spec, ds, i))
            end_block(s, &sum);
    }
}

static void gate_decide(const struct lw_task *task, const struct lw_gate_spec *spec,
                        const struct sums *s, struct lw_gate *out) {
    double n = (double)s->n, se = lw_moments_sd(&s->block) / sqrt((double)s->block.n);
    out->blocks = s->block.n;
    out->champion_error = s->n ? task->error_of(s->champion_loss / n) : NAN;
    out->challenger_error = s->n ? task->error_of(s->challenger_loss / n) : NAN;
    out->gain = s->capped_loss > 0 ? s->sum / s->capped_loss : 0;
    out->z = s->block.n >= 2 && se > 0 ? s->block.mean / se : 0;
    bool alone = s->sum > 0 && s->sum <= s->loudest;
    bool differ = (out->gain > 0) != (out->challenger_error < out->champion_error);
    out->passed = out->gain >= spec->min_gain && out->gain > ROUNDING &&
                  out->z >= spec->z && !alone;
    snprintf(out->reason, sizeof out->reason,
             "%s on %zu held-out rows: %s %s against %s, gain %s%% (needs %.1f%%), "
             "z %s (needs %.2f)%s",
             out->passed ? "better" : "not better enough", (size_t)out->n,
             task->figure[0].label, lw_digits(out->challenger_error, 3).text,
             lw_digits(out->champion_error, 3).text, lw_digits(100 * out->gain, 1).text,
             100 * spec->min_gain, lw_digits(out->z, 2).text, spec->z,
             alone    ? "; all of the gain comes from one block of time"
             : differ ? "; the gain counts rows that both miss by far only in part"
                      : "");
}

void lw_gate_judge(const struct lw_spec *spec, const struct lw_gate_rows *rows,
                   struct lw_gate *out) {
    struct sums s = {0};
    *out = (struct lw_gate){.n = rows->end - rows->begin};
    if (out->n == 0) {
        snprintf(out->reason, sizeof out->reason, "no held-out rows");
        return;
    }
    rows_add(spec, rows, &s);
    gate_decide(spec->task, &spec->retrain.gate, &s, out);
    bool comparable = isfinite(s.champion_loss) && isfinite(s.challenger_loss) &&
                      isfinite(out->gain) && isfinite(out->z);
    if (s.broken || (s.n && !comparable)) {
        out->passed = false;
        out->gain = out->z = 0;
        snprintf(out->reason, sizeof out->reason, "%s",
                 s.broken ? "the challenger has no finite prediction for a held-out row"
                          : "the errors are too large to be compared");
    } else if ((double)s.unanswered > UNANSWERED_MAX * (double)out->n) {
        out->passed = true;
        snprintf(out->reason, sizeof out->reason,
                 "the champion has no finite prediction for %zu of %zu held-out rows",
                 (size_t)s.unanswered, (size_t)out->n);
    }
}
