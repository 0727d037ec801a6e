/* leeway run: the daemon. SIGTERM and SIGINT stop it cleanly: flush, leave the group,
 * give the lease back. Services that are away at the start are waited for, like at any
 * other time. */
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/time.h"
#include "cli/cli.h"
#include "cli/serve.h"
#include "engine/engine.h"

#define REPORT_MS 60000

static bool stop_asked(int64_t ms) {
    int got = lw_cli_signal(ms);
    return got == SIGTERM || got == SIGINT;
}

static struct lw_engine *start(const struct lw_config *config, struct lw_cli_serve *http,
                               struct lw_err *err) {
    for (;;) {
        lw_err_clear(err);
        struct lw_engine *engine = lw_engine_start(config, NULL, err);
        if (engine || (err->code != LW_EAGAIN && err->code != LW_ENOTFOUND))
            return engine;
        char quoted[600];
        lw_cli_serve_waits(http, err);
        lw_log(LW_WARN, "start_waits", "error=%s",
               lw_log_quote(quoted, sizeof quoted, err->msg));
        if (stop_asked(2000)) {
            lw_err_clear(err);
            return NULL;
        }
    }
}

static void report(const struct lw_engine *engine) {
    struct lw_engine_status s = lw_engine_status(engine);
    lw_log(LW_INFO, "status",
           "messages=%" PRIu64 " scored=%" PRIu64 " dead=%" PRIu64
           " leading=%d training=%d "
           "stalled=%d outbox=%" PRIu64 " since_poll_ms=%" PRId64,
           s.counts.n[LW_PROCESS_MESSAGES], s.counts.n[LW_PROCESS_SCORED],
           s.counts.n[LW_PROCESS_DEAD], s.leading, s.training, s.stalled, s.outbox,
           lw_mono_ms() - s.polled_ms);
}

static int serve(struct lw_engine *engine) {
    struct lw_err why = {0};
    int64_t reported = lw_mono_ms();
    while (!stop_asked(500)) {
        if (lw_engine_failed(engine, &why)) {
            char quoted[600];
            lw_log(LW_ERROR, "failed", "error=%s",
                   lw_log_quote(quoted, sizeof quoted, why.msg));
            return LW_EXIT_FAILED;
        }
        if (lw_mono_ms() - reported >= REPORT_MS) {
            report(engine);
            lw_mem_trim();
            reported = lw_mono_ms();
        }
    }
    return LW_EXIT_OK;
}

static int daemon_main(const struct lw_config *config) {
    struct lw_err err = {0};
    lw_mem_policy();
    lw_mem_dumpable(config->core_dumps);
    lw_cli_catch_signals();
    signal(SIGPIPE, SIG_IGN);
    lw_log_level(config->log_level);
    lw_log(LW_INFO, "starting", "version=%s stream=%s config=%s config_hash=%016" PRIx64,
           LW_CODE_VERSION, config->spec.stream, config->path, config->spec.config_hash);
    struct lw_cli_serve http;
    if (lw_cli_serve_start(&http, config, &err))
        return lw_cli_fail(&lw_cmd_run, &err);
    struct lw_engine *engine = start(config, &http, &err);
    if (!engine) {
        lw_cli_serve_stop(&http);
        return err.code == LW_OK ? LW_EXIT_OK : lw_cli_fail(&lw_cmd_run, &err);
    }
    lw_cli_serve_engine(&http, engine);
    int rc = serve(engine);
    lw_log(LW_INFO, "stopping", "stream=%s", config->spec.stream);
    report(engine);
    lw_cli_serve_stop(&http);
    lw_engine_stop(engine);
    lw_log(LW_INFO, "stopped", "stream=%s", config->spec.stream);
    return rc;
}

static int run(int argc, char **argv) {
    const char *path = NULL;
    bool helped;
    const struct lw_option options[] = {{'c', "config", LW_OPTION_TEXT, &path}};
    char **rest = lw_calloc((size_t)argc, sizeof *rest);
    int n = lw_options_parse(&lw_cmd_run, options, 1, argc, argv, rest, &helped);
    int rc = n < 0 ? LW_EXIT_USAGE : LW_EXIT_OK;
    if (n > 0)
        rc = lw_cli_usage(&lw_cmd_run, "what is \"%s\"?", rest[0]);
    free(rest);
    if (n != 0 || helped)
        return rc;
    struct lw_config *config = lw_cli_config(&lw_cmd_run, path);
    if (!config)
        return path ? LW_EXIT_FAILED : LW_EXIT_USAGE;
    rc = daemon_main(config);
    lw_config_free(config);
    return rc;
}

const struct lw_command lw_cmd_run = {
    "run", "-c FILE",
    "Score a topic, watch it for drift, retrain and promote: the daemon",
    "  -c, --config FILE   the stream's configuration\n"
    "\n"
    "Start more processes with the same configuration to scale: they share the "
    "partitions, and one of them\n"
    "leads. Each needs an http.listen of its own on one machine. SIGTERM stops cleanly. The log goes to\n"
    "standard error, one line an event.\n",
    run};
