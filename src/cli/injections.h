/* --inject and --truth, of replay and backtest alike: drift on purpose (core/inject.h),
 * and what was done to whom, so that detection delay and false alarms can be measured. */
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

/* LW_ECONFIG says which is wrong and how. */
int lw_injections_parse(const struct lw_texts *texts, const struct lw_event_spec *event,
                        struct lw_injections *out, struct lw_err *err);
/* Array of {kind, field, at, until, size, share, seed, period, over, events, touched};
 * keys that a kind does not use are left out, until is null for ever. New reference. */
json_t *lw_injections_json(const struct lw_injections *in,
                           const struct lw_event_spec *event);
/* That array as a file. */
int lw_injections_write(const struct lw_injections *in, const struct lw_event_spec *event,
                        const char *path, struct lw_err *err);

#endif
