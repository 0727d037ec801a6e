/* The command line's options, parsed by a table: `--name value`, `--name=value`,
 * `-c value`. */
#ifndef LW_CLI_OPTIONS_H
#define LW_CLI_OPTIONS_H

#include "cli/cli.h"

enum lw_option_kind {
    LW_OPTION_FLAG,
    LW_OPTION_TEXT,
    LW_OPTION_NUMBER, /* 0 or more */
    LW_OPTION_COUNT,  /* a whole number, 0 or more */
    LW_OPTION_LIST    /* may be repeated */
};
#define LW_TEXTS_MAX 16
struct lw_texts {
    const char *text[LW_TEXTS_MAX];
    size_t n;
};
struct lw_option {
    char letter; /* 0: none */
    enum lw_option_kind kind;
    const char *name;
    /* By kind: bool *, const char **, double * (number and count), struct lw_texts *. */
    void *value;
};
struct lw_options {
    const struct lw_option *option;
    size_t n;
};
#define LW_OPTIONS(table)                                                                \
    (struct lw_options) {                                                                \
        (table), sizeof(table) / sizeof *(table)                                         \
    }

/* Parses argv[1..] and moves the arguments that are not options to rest, which must have
 * room for argc of them. Returns their number, or -1 after printing a usage error. --help
 * prints the command's help and sets *helped. */
int lw_options_parse(const struct lw_command *command, struct lw_options options,
                     int argc, char **argv, char **rest, bool *helped);

#endif
