/* What commands share: failing, loading the configuration, JSON, progress. */
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "cli/cli.h"

int lw_cli_fail(const struct lw_command *command, const struct lw_err *err) {
    lw_cli_line(stderr, "leeway %s: %s", command->name, err->msg);
    return LW_EXIT_FAILED;
}

struct lw_config *lw_cli_config(const struct lw_command *command, const char *path) {
    struct lw_err err = {0};
    if (!path) {
        lw_cli_usage(command, "which configuration? (-c FILE)");
        return NULL;
    }
    struct lw_config *config = lw_config_load(path, &err);
    if (!config)
        lw_cli_fail(command, &err);
    return config;
}

void lw_cli_print_json(json_t *object) {
    char *text = json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(9));
    puts(text ? text : "{}");
    fflush(stdout);
    free(text);
    json_decref(object);
}

json_t *lw_cli_text(const char *text) {
    size_t len = strlen(text), size = 10 * len + 4;
    char *safe = lw_malloc(size);
    json_t *value = json_string(lw_text_safe(safe, size, text, len));
    free(safe);
    return value;
}

void lw_cli_line(FILE *out, const char *fmt, ...) {
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int len = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    lw_assert(len >= 0);
    size_t size = 10 * (size_t)len + 4;
    char *raw = lw_malloc((size_t)len + 1), *safe = lw_malloc(size);
    vsnprintf(raw, (size_t)len + 1, fmt, again);
    va_end(again);
    fprintf(out, "%s\n", lw_text_safe(safe, size, raw, (size_t)len));
    free(safe);
    free(raw);
}

json_t *lw_cli_number(double v) {
    return isfinite(v) ? json_real(v) : json_null();
}

void lw_progress_start(struct lw_progress *p, const char *what) {
    *p = (struct lw_progress){.what = what, .began_ms = lw_mono_ms()};
}

void lw_progress_at(struct lw_progress *p, double share, uint64_t count) {
    enum { WIDTH = 30 };
    int64_t now = lw_mono_ms();
    if (now - p->began_ms < 1000 || now - p->drawn_ms < 100 || !isatty(STDERR_FILENO))
        return;
    char bar[WIDTH + 1], events[32];
    int full = (int)(share * WIDTH);
    for (int i = 0; i < WIDTH; i++)
        bar[i] = i < full ? '#' : '.';
    bar[WIDTH] = '\0';
    fprintf(stderr, "\r%s [%s] %3.0f%%  %s events", p->what, bar, 100 * share,
            lw_format_count(events, sizeof events, count));
    p->drawn_ms = now;
    p->shown = true;
}

void lw_progress_end(struct lw_progress *p) {
    if (p->shown)
        fprintf(stderr, "\r\033[K");
    p->shown = false;
}
