/* leeway demo: an embedded broker, a private Redis, a webhook receiver, the bundled trips,
 * and the engine of `leeway run`.
 *
 * The replay waits for the monitor: it stops at each event time at which a training can be
 * requested until that time is sealed, and during a training. So event time runs about
 * 200,000 times faster than real time, and decisions fall at the same event times. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "cli/demo.h"
#include "cli/options.h"
#include "cli/serve.h"
#include "cli/signals.h"
#include "cli/summary.h"
#include "engine/engine.h"
#include "engine/replay.h"
#include "kafka/embedded.h"

#define PARTITIONS 6 /* a mock partition keeps 100,000 messages, and 5 MB */
#define DRAIN_MS   20000
#define PANES      64 /* that may begin out of order */
#define WAIT_US    200

struct demo {
    uint64_t sent; /* trips; the replay thread's */
    bool json, keep;
    double speed;
    const char *listen; /* --http */
    FILE *out;
    char directory[64], data[4096], config_path[4096];
    FILE *log;
    struct lw_embedded *broker;
    struct lw_demo_redis *redis;
    struct lw_demo_webhook *webhook;
    struct lw_config *config;
    struct lw_serve http;
    struct lw_engine *engine;
    struct lw_demo_screen *screen;
    struct lw_event_feed *feed;
    pthread_t replay_thread;
    bool replaying;
    atomic_bool stop, replayed;
    /* Of the replay thread: the first trip's time, the panes that have begun, and how far
     * panes were sealed when workers last adopted how predictions are tracked. */
    int64_t first_ms, begun_ms[PANES], tracked_ms;
    size_t nbegun;
    struct lw_replay_result produced;
    struct lw_err replay_err;
    pthread_mutex_t lock;
    struct lw_run_summary summary; /* as of the newest evaluation */
    uint64_t delivered;
};

/* ---- events of the engine ---- */

static void on_evaluated(void *arg, const struct lw_evaluation *e,
                         const struct lw_monitor *m) {
    struct demo *d = arg;
    pthread_mutex_lock(&d->lock);
    d->summary = *lw_monitor_run_summary(m);
    pthread_mutex_unlock(&d->lock);
    lw_demo_screen_evaluated(d->screen, e);
    if (e->request.id)
        lw_demo_screen_say(d->screen, e->at_ms, "training", e->request.reason);
    for (size_t i = 0; i < e->ndecisions; i++)
        lw_demo_screen_say(d->screen, e->at_ms, lw_cli_decision_word(e->decision[i].kind),
                           e->decision[i].reason);
}

static void on_trained(void *arg, const struct lw_request *request, uint32_t version,
                       const struct lw_training *t, const char *failure) {
    struct demo *d = arg;
    char text[600];
    for (size_t i = 0; t && i < t->ntrials; i++) {
        const struct lw_trial *trial = &t->trial[i];
        snprintf(text, sizeof text, "candidate %s: %s", trial->name, trial->note);
        if (isnan(trial->error))
            lw_demo_screen_say(d->screen, request->as_of_ms, "failed", text);
    }
    if (t)
        snprintf(text, sizeof text, "v%u (%s, %" PRIu64 " trips): %s", version,
                 t->trial[t->chosen].name, t->rows, t->gate.reason);
    lw_demo_screen_say(d->screen, request->as_of_ms,
                       !t               ? "failed"
                       : t->gate.passed ? "promoted"
                                        : "rejected",
                       t ? text : failure);
}

static void on_webhook(void *arg, const char *body) {
    struct demo *d = arg;
    json_error_t ignored;
    json_t *o = json_loads(body, 0, &ignored);
    const char *status = o ? json_string_value(json_object_get(o, "status")) : NULL;
    const char *severity = o ? json_string_value(json_object_get(o, "severity")) : NULL;
    const char *summary = o ? json_string_value(json_object_get(o, "summary")) : NULL;
    const char *at = o ? json_string_value(json_object_get(o, "at")) : NULL;
    int64_t at_ms = 0;
    if (at)
        lw_parse_time(at, &at_ms);
    pthread_mutex_lock(&d->lock);
    d->delivered++;
    pthread_mutex_unlock(&d->lock);
    bool resolved = status && strcmp(status, "resolved") == 0;
    lw_demo_screen_say(d->screen, at_ms,
                       resolved   ? "resolved"
                       : severity ? severity
                                  : "alert",
                       summary ? summary : body);
    json_decref(o);
}

