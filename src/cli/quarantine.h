/* What is in quarantine, as commands show it. */
#ifndef LW_CLI_QUARANTINE_H
#define LW_CLI_QUARANTINE_H

#include "base/buf.h"
#include "store/monitor_state.h"

#include <jansson.h>

/* The array of lw_monitor_state_quarantine. New reference; NULL when it cannot be had. */
json_t *lw_cli_quarantine(struct lw_redis *r, const struct lw_spec *spec,
                          struct lw_err *err);
/* A line a span, under a heading; nothing when there is none. */
void lw_cli_quarantine_text(const json_t *spans, struct lw_buf *out);
/* Is a span of that feature, or of that number, held? */
bool lw_cli_quarantine_has(const json_t *spans, const char *which);
/* A feature of which an incident is open (borrowed), or NULL. */
const char *lw_cli_quarantine_open(const json_t *spans);

#endif
