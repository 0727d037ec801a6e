/* The command line: one file a command, one row a command in the table of main.c.
 *
 * Exit codes: 0 done, 1 failed, 2 usage, 3 condition met (drift found, a check that does
 * not hold). Facts go to standard output, everything else to standard error. */
#ifndef LW_CLI_H
#define LW_CLI_H

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
    lw_cmd_check;

/* ---- options: `--name value`, `--name=value`, `-c value` ---- */

enum lw_option_kind {
    LW_OPTION_FLAG,
    LW_OPTION_TEXT,
    LW_OPTION_NUMBER, /* 0 or more */
    LW_OPTION_COUNT,  /* whole, 0 or more */
    LW_OPTION_LIST    /* may be given several times */
};
#define LW_TEXTS_MAX 16
struct lw_texts {
    const char *text[LW_TEXTS_MAX];
    size_t n;
};
struct lw_option {
    char letter; /* 0: none */
    const char *name;
    enum lw_option_kind kind;
    void *value; /* bool *, const char **, double * (of both), struct lw_texts * */
};
/* Parses argv[1..]; what is no option is moved to rest (argc entries' room). Returns the
 * number of rest arguments, or -1 after having said what is wrong. --help prints the
 * command's help and sets *helped. */
int lw_options_parse(const struct lw_command *command, const struct lw_option *options,
                     size_t n, int argc, char **argv, char **rest, bool *helped);

/* ---- helpers shared by commands ---- */

/* Prints "leeway COMMAND: message" and returns LW_EXIT_FAILED (LW_EXIT_USAGE for usage
 * errors). */
int lw_cli_fail(const struct lw_command *command, const struct lw_err *err);
int lw_cli_usage(const struct lw_command *command, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* From here on SIGTERM, SIGINT and SIGHUP end nothing but are told by lw_cli_signal.
 * Before any thread is started. */
void lw_cli_catch_signals(void);
/* Waits for one of them, for ms at most: its number, or 0. Main thread. */
int lw_cli_signal(int64_t ms);
/* Loads -c FILE; NULL after having said why (also when path is NULL). */
struct lw_config *lw_cli_config(const struct lw_command *command, const char *path);
/* The JSON object as one line on standard output; takes it over. */
void lw_cli_print_json(json_t *object);
/* The same over several lines, for people. */
void lw_cli_show_json(json_t *object);
/* A text that others wrote, made harmless, as JSON. */
json_t *lw_cli_text(const char *text);
/* One line, with its newline: whatever its values hold, it stays one line and drives no
 * terminal. */
void lw_cli_line(FILE *out, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A decision's word in the first column of a log. */
const char *lw_cli_decision_word(enum lw_decision_kind kind);

/* A progress bar on standard error, when it is a terminal and the work takes more than a
 * second. */
struct lw_progress {
    const char *what;
    int64_t began_ms, drawn_ms;
    bool shown;
};
void lw_progress_start(struct lw_progress *p, const char *what);
void lw_progress_at(struct lw_progress *p, double share, uint64_t count);
void lw_progress_end(struct lw_progress *p);

/* What a ledger says, as the fields that demo and backtest share: scored, frozen_rmse,
 * managed_rmse, alerts, retrains, promotions, rejections, months. */
struct lw_ledger;
void lw_cli_ledger_json(const struct lw_ledger *ledger, json_t *into);
void lw_cli_ledger_table(const struct lw_ledger *ledger, FILE *out);

#endif
