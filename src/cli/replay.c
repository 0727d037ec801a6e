/* leeway replay: files into the topic. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/injections.h"
#include "engine/replay.h"

struct pace {
    struct lw_progress progress;
    const struct lw_event_feed *feed;
};

static bool waiting(void *arg) {
    struct pace *p = arg;
    lw_progress_at(&p->progress, lw_feed_progress(p->feed), lw_feed_records(p->feed));
    return true;
}

static bool show(void *arg, int64_t event_ms) {
    struct pace *p = arg;
    (void)event_ms;
    return lw_feed_records(p->feed) % 1024 != 0 || waiting(p);
}

struct options {
    const char *config, *truth;
    struct lw_texts inject;
    struct lw_replay_options replay;
    bool json;
};

static void report(const struct lw_config *config, const struct lw_injections *injected,
                   uint64_t records, const struct lw_replay_result *result, bool json) {
    if (json) {
        json_t *o = json_object();
        json_object_set_new(o, "records", json_integer((json_int_t)records));
        json_object_set_new(o, "produced", json_integer((json_int_t)result->produced));
        json_object_set_new(o, "unusable", json_integer((json_int_t)result->refused));
        if (injected->n)
            json_object_set_new(o, "injections",
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

static int replay(const struct lw_config *config, struct options *o, char **files, int n,
                  struct lw_err *err) {
    struct lw_replay_result result = {0};
    struct lw_injections injected;
    const struct lw_event_spec *event = &config->spec.event;
    if (lw_injections_parse(&o->inject, event, &injected, err))
        return lw_err_context(err, "--inject");
    struct lw_event_feed *feed = lw_feed_open(config, files, (size_t)n, err);
    if (!feed)
        return -1;
    struct pace pace = {.feed = feed};
    lw_feed_inject(feed, injected.list, injected.n);
    lw_progress_start(&pace.progress, "replay");
    o->replay.pace = show;
    o->replay.waiting = waiting;
    o->replay.arg = &pace;
    o->replay.inject = injected.list;
    o->replay.ninject = injected.n;
    int rc = lw_feed_merge(feed, err);
    rc = rc ? rc : lw_replay(config, feed, &o->replay, &result, err);
    lw_progress_end(&pace.progress);
    uint64_t records = lw_feed_records(feed);
    lw_feed_close(feed);
    if (rc || (o->truth && lw_injections_write(&injected, event, o->truth, err)))
        return -1;
    report(config, &injected, records, &result, o->json);
    return 0;
}

static int run(int argc, char **argv) {
    struct options o = {0};
    struct lw_err err = {0};
    bool helped;
    const struct lw_option table[] = {
        {'c', "config", LW_OPTION_TEXT, &o.config},
        {0, "speed", LW_OPTION_NUMBER, &o.replay.speed},
        {0, "rate", LW_OPTION_NUMBER, &o.replay.rate},
        {0, "inject", LW_OPTION_LIST, &o.inject},
        {0, "truth", LW_OPTION_TEXT, &o.truth},
        {0, "json", LW_OPTION_FLAG, &o.json},
    };
    char **files = lw_calloc((size_t)argc, sizeof *files);
    int n = lw_options_parse(&lw_cmd_replay, table, sizeof table / sizeof *table, argc,
                             argv, files, &helped);
    int rc = n < 0 ? LW_EXIT_USAGE : LW_EXIT_OK;
    struct lw_config *config = NULL;
    if (n == 0 && !helped)
        rc = lw_cli_usage(&lw_cmd_replay, "which files?");
    else if (n > 0 && o.truth && o.inject.n == 0)
        rc = lw_cli_usage(&lw_cmd_replay,
                          "--truth FILE tells what --inject did; there is no --inject");
    else if (n > 0 && !(config = lw_cli_config(&lw_cmd_replay, o.config)))
        rc = o.config ? LW_EXIT_FAILED : LW_EXIT_USAGE;
    if (config && replay(config, &o, files, n, &err))
        rc = lw_cli_fail(&lw_cmd_replay, &err);
    lw_config_free(config);
    free(files);
    return rc;
}

const struct lw_command lw_cmd_replay = {
    "replay", "-c FILE [OPTIONS] DATA...",
    "Produce Avro container files to the stream's topic",
    "  -c, --config FILE   the stream's configuration\n"
    "      --speed X       multiple of event time (1: real time; default: as fast as it goes)\n"
    "      --rate N        at most N events a second\n"
    "      --inject SPEC   drift on purpose, KIND:key=value,... (docs/policy.md); may be\n"
    "                      repeated\n"
    "      --truth FILE    what --inject did, as JSON\n"
    "      --json          one object on standard output\n"
    "\n"
    "Each record is sent as it is encoded in the file (but for what is injected), in the stream's framing,\n"
    "keyed by its id, with its event time as the record's time. Several files are merged by event time.\n"
    "The files' schema must "
    "be the one that the\n"
    "configuration names (or one it can read); with `framing: confluent` it is looked up "
    "in the registry, and\n"
    "registered if it is not there.\n",
    run};
