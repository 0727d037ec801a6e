/* See gate.h.
 *
 * For each held-out row d = champion's loss - challenger's loss; for regression this is
 * the difference of squared errors. Two independent errors would need a far larger sample
 * for the same certainty, because most of their variance is common to both models.
 * (Diebold and Mariano, "Comparing Predictive Accuracy", 1995, with blocks for their
 * long-run variance.)
 *
 * Events of one hour share their traffic, and those of one day their weather. The mean of
 * d is therefore judged twice, and the weaker verdict counts:
 *
 *   within   the d's summed by hour of the hold-out are the sample;
 *   between  the spread of the mean of d between whole blocks (local days) is measured on
 *            weeks of history (core/blocks.h). Two days alone say nearly nothing about how
 *            much days differ. The level of d means nothing there, because the champion
 *            has seen the rows that it was fitted on: days since then and days before each
 *            have their own level, and only the spread around it counts.
 *
 * Each is a t with the degrees of freedom of its spread, and is given as the z of the same
 * probability. The challenger is the best of several candidates on these very rows: the z
 * that it needs is raised to what the best of so many equals would reach by chance, from
 * the same blocks as the verdict: hours of the hold-out, or days of the history.
 *
 * A reading that is high where a challenger gains (LW_METRIC_CHOOSES) has chosen
 * the hold-out: of all hold-outs since the last training, the champion's worst. The level
 * of z is that of the largest of so many.
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
#include "base/time.h"
#include "core/blocks.h"
#include "core/task.h"
#include "drift/special.h"

#define UNANSWERED_MAX 0.01
#define FAR            5.0  /* times the 99th percentile of the smaller of both errors */
#define FEW            5    /* rows always above that percentile */
#define ROUNDING       5e-4 /* of the loss: a gain that shows as a tenth of a percent */

#define CHOICE_MIN 10 /* blocks of history: fewer do not say how trials correlate */

#define Z_MAX 37.0 /* beyond it the normal's tail underflows */
#define BLOCK_FULL                                                                       \
    0.25 /* of the mean rows of a block: others tell nothing of the spread */

struct sums {
    uint64_t n, unanswered; /* pairs; rows without a prediction of the champion */
    bool broken;            /* a prediction of the challenger is missing */
    double champion_loss, challenger_loss;
    double capped_loss;      /* the champion's, capped as in d */
    double sum, loudest;     /* of d over all hours; of the largest hour */
    struct lw_moments block; /* hourly sums of d */
};

/* d in one block of time; of all its rows, and of those that are held out; and the
 * champion's loss on the others. */
struct gate_block {
    double sum, n, held, before;
};
struct gate_blocks {
    size_t n;           /* blocks */
    size_t held, since; /* blocks with held-out rows; and since the champion's fit */
    struct gate_block *block; /* by age, the newest first */
};

