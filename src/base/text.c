/* Parses numbers, durations, sizes, and finds the nearest name to a misspelt one. */
#include "base/text.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/time.h"

bool lw_parse_i64(const char *text, int64_t *out) {
    char *end;
    errno = 0;
    long long v = strtoll(text, &end, 10);
    if (end == text || *end || errno || isspace((unsigned char)*text))
        return false;
    *out = v;
    return true;
}

/* A decimal number without sign at text: its value and what follows, or NULL. strtod
 * alone would take "0x1p4", "inf" and leading blanks too. */
static const char *parse_decimal(const char *text, double *out) {
    size_t len = strspn(text, "0123456789"), fraction = 0;
    if (text[len] == '.') {
        fraction = strspn(text + len + 1, "0123456789");
        len += 1 + fraction;
    }
    if (len == 0 || !(isdigit((unsigned char)text[0]) || fraction > 0))
        return NULL;
    if (tolower((unsigned char)text[len]) == 'e') {
        size_t sign = text[len + 1] == '-' || text[len + 1] == '+';
        size_t digits = strspn(text + len + 1 + sign, "0123456789");
        len += digits > 0 ? 1 + sign + digits : 0;
    }
    *out = strtod(text, NULL);
    return text + len;
}

bool lw_parse_f64(const char *text, double *out) {
    double v;
    bool negative = *text == '-';
    const char *end = parse_decimal(text + (negative || *text == '+'), &v);
    if (!end || *end || !isfinite(v))
        return false;
    *out = negative ? -v : v;
    return true;
}

struct named_unit {
    const char *name;
    int64_t factor;
};

/* number unit [number unit ...]; the sum, or false. */
static bool parse_units(const char *text, const struct named_unit *units, size_t n,
                        int64_t *out) {
    double total = 0;
    if (!*text)
        return false;
    while (*text) {
        double v;
        const char *end = parse_decimal(text, &v);
        if (!end || !isfinite(v))
            return false;
        size_t len = strspn(end, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
        size_t i = 0;
        while (i < n &&
               (strlen(units[i].name) != len || strncmp(units[i].name, end, len) != 0))
            i++;
        if (i == n && !(len == 0 && v == 0))
            return false;
        total += i < n ? v * (double)units[i].factor : 0;
        text = end + len;
    }
    if (total > 9e15)
        return false;
    *out = (int64_t)llround(total);
    return true;
}

bool lw_parse_duration(const char *text, int64_t *ms) {
    static const struct named_unit units[] = {{"ms", 1},        {"s", LW_SECOND},
                                              {"m", LW_MINUTE}, {"h", LW_HOUR},
                                              {"d", LW_DAY},    {"w", LW_WEEK}};
    return parse_units(text, units, sizeof units / sizeof *units, ms);
}

bool lw_parse_size(const char *text, int64_t *bytes) {
    static const struct named_unit units[] = {
        {"", 1},          {"B", 1},         {"kB", 1000},
        {"KB", 1000},     {"MB", 1000000},  {"GB", 1000000000},
        {"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}};
    return parse_units(text, units, sizeof units / sizeof *units, bytes);
}

/* Optimal string alignment distance over at most 63 characters, case ignored. */
static size_t edit_distance(const char *a, const char *b) {
    enum { MAX = 63 };
    size_t n = strlen(a), m = strlen(b);
    if (n > MAX || m > MAX)
        return SIZE_MAX;
    size_t row[3][MAX + 1];
    for (size_t j = 0; j <= m; j++)
        row[0][j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t *now = row[i % 3], *up = row[(i - 1) % 3], *up2 = row[(i + 1) % 3];
        now[0] = i;
        for (size_t j = 1; j <= m; j++) {
            int ca = tolower((unsigned char)a[i - 1]),
                cb = tolower((unsigned char)b[j - 1]);
            size_t best = up[j - 1] + (ca != cb);
            best = up[j] + 1 < best ? up[j] + 1 : best;
            best = now[j - 1] + 1 < best ? now[j - 1] + 1 : best;
            if (i > 1 && j > 1 && ca == tolower((unsigned char)b[j - 2]) &&
                cb == tolower((unsigned char)a[i - 2]) && up2[j - 2] + 1 < best)
                best = up2[j - 2] + 1;
            now[j] = best;
        }
    }
    return row[n % 3][m];
}

const char *lw_nearest(const char *name, const char *const *candidates, size_t n) {
    const char *best = NULL;
    size_t least = SIZE_MAX;
    for (size_t i = 0; i < n; i++) {
        size_t d = edit_distance(name, candidates[i]);
        if (d < least) {
            least = d;
            best = candidates[i];
        }
    }
    size_t len = strlen(name), tolerated = len < 6 ? 2 : len / 2;
    if (least <= tolerated)
        return best;
    for (size_t i = 0; i < n && len >= 3; i++) /* "crit" for "critical" */
        if (strncasecmp(name, candidates[i], len) == 0)
            return candidates[i];
    return NULL;
}

const char *lw_base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

void lw_copy(char *out, size_t size, const char *text) {
    size_t len = strnlen(text, size - 1);
    while (text[len] && len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
        len--; /* not within a character */
    memcpy(out, text, len);
    out[len] = '\0';
}
