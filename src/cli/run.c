/* leeway run: the daemon. SIGTERM and SIGINT stop it cleanly: it flushes, leaves the group
 * and releases the lease. It waits for services that are unavailable at startup. */
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/time.h"
#include "cli/cli.h"
#include "cli/options.h"
#include "cli/serve.h"
#include "cli/signals.h"
#include "engine/engine.h"

#define REPORT_MS 60000

static bool stop_requested(int64_t ms) {
    int got = lw_signals_wait(ms);
    return got == SIGTERM || got == SIGINT;
}

static struct lw_engine *start_engine(const struct lw_config *config,
                                      struct lw_serve *http, struct lw_err *err) {
    for (;;) {
        lw_err_clear(err);
        struct lw_engine *engine = lw_engine_start(config, NULL, err);
        if (engine || (err->code != LW_EAGAIN && err->code != LW_ENOTFOUND))
            return engine;
        lw_serve_set_wait(http, err);
        lw_log(start_retry, LW_QUOTE(err->msg));
        if (stop_requested(2000)) {
            lw_err_clear(err);
            return NULL;
        }
    }
}

static void log_status(const struct lw_engine *engine) {
    struct lw_engine_status s = lw_engine_status(engine);
    lw_log(status, s.counts.n[LW_PROCESS_MESSAGES], s.counts.n[LW_PROCESS_SCORED],
           s.counts.n[LW_PROCESS_DEAD_LETTERED], s.leading, s.training, s.stalled,
           s.outbox, lw_mono_ms() - s.polled_ms);
}

static int serve_engine(struct lw_engine *engine) {
    struct lw_err why = {0};
    int64_t reported = lw_mono_ms();
    while (!stop_requested(500)) {
        if (lw_engine_failed(engine, &why)) {
            lw_log(failed, LW_QUOTE(why.msg));
            return LW_EXIT_FAILED;
        }
        if (lw_mono_ms() - reported >= REPORT_MS) {
            log_status(engine);
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
    lw_signals_catch();
    signal(SIGPIPE, SIG_IGN);
    lw_log_level(config->log_level);
    lw_log(starting, LW_CODE_VERSION, config->spec.stream, config->path,
           config->spec.config_hash);
    lw_cli_left_out(config);
    struct lw_serve http;
    if (lw_serve_start(&http, config, &err))
        return lw_cli_fail(&lw_cmd_run, &err);
    struct lw_engine *engine = start_engine(config, &http, &err);
    if (!engine) {
        lw_serve_stop(&http);
        return err.code == LW_OK ? LW_EXIT_OK : lw_cli_fail(&lw_cmd_run, &err);
    }
    lw_serve_set_engine(&http, engine);
    int rc = serve_engine(engine);
    lw_log(stopping, config->spec.stream);
    log_status(engine);
    lw_serve_stop(&http);
    lw_engine_stop(engine);
    lw_log(stopped, config->spec.stream);
    return rc;
}

static int run_main(int argc, char **argv) {
    const char *path = NULL;
    bool helped;
    const struct lw_option options[] = {{'c', LW_OPTION_TEXT, "config", &path}};
    char **rest = lw_calloc((size_t)argc, sizeof *rest);
    int n = lw_options_parse(&lw_cmd_run, LW_OPTIONS(options), argc, argv, rest, &helped);
    int rc = n < 0 ? LW_EXIT_USAGE : LW_EXIT_OK;
    if (n > 0)
        rc = lw_cli_usage(&lw_cmd_run, "unexpected argument \"%s\"", rest[0]);
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
    "run", "-c FILE", "Score a topic, detect drift, retrain and promote: the daemon",
    "  -c, --config FILE   the stream's configuration\n"
    "\n"
    "To scale, start more processes with the same configuration: they share the partitions, and\n"
    "one of them leads. On one machine each needs its own http.listen. SIGTERM stops a process\n"
    "cleanly. The log goes to standard error, one line for each event.\n",
    run_main};