static double distance_cap(const struct lw_task *task, const struct lw_gate_rows *rows,
                           const struct lw_labels *labels) {
    size_t count = rows->end - rows->begin, n = 0, skip = rows->begin - rows->from;
    size_t few = count / 100 > FEW ? count / 100 : FEW;
    double *miss = lw_malloc((count + 1) * sizeof *miss), cap = INFINITY;
    for (size_t i = 0; i < count; i++) {
        double y = lw_label_bounded(labels, lw_dataset_target(rows->ds, rows->begin + i));
        double a = task->distance(y, rows->champion[skip + i]);
        double b = task->distance(y, rows->challenger[skip + i]);
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

static void rows_add(const struct lw_spec *spec, const struct lw_gate_rows *rows,
                     const struct lw_labels *labels, double cap, struct sums *s) {
    const struct lw_dataset *ds = rows->ds;
    double sum = 0;
    for (size_t i = rows->begin; i < rows->end; i++) {
        double y = lw_label_bounded(labels, lw_dataset_target(ds, i));
        double a = rows->champion[i - rows->from], b = rows->challenger[i - rows->from];
        s->broken |= !isfinite(b - y);
        if (isfinite(a - y)) {
            struct lw_loss_pair pair = spec->task->compare(y, a, b, cap);
            sums_add(s, &pair, &sum);
        } else {
            s->unanswered++;
        }
        int64_t hour = lw_dataset_time(ds, i) / LW_HOUR;
        if (i + 1 == rows->end || lw_dataset_time(ds, i + 1) / LW_HOUR != hour)
            end_block(s, &sum);
    }
}

/* The number of a block since 1970: days are local. */
static int64_t block_of(const struct lw_spec *spec, int64_t ms) {
    return lw_zone_clock(spec->zone, ms) / spec->retrain.gate.block_ms;
}

size_t lw_gate_block(const struct lw_spec *spec, int64_t until_ms, int64_t ms) {
    int64_t age = block_of(spec, until_ms - 1) - block_of(spec, ms);
    return age > 0 ? (size_t)age : 0;
}

static size_t block_age(const struct lw_spec *spec, const struct lw_gate_rows *rows,
                        size_t i) {
    return lw_gate_block(spec, rows->until_ms, lw_dataset_time(rows->ds, i));
}

static void blocks_add(const struct lw_spec *spec, const struct lw_gate_rows *rows,
                       const struct lw_labels *labels, double cap,
                       struct gate_blocks *out) {
    out->n = block_age(spec, rows, rows->from) + 1;
    out->since = lw_gate_block(spec, rows->until_ms, rows->champion_ms - 1);
    out->since = out->since < out->n ? out->since : out->n;
    out->held = block_age(spec, rows, rows->begin) + 1;
    out->block = lw_calloc(out->n, sizeof *out->block);
    for (size_t i = rows->from; i < rows->end; i++) {
        double y = lw_label_bounded(labels, lw_dataset_target(rows->ds, i));
        double a = rows->champion[i - rows->from], b = rows->challenger[i - rows->from];
        struct lw_loss_pair pair = spec->task->compare(y, a, b, cap);
        if (!isfinite(pair.difference))
            continue;
        struct gate_block *block = &out->block[block_age(spec, rows, i)];
        block->sum += pair.difference;
        block->n++;
        block->held += i >= rows->begin;
        block->before += i >= rows->begin ? 0 : spec->task->loss_of(y, a);
    }
}

/* The z of the same probability as t, in Student's distribution. */
static double same_z(double t, double df) {
    double p = lw_special_student_sf(fabs(t), df);
    double z = p > 0 ? fmin(-lw_special_normal_quantile(fmin(p, .5)), Z_MAX) : Z_MAX;
    return t < 0 ? -z : z;
}

static double within_z(const struct sums *s) {
    double blocks = (double)s->block.n, se = lw_moments_sd(&s->block) / sqrt(blocks);
    return blocks >= 2 && se > 0 ? same_z(s->block.mean / se, blocks - 1) : 0;
}

/* Means of the full blocks, the others NAN. The caller frees them. */
static double *full_means(const struct gate_blocks *b) {
    double *means = lw_malloc((b->n + 1) * sizeof *means), rows = 0, filled = 0;
    for (size_t i = 0; i < b->n; i++) {
        rows += b->block[i].n;
        filled += b->block[i].n > 0;
    }
    for (size_t i = 0; i < b->n; i++) {
        const struct gate_block *block = &b->block[i];
        bool full = block->n > 0 && block->n >= BLOCK_FULL * rows / filled;
        means[i] = full ? block->sum / block->n : NAN;
    }
    return means;
}

/* Spread of the mean of so many blocks, from the history or, where that is too short, from
 * the hold-out itself. */
static struct lw_block_spread spread_of(const struct gate_blocks *b, size_t span) {
    double *means = full_means(b);
    size_t since = b->since > b->held ? b->since : b->held;
    const struct lw_block_part part[] = {{means, b->held},
                                         {means + b->held, since - b->held},
                                         {means + since, b->n - since}};
    struct lw_block_spread spread = lw_blocks_spread(part + 1, 2, span);
    if (!(spread.df >= 1)) {
        spread = lw_blocks_spread(part, 3, 1);
        spread.variance /= (double)span;
    }
    free(means);
    return spread;
}

/* INFINITY: the spread between them is unknown. */
static double between_z(const struct gate_blocks *b, double mean, struct lw_gate *out) {
    double held = 0, weights = 0;
    for (size_t i = 0; i < b->n; i++) {
        held += b->block[i].held;
        out->history += b->block[i].n > 0 && b->block[i].held == 0;
    }
    for (size_t i = 0; i < b->n && held > 0; i++)
        weights += b->block[i].held / held * (b->block[i].held / held);
    if (!(weights > 0))
        return INFINITY;
    double span = fmax(floor(1 / weights + .5), 1);
    struct lw_block_spread spread = spread_of(b, (size_t)span);
    double se = sqrt(spread.variance * span * weights);
    return se > 0 ? same_z(mean / se, spread.df) : INFINITY;
}

/* What the best of all trials needs where the hours are the sample. */
static double within_needs(const struct lw_spec *spec, const struct lw_gate_rows *rows,
                           const struct lw_labels *labels) {
    const struct lw_trial_losses *t = rows->trials;
    double z = lw_blocks_largest_z(rows->looks, spec->retrain.gate.z);
    if (!t || t->ntrials < 2)
        return z;
    double *gain = lw_calloc(t->ntrials * t->nhours, sizeof *gain);
    double *champion = lw_calloc(t->nhours, sizeof *champion);
    for (size_t i = rows->begin; i < rows->end; i++) {
        double y = lw_label_bounded(labels, lw_dataset_target(rows->ds, i));
        double loss = spec->task->loss_of(y, rows->champion[i - rows->from]);
        size_t hour = (size_t)((lw_dataset_time(rows->ds, i) - t->from_ms) / LW_HOUR);
        champion[hour] += isfinite(loss) ? loss : 0;
    }
    for (size_t j = 0; j < t->ntrials * t->nhours; j++)
        gain[j] = champion[j % t->nhours] - t->hour[j];
    z = lw_blocks_best_z(gain, t->ntrials, t->nhours, z);
    free(gain);
    free(champion);
    return z;
}

/* Mean gains of a trial in the full blocks of [from, until), around their own level, into
 * `out`; returns their number. */
static size_t gains_of_part(const struct gate_blocks *b, const double *loss,
                            const double *full, size_t from, size_t until, double *out) {
    size_t n = 0;
    double mean = 0;
    for (size_t i = from; i < until; i++) {
        double gain = (b->block[i].before - loss[i]) / b->block[i].n;
        if (b->block[i].held > 0 || !isfinite(full[i]) || !isfinite(gain))
            continue;
        out[n++] = gain;
        mean += (gain - mean) / (double)n;
    }
    for (size_t i = 0; i < n; i++)
        out[i] -= mean;
    return n;
}

/* What the best of all trials needs where whole blocks are the sample. Trials that share
 * their level share the shocks of a day, so that the choice between them gains little of
 * what the days' spread covers. */
static double between_needs(const struct lw_spec *spec, const struct lw_gate_rows *rows,
                            const struct gate_blocks *b) {
    const struct lw_trial_losses *t = rows->trials;
    double z = lw_blocks_largest_z(rows->looks, spec->retrain.gate.z);
    if (!t || t->ntrials < 2 || t->nblocks < b->n)
        return NAN;
    double *gain = lw_malloc(t->ntrials * b->n * sizeof *gain);
    double *full = full_means(b);
    size_t n = 0, since = b->since > b->held ? b->since : b->held;
    for (size_t j = 0; j < t->ntrials; j++) {
        const double *loss = &t->block[j * t->nblocks];
        double *to = &gain[j * n]; /* n is the same for all */
        size_t newer = gains_of_part(b, loss, full, b->held, since, to);
        n = newer + gains_of_part(b, loss, full, since, b->n, to + newer);
    }
    double needs = n >= CHOICE_MIN ? lw_blocks_best_z(gain, t->ntrials, n, z) : NAN;
    free(full);
    free(gain);
    return needs;
}

/* Why more than the spec's z is needed. */
static const char *choice_text(const struct lw_gate *gate, double z, char out[40]) {
    if (gate->looks <= 1)
        return gate->needs > z ? " as the best of several" : "";
    snprintf(out, 40, " in 1 of %u hold-outs", gate->looks);
    return out;
}

static void gate_decide(const struct lw_task *task, const struct lw_gate_spec *spec,
                        const struct sums *s, struct lw_gate *out) {
    char choice[40];
    double n = (double)s->n;
    out->blocks = s->block.n;
    out->champion_error = s->n ? task->error_of(s->champion_loss / n) : NAN;
    out->challenger_error = s->n ? task->error_of(s->challenger_loss / n) : NAN;
    out->gain = s->capped_loss > 0 ? s->sum / s->capped_loss : 0;
    bool alone = s->sum > 0 && s->sum <= s->loudest;
    bool differ = (out->gain > 0) != (out->challenger_error < out->champion_error);
    out->passed = out->gain >= spec->min_gain && out->gain > ROUNDING &&
                  out->z >= out->needs && !alone;
    snprintf(out->reason, sizeof out->reason,
             "%s on %zu held-out rows: %s %s against %s, gain %s%% (needs %.1f%%), "
             "z %s (needs %.2f%s)%s",
             out->passed ? "better" : "not better enough", (size_t)out->n,
             task->figure[0].label, lw_digits(out->challenger_error, 3).text,
             lw_digits(out->champion_error, 3).text, lw_digits(100 * out->gain, 1).text,
             100 * spec->min_gain, lw_digits(out->z, 2).text, out->needs,
             choice_text(out, spec->z, choice),
             alone    ? "; all of the gain comes from one hour"
             : differ ? "; rows that both miss by far count only in part"
                      : "");
}

static void gate_measure(const struct lw_spec *spec, const struct lw_gate_rows *rows,
                         struct sums *s, struct lw_gate *out) {
    struct lw_labels labels = lw_dataset_labels(rows->ds, rows->begin, rows->end);
    double cap = distance_cap(spec->task, rows, &labels);
    struct gate_blocks blocks = {0};
    rows_add(spec, rows, &labels, cap, s);
    blocks_add(spec, rows, &labels, cap, &blocks);
    double mean = s->n ? s->sum / (double)s->n : 0;
    out->z = within_z(s);
    out->needs = within_needs(spec, rows, &labels);
    double z = between_z(&blocks, mean, out);
    double needs = between_needs(spec, rows, &blocks);
    needs = isnan(needs) ? out->needs : needs;
    if (z - needs < out->z - out->needs) {
        out->z = z;
        out->needs = needs;
    }
    free(blocks.block);
}

void lw_gate_judge(const struct lw_spec *spec, const struct lw_gate_rows *rows,
                   struct lw_gate *out) {
    struct sums s = {0};
    *out = (struct lw_gate){.n = rows->end - rows->begin, .looks = rows->looks};
    if (out->n == 0) {
        snprintf(out->reason, sizeof out->reason, "no held-out rows");
        return;
    }
    gate_measure(spec, rows, &s, out);
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
