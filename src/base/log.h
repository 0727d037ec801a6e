/* The log: one line an event on standard error, `time level event key=value ...`.
 * Values are given as a printf format of key=value pairs; quote texts that may hold
 * spaces with lw_log_quote. Only shells (engine, cli) log; layers below return errors.
 * Thread: any. */
#ifndef LW_BASE_LOG_H
#define LW_BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>

enum lw_level { LW_DEBUG, LW_INFO, LW_WARN, LW_ERROR };

void lw_log_level(enum lw_level least);
/* A function that gets each finished line (without newline) instead of standard error. */
void lw_log_sink(void (*sink)(void *arg, const char *line), void *arg);
void lw_log(enum lw_level level, const char *event, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The text in double quotes with quotes, backslashes and control characters escaped. */
char *lw_log_quote(char *out, size_t size, const char *text);

#endif
