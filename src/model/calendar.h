/* Calendars: lists of dates with a name, for holiday(t, NAME).
 *
 * A configuration reads them from plain files; a model has a copy of those that its terms
 * read, so that it predicts the same on a machine without the files. */
#ifndef LW_MODEL_CALENDAR_H
#define LW_MODEL_CALENDAR_H

#include "leeway/row.h"

#define LW_CALENDARS_MAX     8
#define LW_CALENDAR_DAYS_MAX 16384
/* Days since 1970 are within these years. */
#define LW_CALENDAR_FIRST_YEAR 1900
#define LW_CALENDAR_LAST_YEAR  2199

struct lw_calendar {
    char name[LW_NAME_MAX];
    size_t n;
    int32_t *day; /* since 1970, ascending; owned */
};
struct lw_calendars {
    size_t n;
    struct lw_calendar of[LW_CALENDARS_MAX];
};

/* What a day is: 0 ordinary, 1 before a holiday, 2 a holiday, 3 after one. A day between
 * two holidays is before the next. O(log n). Hot path. */
enum lw_day_kind { LW_DAY_ORDINARY, LW_DAY_BEFORE, LW_DAY_HOLIDAY, LW_DAY_AFTER };
enum lw_day_kind lw_calendar_day(const struct lw_calendar *calendar, int64_t day);

/* A name that a formula can hold: a letter, then letters, digits and '_'. */
bool lw_calendar_name_valid(const char *name);
/* Index of a calendar by name, or -1. */
int lw_calendars_find(const struct lw_calendars *calendars, const char *name);

/* Adds a calendar from the text of a file: one date a line, `YYYY-MM-DD[,name]`, in any
 * order, a date possibly more than once; empty lines and what follows '#' do not count.
 * LW_ECONFIG names the file and line. The calendar's name must be valid and new. */
int lw_calendars_parse(struct lw_calendars *calendars, const char *name, const char *text,
                       size_t len, const char *file, struct lw_err *err);
/* Adds a copy. */
void lw_calendars_copy(struct lw_calendars *calendars,
                       const struct lw_calendar *calendar);
/* Adds days of which nothing is known; LW_EINPUT unless they ascend within the years. */
int lw_calendars_add(struct lw_calendars *calendars, const char *name, const int32_t *day,
                     size_t n, struct lw_err *err);
void lw_calendars_fini(struct lw_calendars *calendars);

#endif
