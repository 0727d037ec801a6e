/* One writer for all lines. The level and the sink are set once, before threads
 * start; a line is formatted on the caller's stack and leaves in one write, so lines
 * of different threads never mix. */
#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "base/time.h"

#define LINE_MAX_BYTES 2048

static struct {
    atomic_int least;
    void (*sink)(void *arg, const char *line);
    void *arg;
} log_to = {.least = LW_INFO};

void lw_log_level(enum lw_log_level least) {
    atomic_store(&log_to.least, (int)least);
}

void lw_log_sink(void (*sink)(void *arg, const char *line), void *arg) {
    log_to.sink = sink;
    log_to.arg = arg;
}

/* One event is one line, whatever its values hold, and nothing in it drives a terminal. A
 * line of plain characters, as nearly all are, is left as it is. */
static void log_clean(char *line, size_t len) {
    char safe[LINE_MAX_BYTES];
    bool plain = true;
    for (size_t i = 0; i < len; i++) {
        if (line[i] == '\n' || line[i] == '\r')
            line[i] = ' ';
        plain &= line[i] >= 0x20 && line[i] < 0x7f;
    }
    if (!plain)
        memcpy(line, lw_text_safe(safe, sizeof safe - 1, line, len), strlen(safe) + 1);
}

void lw__log_write(enum lw_log_event event, enum lw_log_level level, const char *fmt,
                   ...) {
    if ((int)level < atomic_load(&log_to.least))
        return;
    char line[LINE_MAX_BYTES], when[32];
    int used = snprintf(line, sizeof line, "%s %s %s ",
                        lw_format_time(when, sizeof when, lw_wall_ms()),
                        lw_log_level_name(level), lw_log_rows[event].name);
    size_t at = used < 0 ? 0 : (size_t)used;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(line + at, sizeof line - at - 1, fmt, ap);
    va_end(ap);
    at = strlen(line);
    log_clean(line, at);
    at = strlen(line);
    if (log_to.sink) {
        log_to.sink(log_to.arg, line);
        return;
    }
    line[at++] = '\n';
    if (write(STDERR_FILENO, line, at) < 0)
        return; /* nothing left to report it to */
}

char *lw_log_quote(char *out, size_t size, const char *text) {
    size_t used = 0;
    out[used++] = '"';
    for (; *text && used + 4 < size; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            out[used++] = '\\';
        out[used++] = c == '\n' || c == '\r' || c == '\t' ? ' ' : (char)c;
    }
    out[used++] = '"';
    out[used] = '\0';
    return out;
}
