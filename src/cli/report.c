/* leeway report: Compare two data sets: a drift report. */
#include "cli/cli.h"

static int run_report(int argc, char **argv) {
    bool helped;
    char *rest[64];
    const struct lw_option options[] = {{0, NULL, LW_OPTION_FLAG, NULL}};
    int n = lw_options_parse(&lw_cmd_report, options, 0, argc < 64 ? argc : 64, argv,
                             rest, &helped);
    if (n < 0)
        return LW_EXIT_USAGE;
    return helped ? LW_EXIT_OK : lw_cli_usage(&lw_cmd_report, "see --help");
}

const struct lw_command lw_cmd_report = {
    "report", "--reference A... --current B... [OPTIONS]",
    "Compare two data sets: a drift report",
    "      --json                one object on standard output\n", run_report};
