/* leeway replay: files into the topic. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"
#include "cli/cli.h"
#include "engine/replay.h"

struct pace {
    struct lw_progress progress;
    const struct lw_feed *feed;
};

static bool show(void *arg, int64_t event_ms) {
    struct pace *p = arg;
    (void)event_ms;
    if (lw_feed_records(p->feed) % 1024 == 0)
        lw_progress_at(&p->progress, lw_feed_progress(p->feed), lw_feed_records(p->feed));
    return true;
}

static int replay(const struct lw_config *config, struct lw_replay_options *options,
                  char **files, int n, bool json, struct lw_err *err) {
    struct lw_replay_result result = {0};
    struct lw_feed *feed = lw_feed_open(config, files, (size_t)n, err);
    if (!feed)
        return -1;
    struct pace pace = {.feed = feed};
    lw_progress_start(&pace.progress, "replay");
    options->pace = show;
    options->arg = &pace;
    int rc = lw_replay(config, feed, options, &result, err);
    lw_progress_end(&pace.progress);
    uint64_t records = lw_feed_records(feed);
    lw_feed_close(feed);
    if (rc)
        return -1;
    if (json) {
        json_t *o = json_object();
        json_object_set_new(o, "records", json_integer((json_int_t)records));
        json_object_set_new(o, "produced", json_integer((json_int_t)result.produced));
        json_object_set_new(o, "unusable", json_integer((json_int_t)result.refused));
        lw_cli_print_json(o);
    } else {
        printf("%" PRIu64 " records produced to %s (%" PRIu64 " of them unusable)\n",
               result.produced, config->source.topic, result.refused);
    }
    return 0;
}

static int run(int argc, char **argv) {
    const char *path = NULL;
    struct lw_replay_options options = {0};
    struct lw_err err = {0};
    bool helped, json = false;
    const struct lw_option table[] = {
        {'c', "config", LW_OPTION_TEXT, &path},
        {0, "speed", LW_OPTION_NUMBER, &options.speed},
        {0, "rate", LW_OPTION_NUMBER, &options.rate},
        {0, "json", LW_OPTION_FLAG, &json},
    };
    char **files = lw_calloc((size_t)argc, sizeof *files);
    int n = lw_options_parse(&lw_cmd_replay, table, sizeof table / sizeof *table, argc,
                             argv, files, &helped);
    int rc = n < 0 ? LW_EXIT_USAGE : LW_EXIT_OK;
    struct lw_config *config = NULL;
    if (n == 0 && !helped)
        rc = lw_cli_usage(&lw_cmd_replay, "which files?");
    else if (n > 0 && !(config = lw_cli_config(&lw_cmd_replay, path)))
        rc = path ? LW_EXIT_FAILED : LW_EXIT_USAGE;
    if (config && replay(config, &options, files, n, json, &err))
        rc = lw_cli_fail(&lw_cmd_replay, &err);
    lw_config_free(config);
    free(files);
    return rc;
}

const struct lw_command lw_cmd_replay = {
    "replay", "-c FILE [OPTIONS] DATA...",
    "Produce Avro container files to the stream's topic",
    "  -c, --config FILE   the stream's configuration\n"
    "      --speed X       multiple of event time (1: as it was; default: as fast as it "
    "goes)\n"
    "      --rate N        at most N events a second\n"
    "      --json          one object on standard output\n"
    "\n"
    "Each record is sent as it is encoded in the file, keyed by its id, with its event "
    "time as the record's\n"
    "time. The files' schema must be the one that the configuration names (or one it can "
    "read).\n",
    run};
