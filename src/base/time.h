/* Time: Unix milliseconds everywhere; a zone for calendar parts; clocks for the shells.
 * The core is given times as arguments and never calls the clocks. */
#ifndef LW_BASE_TIME_H
#define LW_BASE_TIME_H

#include <stdint.h>

#include "leeway/err.h"

#define LW_SECOND INT64_C(1000)
#define LW_MINUTE (60 * LW_SECOND)
#define LW_HOUR   (60 * LW_MINUTE)
#define LW_DAY    (24 * LW_HOUR)
#define LW_WEEK   (7 * LW_DAY)

static inline int64_t lw_earlier(int64_t a, int64_t b) {
    return a < b ? a : b;
}
static inline int64_t lw_later(int64_t a, int64_t b) {
    return a > b ? a : b;
}
/* Rounds towards the past, so that order is kept before 1970 too; by > 0. */
static inline int64_t lw_floor_div(int64_t v, int64_t by) {
    return v / by - (v % by < 0);
}
static inline void lw_not_after(int64_t *ms, int64_t limit) {
    *ms = lw_earlier(*ms, limit);
}

int64_t lw_wall_ms(void); /* Unix time */
int64_t lw_mono_ms(void); /* for intervals */
int64_t lw_mono_us(void);
void lw_sleep_ms(int64_t ms);

struct lw_civil {
    int year, month, day;     /* month 1..12 */
    int hour, minute, second; /* 0.. */
    int weekday;              /* Monday 0 .. Sunday 6 */
};
struct lw_civil lw_civil(int64_t ms); /* proleptic Gregorian, UTC */
int64_t lw_from_civil(int year, int month, int day);

/* A time zone as a table of offset changes, read once; NULL is UTC (and for
 * timestamps that are local already). Name as in the zone database, e.g.
 * "America/New_York"; LW_ECONFIG when it is not installed. Reads the zone's file. Thread:
 * any. Cost: some microseconds, a few KiB. */
struct lw_zone;
struct lw_zone *lw_zone_new(const char *name, struct lw_err *err);
void lw_zone_free(struct lw_zone *zone);
const char *lw_zone_name(const struct lw_zone *zone); /* as given; "" of UTC */
/* Milliseconds to add to UTC at that instant. O(log changes). */
int64_t lw_zone_offset(const struct lw_zone *zone, int64_t ms);
/* The instant of a local time in that zone, given as if it were UTC. In an hour that is
 * repeated it is the first; in one that is skipped in spring the offset from before
 * applies, as in Java. O(log changes). */
int64_t lw_zone_instant(const struct lw_zone *zone, int64_t local_ms);
/* The time that the zone's clocks show, as if it were UTC, except that it never goes back:
 * while clocks repeat an hour it stands still. So every instant is in exactly one day,
 * also where clocks are turned back at midnight. O(log changes). */
int64_t lw_zone_clock(const struct lw_zone *zone, int64_t ms);
/* The first instant at which that clock shows clock_ms or later. O(log² changes). */
int64_t lw_zone_reached(const struct lw_zone *zone, int64_t clock_ms);
/* What the zone's clocks show at an instant. */
struct lw_civil lw_zone_civil(const struct lw_zone *zone, int64_t ms);
/* The local day of an instant, as days since 1 January 1970, and the first instant of a
 * day. Days have 23 to 25 hours where clocks change; one that a zone skipped (Apia's 30
 * December 2011) starts with the next and contains nothing. */
int64_t lw_zone_day(const struct lw_zone *zone, int64_t ms);
int64_t lw_zone_day_start(const struct lw_zone *zone, int64_t day);

#endif
