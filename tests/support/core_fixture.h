/* A small stream for the tests of the core: a time, a zone, a number x and the target y;
 * hourly panes, a window of six hours and one of a day, ridge on (zone, x); and helpers
 * to compare panes byte by byte. */
#ifndef LW_TESTS_SUPPORT_CORE_FIXTURE_H
#define LW_TESTS_SUPPORT_CORE_FIXTURE_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/text.h"
#include "base/time.h"
#include "core/spec.h"

/* Monday 2 March 2020, 00:00. */
#define CORE_START (INT64_C(18323) * LW_DAY)

enum { CORE_T, CORE_ZONE, CORE_X, CORE_Y, CORE_FIELDS };
enum { CORE_F_ZONE, CORE_F_X }; /* the features */

struct lw_pane;

struct lw_spec *core_spec_new(void);
void core_spec_free(struct lw_spec *spec);
/* Adds a rule: over window 0, for_count and clear_count 1, clear below `critical`. */
struct lw_rule *core_rule(struct lw_spec *spec, const char *name, const char *metric,
                          int feature, double critical);

struct core_event {
    struct lw_cell cell[CORE_FIELDS];
    struct lw_row row;
    int reason;
};
void core_event_set(const struct lw_spec *spec, struct core_event *e, int64_t t, int zone,
                    double x, double y);

/* y = 10 + 2 zone + x / 2 + level + noise; one event every `step_ms` on the average, up
 * to a quarter of an hour out of order. */
struct core_stream {
    struct lw_rng rng;
    int64_t now_ms, step_ms;
    double level, noise;
    double shift; /* of x, which the target does not follow */
    bool nulls;   /* x is missing */
};
void core_stream_init(struct core_stream *s, uint64_t seed);
void core_stream_next(struct core_stream *s, const struct lw_spec *spec,
                      struct core_event *e);

/* The pane's fields, one after the other: name, NUL, length, bytes. */
void core_pane_bytes(struct lw_pane *pane, struct lw_buf *out);
/* Reads such bytes into an empty pane; fails the test when a field is refused. */
void core_pane_fill(struct lw_pane *pane, const struct lw_buf *bytes);
void core_assert_same(const struct lw_buf *a, const struct lw_buf *b);

#endif
