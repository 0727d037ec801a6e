/* How large a reading usually is on this stream, and how rare a larger one is.
 *
 * A rule on a budget fires when its reading is rarer than the budget allows: "as large as
 * this once in N days". What is usual is learned from the rule's own readings, so that a
 * storm, a weekend or a noisy feature raises the threshold where it occurs. The largest
 * reading of each period (a day, or the rule's interval if that is longer) is one
 * observation of a logarithm with a normal distribution; the tail is Student's, for the
 * mean and the spread are estimated. A prior of a few periods stands in at the beginning.
 *
 * An estimate can be wrong, so the budget also holds by itself: each incident raises the
 * threshold by one standard deviation, which is lowered again over the time that the
 * budget gives one incident (online control of quantiles: Gibbs and Candes, "Adaptive
 * Conformal Inference Under Distribution Shift", 2021; Angelopoulos, Candes and Tibshirani,
 * "Conformal PID Control for Time Series Prediction", 2023). Whatever the readings are, the
 * number of incidents exceeds the budget by a constant at most. */
#ifndef LW_CORE_USUAL_H
#define LW_CORE_USUAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

/* What a reading is measured against before anything is learned. */
struct lw_usual_scale {
    double neutral; /* the reading when nothing is wrong; 0 or positive */
    double effect;  /* the smallest difference from neutral that matters; positive */
};

/* Of sizes, older ones forgotten. */
struct lw_usual_moments {
    double weight, mean, squares;
};

struct lw_usual {
    struct lw_usual_moments all;
    struct lw_usual_moments calm; /* ... up to the last period that asked for nothing */
    bool asks;                    /* the current period asks for a training */
    double raised[2];             /* by incidents; in standard deviations, by level */
    double largest;               /* size, in the current period */
    int64_t period;               /* number of the current period; INT64_MIN: none yet */
};

enum lw_usual_level { LW_USUAL_WARN, LW_USUAL_CRITICAL };

/* A rule's view of it. */
struct lw_usual_terms {
    struct lw_usual_scale scale;
    double least[2];   /* by level: no smaller reading counts */
    int64_t period_ms; /* of one observation */
    double rate[2];    /* incidents a period by level; 0: the level is not used */
};

struct lw_usual lw_usual_empty(void);
/* Readings beyond which a level begins: exceeded at its rate as far as is known, and
 * raised by the incidents that there were. Both INFINITY when the level is not used. */
struct lw_usual_bound {
    double quantile, raised;
};
struct lw_usual_bound lw_usual_threshold(const struct lw_usual *u,
                                         const struct lw_usual_terms *terms,
                                         enum lw_usual_level level);
/* Mean number of periods between readings of at least that size; at least 1. */
double lw_usual_periods(const struct lw_usual *u, const struct lw_usual_terms *terms,
                        double value);
/* A reading at an event time. One far beyond `bound` counts less: a single fault does not
 * make all that follows look usual. */
struct lw_usual_reading {
    double value, bound;
    bool asks; /* it asks for a training */
    int64_t at_ms;
};
void lw_usual_observe(struct lw_usual *u, const struct lw_usual_terms *terms,
                      const struct lw_usual_reading *reading);
/* A training has been promoted: the readings that asked for it were drift, and are
 * forgotten. */
void lw_usual_drifted(struct lw_usual *u);
/* An incident of that level is over: its threshold is raised by `cost` standard
 * deviations. */
void lw_usual_incident(struct lw_usual *u, enum lw_usual_level level, double cost);

void lw_usual_write(const struct lw_usual *u, struct lw_buf *out);
/* Sets r->bad for what no lw_usual_write can have written. */
void lw_usual_read(struct lw_usual *u, struct lw_reader *r);

#endif
