/* An endless calm stream, resampled from the first days of a file.
 *
 * Trips that ended in [from, until) are pooled by hour of the week. Each hour of the
 * stream draws a Poisson number of trips from its pool, with replacement, and shifts
 * their times. This preserves the daily and weekly rhythm and the joint distribution
 * of all fields, and removes weather, holidays and trends. False alarms on it come
 * from the statistics alone; real months have additional ones. */
#ifndef LW_BENCHMARKS_DETECTION_CALM_H
#define LW_BENCHMARKS_DETECTION_CALM_H

#include "base/rng.h"
#include "engine/feed.h"

#define CALM_FIELDS_MAX 16
#define CALM_HOURS      168

struct calm_trip {
    struct lw_cell cell[CALM_FIELDS_MAX];
    int64_t time_ms;
};

struct calm_pool {
    struct calm_trip *trip; /* sorted by hour of week */
    size_t n, cap, nfields;
    size_t begin[CALM_HOURS + 1];
    double repeats[CALM_HOURS];  /* how often that hour was in the span */
    bool moves[CALM_FIELDS_MAX]; /* timestamps */
};

/* Reads the file up to `until`. 0, or -1 with err. Strings become missing values. */
int calm_load(struct calm_pool *pool, const struct lw_config *config, char *path,
              int64_t from_ms, int64_t until_ms, struct lw_err *err);
void calm_free(struct calm_pool *pool);

/* Draws one hour with `share` of the usual number of trips into out (at most max), sorted
 * by time; returns their number. */
size_t calm_hour(const struct calm_pool *pool, struct lw_rng *rng, int64_t hour_ms,
                 double share, struct calm_trip *out, size_t max);

#endif
