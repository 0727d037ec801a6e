/* Writing for people: times, durations, counts, numbers that read back, sparklines. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/time.h"

char *lw_format_duration(char *out, size_t size, int64_t ms) {
    static const struct {
        const char *name;
        int64_t ms;
    } units[] = {
        {"d", LW_DAY}, {"h", LW_HOUR}, {"m", LW_MINUTE}, {"s", LW_SECOND}, {"ms", 1}};
    size_t used = ms < 0 ? (size_t)snprintf(out, size, "-") : 0;
    out[used] = '\0';
    if (ms == 0)
        snprintf(out, size, "0s");
    ms = ms < 0 && ms > INT64_MIN ? -ms : ms;
    for (size_t i = 0; ms > 0 && i < sizeof units / sizeof *units && used < size; i++) {
        int64_t count = ms / units[i].ms;
        ms %= units[i].ms;
        if (count > 0)
            used += (size_t)snprintf(out + used, size - used, "%" PRId64 "%s", count,
                                     units[i].name);
    }
    return out;
}

char *lw_format_time(char *out, size_t size, int64_t ms) {
    struct lw_civil c = lw_civil(ms);
    int64_t milli = ((ms % 1000) + 1000) % 1000;
    if (milli)
        snprintf(out, size, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", c.year, c.month, c.day,
                 c.hour, c.minute, c.second, (int)milli);
    else
        snprintf(out, size, "%04d-%02d-%02dT%02d:%02d:%02dZ", c.year, c.month, c.day,
                 c.hour, c.minute, c.second);
    return out;
}

char *lw_format_count(char *out, size_t size, uint64_t n) {
    char digits[24];
    int len = snprintf(digits, sizeof digits, "%" PRIu64, n);
    size_t used = 0;
    for (int i = 0; i < len && used + 2 < size; i++) {
        if (i > 0 && (len - i) % 3 == 0)
            out[used++] = ',';
        out[used++] = digits[i];
    }
    out[used] = '\0';
    return out;
}

char *lw_format_f64(char *out, size_t size, double v) {
    for (int precision = 6; precision <= 17; precision++) {
        snprintf(out, size, "%.*g", precision, v);
        if (isnan(v) || strtod(out, NULL) == v)
            break;
    }
    return out;
}

#define FIGURE_WIDE 1e8

struct lw_digits lw_digits(double v, int decimals) {
    struct lw_digits f = {"-"};
    if (fabs(v) < FIGURE_WIDE)
        snprintf(f.text, sizeof f.text, "%.*f", decimals, v);
    else if (!isnan(v))
        snprintf(f.text, sizeof f.text, "%.4g", v);
    return f;
}

struct lw_digits lw_digits_signed(double v, int decimals) {
    struct lw_digits f = lw_digits(v, decimals), plus = {"+"};
    if (f.text[0] == '-') /* also the text of NaN */
        return f;
    lw_copy(plus.text + 1, sizeof plus.text - 1, f.text);
    return plus;
}

/* Mean of values[from, to) without the NaNs; NAN when there are none. */
static double mean_of(const double *values, size_t from, size_t to) {
    double sum = 0;
    size_t count = 0;
    for (size_t i = from; i < to; i++)
        if (!isnan(values[i])) {
            sum += values[i];
            count++;
        }
    return count ? sum / (double)count : NAN;
}

char *lw_sparkline_between(char *out, size_t size, const double *values, size_t n,
                           size_t width, const double range[2]) {
    static const char *const bars[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    size_t used = 0;
    if (width > n)
        width = n;
    for (size_t c = 0; c < width && used + 4 <= size; c++) {
        double mean = mean_of(values, c * n / width, (c + 1) * n / width);
        double share =
            range[1] > range[0] ? (mean - range[0]) / (range[1] - range[0]) : 0;
        if (!(share >= 0 &&
              share <= 1)) /* outside the range, or an infinite value in it */
            share = mean > range[0];
        const char *bar = isnan(mean) ? " " : bars[(size_t)(share * 7.0 + 0.5)];
        memcpy(out + used, bar, strlen(bar));
        used += strlen(bar);
    }
    out[used] = '\0';
    return out;
}

char *lw_sparkline(char *out, size_t size, const double *values, size_t n, size_t width) {
    double range[2] = {INFINITY, -INFINITY};
    for (size_t i = 0; i < n; i++) {
        range[0] = values[i] < range[0] ? values[i] : range[0];
        range[1] = values[i] > range[1] ? values[i] : range[1];
    }
    return lw_sparkline_between(out, size, values, n, width, range);
}
