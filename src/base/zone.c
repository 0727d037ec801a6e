/* Time zones, read from the system's zone database (TZif files, RFC 9636).
 *
 * The C library knows one zone at a time, the process's, and changing it while threads
 * run is a race; but a model is loaded whenever a version is promoted, and brings its
 * zone. So the file is read here: the transitions that it lists, and after the last of
 * them the rule of its footer (a POSIX TZ string such as "EST5EDT,M3.2.0,M11.1.0")
 * written out year by year up to 2101. Leap seconds are left out, as Unix time has none.
 * Everything is bounded by the file's length before it is read; an inconsistent
 * file is refused. */
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"

#define FOLDER    "/usr/share/zoneinfo/"
#define FILE_MAX  (1 << 20)
#define HEADER    44
#define LAST_YEAR 2101
#define FAR       (INT64_C(1) << 40) /* seconds: 35,000 years */

struct lw_zone {
    char *name;
    size_t n;
    int64_t *from;   /* UTC ms at which offset[i] begins to hold; the first: always */
    int64_t *offset; /* ms */
    int64_t *shown;  /* the latest local time that clocks have shown before from[i] */
};

static void add_change(struct lw_zone *zone, int64_t from, int64_t offset) {
    zone->from = lw_realloc(zone->from, zone->n + 1, sizeof *zone->from);
    zone->offset = lw_realloc(zone->offset, zone->n + 1, sizeof *zone->offset);
    zone->shown = lw_realloc(zone->shown, zone->n + 1, sizeof *zone->shown);
    zone->shown[zone->n] = INT64_MIN;
    if (zone->n > 0)
        zone->shown[zone->n] =
            lw_later(zone->shown[zone->n - 1], from - 1 + zone->offset[zone->n - 1]);
    zone->from[zone->n] = from;
    zone->offset[zone->n++] = offset;
}

/* ---- the table ---- */

static int64_t big_endian(const unsigned char *p, size_t bytes) {
    uint64_t v = p[0] & 0x80 ? UINT64_MAX : 0;
    for (size_t i = 0; i < bytes; i++)
        v = v << 8 | p[i];
    return (int64_t)v;
}

struct tz_block {
    size_t isut, isstd, leap, time, type, chars; /* counts, in the file's order */
};

/* Bytes of the data behind a header whose times take `width` bytes; 0: no such header. */
static size_t read_header(const unsigned char *p, size_t left, size_t width,
                          struct tz_block *b) {
    size_t *count[] = {&b->isut, &b->isstd, &b->leap, &b->time, &b->type, &b->chars};
    if (left < HEADER || memcmp(p, "TZif", 4) != 0)
        return 0;
    for (size_t i = 0; i < 6; i++) {
        *count[i] = (size_t)(big_endian(p + 20 + 4 * i, 4) & 0xffffffff);
        if (*count[i] > FILE_MAX)
            return 0;
    }
    return b->time * (width + 1) + b->type * 6 + b->chars + b->leap * (width + 4) +
           b->isstd + b->isut;
}

static bool read_table(struct lw_zone *zone, const unsigned char *p,
                       const struct tz_block *b) {
    const unsigned char *index = p + b->time * 8, *type = index + b->time;
    if (b->type == 0)
        return false;
    add_change(zone, INT64_MIN, big_endian(type, 4) * LW_SECOND);
    for (size_t i = 0; i < b->time; i++) {
        int64_t at = big_endian(p + i * 8, 8);
        if (index[i] >= b->type)
            return false;
        /* The first entry of some files means the beginning of time. */
        if (at < -FAR || at > FAR)
            continue;
        if (zone->n > 1 && at * LW_SECOND <= zone->from[zone->n - 1])
            return false;
        add_change(zone, at * LW_SECOND,
                   big_endian(type + (size_t)index[i] * 6, 4) * LW_SECOND);
    }
    return true;
}

/* ---- the footer's rule ---- */

struct tz_turn {
    char
        kind; /* 'M' month.week.day, 'J' day 1..365 without 29 February, '0' day 0..365 */
    int month, week, day;
    int64_t time_ms; /* of local day */
};

struct tz_footer {
    int64_t standard, summer; /* offsets, ms east */
    bool turns;
    struct tz_turn begin, end; /* of summer time */
};

static bool read_number(const char **p, int lowest, int highest, int *out) {
    int v = 0, digits = 0;
    for (; isdigit((unsigned char)**p) && digits < 4; digits++)
        v = v * 10 + *(*p)++ - '0';
    *out = v;
    return digits > 0 && v >= lowest && v <= highest;
}

