/* Shared by the files of `leeway alerts` only. */
#ifndef LW_CLI_ALERTS_H
#define LW_CLI_ALERTS_H

#include "cli/cli.h"

/* One message to every receiver, or to the named one, as if a rule had fired; print: show
 * the bodies instead. Returns an exit code: 1 when one was not delivered. */
struct lw_alerts_test {
    const char *receiver; /* or NULL: all */
    bool print, json;
    const char *who;
};
int lw_cli_alerts_test(const struct lw_config *config, const struct lw_alerts_test *test,
                       struct lw_err *err);

#endif
