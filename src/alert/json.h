/* Helpers over jansson. Internal to the layer. */
#ifndef LW_ALERT_JSON_H
#define LW_ALERT_JSON_H

#include <jansson.h>
#include <stdint.h>

#include "base/buf.h"

/* Sets key to value (taken); to null when value is NULL, which jansson returns for text
 * that is not UTF-8. */
void lw__json_set(json_t *object, const char *key, json_t *value);
/* Sets key to sanitised text of at most max bytes (<= 4095), as one line or (for our own
 * lines, joined by newlines) as several; to null when text is NULL or "". */
void lw__json_text(json_t *object, const char *key, const char *text, size_t max);
void lw__json_lines(json_t *object, const char *key, const char *text, size_t max);
/* Sets key to a number, or to null when it is not finite. */
void lw__json_real(json_t *object, const char *key, double v);
void lw__json_time(json_t *object, const char *key, int64_t ms);
/* Appends the value as compact JSON and releases it. */
void lw__json_dump(json_t *value, struct lw_buf *out);

#endif
