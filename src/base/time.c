/* Clocks, calendar arithmetic and zones.
 *
 * Civil dates by Howard Hinnant's days_from_civil (public domain algorithm,
 * "chrono-Compatible Low-Level Date Algorithms"). A zone is read once into a table of
 * offset changes by asking the C library for the offset at every quarter of a day from
 * 1990 to 2050 and halving the interval where it changes; afterwards no call depends on
 * the process's TZ, which threads could not share. */
#include "base/time.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"

static int64_t clock_us(clockid_t id) {
    struct timespec ts;
    clock_gettime(id, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t lw_wall_ms(void) {
    return clock_us(CLOCK_REALTIME) / 1000;
}
int64_t lw_mono_ms(void) {
    return clock_us(CLOCK_MONOTONIC) / 1000;
}
int64_t lw_mono_us(void) {
    return clock_us(CLOCK_MONOTONIC);
}

void lw_sleep_ms(int64_t ms) {
    struct timespec ts = {.tv_sec = (time_t)(ms / 1000),
                          .tv_nsec = (long)(ms % 1000) * 1000000};
    nanosleep(&ts, NULL);
}

static int64_t floor_div(int64_t a, int64_t b) {
    return a / b - (a % b < 0);
}

int64_t lw_from_civil(int year, int month, int day) {
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = floor_div(y, 400);
    int64_t yoe = y - era * 400;
    int64_t doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    return (era * 146097 + doe - 719468) * LW_DAY;
}

struct lw_civil lw_civil(int64_t ms) {
    int64_t days = floor_div(ms, LW_DAY), rest = ms - days * LW_DAY;
    int64_t z = days + 719468, era = floor_div(z, 146097), doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
    struct lw_civil c = {
        .day = (int)(doy - (153 * mp + 2) / 5 + 1),
        .month = (int)(mp < 10 ? mp + 3 : mp - 9),
        .hour = (int)(rest / LW_HOUR),
        .minute = (int)(rest / LW_MINUTE % 60),
        .second = (int)(rest / LW_SECOND % 60),
        .weekday = (int)((days % 7 + 10) % 7), /* 1 January 1970 was a Thursday */
    };
    c.year = (int)(yoe + era * 400 + (c.month <= 2));
    return c;
}

struct lw_zone {
    size_t n;
    int64_t *from;   /* UTC ms at which offset[i] begins to hold */
    int64_t *offset; /* ms */
};

static int64_t offset_at(int64_t ms) {
    time_t t = (time_t)(ms / 1000);
    struct tm tm;
    localtime_r(&t, &tm);
    return (int64_t)tm.tm_gmtoff * 1000;
}

static void add_change(struct lw_zone *zone, int64_t from, int64_t offset) {
    zone->from = lw_realloc(zone->from, zone->n + 1, sizeof *zone->from);
    zone->offset = lw_realloc(zone->offset, zone->n + 1, sizeof *zone->offset);
    zone->from[zone->n] = from;
    zone->offset[zone->n++] = offset;
}

/* The first second in (lo, hi] whose offset is no longer `offset`. */
static int64_t first_change(int64_t lo, int64_t hi, int64_t offset) {
    while (hi - lo > 1) {
        int64_t mid = lo + (hi - lo) / 2;
        if (offset_at(mid * LW_SECOND) == offset)
            lo = mid;
        else
            hi = mid;
    }
    return hi;
}

static void find_changes(struct lw_zone *zone) {
    const int64_t step = LW_DAY / 4, end = lw_from_civil(2050, 1, 1);
    int64_t at = lw_from_civil(1990, 1, 1), offset = offset_at(at);
    add_change(zone, INT64_MIN, offset);
    for (; at < end; at += step) {
        int64_t next = offset_at(at + step);
        if (next == offset)
            continue;
        int64_t from = first_change(at / LW_SECOND, (at + step) / LW_SECOND, offset);
        add_change(zone, from * LW_SECOND, next);
        offset = next;
    }
}

/* The C library takes a name that it does not know for UTC and says nothing; so look at
 * the file. The database's folder also holds folders and tables that are no zones. */
static bool is_zone(const char *name) {
    char path[256], magic[4] = "";
    int len = snprintf(path, sizeof path, "/usr/share/zoneinfo/%s", name);
    if (!*name || strstr(name, "..") || len < 0 || (size_t)len >= sizeof path)
        return false;
    FILE *file = fopen(path, "rb");
    if (!file)
        return false;
    size_t got = fread(magic, 1, sizeof magic, file);
    fclose(file);
    return got == sizeof magic && memcmp(magic, "TZif", sizeof magic) == 0;
}

struct lw_zone *lw_zone_new(const char *name, struct lw_err *err) {
    if (!is_zone(name)) {
        lw_fail(err, LW_ECONFIG,
                "time zone \"%s\" is not known on this machine (is the tzdata package "
                "installed?)",
                name);
        return NULL;
    }
    char *before = getenv("TZ");
    char *saved = before ? lw_strdup(before) : NULL;
    setenv("TZ", name, 1);
    tzset();
    struct lw_zone *zone = lw_calloc(1, sizeof *zone);
    find_changes(zone);
    if (saved)
        setenv("TZ", saved, 1);
    else
        unsetenv("TZ");
    tzset();
    free(saved);
    return zone;
}

void lw_zone_free(struct lw_zone *zone) {
    if (!zone)
        return;
    free(zone->from);
    free(zone->offset);
    free(zone);
}

int64_t lw_zone_offset(const struct lw_zone *zone, int64_t ms) {
    if (!zone)
        return 0;
    size_t lo = 0, hi = zone->n;
    while (hi - lo > 1) {
        size_t mid = (lo + hi) / 2;
        if (zone->from[mid] <= ms)
            lo = mid;
        else
            hi = mid;
    }
    return zone->offset[lo];
}
