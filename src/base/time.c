/* Clocks and calendar arithmetic; zones are in zone.c.
 *
 * Civil dates by Howard Hinnant's days_from_civil (public domain algorithm,
 * "chrono-Compatible Low-Level Date Algorithms"). */
#include "base/time.h"

#include <time.h>

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

int64_t lw_from_civil(int year, int month, int day) {
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = lw_floor_div(y, 400);
    int64_t yoe = y - era * 400;
    int64_t doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    return (era * 146097 + doe - 719468) * LW_DAY;
}

struct lw_civil lw_civil(int64_t ms) {
    int64_t days = lw_floor_div(ms, LW_DAY), rest = (ms % LW_DAY + LW_DAY) % LW_DAY;
    int64_t z = days + 719468, era = lw_floor_div(z, 146097), doe = z - era * 146097;
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
