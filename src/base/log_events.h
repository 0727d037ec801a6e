/* The table of log events (log_events.def). */
#ifndef LW_BASE_LOG_EVENTS_H
#define LW_BASE_LOG_EVENTS_H

#include <inttypes.h>
#include <stdio.h>

enum lw_log_level { LW_DEBUG, LW_INFO, LW_WARN, LW_ERROR };

enum lw_log_event {
#define LW_LOG_EVENT(name, level, fields, meaning) LW_LOG_##name,
#include "base/log_events.def"
#undef LW_LOG_EVENT
    LW_LOG_EVENTS
};

/* The formats by name, so that the compiler checks each call's values against them. */
#define LW_LOG_EVENT(name, level, fields, meaning)                                       \
    __attribute__((unused)) static const char lw_log_fields_##name[] = fields;
#include "base/log_events.def"
#undef LW_LOG_EVENT

struct lw_log_row {
    const char *name;
    enum lw_log_level level;
    const char *fields;  /* the format of `key=value ...` */
    const char *meaning; /* one sentence */
};
extern const struct lw_log_row lw_log_rows[LW_LOG_EVENTS];

const char *lw_log_level_name(enum lw_log_level level);
/* docs/log.md. */
void lw_log_events_document(FILE *out);

#endif
