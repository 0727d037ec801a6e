/* The losses of one model version over a set of events: mergeable sums from which every
 * figure of the model follows (core/task.h).
 *
 * Zeroed sums are empty and belong to no task yet: the first addition, merge or read sets
 * it. The same events in the same order, merged in the same order, give the same bytes. */
#ifndef LW_CORE_LOSSES_H
#define LW_CORE_LOSSES_H

#include "base/buf.h"
#include "core/task.h"
#include "leeway/errors.h"

#define LW_LOSSES_NUMBERS 11

struct lw_losses {
    const struct lw_task *task;
    union {
        struct {               /* every task's sums begin with the first three */
            uint64_t n;        /* events summed */
            uint64_t unsummed; /* events whose target or prediction cannot be summed */
            double loss;       /* sum of the losses */
            double number[LW_LOSSES_NUMBERS];
        };
        struct lw_errors errors; /* regression */
    };
};

/* Hot path. */
void lw_losses_add(struct lw_losses *s, const struct lw_task *task, double target,
                   double prediction);
void lw_losses_add_all(struct lw_losses *s, const struct lw_task *task,
                       const double *target, const double *prediction, size_t n);
void lw_losses_merge(struct lw_losses *s, const struct lw_losses *other);

/* NAN where there are too few events. */
double lw_losses_mean(const struct lw_losses *s);
double lw_losses_error(const struct lw_losses *s); /* the task's first figure */
double lw_losses_error_se(const struct lw_losses *s);
double lw_losses_error_high(const struct lw_losses *s); /* struct lw_task_figure: high */
double lw_losses_figure(const struct lw_losses *s, const char *key); /* "mae" */
double lw_losses_recalibration_gain(const struct lw_losses *s);
/* Mean loss of a less that of b, on the same events. */
double lw_losses_difference(const struct lw_losses *a, const struct lw_losses *b);

/* task->bytes bytes. */
void lw_losses_write(const struct lw_losses *s, const struct lw_task *task,
                     struct lw_buf *out);
/* -1 with LW_EINPUT when the bytes are truncated or the sums are impossible. */
int lw_losses_read(struct lw_losses *s, const struct lw_task *task, struct lw_reader *r,
                   struct lw_err *err);

#endif
