/* What commands share: failing, loading the configuration, JSON, progress. */
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/text_media.h"
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

static void print_json(json_t *object, size_t how) {
    struct lw_buf safe = {0};
    char *text = json_dumps(object, how);
    if (text)
        lw_text_json(&safe, text, strlen(text));
    puts(text ? lw_buf_str(&safe) : "{}");
    fflush(stdout);
    free(text);
    lw_buf_fini(&safe);
    json_decref(object);
}

void lw_cli_print_json(json_t *object) {
    print_json(object, JSON_COMPACT | JSON_REAL_PRECISION(9));
}

void lw_cli_show_json(json_t *object) {
    print_json(object, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
}

/* Whole: no byte becomes more than ten. free() it. */
static char *safe_text(const char *text) {
    size_t len = strlen(text), size = 10 * len + 4;
    return lw_text_safe(lw_malloc(size), size, text, len);
}

json_t *lw_cli_text(const char *text) {
    char *safe = safe_text(text);
    json_t *value = json_string(safe);
    free(safe);
    return value;
}

void lw_cli_line(FILE *out, const char *fmt, ...) {
    struct lw_buf raw = {0};
    va_list ap;
    va_start(ap, fmt);
    lw_buf_vprintf(&raw, fmt, ap);
    va_end(ap);
    char *safe = safe_text(lw_buf_str(&raw));
    fprintf(out, "%s\n", safe);
    free(safe);
    lw_buf_fini(&raw);
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

const char *lw_cli_decision_word(enum lw_decision_kind kind) {
    switch (kind) {
    case LW_DECIDED_ROLL_BACK:
        return "rollback";
    case LW_DECIDED_WAIT:
        return "waits";
    case LW_DECIDED_NOT_JUDGED:
        return "unjudged";
    default:
        return lw_decision_name(kind);
    }
}
