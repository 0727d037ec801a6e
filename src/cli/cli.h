/* The command line: one row for each command in the table of main.c, one family of files
 * for each command, named after it.
 *
 * Exit codes: 0 done, 1 failed, 2 usage, 3 condition met (drift found, a check failed).
 * Results go to standard output, everything else to standard error. */
#ifndef LW_CLI_CLI_H
#define LW_CLI_CLI_H

#include <stdbool.h>
#include <stdio.h>

#include <jansson.h>

#include "config/config.h"
#include "core/monitor.h"
#include "json/json.h"

enum { LW_EXIT_OK = 0, LW_EXIT_FAILED = 1, LW_EXIT_USAGE = 2, LW_EXIT_CONDITION = 3 };

struct lw_command {
    const char *name, *arguments, *summary;
    const char *help;                  /* options and examples */
    int (*run)(int argc, char **argv); /* argv[0] is the command's name */
};
extern const struct lw_command lw_cmd_run, lw_cmd_demo, lw_cmd_replay, lw_cmd_train,
    lw_cmd_evaluate, lw_cmd_score, lw_cmd_backtest, lw_cmd_report, lw_cmd_models,
    lw_cmd_status, lw_cmd_health, lw_cmd_alerts, lw_cmd_dead_letters, lw_cmd_repair,
    lw_cmd_init, lw_cmd_check;

/* Prints "leeway COMMAND: message" and returns LW_EXIT_FAILED. */
int lw_cli_fail(const struct lw_command *command, const struct lw_err *err);
/* The same with the usage below it; returns LW_EXIT_USAGE. */
int lw_cli_usage(const struct lw_command *command, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Loads -c FILE. NULL after printing the error, also when path is NULL. */
struct lw_config *lw_cli_config(const struct lw_command *command, const char *path);
/* Logs the candidates that this build cannot fit. */
void lw_cli_left_out(const struct lw_config *config);
/* "user@host", printable: who changes something, for the audit. */
void lw_cli_person(char *out, size_t size);
/* Prints the object as one line on standard output and releases it. */
void lw_cli_print_json(json_t *object);
/* The same over several lines, for people. */
void lw_cli_print_json_indented(json_t *object);
/* Prints one line with its newline. Values cannot break the line or control the
 * terminal. */
void lw_cli_line(FILE *out, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* "2020-03-12T05:00", as the zone's clocks show it. Returns out. */
char *lw_cli_event_time(char out[32], const struct lw_zone *zone, int64_t ms);
/* A decision's word for the first column of a log. */
const char *lw_cli_decision_word(enum lw_decision_kind kind);

#endif
