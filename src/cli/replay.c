/* leeway replay: produces files to the topic. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/injections.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "engine/replay.h"

struct replay_progress {
    struct lw_progress progress;
    const struct lw_event_feed *feed;
};

static bool progress_continues(void *arg) {
    struct replay_progress *p = arg;
    lw_progress_at(&p->progress, lw_feed_progress(p->feed), lw_feed_records(p->feed));
    return true;
}

static bool progress_pace(void *arg, const struct lw_replay_moment *at) {
    struct replay_progress *p = arg;
    (void)at;
    return lw_feed_records(p->feed) % 1024 != 0 || progress_continues(p);
}

struct replay_options {
    const char *config, *truth;
    struct lw_texts inject;
    struct lw_replay_options replay;
    bool json;
};

static void print_totals(const struct lw_config *config,
                         const struct lw_injections *injected, uint64_t records,
                         const struct lw_replay_result *result, bool json) {
    if (json) {
        json_t *o = json_object();
        lw_json_set_count(o, "records", records);
        lw_json_set_count(o, "produced", result->produced);
        lw_json_set_count(o, "unusable", result->refused);
        if (injected->n)
            lw_json_set(o, "injections",
                        lw_injections_json(injected, &config->spec.event));
        lw_cli_print_json(o);
        return;
    }
    printf("%" PRIu64 " records produced to %s (%" PRIu64 " of them unusable)\n",
           result->produced, config->source.topic, result->refused);
    for (size_t i = 0; i < injected->n; i++)
        printf("%s: %" PRIu64 " of %" PRIu64 " events changed\n",
               lw_inject_name(injected->list[i].kind), injected->list[i].touched,
               injected->list[i].events);
}

static int replay_files(const struct lw_config *config, const struct replay_options *o,
                        char **files, int n, struct lw_err *err) {
    struct lw_replay_result result = {0};
    struct lw_injections injected;
    const struct lw_event_spec *event = &config->spec.event;
    if (lw_injections_parse(&o->inject, event, &injected, err))
        return lw_err_context(err, "--inject");
    struct lw_event_feed *feed = lw_feed_open(config, files, (size_t)n, err);
    if (!feed)
        return -1;
    struct lw_replay_options replay = o->replay;
    struct replay_progress pace = {.feed = feed};
    lw_feed_inject(feed, injected.list, injected.n);
    lw_progress_start(&pace.progress, "replay");
    replay.pace = progress_pace;
    replay.waiting = progress_continues;
    replay.arg = &pace;
    replay.inject = injected.list;
    replay.ninject = injected.n;
    int rc = lw_feed_merge(feed, err);
    rc = rc ? rc : lw_replay(config, feed, &replay, &result, err);
    lw_progress_end(&pace.progress);
    uint64_t records = lw_feed_records(feed);
    lw_feed_close(feed);
    if (rc || (o->truth && lw_injections_write(&injected, event, o->truth, err)))
        return -1;
    print_totals(config, &injected, records, &result, o->json);
    return 0;
}

static int replay_main(int argc, char **argv) {
    struct replay_options o = {0};
    struct lw_err err = {0};
    bool helped;
    const struct lw_option table[] = {
        {'c', LW_OPTION_TEXT, "config", &o.config},
        {0, LW_OPTION_NUMBER, "speed", &o.replay.speed},
        {0, LW_OPTION_NUMBER, "rate", &o.replay.rate},
        {0, LW_OPTION_LIST, "inject", &o.inject},
        {0, LW_OPTION_TEXT, "truth", &o.truth},
        {0, LW_OPTION_FLAG, "json", &o.json},
    };
    char **files = lw_calloc((size_t)argc, sizeof *files);
    int n =
        lw_options_parse(&lw_cmd_replay, LW_OPTIONS(table), argc, argv, files, &helped);
    int rc = n < 0 ? LW_EXIT_USAGE : LW_EXIT_OK;
    struct lw_config *config = NULL;
    if (n == 0 && !helped)
        rc = lw_cli_usage(&lw_cmd_replay, "no input files");
    else if (n > 0 && o.truth && o.inject.n == 0)
        rc = lw_cli_usage(&lw_cmd_replay, "--truth FILE requires --inject");
    else if (n > 0 && !(config = lw_cli_config(&lw_cmd_replay, o.config)))
        rc = o.config ? LW_EXIT_FAILED : LW_EXIT_USAGE;
    if (config && replay_files(config, &o, files, n, &err))
        rc = lw_cli_fail(&lw_cmd_replay, &err);
    lw_config_free(config);
    free(files);
    return rc;
}

const struct lw_command lw_cmd_replay = {
    "replay", "-c FILE [OPTIONS] DATA...",
    "Produce Avro container files to the stream's topic",
    "  -c, --config FILE   the stream's configuration\n"
    "      --speed X       replay at X times real time (default: as fast as possible)\n"
    "      --rate N        at most N events a second\n"
    "      --inject SPEC   inject drift, KIND:key=value,... (docs/policy.md); may be repeated\n"
    "      --truth FILE    write what --inject changed, as JSON\n"
    "      --json          print one object on standard output\n"
    "\n"
    "Each record is sent as encoded in the file (except for injected changes), in the stream's\n"
    "framing, keyed by its id, with its event time as the record's time. Several files are\n"
    "merged by event time. The files' schema must be the configured one, or one that it can\n"
    "read; with `framing: confluent` it is looked up in the registry, and registered if it is\n"
    "missing.\n",
    replay_main};