/* ---- the replay ---- */

/* Is everything sealed and decided up to a decision that is due? */
static bool decision_made(const struct demo *d, int64_t mark_ms) {
    struct lw_engine_status s = lw_engine_status(d->engine);
    int64_t sealed = s.sealed_until_ms == INT64_MIN ? d->first_ms : s.sealed_until_ms;
    return !s.training && lw_spec_next_decision(&d->config->spec, sealed) > mark_ms;
}

/* The first good trip of a pane fixes how the pane's predictions are tracked: by all panes
 * that are closed by then. */
static bool pane_begins(struct demo *d, const struct lw_replay_moment *at) {
    const struct lw_spec *spec = &d->config->spec;
    int64_t start = lw_spec_pane_start(spec, at->event_ms);
    if (!spec->tracking.time_constant_ms || at->event_ms == INT64_MIN)
        return false;
    for (size_t i = 0; i < PANES; i++)
        if (d->begun_ms[i] == start)
            return false;
    d->begun_ms[d->nbegun++ % PANES] = start;
    return true;
}

static bool pane_ready(const struct demo *d, int64_t mark_ms) {
    int64_t sealed = lw_engine_status(d->engine).sealed_until_ms;
    return sealed == INT64_MIN || sealed >= lw_spec_pane_start(&d->config->spec, mark_ms);
}

/* The workers must have seen the pause, or they would not flush at its end. */
static bool replay_ready(const struct demo *d, int64_t mark_ms, bool begins) {
    return lw_engine_status(d->engine).flow_flushed && decision_made(d, mark_ms) &&
           (!begins || pane_ready(d, mark_ms));
}

/* Waits until everything is sealed that the trips so far have closed, as a backtest seals
 * it at once. While nothing is in flight, partitions without recent trips must not delay
 * it; before sending resumes, Redis must record them as active, and workers have adopted
 * what was decided. */
static void wait_for_leader(struct demo *d, int64_t mark_ms, bool begins) {
    bool quiet = false;
    while (!atomic_load(&d->stop) && !(quiet && replay_ready(d, mark_ms, begins))) {
        if (!quiet &&
            lw_engine_status(d->engine).counts.n[LW_PROCESS_MESSAGES] >= d->sent) {
            lw_engine_complete(d->engine, mark_ms);
            lw_engine_flow(d->engine, LW_QUIET);
            quiet = true;
        }
        usleep(WAIT_US);
    }
    lw_engine_hold_tracking(d->engine, !begins);
    lw_engine_flow(d->engine, LW_FLOWS);
    while (quiet && !atomic_load(&d->stop) && !lw_engine_status(d->engine).flow_flushed)
        usleep(WAIT_US);
    lw_engine_hold_tracking(d->engine, true);
    if (begins)
        d->tracked_ms = lw_engine_status(d->engine).sealed_until_ms;
}

static bool replay_pace(void *arg, const struct lw_replay_moment *at) {
    struct demo *d = arg;
    if (!d->first_ms)
        d->first_ms = at->clock_ms;
    bool begins = pane_begins(d, at) && at->mark_ms != INT64_MIN &&
                  lw_spec_pane_start(&d->config->spec, at->mark_ms) > d->tracked_ms;
    if (at->mark_ms != INT64_MIN && (begins || !decision_made(d, at->mark_ms)))
        wait_for_leader(d, at->mark_ms, begins);
    d->sent++;
    return !atomic_load(&d->stop);
}

static bool replay_continues(void *arg) {
    struct demo *d = arg;
    return !atomic_load(&d->stop);
}

