/* A task: what a model predicts and how its predictions are judged.
 *
 * Regression is the first row (task_regression.c). Gate, probation, segments, panes,
 * windows and messages know a task only through this struct, so a task is one row and the
 * sums behind it. A loss is what one event costs; an error is the mean loss on the scale
 * that people read, such as the RMSE of squared errors. */
#ifndef LW_CORE_TASK_H
#define LW_CORE_TASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "leeway/err.h"

struct lw_losses;

/* One event that champion and challenger both predicted. */
struct lw_loss_pair {
    double champion, challenger; /* their losses */
    double capped;               /* the champion's loss as the difference counts it */
    double difference;           /* champion's loss less challenger's, both capped */
};

struct lw_task_figure {
    const char *key;   /* "mae": in Redis, JSON and metrics */
    const char *label; /* "MAE": in texts */
    double (*value)(const struct lw_losses *s);
    double (*se)(const struct lw_losses *s); /* its standard error; NULL: none */
    /* Its upper limit: value - 2 se to this is a 95 % interval. NULL: value + 2 se. */
    double (*high)(const struct lw_losses *s);
    /* Influence of one event on the value. Over the events it sums to zero, and the sum of
     * its squares gives a standard error that the sums alone do not; NULL: none. */
    double (*influence)(const struct lw_losses *s, double target, double prediction);
    bool with_sign; /* shown with its sign */
};

#define LW_TASK_FIGURES_MAX 8

/* The residuals (target - prediction) of a set of events, for tracking. */
struct lw_residuals {
    double n, mean, squares;          /* events, mean, sum of squares */
    double prediction, prediction_m2; /* mean, sum of squared deviations from it */
    double with_prediction; /* sum of (prediction - its mean) (residual - its mean) */
};

struct lw_task {
    const char *name;       /* "regression" */
    const char *link;       /* from a linear predictor to a prediction: "identity" */
    const char *loss;       /* "squared error" */
    const char *loss_label; /* "SE": in table headings */
    /* The first is the error: error_of(mean loss). A figure without key ends the list. */
    struct lw_task_figure figure[LW_TASK_FIGURES_MAX];

    double (*loss_of)(double target, double prediction); /* NAN: cannot be summed */
    double (*error_of)(double mean_loss);
    /* How far a prediction is from the target; the gate's cap is on this scale. */
    double (*distance)(double target, double prediction);
    struct lw_loss_pair (*compare)(double target, double champion, double challenger,
                                   double cap);
    /* Share of the loss that refitting intercept and slope on the link scale removes. */
    double (*recalibration_gain)(const struct lw_losses *s);

    struct lw_residuals (*residuals)(const struct lw_losses *s);

    /* Sums over n events. Hot path: neither allocates. */
    void (*add)(struct lw_losses *s, const double *target, const double *prediction,
                size_t n);
    void (*merge)(struct lw_losses *s, const struct lw_losses *other);
    size_t bytes; /* what write writes */
    void (*write)(const struct lw_losses *s, uint8_t *out);
    int (*read)(struct lw_losses *s, const void *data, struct lw_err *err);
};

extern const struct lw_task lw_task_regression;

/* The task that the figure is of: one of its own, or its error with an ending
 * ("rmse_ratio"). NULL: it is measured for every task. */
const struct lw_task *lw_task_of_figure(const char *name);

struct lw_task_name {
    char text[64];
};
/* The key of the error between prefix and suffix: "rmse_ratio", "frozen_rmse". */
struct lw_task_name lw_task_error_key(const struct lw_task *task, const char *prefix,
                                      const char *suffix);
/* The same with its label: "frozen RMSE". */
struct lw_task_name lw_task_error_label(const struct lw_task *task, const char *prefix,
                                        const char *suffix);

#endif
