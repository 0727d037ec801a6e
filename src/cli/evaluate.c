/* leeway evaluate: Measure a model on files. */
#include "cli/cli.h"

static int run_evaluate(int argc, char **argv) {
    bool helped;
    char *rest[64];
    const struct lw_option options[] = {{0, NULL, LW_OPTION_FLAG, NULL}};
    int n = lw_options_parse(&lw_cmd_evaluate, options, 0, argc < 64 ? argc : 64, argv,
                             rest, &helped);
    if (n < 0)
        return LW_EXIT_USAGE;
    return helped ? LW_EXIT_OK : lw_cli_usage(&lw_cmd_evaluate, "see --help");
}

const struct lw_command lw_cmd_evaluate = {
    "evaluate", "-c FILE --model MODEL [OPTIONS] DATA...", "Measure a model on files",
    "      --json                one object on standard output\n", run_evaluate};