static void *replay_main(void *arg) {
    struct demo *d = arg;
    struct lw_replay_options options = {
        .speed = d->speed, .pace = replay_pace, .waiting = replay_continues, .arg = d};
    lw_replay(d->config, d->feed, &options, &d->produced, &d->replay_err);
    atomic_store(&d->replayed, true);
    return NULL;
}

/* ---- starting ---- */

/* ../share/leeway of the program's directory when installed, share/leeway in the build
 * directory. */
static void find_file(char *out, size_t size, const char *name) {
    char exe[3072] = "";
    struct stat st;
    ssize_t len = readlink("/proc/self/exe", exe, sizeof exe - 1);
    char *slash = len > 0 ? strrchr(exe, '/') : NULL;
    if (slash)
        *slash = '\0';
    snprintf(out, size, "%s/share/leeway/%s", exe, name);
    if (stat(out, &st) != 0)
        snprintf(out, size, "%s/../share/leeway/%s", exe, name);
}

static void log_line(void *arg, const char *text) {
    struct demo *d = arg;
    fprintf(d->log, "%s\n", text);
}

static int make_directory(struct demo *d, struct lw_err *err) {
    char path[128];
    snprintf(d->directory, sizeof d->directory, "/tmp/leeway-demo.XXXXXX");
    if (!mkdtemp(d->directory)) {
        d->directory[0] = '\0';
        return lw_fail(err, LW_ESTOP, "cannot create a temporary directory: %s",
                       strerror(errno));
    }
    snprintf(path, sizeof path, "%s/leeway.log", d->directory);
    d->log = fopen(path, "w");
    if (!d->log)
        return lw_fail(err, LW_ESTOP, "cannot write %s: %s", path, strerror(errno));
    setvbuf(d->log, NULL, _IOLBF, 0);
    lw_log_sink(log_line, d);
    find_file(d->data, sizeof d->data, "data/green_2020-03_2020-05.avro");
    find_file(d->config_path, sizeof d->config_path, "configs/nyc-green.yaml");
    return 0;
}

static int start_services(struct demo *d, struct lw_err *err) {
    char text[64];
    d->broker = lw_embedded_new(err);
    d->redis = d->broker ? lw_demo_redis_start(d->directory, err) : NULL;
    d->webhook = d->redis ? lw_demo_webhook_start(on_webhook, d, err) : NULL;
    if (!d->webhook)
        return -1;
    setenv("LEEWAY_KAFKA", lw_embedded_bootstrap(d->broker), 1);
    snprintf(text, sizeof text, "redis://127.0.0.1:%d", lw_demo_redis_port(d->redis));
    setenv("LEEWAY_REDIS", text, 1);
    snprintf(text, sizeof text, "http://127.0.0.1:%d/alerts",
             lw_demo_webhook_port(d->webhook));
    setenv("LEEWAY_WEBHOOK", text, 1);
    snprintf(text, sizeof text, "127.0.0.1:%d", lw_demo_free_port());
    setenv("LEEWAY_LISTEN", d->listen ? d->listen : text, 1);
    snprintf(text, sizeof text, "http://%.50s/", getenv("LEEWAY_LISTEN"));
    setenv("LEEWAY_PAGE", text, 1);
    return 0;
}

static int load_config(struct demo *d, struct lw_err *err) {
    d->config = lw_config_load(d->config_path, err);
    if (!d->config)
        return -1;
    lw_cli_left_out(d->config);
    struct lw_config_source *source = &d->config->source;
    source->flush_interval_ms = 4; /* event time runs fast, so flush often */
    /* The replay waits for each pane. */
    if (lw_kafka_add(&d->config->kafka, "linger.ms", "1", "", err) ||
        lw_kafka_add(&d->config->kafka, "fetch.wait.max.ms", "2", "", err))
        return lw_err_context(err, "%s: kafka", d->config_path);
    if (lw_embedded_topic(d->broker, source->topic, PARTITIONS, err))
        return -1;
    return source->dead_letters[0]
               ? lw_embedded_topic(d->broker, source->dead_letters, 1, err)
               : 0;
}

