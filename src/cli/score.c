/* leeway score: Predict every event of files. */
#include "cli/cli.h"

static int run_score(int argc, char **argv) {
    bool helped;
    char *rest[64];
    const struct lw_option options[] = {{0, NULL, LW_OPTION_FLAG, NULL}};
    int n = lw_options_parse(&lw_cmd_score, options, 0, argc < 64 ? argc : 64, argv, rest,
                             &helped);
    if (n < 0)
        return LW_EXIT_USAGE;
    return helped ? LW_EXIT_OK : lw_cli_usage(&lw_cmd_score, "see --help");
}

const struct lw_command lw_cmd_score = {
    "score", "-c FILE --model MODEL DATA... -o FILE", "Predict every event of files",
    "      --json                one object on standard output\n", run_score};
