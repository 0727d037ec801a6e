/* --inject and --truth of replay and backtest: injected drift (core/inject.h) and a record
 * of it, to measure detection delay and false alarms. */
#ifndef LW_CLI_INJECTIONS_H
#define LW_CLI_INJECTIONS_H

#include <jansson.h>

#include "cli/cli.h"
#include "cli/options.h"
#include "core/inject.h"

struct lw_injections {
    struct lw_injection list[LW_INJECTIONS_MAX];
    size_t n;
};

/* Fails with LW_ECONFIG and the invalid value. */
int lw_injections_parse(const struct lw_texts *texts, const struct lw_event_spec *event,
                        struct lw_injections *out, struct lw_err *err);
/* Array of {kind, field, at, until, size, share, seed, period, over, events, touched};
 * unused keys are omitted, an open end is null. New reference. */
json_t *lw_injections_json(const struct lw_injections *in,
                           const struct lw_event_spec *event);
/* That array as a file. */
int lw_injections_write(const struct lw_injections *in, const struct lw_event_spec *event,
                        const char *path, struct lw_err *err);

#endif