static void print_address(const struct demo *d) {
    char address[200];
    if (d->http.server)
        fprintf(d->out, "Dashboard: %s\n\n",
                lw_server_address(d->http.server, address, sizeof address));
    fflush(d->out);
}

static int start_engine(struct demo *d, struct lw_err *err) {
    struct lw_engine_hooks hooks = {
        .arg = d, .evaluated = on_evaluated, .trained = on_trained};
    char *files[] = {d->data};
    bool live = isatty(fileno(d->out)) && !d->json;
    d->screen = lw_demo_screen_new(&d->config->spec, d->out, live);
    d->feed = lw_feed_open(d->config, files, 1, err);
    if (!d->feed || lw_serve_start(&d->http, d->config, err))
        return -1;
    d->engine = lw_engine_start(d->config, &hooks, err);
    if (!d->engine)
        return -1;
    lw_serve_set_engine(&d->http, d->engine);
    print_address(d);
    if (pthread_create(&d->replay_thread, NULL, replay_main, d) != 0)
        return lw_fail(err, LW_ESTOP, "cannot start a thread");
    d->replaying = true;
    return 0;
}

/* ---- running ---- */

static void draw_screen(struct demo *d) {
    struct lw_engine_status s = lw_engine_status(d->engine);
    lw_demo_screen_draw(d->screen, s.counts.n[LW_PROCESS_MESSAGES], s.outbox, s.training);
}

/* True once the whole stream is sealed, evaluated and notified. */
static bool is_drained(struct demo *d, int64_t *quiet_since, int64_t *sealed_ms) {
    struct lw_engine_status s = lw_engine_status(d->engine);
    int64_t now = lw_mono_ms();
    bool busy = s.training || s.outbox > 0 || s.sealed_until_ms != *sealed_ms ||
                s.counts.n[LW_PROCESS_MESSAGES] < d->produced.produced;
    if (busy) {
        *quiet_since = now;
        *sealed_ms = s.sealed_until_ms;
    }
    return now - *quiet_since > 1000;
}

static int demo_watch(struct demo *d, struct lw_err *err) {
    int64_t ended = 0, quiet = lw_mono_ms(), sealed = INT64_MAX;
    for (;;) {
        if (lw_signals_wait(100))
            return 1;
        draw_screen(d);
        if (lw_engine_failed(d->engine, err))
            return -1;
        if (!atomic_load(&d->replayed))
            continue;
        if (!ended) {
            ended = lw_mono_ms();
            lw_engine_flow(d->engine, LW_ENDED);
        }
        if (d->replay_err.code)
            return lw_fail(err, d->replay_err.code, "%s", d->replay_err.msg);
        if (is_drained(d, &quiet, &sealed) || lw_mono_ms() - ended > DRAIN_MS)
            return 0;
    }
}

static void print_result(struct demo *d) {
    char redis[160];
    pthread_mutex_lock(&d->lock);
    struct lw_run_summary summary = d->summary;
    uint64_t delivered = d->delivered;
    pthread_mutex_unlock(&d->lock);
    lw_demo_screen_end(d->screen);
    fprintf(
        d->out,
        "\nError (%s, minutes) of version 1 without retraining (frozen), and managed:\n\n",
        d->config->spec.task->figure[0].label);
    lw_summary_print(&summary, d->out);
    fprintf(d->out, "  webhook messages received %" PRIu64 "\n\n", delivered);
    snprintf(redis, sizeof redis, "redis-cli -p %d HGETALL 'leeway:{%s}:now'",
             lw_demo_redis_port(d->redis), d->config->spec.stream);
    fprintf(d->out,
            "%s\n  %s\n  redis-cli -p %d XREVRANGE 'leeway:{%s}:history' + - COUNT 1\n"
            "  redis-cli -p %d HGETALL 'leeway:{%s}:models'\n",
            d->keep ? "Inspect Redis (until Ctrl-C):"
                    : "With --keep, Redis stays up for inspection:",
            redis, lw_demo_redis_port(d->redis), d->config->spec.stream,
            lw_demo_redis_port(d->redis), d->config->spec.stream);
    fflush(d->out);
    if (!d->json)
        return;
    json_t *o = json_object();
    lw_json_set_count(o, "events",
                      lw_engine_status(d->engine).counts.n[LW_PROCESS_MESSAGES]);
    lw_summary_json(&summary, d->config->spec.task, o);
    lw_json_set_count(o, "webhooks", delivered);
    lw_cli_print_json(o);
}

