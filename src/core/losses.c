/* Mergeable sums of losses; the task does the arithmetic. */
#include "core/losses.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"

void lw_losses_add_all(struct lw_losses *s, const struct lw_task *task,
                       const double *target, const double *prediction, size_t n) {
    s->task = task;
    task->add(s, target, prediction, n);
}

void lw_losses_add(struct lw_losses *s, const struct lw_task *task, double target,
                   double prediction) {
    lw_losses_add_all(s, task, &target, &prediction, 1);
}

void lw_losses_merge(struct lw_losses *s, const struct lw_losses *other) {
    if (!other->task)
        return;
    lw_assert(!s->task || s->task == other->task);
    s->task = other->task;
    s->task->merge(s, other);
}

double lw_losses_mean(const struct lw_losses *s) {
    return s->n > 0 ? s->loss / (double)s->n : NAN;
}

double lw_losses_error(const struct lw_losses *s) {
    return s->task ? s->task->figure[0].value(s) : NAN;
}

double lw_losses_error_se(const struct lw_losses *s) {
    return s->task && s->task->figure[0].se ? s->task->figure[0].se(s) : NAN;
}

double lw_losses_error_high(const struct lw_losses *s) {
    if (s->task && s->task->figure[0].high)
        return s->task->figure[0].high(s);
    return lw_losses_error(s) + 2 * lw_losses_error_se(s);
}

double lw_losses_figure(const struct lw_losses *s, const char *key) {
    for (const struct lw_task_figure *f = s->task ? s->task->figure : NULL; f && f->key;
         f++)
        if (strcmp(f->key, key) == 0)
            return f->value(s);
    return NAN;
}

double lw_losses_recalibration_gain(const struct lw_losses *s) {
    return s->task ? s->task->recalibration_gain(s) : NAN;
}

double lw_losses_difference(const struct lw_losses *a, const struct lw_losses *b) {
    return (a->loss - b->loss) / (double)b->n;
}

void lw_losses_write(const struct lw_losses *s, const struct lw_task *task,
                     struct lw_buf *out) {
    task->write(s, lw_buf_extend(out, task->bytes));
}

int lw_losses_read(struct lw_losses *s, const struct lw_task *task, struct lw_reader *r,
                   struct lw_err *err) {
    const void *data = lw_reader_bytes(r, task->bytes);
    *s = (struct lw_losses){.task = task};
    if (!data)
        return lw_fail(err, LW_EINPUT, "sums of losses are truncated");
    return task->read(s, data, err);
}
