/* Made streams in which nothing changes, but whose errors are not independent: they share
 * their hour or their day, or their spread follows the clock. */
#ifndef LW_BENCHMARKS_DETECTION_MADE_H
#define LW_BENCHMARKS_DETECTION_MADE_H

#include "base/rng.h"
#include "core/spec.h"

enum { MADE_TIME, MADE_ZONE, MADE_SIZE, MADE_Y, MADE_FIELDS };
#define MADE_CELLS 16
#define MADE_ZONES 20
#define MADE_NOISE 3.0 /* standard deviation of the errors */

struct made_kind {
    const char *name;
    double day, hour;      /* standard deviations of the shared parts, in noise */
    double keeps;          /* correlation of an hour's shared part with the next one's */
    double night, weekend; /* factors on the spread */
};
extern const struct made_kind made_kinds[];
extern const size_t made_nkinds;

struct made_stream {
    const struct made_kind *kind;
    struct lw_rng rng;
    double rate;      /* events a day */
    int64_t hour_ms;  /* the next hour */
    double day, hour; /* shared parts, as drawn */
    double shift;     /* added to y, in noise */
    int field[MADE_FIELDS];
};
/* -1: the configuration lacks one of the fields time, zone, size and y. */
int made_init(struct made_stream *s, const struct made_kind *kind,
              const struct lw_fields *fields, double rate, uint64_t seed);

struct made_event {
    struct lw_cell cell[MADE_CELLS];
    int64_t time_ms;
    double truth, y; /* the mean of y, and y */
    int zone;
};
/* The events of the next hour, in order of time; returns their number (at most max). */
size_t made_hour(struct made_stream *s, struct made_event *out, size_t max);

#endif