static void demo_stop(struct demo *d) {
    atomic_store(&d->stop, true);
    if (d->replaying)
        pthread_join(d->replay_thread, NULL);
    lw_serve_stop(&d->http);
    lw_engine_stop(d->engine);
    lw_feed_close(d->feed);
    lw_demo_webhook_stop(d->webhook);
    lw_demo_redis_stop(d->redis);
    lw_config_free(d->config);
    lw_embedded_free(d->broker);
    lw_demo_screen_free(d->screen);
    lw_log_sink(NULL, NULL);
    if (d->log)
        fclose(d->log);
    static const char *const files[] = {"leeway.log", "redis.log", "dump.rdb"};
    for (size_t i = 0; d->directory[0] && i < sizeof files / sizeof *files; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", d->directory, files[i]);
        unlink(path);
    }
    if (d->directory[0])
        rmdir(d->directory);
}

static int demo_run(struct demo *d) {
    struct lw_err err = {0};
    lw_signals_catch();
    signal(SIGPIPE, SIG_IGN);
    pthread_mutex_init(&d->lock, NULL);
    d->out = d->json ? stderr : stdout;
    int rc = make_directory(d, &err) || start_services(d, &err) || load_config(d, &err) ||
                     start_engine(d, &err)
                 ? -1
                 : demo_watch(d, &err);
    if (rc == 0) {
        print_result(d);
        while (d->keep && !lw_signals_wait(1000))
            ;
    }
    demo_stop(d);
    pthread_mutex_destroy(&d->lock);
    if (rc < 0)
        return lw_cli_fail(&lw_cmd_demo, &err);
    return rc == 0 ? LW_EXIT_OK : 130; /* 128 + SIGINT, as in a shell */
}

static int demo_main(int argc, char **argv) {
    struct demo d = {0};
    bool helped;
    const struct lw_option table[] = {
        {0, LW_OPTION_NUMBER, "speed", &d.speed},
        {0, LW_OPTION_TEXT, "http", &d.listen},
        {0, LW_OPTION_FLAG, "keep", &d.keep},
        {0, LW_OPTION_FLAG, "json", &d.json},
    };
    char **rest = lw_calloc((size_t)argc, sizeof *rest);
    int n = lw_options_parse(&lw_cmd_demo, LW_OPTIONS(table), argc, argv, rest, &helped);
    int rc = n < 0 ? LW_EXIT_USAGE : LW_EXIT_OK;
    if (n > 0)
        rc = lw_cli_usage(&lw_cmd_demo, "unexpected argument \"%s\"", rest[0]);
    free(rest);
    return n != 0 || helped || rc ? rc : demo_run(&d);
}

const struct lw_command lw_cmd_demo = {
    "demo", "[OPTIONS]",
    "Run everything on real trips, with an embedded broker and a private Redis",
    "      --speed X   replay at X times real time (default: as fast as possible)\n"
    "      --http A    address of the dashboard, host:port or off (default: a free port)\n"
    "      --keep      keep the dashboard and Redis running at the end, until Ctrl-C\n"
    "      --json      print one object, the last line on standard output\n"
    "\n"
    "Replays New York's green-taxi trips of March to May 2020, when the city locked down,\n"
    "through the code of `leeway run`. Requires redis-server and leaves nothing behind.\n",
    demo_main};
