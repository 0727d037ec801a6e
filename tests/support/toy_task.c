/* See toy_task.h. */
#include "toy_task.h"

#include <math.h>
#include <string.h>

#include "core/losses.h"

static double toy_loss_of(double target, double prediction) {
    return (prediction - target) * (prediction - target);
}
static double toy_error_of(double mean_loss) {
    return mean_loss;
}
static double toy_distance(double target, double prediction) {
    return fabs(prediction - target);
}
static struct lw_loss_pair toy_compare(double target, double champion, double challenger,
                                       double cap) {
    double a = toy_loss_of(target, champion), b = toy_loss_of(target, challenger);
    (void)cap; /* no loss exceeds 1 */
    return (struct lw_loss_pair){
        .champion = a, .challenger = b, .capped = a, .difference = a - b};
}
static double toy_gain(const struct lw_losses *s) {
    return s->n ? 0.25 : NAN;
}
static void toy_add(struct lw_losses *s, const double *target, const double *prediction,
                    size_t n) {
    for (size_t i = 0; i < n; i++) {
        s->n++;
        s->loss += toy_loss_of(target[i], prediction[i]);
        s->number[0] += target[i]; /* events that were yes */
    }
}
static void toy_merge(struct lw_losses *s, const struct lw_losses *other) {
    s->n += other->n;
    s->loss += other->loss;
    s->number[0] += other->number[0];
}
static double toy_brier(const struct lw_losses *s) {
    return lw_losses_mean(s);
}
static double toy_rate(const struct lw_losses *s) {
    return s->n ? s->number[0] / (double)s->n : NAN;
}
static void toy_write(const struct lw_losses *s, uint8_t *out) {
    memcpy(out, &s->n, 8);
    memcpy(out + 8, &s->loss, 8);
    memcpy(out + 16, &s->number[0], 8);
}
static int toy_read(struct lw_losses *s, const void *data, struct lw_err *err) {
    const uint8_t *at = data;
    memcpy(&s->n, at, 8);
    memcpy(&s->loss, at + 8, 8);
    memcpy(&s->number[0], at + 16, 8);
    return s->loss >= 0 ? 0 : lw_fail(err, LW_EINPUT, "a Brier score below 0");
}

const struct lw_task toy_task = {
    .name = "toy",
    .link = "logit",
    .loss = "Brier loss",
    .loss_label = "loss",
    .figure = {{.key = "brier", .label = "Brier", .value = toy_brier},
               {.key = "rate", .label = "rate", .value = toy_rate}},
    .loss_of = toy_loss_of,
    .error_of = toy_error_of,
    .distance = toy_distance,
    .compare = toy_compare,
    .recalibration_gain = toy_gain,
    .add = toy_add,
    .merge = toy_merge,
    .bytes = 24,
    .write = toy_write,
    .read = toy_read,
};
