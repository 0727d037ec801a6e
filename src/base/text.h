/* Text: numbers with units, durations, times, the nearest name, small formatting helpers.
 */
#ifndef LW_BASE_TEXT_H
#define LW_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "leeway/err.h"

/* A whole number or a finite double, nothing after it. */
bool lw_parse_i64(const char *text, int64_t *out);
bool lw_parse_f64(const char *text, double *out);
/* "250ms", "10s", "5m", "1h", "3d", "2w" → milliseconds; a bare 0 is allowed. */
bool lw_parse_duration(const char *text, int64_t *ms);
/* "64KiB", "10MB", "1GiB", or bytes. */
bool lw_parse_size(const char *text, int64_t *bytes);
/* "2020-03-12", "2020-03-12T05:00", "2020-03-12 05:00:00.250", perhaps with an offset: Z,
 * "+01:00", "-0330" → Unix ms; UTC without one. */
bool lw_parse_time(const char *text, int64_t *ms);
/* The same for bytes that are not terminated; without an offset it is a time in the zone
 * (NULL: UTC). */
struct lw_zone;
bool lw_parse_instant(const char *text, size_t len, const struct lw_zone *zone,
                      int64_t *ms);

/* "1h", "90s", "1d12h": the shortest exact form; writes at most size bytes, returns out.
 */
char *lw_format_duration(char *out, size_t size, int64_t ms);
/* "2020-03-12T05:00:00Z" (milliseconds only when not zero). Needs 32 bytes. */
char *lw_format_time(char *out, size_t size, int64_t ms);
/* "316,378". */
char *lw_format_count(char *out, size_t size, uint64_t n);
/* Shortest decimal text that reads back as the same double; NaN and infinities are "nan",
 * "inf". */
char *lw_format_f64(char *out, size_t size, double v);

/* A figure for a table or a sentence: so many decimals, and four digits with an exponent
 * where it would get wider than 15 characters; "-" when it is not known. */
struct lw_digits {
    char text[16];
};
struct lw_digits lw_digits(double v, int decimals);
/* The same with its sign: "+0.3". */
struct lw_digits lw_digits_signed(double v, int decimals);

/* The candidate nearest to name by edit distance, or NULL when none is near enough. */
const char *lw_nearest(const char *name, const char *const *candidates, size_t n);

/* Bytes of the valid UTF-8 sequence at text, or 0: overlong forms, surrogates and what is
 * above U+10FFFF are not valid. */
size_t lw_utf8_sequence(const char *text, size_t left);
/* A name of any bytes for people, as one line of UTF-8 without control or invisible
 * characters: what is not UTF-8 becomes \xHH, what is invisible \xHH, \uHHHH or
 * \UHHHHHHHH, and a backslash that would look like one of these \\, so two inputs never
 * look alike. Cut to size bytes (4 at least; 14 for the checksum that
 * distinguishes long inputs); terminated. Returns the bytes written. */
size_t lw_text_show(char *out, size_t size, const char *text, size_t len);
/* The same for programs, never cut: only what is not UTF-8 is escaped, and backslashes
 * where they must be. Returns the bytes that it takes, at most 4 * len; out NULL: only
 * that. No NUL at the end. */
size_t lw_text_utf8(char *out, const char *text, size_t len);
/* A whole sentence, whose names lw_text_show has written: only what controls a terminal,
 * changes the direction of writing or is not UTF-8 is escaped. Cut with an ellipsis to
 * size bytes (4 at least). Returns out. */
char *lw_text_safe(char *out, size_t size, const char *text, size_t len);
/* A shown name as a column of a table: at least so many characters wide (padded with
 * spaces), at most so many bytes (120). */
struct lw_shown {
    char text[192];
};
struct lw_shown lw_text_column(const char *shown, size_t least, size_t most);

/* A path's last part: a place in it. */
const char *lw_base_name(const char *path);
/* Copies with truncation; always terminated. */
void lw_copy(char *out, size_t size, const char *text);

/* Whole file into memory (NUL after the end, not counted); at most max bytes. free() the
 * result (lw_secret_free: no other copy is left). LW_EINPUT with path and reason. */
char *lw_read_file(const char *path, size_t max, size_t *len, struct lw_err *err);
/* Writes through a temporary neighbour, fsync and rename, so that a reader sees all or
 * nothing. */
int lw_write_file(const char *path, const void *data, size_t len, struct lw_err *err);

/* A line of block characters, lowest value to highest, at most width columns (each column
 * the mean of its share of values; NaN is a space). Needs 3 * width + 1 bytes. */
char *lw_sparkline(char *out, size_t size, const double *values, size_t n, size_t width);
/* The same between the values range[0] and range[1], so that two lines can be compared.
 */
char *lw_sparkline_between(char *out, size_t size, const double *values, size_t n,
                           size_t width, const double range[2]);

#endif
