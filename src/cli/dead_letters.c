/* leeway dead-letters: lists, shows and replays unreadable events. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "cli/dead_letters.h"
#include "cli/options.h"

struct dead_letters_words { /* options as typed */
    const char *config, *since, *offset;
    double limit, max_replays;
    bool all;
};

static int usage_error(struct lw_err *err, const char *text) {
    return lw_fail(err, LW_ECONFIG, "%s", text);
}

/* Parses a time, or a duration before now. */
static int parse_since(const char *text, int64_t *out, struct lw_err *err) {
    int64_t ms;
    *out = INT64_MIN;
    if (!text)
        return 0;
    if (lw_parse_time(text, out))
        return 0;
    if (!lw_parse_duration(text, &ms))
        return lw_fail(
            err, LW_ECONFIG,
            "--since: \"%s\" is not a time (2020-03-12T05:00:00Z) or a duration (2h)",
            text);
    *out = lw_wall_ms() - ms;
    return 0;
}

/* "2:1041" */
static int parse_position(const char *text, struct lw_dead_letters *l,
                          struct lw_err *err) {
    char partition[16];
    const char *colon = text ? strchr(text, ':') : NULL;
    int64_t p = -1, offset = -1;
    if (!text)
        return 0;
    if (colon && (size_t)(colon - text) < sizeof partition) {
        lw_copy(partition, (size_t)(colon - text) + 1, text);
        if (!lw_parse_i64(partition, &p) || !lw_parse_i64(colon + 1, &offset))
            p = -1;
    }
    if (p < 0 || p > INT32_MAX || offset < 0)
        return lw_fail(
            err, LW_ECONFIG,
            "\"%s\" is not a valid position; use PARTITION:OFFSET, for example 2:1041",
            text);
    l->partition = (int32_t)p;
    l->offset = offset;
    return 0;
}

static int dead_letters_dispatch(struct lw_dead_letters *l,
                                 const struct dead_letters_words *w, char **rest, int n,
                                 struct lw_err *err) {
    const char *verb = n > 0 ? rest[0] : "list";
    bool shows = strcmp(verb, "show") == 0, replays = strcmp(verb, "replay") == 0;
    if (!shows && !replays && strcmp(verb, "list") != 0)
        return lw_fail(err, LW_ECONFIG, "unknown subcommand \"%s\" (list, show, replay)",
                       verb);
    if (n > (shows ? 2 : 1))
        return lw_fail(err, LW_ECONFIG, "unexpected argument \"%s\"",
                       rest[shows ? 2 : 1]);
    if (!replays && (w->all || w->offset || l->target || l->dry || w->max_replays >= 0))
        return usage_error(
            err,
            "--all, --offset, --topic, --max-replays and --dry-run apply only to replay");
    if (shows && n < 2)
        return usage_error(
            err, "show needs PARTITION:OFFSET (run 'leeway dead-letters list')");
    if (parse_since(w->since, &l->since_ms, err) ||
        parse_position(shows ? rest[1] : w->offset, l, err))
        return -1;
    if (!l->config->source.dead_letters[0])
        return usage_error(err, "the configuration has no dead-letter topic "
                                "(source.dead_letters)");
    if (!replays)
        return shows ? lw_dead_letters_show(l, err) : lw_dead_letters_list(l, err);
    if (!w->all && !w->since && !w->offset && !l->reason)
        return usage_error(err, "replay needs --all, --offset, --since or --reason");
    if (l->target && strcmp(l->target, l->config->source.dead_letters) == 0)
        return usage_error(err, "--topic must not be the dead-letter topic");
    return lw_dead_letters_replay(l, err);
}

static int dead_letters_main(int argc, char **argv) {
    struct lw_dead_letters l = {.partition = -1};
    struct dead_letters_words w = {.limit = 20, .max_replays = -1};
    struct lw_err err = {0};
    bool helped;
    const struct lw_option table[] = {
        {'c', LW_OPTION_TEXT, "config", &w.config},
        {0, LW_OPTION_COUNT, "limit", &w.limit},
        {0, LW_OPTION_TEXT, "since", &w.since},
        {0, LW_OPTION_TEXT, "reason", &l.reason},
        {0, LW_OPTION_TEXT, "offset", &w.offset},
        {0, LW_OPTION_FLAG, "all", &w.all},
        {0, LW_OPTION_TEXT, "topic", &l.target},
        {0, LW_OPTION_COUNT, "max-replays", &w.max_replays},
        {0, LW_OPTION_FLAG, "dry-run", &l.dry},
        {0, LW_OPTION_FLAG, "json", &l.json},
    };
    const struct lw_command *command = &lw_cmd_dead_letters;
    char **rest = lw_calloc((size_t)argc, sizeof *rest);
    int n = lw_options_parse(command, LW_OPTIONS(table), argc, argv, rest, &helped);
    int rc = n < 0 ? LW_EXIT_USAGE : LW_EXIT_OK;
    struct lw_config *config = NULL;
    if (n >= 0 && !helped && !(config = lw_cli_config(command, w.config)))
        rc = w.config ? LW_EXIT_FAILED : LW_EXIT_USAGE;
    l.config = config;
    l.limit = w.limit > 0 && w.limit < 1e6 ? (int64_t)w.limit : 0;
    l.max_replays = (int64_t)w.max_replays;
    if (config && (rc = dead_letters_dispatch(&l, &w, rest, n, &err)) < 0)
        rc = err.code == LW_ECONFIG ? lw_cli_usage(command, "%s", err.msg)
                                    : lw_cli_fail(command, &err);
    lw_config_free(config);
    free(rest);
    return rc;
}

const struct lw_command lw_cmd_dead_letters = {
    "dead-letters", "-c FILE [list | show P:O | replay] [OPTIONS]",
    "List, show and replay events that could not be read",
    "  -c, --config FILE     the stream's configuration\n"
    "      --limit N         list: show the newest N (default 20; 0: all)\n"
    "      --since WHEN      only from a time on (2020-03-12T05:00:00Z), or the last 2h\n"
    "      --reason TEXT     only those whose reason contains TEXT\n"
    "      --json            print JSON: one line for each dead letter, or one object\n"
    "replay:\n"
    "      --all             replay all of them\n"
    "      --offset P:O      replay one of them\n"
    "      --topic TOPIC     send to TOPIC instead of the stream's topic\n"
    "      --max-replays N   skip those that were already replayed N times\n"
    "      --dry-run         show what would be sent, and send nothing\n"
    "\n"
    "replay sends key, value, time and headers unchanged, and counts replays in the header\n"
    "leeway.replays. Dead letters stay in their topic. The time of a dead letter is that of the\n"
    "original message. Exits with 3 if dead letters were skipped; standard error names them.\n",
    dead_letters_main};
