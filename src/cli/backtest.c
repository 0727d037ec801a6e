/* leeway backtest: what would this configuration have done? */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "cli/cli.h"
#include "core/backtest.h"
#include "engine/feed.h"
#include "engine/trials.h"

struct session {
    bool json, quiet;
    json_t *events; /* alerts and trainings, for --json */
    json_t *days;   /* error of each day, for --json */
    double *daily;  /* RMSE of each day, for the sparkline */
    size_t ndaily, cap;
    const struct lw_backtest *backtest;
    struct lw_errors answered, first; /* of all days before this one */
};

static void say(const struct session *s, int64_t at_ms, const char *what,
                const char *text) {
    char when[32];
    if (!s->json && !s->quiet)
        printf("%.16s  %-9s %s\n", lw_format_time(when, sizeof when, at_ms), what, text);
}

static void note_event(struct session *s, int64_t at_ms, const char *kind, json_t *o) {
    char when[32];
    json_object_set_new(o, "at", json_string(lw_format_time(when, sizeof when, at_ms)));
    json_object_set_new(o, "event", json_string(kind));
    json_array_append_new(s->events, o);
}

static void note_alert(struct session *s, const struct lw_alert *a) {
    json_t *o = json_object();
    json_object_set_new(o, "status", json_string(a->firing ? "firing" : "resolved"));
    json_object_set_new(o, "rule", json_string(a->name));
    json_object_set_new(o, "feature", json_string(a->feature));
    json_object_set_new(o, "severity", json_string(lw_severity_name(a->severity)));
    json_object_set_new(o, "value", lw_cli_number(a->value));
    json_object_set_new(o, "threshold", lw_cli_number(a->threshold));
    json_object_set_new(o, "n", json_integer((json_int_t)a->n));
    json_object_set_new(o, "summary", json_string(a->summary));
    note_event(s, a->at_ms, "alert", o);
    say(s, a->at_ms, a->firing ? lw_severity_name(a->severity) : "resolved", a->summary);
}

static double rmse_since(const struct lw_errors *now, const struct lw_errors *before) {
    return now->n > before->n
               ? sqrt((now->e2 - before->e2) / (double)(now->n - before->n))
               : NAN;
}

/* What a day adds to the ledger is that day's error, whichever versions answered. */
static void note_day(struct session *s, const struct lw_evaluation *e) {
    struct lw_month total;
    char when[32];
    if (e->at_ms % LW_DAY != 0)
        return;
    lw_ledger_totals(lw_backtest_ledger(s->backtest), &total);
    double managed = rmse_since(&total.answered, &s->answered);
    double frozen = rmse_since(&total.first, &s->first);
    s->answered = total.answered;
    s->first = total.first;
    if (isnan(managed)) /* nothing was scored, or the day is told already */
        return;
    if (s->ndaily == s->cap) {
        s->cap = s->cap ? 2 * s->cap : 128;
        s->daily = lw_realloc(s->daily, s->cap, sizeof *s->daily);
    }
    s->daily[s->ndaily++] = managed;
    json_t *o = json_object();
    lw_format_time(when, sizeof when, e->at_ms - LW_DAY);
    when[10] = '\0'; /* the date */
    json_object_set_new(o, "day", json_string(when));
    json_object_set_new(o, "frozen_rmse", lw_cli_number(frozen));
    json_object_set_new(o, "managed_rmse", lw_cli_number(managed));
    json_object_set_new(
        o, "champion",
        json_integer(lw_monitor_champion_version(lw_backtest_monitor(s->backtest))));
    json_array_append_new(s->days, o);
}

static void on_evaluated(void *arg, const struct lw_evaluation *e) {
    struct session *s = arg;
    for (size_t i = 0; i < e->nalerts; i++)
        note_alert(s, &e->alert[i]);
    for (size_t i = 0; i < e->ndecisions; i++)
        if (e->decision[i].kind == LW_DECIDED_CONFIRM ||
            e->decision[i].kind == LW_DECIDED_ROLL_BACK)
            say(s, e->at_ms,
                e->decision[i].kind == LW_DECIDED_CONFIRM ? "confirmed" : "rollback",
                e->decision[i].reason);
    note_day(s, e);
}

static void on_trained(void *arg, const struct lw_request *request, uint32_t version,
                       const struct lw_training *t, const char *failure) {
    struct session *s = arg;
    char text[512];
    json_t *o = json_object();
    json_object_set_new(o, "reason", json_string(request->reason));
    if (t) {
        snprintf(text, sizeof text, "v%u %s (%s): %s", version, t->trial[t->chosen].name,
                 request->reason, t->gate.reason);
        json_object_set_new(o, "version", json_integer(version));
        json_object_set_new(o, "candidate", json_string(t->trial[t->chosen].name));
        json_object_set_new(o, "rows", json_integer((json_int_t)t->rows));
        json_object_set_new(o, "heldout_rmse", lw_cli_number(t->gate.challenger_rmse));
        json_object_set_new(o, "champion_rmse", lw_cli_number(t->gate.champion_rmse));
        json_object_set_new(o, "gain", lw_cli_number(t->gate.gain));
        json_object_set_new(o, "z", lw_cli_number(t->gate.z));
        json_object_set_new(o, "promoted", json_boolean(t->gate.passed));
        json_object_set_new(o, "trials", lw_trials_json(t));
    } else {
        snprintf(text, sizeof text, "%s: %s", request->reason, failure);
        json_object_set_new(o, "failure", json_string(failure));
    }
    say(s, request->as_of_ms,
        !t               ? "failed"
        : t->gate.passed ? "promoted"
                         : "rejected",
        text);
    note_event(s, request->as_of_ms, "training", o);
}

