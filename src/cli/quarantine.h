/* The quarantine, as commands show it. */
#ifndef LW_CLI_QUARANTINE_H
#define LW_CLI_QUARANTINE_H

#include "base/buf.h"
#include "store/monitor_state.h"

#include <jansson.h>

/* The array of lw_monitor_state_quarantine as a new reference; NULL with err. */
json_t *lw_cli_quarantine(struct lw_redis *r, const struct lw_spec *spec,
                          struct lw_err *err);
/* Appends a heading and one line for each span; nothing if there are none. */
void lw_cli_quarantine_text(const json_t *spans, struct lw_buf *out);
/* True: a span of that feature or with that number exists. */
bool lw_cli_quarantine_has(const json_t *spans, const char *which);
/* A feature with an open incident (borrowed), or NULL. */
const char *lw_cli_quarantine_open(const json_t *spans);

#endif
