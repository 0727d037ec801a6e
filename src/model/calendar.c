/* See calendar.h. */
#include "model/calendar.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"

/* Index of the first day at or after `day`. */
static size_t lower_bound(const struct lw_calendar *c, int64_t day) {
    size_t lo = 0, hi = c->n;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (c->day[mid] < day)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

enum lw_day_kind lw_calendar_day(const struct lw_calendar *calendar, int64_t day) {
    size_t i = lower_bound(calendar, day);
    if (i < calendar->n && calendar->day[i] == day)
        return LW_DAY_HOLIDAY;
    if (i < calendar->n && calendar->day[i] == day + 1)
        return LW_DAY_BEFORE;
    return i > 0 && calendar->day[i - 1] == day - 1 ? LW_DAY_AFTER : LW_DAY_ORDINARY;
}

bool lw_calendar_name_valid(const char *name) {
    size_t n = strlen(name);
    if (!isalpha((unsigned char)*name) || n >= LW_NAME_MAX)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!isalnum((unsigned char)name[i]) && name[i] != '_')
            return false;
    return true;
}

int lw_calendars_find(const struct lw_calendars *calendars, const char *name) {
    for (size_t i = 0; calendars && i < calendars->n; i++)
        if (strcmp(calendars->of[i].name, name) == 0)
            return (int)i;
    return -1;
}

static struct lw_calendar *add_empty(struct lw_calendars *calendars, const char *name) {
    lw_assert(calendars->n < LW_CALENDARS_MAX);
    struct lw_calendar *c = &calendars->of[calendars->n++];
    *c = (struct lw_calendar){0};
    lw_copy(c->name, sizeof c->name, name);
    return c;
}

void lw_calendars_copy(struct lw_calendars *calendars,
                       const struct lw_calendar *calendar) {
    struct lw_calendar *c = add_empty(calendars, calendar->name);
    c->n = calendar->n;
    c->day = lw_calloc(c->n + 1, sizeof *c->day);
    memcpy(c->day, calendar->day, c->n * sizeof *c->day);
}

void lw_calendars_fini(struct lw_calendars *calendars) {
    for (size_t i = 0; i < calendars->n; i++)
        free(calendars->of[i].day);
    calendars->n = 0;
}

static bool day_possible(int64_t day) {
    return day >= lw_from_civil(LW_CALENDAR_FIRST_YEAR, 1, 1) / LW_DAY &&
           day < lw_from_civil(LW_CALENDAR_LAST_YEAR + 1, 1, 1) / LW_DAY;
}

int lw_calendars_add(struct lw_calendars *calendars, const char *name, const int32_t *day,
                     size_t n, struct lw_err *err) {
    if (calendars->n == LW_CALENDARS_MAX || n > LW_CALENDAR_DAYS_MAX ||
        !lw_calendar_name_valid(name) || lw_calendars_find(calendars, name) >= 0)
        return lw_fail(err, LW_EINPUT, "a calendar");
    for (size_t i = 0; i < n; i++)
        if (!day_possible(day[i]) || (i > 0 && day[i] <= day[i - 1]))
            return lw_fail(err, LW_EINPUT, "a date of a calendar");
    struct lw_calendar *c = add_empty(calendars, name);
    c->n = n;
    c->day = lw_calloc(n + 1, sizeof *c->day);
    for (size_t i = 0; i < n; i++)
        c->day[i] = day[i];
    return 0;
}

/* ---- the file ---- */

/* A line, or what is left of the text, without what follows '#' and without blanks around
 * it. */
static size_t take_line(const char **at, const char *end, const char **line) {
    const char *stop = memchr(*at, '\n', (size_t)(end - *at));
    const char *from = *at, *until = stop ? stop : end;
    *at = stop ? stop + 1 : end;
    const char *comment = memchr(from, '#', (size_t)(until - from));
    until = comment ? comment : until;
    while (until > from && isspace((unsigned char)until[-1]))
        until--;
    while (from < until && isspace((unsigned char)*from))
        from++;
    *line = from;
    return (size_t)(until - from);
}

static bool parse_day(const char *line, size_t len, int32_t *day) {
    enum { DATE = 10 };
    int64_t ms;
    const char *comma = memchr(line, ',', len);
    size_t n = comma ? (size_t)(comma - line) : len;
    while (n > 0 && isspace((unsigned char)line[n - 1]))
        n--;
    if (n != DATE || !lw_parse_instant(line, n, NULL, &ms) || !day_possible(ms / LW_DAY))
        return false;
    *day = (int32_t)(ms / LW_DAY);
    return true;
}

static int by_day(const void *a, const void *b) {
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

static void sort_days(struct lw_calendar *c) {
    size_t n = 0;
    qsort(c->day, c->n, sizeof *c->day, by_day);
    for (size_t i = 0; i < c->n; i++)
        if (n == 0 || c->day[i] != c->day[n - 1])
            c->day[n++] = c->day[i];
    c->n = n;
}

static int read_days(struct lw_calendar *c, const char *text, size_t len,
                     const char *file, struct lw_err *err) {
    const char *at = text, *end = text + len, *line;
    c->day = lw_calloc(LW_CALENDAR_DAYS_MAX, sizeof *c->day);
    if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
        at += 3;
    for (size_t number = 1; at < end; number++) {
        size_t n = take_line(&at, end, &line);
        if (n == 0)
            continue;
        if (c->n == LW_CALENDAR_DAYS_MAX)
            return lw_fail(err, LW_ECONFIG, "%s:%zu: more than %d dates", file, number,
                           LW_CALENDAR_DAYS_MAX);
        if (!parse_day(line, n, &c->day[c->n]))
            return lw_fail(
                err, LW_ECONFIG,
                "%s:%zu: '%.*s' is not YYYY-MM-DD, with or without ',name', in "
                "the years %d to %d",
                file, number, (int)(n < 40 ? n : 40), line, LW_CALENDAR_FIRST_YEAR,
                LW_CALENDAR_LAST_YEAR);
        c->n++;
    }
    return c->n ? 0 : lw_fail(err, LW_ECONFIG, "%s: contains no date", file);
}

int lw_calendars_parse(struct lw_calendars *calendars, const char *name, const char *text,
                       size_t len, const char *file, struct lw_err *err) {
    lw_assert(lw_calendar_name_valid(name) && lw_calendars_find(calendars, name) < 0);
    struct lw_calendar *c = add_empty(calendars, name);
    if (read_days(c, text, len, file, err))
        return -1;
    sort_days(c);
    return 0;
}
