/* The leeway program: the table of commands. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "cli/cli.h"
#include "engine/engine.h"
#include "model/blas.h"

static const struct lw_command *const commands[] = {
    &lw_cmd_run,          &lw_cmd_demo,   &lw_cmd_replay,   &lw_cmd_train,
    &lw_cmd_evaluate,     &lw_cmd_score,  &lw_cmd_backtest, &lw_cmd_report,
    &lw_cmd_models,       &lw_cmd_status, &lw_cmd_health,   &lw_cmd_alerts,
    &lw_cmd_dead_letters, &lw_cmd_repair, &lw_cmd_init,     &lw_cmd_check,
};
#define COMMANDS (sizeof commands / sizeof *commands)

static void print_commands(FILE *out) {
    fprintf(out, "usage: leeway COMMAND [OPTIONS]\n\n"
                 "A streaming drift monitor and auto-retrainer on Kafka and Redis.\n\n");
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(out, "  %-13s %s\n", commands[i]->name, commands[i]->summary);
    fprintf(
        out,
        "\nRun 'leeway COMMAND --help' for options.\nExit codes: 0 done, 1 failed, 2 usage, 3 condition met.\n");
}

static int unknown_command(const char *name) {
    const char *names[COMMANDS];
    for (size_t i = 0; i < COMMANDS; i++)
        names[i] = commands[i]->name;
    const char *near = lw_nearest(name, names, COMMANDS);
    lw_cli_line(stderr, "leeway: unknown command \"%s\"%s%s%s", name,
                near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
    fprintf(stderr, "Run 'leeway --help' for a list of commands.\n");
    return LW_EXIT_USAGE;
}

int main(int argc, char **argv) {
    const char *name = argc > 1 ? argv[1] : NULL;
    if (name && strcmp(name, "--version") == 0) {
        printf("leeway %s\n", LW_CODE_VERSION);
        return LW_EXIT_OK;
    }
    if (!name || strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 ||
        strcmp(name, "help") == 0) {
        print_commands(name ? stdout : stderr);
        return name ? LW_EXIT_OK : LW_EXIT_USAGE;
    }
    lw_mem_dumpable(false); /* commands read secrets */
    lw_blas_threads(1);     /* leave the cores to scoring */
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(name, commands[i]->name) == 0)
            return commands[i]->run(argc - 1, argv + 1);
    return unknown_command(name);
}
