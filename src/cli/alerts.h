/* The parts of `leeway alerts`. */
#ifndef LW_CLI_ALERTS_H
#define LW_CLI_ALERTS_H

#include "cli/cli.h"

/* Sends a test message to every receiver, or to the named one; print: prints the bodies
 * instead. Returns an exit code: 1 if a delivery failed. */
struct lw_alerts_test {
    const char *receiver; /* NULL: all */
    bool print, json;
    const char *who;
};
int lw_cli_alerts_test(const struct lw_config *config, const struct lw_alerts_test *test,
                       struct lw_err *err);

#endif
