/* Code shared by all commands: errors, the configuration, JSON and lines of output. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/text_media.h"
#include "cli/cli.h"

int lw_cli_fail(const struct lw_command *command, const struct lw_err *err) {
    lw_cli_line(stderr, "leeway %s: %s", command->name, err->msg);
    return LW_EXIT_FAILED;
}

int lw_cli_usage(const struct lw_command *command, const char *fmt, ...) {
    va_list ap;
    char text[1024];
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    lw_cli_line(stderr, "leeway %s: %s", command->name, text);
    fprintf(stderr, "usage: leeway %s %s\nRun 'leeway %s --help' for options.\n",
            command->name, command->arguments, command->name);
    return LW_EXIT_USAGE;
}

struct lw_config *lw_cli_config(const struct lw_command *command, const char *path) {
    struct lw_err err = {0};
    if (!path) {
        lw_cli_usage(command, "-c FILE is required");
        return NULL;
    }
    struct lw_config *config = lw_config_load(path, &err);
    if (!config)
        lw_cli_fail(command, &err);
    return config;
}

void lw_cli_left_out(const struct lw_config *config) {
    for (size_t i = 0; i < config->nleft_out; i++)
        lw_log(candidate_left_out, config->left_out[i]);
}

void lw_cli_person(char *out, size_t size) {
    char host[64] = "localhost", raw[160];
    const char *user = getenv("USER");
    gethostname(host, sizeof host - 1);
    snprintf(raw, sizeof raw, "%.60s@%s", user ? user : "someone", host);
    lw_text_safe(out, size, raw, strlen(raw));
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

void lw_cli_print_json_indented(json_t *object) {
    print_json(object, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
}

void lw_cli_line(FILE *out, const char *fmt, ...) {
    struct lw_buf raw = {0};
    va_list ap;
    va_start(ap, fmt);
    lw_buf_vprintf(&raw, fmt, ap);
    va_end(ap);
    size_t len = strlen(lw_buf_str(&raw)), size = 10 * len + 4; /* an escape: ten bytes */
    char *safe = lw_text_safe(lw_malloc(size), size, lw_buf_str(&raw), len);
    fprintf(out, "%s\n", safe);
    free(safe);
    lw_buf_fini(&raw);
}

const char *lw_cli_decision_word(enum lw_decision_kind kind) {
    switch (kind) {
    case LW_DECIDED_ROLL_BACK:
        return "rollback";
    case LW_DECIDED_EXTEND:
        return "waiting";
    case LW_DECIDED_NOT_JUDGED:
        return "undecided";
    default:
        return lw_decision_name(kind);
    }
}

char *lw_cli_event_time(char out[32], const struct lw_zone *zone, int64_t ms) {
    lw_format_time(out, 32, ms + lw_zone_offset(zone, ms));
    out[16] = '\0'; /* without seconds and Z */
    return out;
}
