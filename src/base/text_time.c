/* Reading a time of ISO 8601, and of what programs print that nearly is.
 *
 * A date, or a date and a time of day, then perhaps an offset from UTC. Java adds a
 * zone's name in brackets and Go and Ruby put blanks before the offset; both are taken.
 * Without an offset it is a time on the wall, which only a zone makes an instant. What is
 * finer than a millisecond is cut off, as everywhere. */
#include <ctype.h>
#include <string.h>

#include "base/text.h"
#include "base/time.h"

#define TIME_BYTES_MAX 80

/* Exactly n digits at *at, which moves behind them; -1 otherwise. */
static int parse_digits(const char **at, int n) {
    int v = 0;
    for (int i = 0; i < n; i++, (*at)++) {
        if (!isdigit((unsigned char)**at))
            return -1;
        v = v * 10 + (**at - '0');
    }
    return v;
}

static bool skip_char(const char **at, char c) {
    bool there = **at == c;
    *at += there;
    return there;
}

/* ".250" as milliseconds; -1 without a digit. */
static int parse_fraction(const char **at) {
    int ms = 0, unit = 100;
    if (!skip_char(at, '.') && !skip_char(at, ','))
        return 0;
    if (!isdigit((unsigned char)**at))
        return -1;
    for (; isdigit((unsigned char)**at); ++*at, unit /= 10)
        ms += (**at - '0') * unit;
    return ms;
}

/* "05:00", "05:00:00", "05:00:00.250" as milliseconds of a day, or -1. */
static int64_t time_of_day(const char **at) {
    int hour = parse_digits(at, 2), second = 0, ms = 0;
    if (hour < 0 || hour > 23 || !skip_char(at, ':'))
        return -1;
    int minute = parse_digits(at, 2);
    if (minute < 0 || minute > 59)
        return -1;
    if (skip_char(at, ':')) {
        second = parse_digits(at, 2);
        ms = parse_fraction(at);
        if (second < 0 || second > 60 || ms < 0) /* 60 is a leap second */
            return -1;
    }
    return hour * LW_HOUR + minute * LW_MINUTE + second * LW_SECOND + ms;
}

/* "Z", "+01:00", "-0330", "+01", "UTC", "+00:00[Europe/Paris]": 1 with *ms, 0 when there
 * is none, -1 when it cannot be. */
static int parse_offset(const char **at, int64_t *ms) {
    *at += **at == ' ' && (*at)[1] != '\0';
    *ms = 0;
    int sign = **at == '+' ? 1 : **at == '-' ? -1 : 0;
    if (sign != 0) {
        ++*at;
        int hour = parse_digits(at, 2);
        bool colon = skip_char(at, ':');
        int minute = colon || isdigit((unsigned char)**at) ? parse_digits(at, 2) : 0;
        if (hour < 0 || hour > 18 || minute < 0 || minute > 59)
            return -1;
        *ms = sign * (hour * LW_HOUR + minute * LW_MINUTE);
    } else if (!skip_char(at, 'Z') && !skip_char(at, 'z') &&
               strncmp(*at, "UTC", 3) != 0 && strncmp(*at, "GMT", 3) != 0) {
        return 0;
    }
    if (strncmp(*at, " UTC", 4) == 0 || strncmp(*at, " GMT", 4) == 0)
        *at += 4;
    else if (sign == 0 && (strncmp(*at, "UTC", 3) == 0 || strncmp(*at, "GMT", 3) == 0))
        *at += 3;
    if (**at == '[' && strchr(*at, ']'))
        *at = strchr(*at, ']') + 1;
    return 1;
}

/* Midnight of "2020-03-12" as if it were UTC. */
static bool parse_date(const char **at, int64_t *ms) {
    int year = parse_digits(at, 4);
    if (year < 0 || !skip_char(at, '-'))
        return false;
    int month = parse_digits(at, 2);
    if (month < 1 || month > 12 || !skip_char(at, '-'))
        return false;
    int day = parse_digits(at, 2);
    if (day < 1 || day > 31)
        return false;
    *ms = lw_from_civil(year, month, day);
    struct lw_civil back = lw_civil(*ms);
    return back.month == month && back.day == day; /* no 31 June */
}

bool lw_parse_instant(const char *text, size_t len, const struct lw_zone *zone,
                      int64_t *ms) {
    char copy[TIME_BYTES_MAX];
    int64_t day, of_day = 0, away;
    if (len >= sizeof copy || memchr(text, 0, len))
        return false;
    memcpy(copy, text, len);
    copy[len] = '\0';
    const char *at = copy;
    if (!parse_date(&at, &day))
        return false;
    if (skip_char(&at, 'T') || skip_char(&at, 't') ||
        (at[0] == ' ' && isdigit((unsigned char)at[1]) && skip_char(&at, ' ')))
        of_day = time_of_day(&at);
    int given = of_day < 0 ? -1 : parse_offset(&at, &away);
    if (given < 0 || *at)
        return false;
    *ms = given ? day + of_day - away : lw_zone_instant(zone, day + of_day);
    return true;
}

bool lw_parse_time(const char *text, int64_t *ms) {
    return lw_parse_instant(text, strlen(text), NULL, ms);
}
