#include "base/log_events.h"

#include <string.h>

const struct lw_log_row lw_log_rows[LW_LOG_EVENTS] = {
#define LW_LOG_EVENT(name, level, fields, meaning) {#name, level, fields, meaning},
#include "base/log_events.def"
#undef LW_LOG_EVENT
};

const char *lw_log_level_name(enum lw_log_level level) {
    static const char *const names[] = {"debug", "info", "warn", "error"};
    return names[level];
}

/* The keys of the format, without those inside a quoted value. */
static void document_fields(FILE *out, const char *fields) {
    const char *separator = "";
    while (*fields) {
        size_t len = strcspn(fields, "=");
        fprintf(out, "%s`%.*s`", separator, (int)len, fields);
        separator = ", ";
        fields += len + 1;
        if (*fields == '"')
            fields += 1 + strcspn(fields + 1, "\"");
        fields += strcspn(fields, " ");
        fields += strspn(fields, " ");
    }
}

void lw_log_events_document(FILE *out) {
    fputs(
        "# Log events\n\n"
        "`leeway run` logs to standard error, one line per event: the time (UTC), the "
        "level, the event's name, then its fields as `key=value`. Values that may "
        "contain spaces are quoted. `log.level` sets the lowest level that is logged.\n\n"
        "This page is written from the table that the program uses "
        "(`src/base/log_events.def`).\n\n"
        "| event | level | fields | meaning |\n|---|---|---|---|\n",
        out);
    for (size_t i = 0; i < LW_LOG_EVENTS; i++) {
        const struct lw_log_row *r = &lw_log_rows[i];
        fprintf(out, "| `%s` | %s | ", r->name, lw_log_level_name(r->level));
        document_fields(out, r->fields);
        fprintf(out, " | %s |\n", r->meaning);
    }
}