static bool read_name(const char **p) {
    const char *begin = *p;
    if (**p == '<') {
        *p += strcspn(*p, ">");
        return *(*p)++ == '>';
    }
    while (isalpha((unsigned char)**p))
        ++*p;
    return *p - begin >= 3;
}

/* [+-]hh[:mm[:ss]] */
static bool read_hms(const char **p, int64_t *ms) {
    int64_t sign = **p == '-' ? -1 : 1;
    int part[3] = {0};
    if (**p == '-' || **p == '+')
        ++*p;
    if (!read_number(p, 0, 167, &part[0]))
        return false;
    for (int i = 1; i < 3 && **p == ':'; i++) {
        ++*p;
        if (!read_number(p, 0, 59, &part[i]))
            return false;
    }
    *ms = sign * (part[0] * LW_HOUR + part[1] * LW_MINUTE + part[2] * LW_SECOND);
    return true;
}

static bool read_turn(const char **p, struct tz_turn *t) {
    bool good;
    if (*(*p)++ != ',')
        return false;
    t->kind = **p == 'M' || **p == 'J' ? *(*p)++ : '0';
    if (t->kind == 'M')
        good = read_number(p, 1, 12, &t->month) && *(*p)++ == '.' &&
               read_number(p, 1, 5, &t->week) && *(*p)++ == '.' &&
               read_number(p, 0, 6, &t->day);
    else
        good = read_number(p, t->kind == 'J', 365, &t->day);
    t->time_ms = 2 * LW_HOUR;
    if (good && **p == '/') {
        ++*p;
        good = read_hms(p, &t->time_ms);
    }
    return good;
}

static bool read_footer(const char *p, struct tz_footer *f) {
    if (!read_name(&p) || !read_hms(&p, &f->standard))
        return false;
    f->standard = -f->standard; /* POSIX counts west */
    f->summer = f->standard + LW_HOUR;
    f->turns = *p != '\0';
    if (!f->turns)
        return true;
    if (!read_name(&p))
        return false;
    if (*p != ',') {
        if (!read_hms(&p, &f->summer))
            return false;
        f->summer = -f->summer;
    }
    return read_turn(&p, &f->begin) && read_turn(&p, &f->end) && *p == '\0';
}

