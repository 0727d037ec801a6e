/* The one error type: caller-owned, fixed size, first error wins. */
#include "leeway/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

/* Messages end in JSON and in Kafka's headers: what was cut within a character, or came
 * with a strange name, must not make them unreadable. */
static void make_utf8(char *text) {
    size_t left = strlen(text);
    for (size_t n; left > 0; text += n, left -= n)
        if ((n = lw_utf8_sequence(text, left)) == 0) {
            *text = '?';
            n = 1;
        }
}

int lw_fail(struct lw_err *err, enum lw_errc code, const char *fmt, ...) {
    if (!err || err->code != LW_OK)
        return -1;
    err->code = code;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(err->msg, sizeof err->msg, fmt, ap);
    va_end(ap);
    make_utf8(err->msg);
    return -1;
}

int lw_err_context(struct lw_err *err, const char *fmt, ...) {
    if (!err || err->code == LW_OK)
        return -1;
    char cause[sizeof err->msg];
    memcpy(cause, err->msg, sizeof cause);
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(err->msg, sizeof err->msg, fmt, ap);
    va_end(ap);
    size_t used = strlen(err->msg);
    snprintf(err->msg + used, sizeof err->msg - used, ": %s", cause);
    make_utf8(err->msg);
    return -1;
}

void lw_err_clear(struct lw_err *err) {
    if (err)
        *err = (struct lw_err){0};
}

const char *lw_errc_name(enum lw_errc code) {
    static const char *const names[] = {"ok",     "input",    "config", "again",
                                        "fenced", "notfound", "stop"};
    return (size_t)code < sizeof names / sizeof *names ? names[code] : "unknown";
}