static int drive(const struct lw_config *config, struct lw_feed *feed,
                 struct lw_backtest *b, struct lw_err *err) {
    struct lw_progress progress;
    struct lw_feed_event event;
    int got;
    lw_progress_start(&progress, "backtest");
    while ((got = lw_feed_next(feed, &event, err)) > 0) {
        if (event.reason >= 0 && lw_backtest_event(b, &event.row, event.reason, err))
            return -1;
        if (lw_feed_records(feed) % 4096 == 0)
            lw_progress_at(&progress, lw_feed_progress(feed), lw_feed_records(feed));
    }
    lw_progress_end(&progress);
    (void)config;
    return got < 0 ? -1 : lw_backtest_end(b, err);
}

static json_t *result_json(const struct lw_feed *feed, const struct lw_backtest *b) {
    const uint64_t *counter = lw_backtest_counters(b);
    json_t *o = json_object();
    json_object_set_new(o, "events", json_integer((json_int_t)lw_feed_records(feed)));
    json_object_set_new(o, "unusable", json_integer((json_int_t)lw_feed_unusable(feed)));
    json_object_set_new(o, "aside", json_integer((json_int_t)counter[LW_COUNT_ASIDE]));
    json_object_set_new(o, "late", json_integer((json_int_t)counter[LW_COUNT_LATE]));
    json_object_set_new(o, "suspect",
                        json_integer((json_int_t)counter[LW_COUNT_SUSPECT]));
    lw_cli_ledger_json(lw_backtest_ledger(b), o);
    return o;
}

static void print_table(const struct session *s, const struct lw_backtest *b) {
    char line[256];
    printf("\n");
    lw_cli_ledger_table(lw_backtest_ledger(b), stdout);
    printf("  daily RMSE %s\n", lw_sparkline(line, sizeof line, s->daily, s->ndaily, 60));
}

static int backtest(const struct lw_config *config, struct session *s, char **files,
                    int n, json_t **result, struct lw_err *err) {
    struct lw_backtest_hooks hooks = {
        .arg = s, .evaluated = on_evaluated, .trained = on_trained};
    struct lw_feed *feed = lw_feed_open(config, files, (size_t)n, err);
    if (!feed)
        return -1;
    struct lw_backtest *b = lw_backtest_new(&config->spec, &hooks);
    s->backtest = b;
    int rc = drive(config, feed, b, err);
    if (rc == 0) {
        *result = result_json(feed, b);
        if (!s->json)
            print_table(s, b);
    }
    lw_backtest_free(b);
    lw_feed_close(feed);
    return rc;
}

static int run_backtest(int argc, char **argv) {
    const char *path = NULL, *until = NULL;
    struct session s = {0};
    bool helped;
    const struct lw_option options[] = {
        {'c', "config", LW_OPTION_TEXT, &path},
        {0, "bootstrap-until", LW_OPTION_TEXT, &until},
        {0, "json", LW_OPTION_FLAG, &s.json},
        {'q', "quiet", LW_OPTION_FLAG, &s.quiet},
    };
    char **files = lw_calloc((size_t)argc, sizeof *files);
    int n = lw_options_parse(&lw_cmd_backtest, options, sizeof options / sizeof *options,
                             argc, argv, files, &helped);
    int rc = n < 0 ? LW_EXIT_USAGE : LW_EXIT_OK;
    if (n == 0 && !helped)
        rc = lw_cli_usage(&lw_cmd_backtest, "which files?");
    struct lw_config *config = n > 0 ? lw_cli_config(&lw_cmd_backtest, path) : NULL;
    if (n > 0 && !config)
        rc = path ? LW_EXIT_FAILED : LW_EXIT_USAGE;
    if (config && until &&
        !lw_parse_time(until, &config->spec.retrain.bootstrap_until_ms))
        rc = lw_cli_usage(&lw_cmd_backtest,
                          "\"%s\" is not a time (2020-03-12, 2020-03-12T05:00)", until);
    if (config && rc == LW_EXIT_OK) {
        struct lw_err err = {0};
        json_t *result = NULL;
        s.events = json_array();
        s.days = json_array();
        if (backtest(config, &s, files, n, &result, &err))
            rc = lw_cli_fail(&lw_cmd_backtest, &err);
        else if (s.json) {
            json_object_set(result, "daily", s.days);
            json_object_set(result, "log", s.events);
            lw_cli_print_json(json_incref(result));
        }
        json_decref(result);
        json_decref(s.days);
        json_decref(s.events);
    }
    lw_config_free(config);
    free(s.daily);
    free(files);
    return rc;
}

const struct lw_command lw_cmd_backtest = {
    "backtest", "-c FILE [OPTIONS] DATA...",
    "Run the whole policy on files, without Kafka or Redis",
    "  -c, --config FILE         the stream's configuration\n"
    "      --bootstrap-until T   train version 1 on what ended before T (2020-03-12)\n"
    "      --json                one object, the last line on standard output\n"
    "  -q, --quiet               only the table at the end\n"
    "\n"
    "Events are taken in the order of the files. Everything that `leeway run` would "
    "decide is decided here by\n"
    "the same code; a training takes no time.\n",
    run_backtest};
