/* A table-driven option parser. It suggests the nearest name for an unknown option and
 * rejects a repeated value instead of ignoring one of the two. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "cli/options.h"

#define OPTIONS_MAX 40

static void print_help(const struct lw_command *command) {
    printf("usage: leeway %s %s\n\n%s.\n", command->name, command->arguments,
           command->summary);
    if (command->help[0])
        printf("\n%s", command->help);
}

static const struct lw_option *option_find(const struct lw_option *options, size_t n,
                                           const char *arg, size_t len) {
    for (size_t i = 0; i < n; i++) {
        if (arg[1] == '-' && strlen(options[i].name) == len - 2 &&
            strncmp(options[i].name, arg + 2, len - 2) == 0)
            return &options[i];
        if (arg[1] != '-' && len == 2 && options[i].letter == arg[1])
            return &options[i];
    }
    return NULL;
}

static int option_unknown(const struct lw_command *command,
                          const struct lw_option *options, size_t n, const char *arg) {
    const char *names[OPTIONS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < n && count < OPTIONS_MAX; i++)
        names[count++] = options[i].name;
    const char *near = lw_nearest(arg + strspn(arg, "-"), names, count);
    if (near)
        lw_cli_usage(command, "unknown option %s; did you mean --%s?", arg, near);
    else
        lw_cli_usage(command, "unknown option %s", arg);
    return -1;
}

static int option_set(const struct lw_command *command, const struct lw_option *option,
                      const char *value) {
    if (option->kind == LW_OPTION_TEXT) {
        *(const char **)option->value = value;
        return 0;
    }
    if (option->kind == LW_OPTION_LIST) {
        struct lw_texts *list = option->value;
        if (list->n == LW_TEXTS_MAX) {
            lw_cli_usage(command, "--%s may be given at most %d times", option->name,
                         LW_TEXTS_MAX);
            return -1;
        }
        list->text[list->n++] = value;
        return 0;
    }
    double v;
    bool whole = option->kind == LW_OPTION_COUNT;
    if (lw_parse_f64(value, &v) && v >= 0 && (!whole || (v == floor(v) && v < 1e15))) {
        *(double *)option->value = v;
        return 0;
    }
    lw_cli_usage(command, "--%s takes a %s of 0 or more, not \"%s\"", option->name,
                 whole ? "whole number" : "number", value);
    return -1;
}

/* State of parsing one command line. */
struct options_reader {
    const struct lw_command *command;
    struct lw_options options;
    bool given[OPTIONS_MAX];
};

/* Rejects a value that is given twice. */
static int option_once(struct options_reader *r, const struct lw_option *option) {
    bool *given = &r->given[option - r->options.option];
    if (*given && option->kind != LW_OPTION_FLAG && option->kind != LW_OPTION_LIST) {
        lw_cli_usage(r->command, "--%s may be given only once", option->name);
        return -1;
    }
    *given = true;
    return 0;
}

/* One option at argv[i]; returns the index of the last argument it used, or -1. */
static int option_take(struct options_reader *r, int argc, char **argv, int i) {
    const char *equals = strchr(argv[i], '=');
    size_t len = equals ? (size_t)(equals - argv[i]) : strlen(argv[i]);
    const struct lw_option *option =
        option_find(r->options.option, r->options.n, argv[i], len);
    if (!option)
        return option_unknown(r->command, r->options.option, r->options.n, argv[i]);
    if (option_once(r, option))
        return -1;
    if (option->kind == LW_OPTION_FLAG && !equals) {
        *(bool *)option->value = true;
        return i;
    }
    if (option->kind == LW_OPTION_FLAG) {
        lw_cli_usage(r->command, "--%s takes no value", option->name);
        return -1;
    }
    if (!equals && i + 1 == argc) {
        lw_cli_usage(r->command, "--%s requires a value", option->name);
        return -1;
    }
    if (option_set(r->command, option, equals ? equals + 1 : argv[i + 1]))
        return -1;
    return equals ? i : i + 1;
}

int lw_options_parse(const struct lw_command *command, struct lw_options options,
                     int argc, char **argv, char **rest, bool *helped) {
    struct options_reader reader = {.command = command, .options = options};
    int count = 0;
    bool only_rest = false;
    lw_assert(options.n <= OPTIONS_MAX);
    *helped = false;
    for (int i = 1; i < argc; i++) {
        if (only_rest || argv[i][0] != '-' || strcmp(argv[i], "-") == 0) {
            rest[count++] = argv[i];
        } else if (strcmp(argv[i], "--") == 0) {
            only_rest = true;
        } else if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            print_help(command);
            *helped = true;
            return 0;
        } else if ((i = option_take(&reader, argc, argv, i)) < 0) {
            return -1;
        }
    }
    return count;
}