static bool is_leap(int year) {
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Local time, as ms, at which a turn falls in a year. */
static int64_t turn_in(const struct tz_turn *t, int year) {
    if (t->kind != 'M') {
        bool skip = t->kind == 'J' && is_leap(year) && t->day >= 60;
        int64_t day = t->kind == 'J' ? t->day - 1 + skip : t->day;
        return lw_from_civil(year, 1, 1) + day * LW_DAY + t->time_ms;
    }
    int64_t first = lw_from_civil(year, t->month, 1);
    int64_t next = t->month == 12 ? lw_from_civil(year + 1, 1, 1)
                                  : lw_from_civil(year, t->month + 1, 1);
    int sunday_first = (lw_civil(first).weekday + 1) % 7;
    int64_t day = first + ((t->day - sunday_first + 7) % 7) * LW_DAY;
    for (int week = 1; week < t->week && day + 7 * LW_DAY < next; week++)
        day += 7 * LW_DAY;
    return day + t->time_ms;
}

static void add_turns(struct lw_zone *zone, const struct tz_footer *f) {
    int64_t last = zone->from[zone->n - 1];
    int year = last == INT64_MIN ? 1970 : lw_civil(last).year;
    for (; f->turns && year <= LAST_YEAR; year++) {
        int64_t begin = turn_in(&f->begin, year) - f->standard;
        int64_t end = turn_in(&f->end, year) - f->summer;
        bool north = begin < end;
        int64_t at[2] = {north ? begin : end, north ? end : begin};
        int64_t to[2] = {north ? f->summer : f->standard,
                         north ? f->standard : f->summer};
        for (int i = 0; i < 2; i++)
            if (at[i] > last)
                add_change(zone, at[i], to[i]);
    }
}

/* ---- the file ---- */

static bool zone_parse(struct lw_zone *zone, const char *bytes, size_t len) {
    const unsigned char *p = (const unsigned char *)bytes;
    struct tz_block b;
    size_t size = read_header(p, len, 4, &b);
    if (size == 0 || p[4] < '2' || len < HEADER + size)
        return false;
    p += HEADER + size; /* the 32-bit copy is for old readers */
    size_t left = len - HEADER - size;
    size = read_header(p, left, 8, &b);
    if (size == 0 || left < HEADER + size || !read_table(zone, p + HEADER, &b))
        return false;
    const char *footer = (const char *)p + HEADER + size;
    left -= HEADER + size;
    const char *end = left > 1 ? memchr(footer + 1, '\n', left - 1) : NULL;
    char text[128];
    if (!end || *footer != '\n' || (size_t)(end - footer) > sizeof text)
        return false;
    size_t n = (size_t)(end - footer) - 1;
    memcpy(text, footer + 1, n);
    text[n] = '\0';
    struct tz_footer f = {0};
    if (n == 0) /* no rule: the last offset holds */
        return true;
    if (!read_footer(text, &f))
        return false;
    add_turns(zone, &f);
    return true;
}

struct lw_zone *lw_zone_new(const char *name, struct lw_err *err) {
    char path[256];
    struct lw_err why = {0};
    size_t len = 0;
    int n = snprintf(path, sizeof path, FOLDER "%s", name);
    bool plain =
        *name && *name != '/' && !strstr(name, "..") && n > 0 && (size_t)n < sizeof path;
    char *bytes = plain ? lw_read_file(path, FILE_MAX, &len, &why) : NULL;
    if (!bytes) {
        lw_fail(
            err, LW_ECONFIG,
            "time zone \"%s\" is not known on this machine (is the tzdata package installed?)",
            name);
        return NULL;
    }
    struct lw_zone *zone = lw_calloc(1, sizeof *zone);
    bool good = zone_parse(zone, bytes, len);
    zone->name = lw_strdup(name);
    free(bytes);
    if (good)
        return zone;
    lw_zone_free(zone);
    lw_fail(err, LW_ECONFIG,
            "time zone \"%s\": %s is not a usable zone file (TZif version 2 or later)",
            name, path);
    return NULL;
}

const char *lw_zone_name(const struct lw_zone *zone) {
    return zone ? zone->name : "";
}

void lw_zone_free(struct lw_zone *zone) {
    if (!zone)
        return;
    free(zone->name);
    free(zone->from);
    free(zone->offset);
    free(zone->shown);
    free(zone);
}

/* Index of the offset that holds at that instant. */
static size_t change_at(const struct lw_zone *zone, int64_t ms) {
    size_t lo = 0, hi = zone->n;
    while (hi - lo > 1) {
        size_t mid = (lo + hi) / 2;
        if (zone->from[mid] <= ms)
            lo = mid;
        else
            hi = mid;
    }
    return lo;
}

int64_t lw_zone_offset(const struct lw_zone *zone, int64_t ms) {
    return zone ? zone->offset[change_at(zone, ms)] : 0;
}

/* Offsets lie within a day of each other's change, so the one a day before and the one a
 * day after are all that come into question. */
int64_t lw_zone_instant(const struct lw_zone *zone, int64_t local_ms) {
    int64_t before = lw_zone_offset(zone, local_ms - LW_DAY);
    int64_t after = lw_zone_offset(zone, local_ms + LW_DAY);
    bool later = lw_zone_offset(zone, local_ms - before) != before &&
                 lw_zone_offset(zone, local_ms - after) == after;
    return local_ms - (later ? after : before);
}

int64_t lw_zone_clock(const struct lw_zone *zone, int64_t ms) {
    if (!zone)
        return ms;
    size_t i = change_at(zone, ms);
    return lw_later(ms + zone->offset[i], zone->shown[i]);
}

/* The clock never goes back, so the first change after which it shows that time or a later
 * one is found by bisection; the answer is that change or an instant before it. */
int64_t lw_zone_reached(const struct lw_zone *zone, int64_t clock_ms) {
    if (!zone)
        return clock_ms;
    size_t lo = 0, hi = zone->n;
    while (hi - lo > 1) {
        size_t mid = (lo + hi) / 2;
        if (lw_zone_clock(zone, zone->from[mid]) < clock_ms)
            lo = mid;
        else
            hi = mid;
    }
    int64_t ms = clock_ms - zone->offset[lo];
    return hi < zone->n ? lw_earlier(ms, zone->from[hi]) : ms;
}

struct lw_civil lw_zone_civil(const struct lw_zone *zone, int64_t ms) {
    return lw_civil(ms + lw_zone_offset(zone, ms));
}

int64_t lw_zone_day(const struct lw_zone *zone, int64_t ms) {
    return lw_floor_div(lw_zone_clock(zone, ms), LW_DAY);
}

int64_t lw_zone_day_start(const struct lw_zone *zone, int64_t day) {
    return lw_zone_reached(zone, day * LW_DAY);
}
