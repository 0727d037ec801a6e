/* The one error type: caller-owned, fixed size, first error wins. */
#include "leeway/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

/* A message may quote a record, a server or a file's name. It is made safe here, once, for
 * everyone who shows it or sends it on. */
static void err_set(struct lw_err *err, const char *text) {
    lw_text_safe(err->msg, sizeof err->msg, text, strlen(text));
}

int lw_fail(struct lw_err *err, enum lw_errc code, const char *fmt, ...) {
    if (!err || err->code != LW_OK)
        return -1;
    char text[sizeof err->msg];
    err->code = code;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    err_set(err, text);
    return -1;
}

int lw_err_context(struct lw_err *err, const char *fmt, ...) {
    if (!err || err->code == LW_OK)
        return -1;
    char text[2 * sizeof err->msg + 2];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof err->msg, fmt, ap);
    va_end(ap);
    size_t used = strlen(text);
    snprintf(text + used, sizeof text - used, ": %s", err->msg);
    err_set(err, text);
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
