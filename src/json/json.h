/* Writing JSON: the one set of writers over jansson. What is not known is null; text is
 * valid UTF-8 without control characters; exhausted memory ends the process. */
#ifndef LW_JSON_JSON_H
#define LW_JSON_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* ---- values ---- */

/* null unless finite. */
json_t *lw_json_number(double v);
/* The text as lw_text_safe shows it, cut to max bytes (4 at least; SIZE_MAX: whole); null
 * for NULL. */
json_t *lw_json_text(const char *text, size_t max);

/* ---- members of an object; the key is valid UTF-8 ---- */

/* Takes the value; NULL: null. */
void lw_json_set(json_t *o, const char *key, json_t *value);
void lw_json_set_bool(json_t *o, const char *key, bool v);
void lw_json_set_int(json_t *o, const char *key, int64_t v);
/* null unless known. */
void lw_json_set_int_if(json_t *o, const char *key, bool known, int64_t v);
void lw_json_set_count(json_t *o, const char *key, uint64_t n);
/* null unless finite. */
void lw_json_set_number(json_t *o, const char *key, double v);
/* A whole number that is kept as a double; null unless finite. */
void lw_json_set_whole(json_t *o, const char *key, double v);
/* A model's version; null for 0. */
void lw_json_set_version(json_t *o, const char *key, uint32_t version);
/* 16 hexadecimal digits, as text. */
void lw_json_set_hex(json_t *o, const char *key, uint64_t v);
/* A time as Unix milliseconds; null for INT64_MIN and 0. */
void lw_json_set_ms(json_t *o, const char *key, int64_t ms);
/* A time as text, "2020-03-12T05:00:00Z"; null for INT64_MIN and INT64_MAX. */
void lw_json_set_time(json_t *o, const char *key, int64_t ms);
/* A duration as the configuration writes it, "36h"; no member for 0. */
void lw_json_set_duration(json_t *o, const char *key, int64_t ms);
/* lw_json_text, whole. */
void lw_json_set_text(json_t *o, const char *key, const char *text);
/* null for "", too. */
void lw_json_set_text_or_null(json_t *o, const char *key, const char *text);
/* The same, cut to max bytes. */
void lw_json_set_text_cut(json_t *o, const char *key, const char *text, size_t max);

/* Appends the value as compact JSON, its numbers with so many significant digits, and
 * releases it. */
void lw_json_dump(json_t *value, unsigned digits, struct lw_buf *out);

#endif
