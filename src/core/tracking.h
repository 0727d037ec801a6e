/* Tracking: a correction of two numbers that follows the stream between trainings.
 *
 * A version's prediction m is served as m + a + b (m - c), where c is the mean prediction
 * of the rows that the version was proved on. (a, b) is the ridge regression of the
 * residuals of sealed panes on (1, m - c), each pane weighted by exp(-age / time
 * constant): recursive least squares with a forgetting factor (Ljung, "System
 * Identification", 1999, section 11.2), on sums that a pane keeps anyway.
 *
 * A pane uses one set of numbers, fixed when the version first scores in it and stored
 * with it. So a worker that is killed scores the same events with the same numbers.
 *
 * Tracking is served only where it earns it: a pane keeps the losses of the plain and of
 * the tracked predictions of the same events, and their difference over the last days
 * decides which of the two is served. The other one is kept as a shadow. */
#ifndef LW_CORE_TRACKING_H
#define LW_CORE_TRACKING_H

#include "base/buf.h"
#include "core/losses.h"
#include "core/spec.h"

struct lw_pane;
struct lw_quarantine;
struct lw_reference;

/* What one version's predictions are corrected by; all 0: nothing. */
struct lw_tracking {
    double a, b, c;
};
static inline double lw_tracking_shift(const struct lw_tracking *t, double prediction) {
    return t->a + t->b * (prediction - t->c);
}
/* The tracked prediction, inside the target's range; one that is not finite stays as it
 * is. Hot path. */
double lw_tracking_apply(const struct lw_tracking *t, const struct lw_spec *spec,
                         double prediction);

/* The corrections of all versions that score: what a worker adopts. */
struct lw_tracking_set {
    bool served; /* the tracked predictions are the answers; false: the plain ones */
    size_t n;
    uint32_t version[LW_VERSIONS_MAX];
    struct lw_tracking of[LW_VERSIONS_MAX];
};
/* NULL: the version is not tracked. */
const struct lw_tracking *lw_tracking_find(const struct lw_tracking_set *set,
                                           uint32_t version);

/* The sums behind one version's correction. */
struct lw_tracker {
    uint32_t version;       /* 0: free */
    double c;               /* mean prediction of the proof, ... */
    double variance;        /* ... their variance, ... */
    double noise;           /* ... and the standard deviation of the residuals */
    int64_t at_ms;          /* end of the newest pane in the sums */
    double n, x, xx, r, xr; /* x: prediction - c; r: target - prediction */
};

/* One local day of event time of the champion. */
struct lw_tracking_day {
    int64_t day; /* days since 1970 */
    uint64_t n;
    double plain, tracked; /* sums of losses: the last week decides what is served */
    double shift;          /* sum of tracked less plain predictions */
};
#define LW_TRACKING_DAYS 28
/* The day of that number, the newest of *n; it is begun, and the oldest dropped, if
 * needed. */
struct lw_tracking_day *lw_tracking_day_at(struct lw_tracking_day *day, size_t *n,
                                           int64_t number);

/* The state of a stream's tracking; part of the monitor. */
struct lw_tracking_state {
    struct lw_tracker tracker[LW_VERSIONS_MAX];
    size_t ndays;
    struct lw_tracking_day day[LW_TRACKING_DAYS];
    struct lw_tracking_set set; /* as of the newest sealed pane */
};

/* Starts to track a version that was proved on `proof`. */
void lw_tracking_start(struct lw_tracking_state *s, const struct lw_spec *spec,
                       uint32_t version, const struct lw_losses *proof);
/* Days of losses from a hold-out, before the stream has any of its own. */
void lw_tracking_prove(struct lw_tracking_state *s, const struct lw_tracking_day *day,
                       size_t n);
/* A pane was sealed. Those versions stay: the champion, then the shadows. A quarantined
 * pane only lets time pass: its targets are not followed. */
void lw_tracking_pane(struct lw_tracking_state *s, const struct lw_spec *spec,
                      const struct lw_pane *pane, bool quarantined,
                      const uint32_t *version, size_t n);
/* Event time had run ahead and is at_ms now: forgets everything later. */
void lw_tracking_return(struct lw_tracking_state *s, const struct lw_spec *spec,
                        int64_t at_ms);
void lw_tracking_write(const struct lw_tracking_state *s, struct lw_buf *out);
void lw_tracking_read(struct lw_tracking_state *s, struct lw_reader *r);

/* Typical size of a day's mean shift, over the days before until_ms; NAN: fewer than a
 * week of them. */
double lw_tracking_usual_shift(const struct lw_tracking_state *s,
                               const struct lw_spec *spec, int64_t until_ms);

/* Simulates tracking over rows in order of time, as a worker would have served them:
 * predictions in, tracked predictions out (may be the same array). */
struct lw_tracking_rows {
    size_t n;
    const int64_t *time_ms;
    const double *target;
    const double *prediction;
    const bool *quarantined; /* was the row's pane? NULL: no pane was */
};
void lw_tracking_simulate(const struct lw_spec *spec, const struct lw_tracking_rows *rows,
                          double *out);

#endif
