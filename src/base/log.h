/* The log: one line an event on standard error, `time level event key=value ...`.
 *
 * Events, levels and fields stand in one table (log_events.def), so a call names the
 * event and gives the values of its fields, in the table's order:
 *
 * lw_log(topic_gone, topic);
 *
 * Thread: any. */
#ifndef LW_BASE_LOG_H
#define LW_BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/log_events.h"

void lw_log_level(enum lw_log_level least);
/* A function that gets each finished line (without newline) instead of standard
 * error. */
void lw_log_sink(void (*sink)(void *arg, const char *line), void *arg);

#define lw_log(event, ...)                                                               \
    lw__log_write(LW_LOG_##event, lw_log_rows[LW_LOG_##event].level,                     \
                  lw_log_fields_##event, __VA_ARGS__)
/* At another level than the table's: of lines that bring their own. */
#define lw_log_at(level, event, ...)                                                     \
    lw__log_write(LW_LOG_##event, level, lw_log_fields_##event, __VA_ARGS__)

/* The text in double quotes, with quotes, backslashes and control characters escaped;
 * for values that may contain spaces. It lives as long as the enclosing block. */
#define LW_QUOTE(text) lw_log_quote((char[LW_QUOTE_MAX]){0}, LW_QUOTE_MAX, text)
#define LW_QUOTE_MAX   1024
char *lw_log_quote(char *out, size_t size, const char *text);

void lw__log_write(enum lw_log_event event, enum lw_log_level level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
