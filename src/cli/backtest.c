/* leeway backtest: runs the whole policy on files. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "cli/backtest.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "core/observe.h"
#include "engine/feed.h"

struct backtest_options {
    const char *config, *against, *html, *truth;
    struct lw_cli_backtest_options run;
    bool json, quiet, calibrate;
};

static int feed_through(struct lw_cli_backtest *b, struct lw_event_feed *feed,
                        struct lw_backtest *backtest, struct lw_err *err) {
    struct lw_progress progress;
    struct lw_feed_event event;
    int got;
    lw_progress_start(&progress, b->what ? b->what : "backtest");
    while ((got = lw_feed_next(feed, &event, err)) > 0) {
        if (event.reason >= 0 &&
            lw_backtest_event(backtest, &event.row, event.reason, err))
            break;
        if (lw_feed_records(feed) % 4096 == 0)
            lw_progress_at(&progress, lw_feed_progress(feed), lw_feed_records(feed));
    }
    lw_progress_end(&progress);
    if (got || lw_backtest_end(backtest, err))
        return -1;
    b->records = lw_feed_records(feed);
    b->unusable = lw_feed_unusable(feed);
    lw_copy(b->why, sizeof b->why, lw_feed_why(feed));
    return 0;
}

/* Without errors, a run has a result as soon as there is a reference. */
static bool has_reference(const struct lw_cli_backtest *b) {
    if (!lw_observe_is_all(&b->config->spec))
        return false;
    for (size_t i = 0; i < b->ntrainings; i++)
        if (!b->training[i].failed)
            return true;
    return false;
}

/* Fails when nothing was scored, with the reason. */
static int check_scored(const struct lw_cli_backtest *b, struct lw_err *err) {
    const struct lw_retrain_spec *r = &b->config->spec.retrain;
    char when[32], text[32];
    if (b->records == 0)
        return lw_fail(err, LW_EINPUT, "the files contain no records");
    if (b->unusable == b->records)
        return lw_fail(err, LW_EINPUT, "none of %" PRIu64 " records could be read: %s",
                       b->records, b->why);
    if ((b->summary.nmonths && b->answered.n) || has_reference(b))
        return 0;
    struct lw_month all;
    lw_run_summary_totals(&b->summary, &all);
    if (all.answered.n)
        return 0;
    for (size_t i = 0; i < b->ntrainings; i++)
        if (b->training[i].failed)
            return lw_fail(err, LW_EINPUT,
                           "nothing was scored because the first training failed: %s",
                           b->training[i].failure);
    if (r->bootstrap_until_ms)
        return lw_fail(
            err, LW_EINPUT,
            "nothing was scored: version 1 is trained on events before %s, and either no "
            "event follows that time or fewer than retrain.min_rows usable events precede "
            "the hold-out; use --bootstrap-until T to choose another time",
            lw_cli_event_time(when, b->config->spec.zone, r->bootstrap_until_ms));
    return lw_fail(err, LW_EINPUT,
                   "nothing was scored: version 1 needs %s usable events older than "
                   "the hold-out (retrain.bootstrap.rows, retrain.min_rows)",
                   lw_format_count(text, sizeof text,
                                   r->bootstrap_rows > r->min_rows ? r->bootstrap_rows
                                                                   : r->min_rows));
}

/* FEATURE@TIME, local in that zone. */
static bool parse_release(const char *text, const struct lw_zone *zone,
                          char feature[LW_NAME_MAX], int64_t *at_ms) {
    size_t len = strcspn(text, "@");
    if (len == 0 || len >= LW_NAME_MAX || !text[len] ||
        !lw_parse_instant(text + len + 1, strlen(text + len + 1), zone, at_ms))
        return false;
    lw_copy(feature, len + 1, text);
    return true;
}

int lw_cli_backtest_run(struct lw_cli_backtest *b,
                        const struct lw_cli_backtest_options *options, char **files,
                        size_t n, struct lw_err *err) {
    char names[LW_TEXTS_MAX][LW_NAME_MAX];
    if (lw_cli_backtest_prepare(b, options, err))
        return -1;
    struct lw_event_feed *feed = lw_feed_open(b->config, files, n, err);
    if (!feed)
        return -1;
    struct lw_backtest_hooks hooks = lw_cli_backtest_hooks(b);
    struct lw_backtest *backtest = lw_backtest_new(&b->config->spec, &hooks);
    lw_feed_inject(feed, b->injections.list, b->injections.n);
    for (size_t i = 0; i < options->releases.n; i++) {
        int64_t at_ms;
        bool valid = parse_release(options->releases.text[i], b->config->spec.zone,
                                   names[i], &at_ms);
        lw_assert(valid); /* check_usage has checked it */
        lw_backtest_release(backtest, names[i], at_ms);
    }
    b->backtest = backtest;
    int rc = lw_feed_merge(feed, err);
    rc = rc ? rc : feed_through(b, feed, backtest, err);
    if (rc == 0) {
        lw_cli_backtest_close(b, backtest);
        rc = check_scored(b, err);
    }
    b->backtest = NULL;
    lw_backtest_free(backtest);
    lw_feed_close(feed);
    return rc;
}

static int write_html(const struct lw_cli_backtest *b,
                      const struct lw_cli_backtest *other, const char *path,
                      struct lw_err *err) {
    struct lw_buf page = {0};
    lw_cli_backtest_html(b, other, &page);
    int rc = lw_write_file(path, page.data, page.len, err);
    lw_buf_fini(&page);
    return rc;
}

static int write_results(const struct lw_cli_backtest *b,
                         const struct lw_cli_backtest *other,
                         const struct backtest_options *o, struct lw_err *err) {
    if (!o->json) {
        lw_cli_backtest_print(b);
        if (other)
            lw_cli_backtest_print_against(b, other);
    }
    if (o->html && write_html(b, other, o->html, err))
        return -1;
    if (o->truth &&
        lw_injections_write(&b->injections, &b->config->spec.event, o->truth, err))
        return -1;
    if (o->json) {
        json_t *result = lw_cli_backtest_json(b);
        if (other) {
            json_t *second = lw_cli_backtest_json(other);
            lw_json_set_text(second, "config", other->path);
            lw_json_set(result, "against", second);
        }
        lw_cli_print_json(result);
    }
    return 0;
}

/* Returns NULL after printing the error. */
static struct lw_config *load_config(const char *path, const char *until) {
    struct lw_config *config = lw_cli_config(&lw_cmd_backtest, path);
    if (config && until)
        lw_parse_instant(until, strlen(until), config->spec.zone,
                         &config->spec.retrain.bootstrap_until_ms);
    if (config)
        lw_cli_left_out(config);
    return config;
}

static void print_heading(const char *path) {
    printf("\n");
    lw_cli_line(stdout, "---- %s", path);
    printf("\n");
}

static int run_configurations(const struct backtest_options *o, char **files, size_t n) {
    struct lw_cli_backtest a = {.path = o->config, .say = !o->json && !o->quiet};
    struct lw_cli_backtest z = {.path = o->against, .say = a.say};
    struct lw_err err = {0};
    struct lw_config *first = load_config(o->config, o->run.until), *second = NULL;
    int rc = first ? LW_EXIT_OK : LW_EXIT_FAILED;
    if (first && o->against) {
        second = load_config(o->against, o->run.until);
        rc = second ? LW_EXIT_OK : LW_EXIT_FAILED;
    }
    a.config = first;
    z.config = second;
    bool failed = false;
    if (rc == LW_EXIT_OK) {
        failed = lw_cli_backtest_run(&a, &o->run, files, n, &err) != 0;
        if (!failed && second) {
            if (z.say)
                print_heading(o->against);
            failed = lw_cli_backtest_run(&z, &o->run, files, n, &err) != 0;
            if (failed)
                lw_err_context(&err, "%s", o->against);
        }
        failed = failed || write_results(&a, second ? &z : NULL, o, &err) != 0;
    }
    if (failed)
        rc = lw_cli_fail(&lw_cmd_backtest, &err);
    lw_cli_backtest_fini(&a);
    lw_cli_backtest_fini(&z);
    lw_config_free(first);
    lw_config_free(second);
    return rc;
}

static int run_calibration(const struct backtest_options *o, char **files, size_t n) {
    const struct lw_cli_backtest_calibration how = {.config = o->config,
                                                    .until = o->run.until,
                                                    .files = files,
                                                    .nfiles = n,
                                                    .json = o->json};
    struct lw_err err = {0};
    return lw_cli_backtest_calibrate(&how, &err) ? lw_cli_fail(&lw_cmd_backtest, &err)
                                                 : LW_EXIT_OK;
}

static int check_usage(const struct backtest_options *o, int n) {
    int64_t until;
    if (n == 0)
        return lw_cli_usage(&lw_cmd_backtest, "no input files");
    if (!o->config)
        return lw_cli_usage(&lw_cmd_backtest, "-c FILE is required");
    if (o->run.until && !lw_parse_time(o->run.until, &until))
        return lw_cli_usage(&lw_cmd_backtest,
                            "\"%s\" is not a time (2020-03-12, 2020-03-12T05:00)",
                            o->run.until);
    for (size_t i = 0; i < o->run.releases.n; i++) {
        char name[LW_NAME_MAX];
        if (!parse_release(o->run.releases.text[i], NULL, name, &until))
            return lw_cli_usage(
                &lw_cmd_backtest,
                "\"%s\" is not a valid release; use FEATURE@TIME, for example "
                "trip_distance@2020-05-12T05:00",
                o->run.releases.text[i]);
    }
    if (o->calibrate && (o->against || o->html || o->truth || o->run.segments.n ||
                         o->run.injections.n || o->run.releases.n))
        return lw_cli_usage(&lw_cmd_backtest,
                            "--calibrate takes -c, --bootstrap-until and --json only");
    if (o->truth && o->run.injections.n == 0)
        return lw_cli_usage(&lw_cmd_backtest, "--truth FILE requires --inject");
    return LW_EXIT_OK;
}

static int backtest_main(int argc, char **argv) {
    struct backtest_options o = {0};
    bool helped;
    const struct lw_option options[] = {
        {'c', LW_OPTION_TEXT, "config", &o.config},
        {0, LW_OPTION_TEXT, "against", &o.against},
        {0, LW_OPTION_TEXT, "bootstrap-until", &o.run.until},
        {0, LW_OPTION_LIST, "segment", &o.run.segments},
        {0, LW_OPTION_LIST, "inject", &o.run.injections},
        {0, LW_OPTION_LIST, "release", &o.run.releases},
        {0, LW_OPTION_TEXT, "truth", &o.truth},
        {0, LW_OPTION_TEXT, "html", &o.html},
        {0, LW_OPTION_FLAG, "json", &o.json},
        {'q', LW_OPTION_FLAG, "quiet", &o.quiet},
        {0, LW_OPTION_FLAG, "calibrate", &o.calibrate},
    };
    char **files = lw_calloc((size_t)argc, sizeof *files);
    int n = lw_options_parse(&lw_cmd_backtest, LW_OPTIONS(options), argc, argv, files,
                             &helped);
    int rc = n < 0 ? LW_EXIT_USAGE : LW_EXIT_OK;
    if (n >= 0 && !helped) {
        lw_mem_keep();
        rc = check_usage(&o, n);
        if (rc == LW_EXIT_OK)
            rc = o.calibrate ? run_calibration(&o, files, (size_t)n)
                             : run_configurations(&o, files, (size_t)n);
    }
    free(files);
    return rc;
}

const struct lw_command lw_cmd_backtest = {
    "backtest", "-c FILE [OPTIONS] DATA...",
    "Run the whole policy on files, without Kafka or Redis",
    "  -c, --config FILE         the stream's configuration\n"
    "      --against FILE        compare with a second configuration on the same files\n"
    "      --bootstrap-until T   train version 1 on events that ended before T (2020-03-12)\n"
    "      --segment WHAT        also print the error by month and segment: a feature or an\n"
    "                            expression of the feature language; may be repeated\n"
    "      --inject SPEC         inject drift, KIND:key=value,... (docs/policy.md); may be\n"
    "                            repeated\n"
    "      --release FEATURE@T   release the rows quarantined for FEATURE at time T, like\n"
    "                            `leeway models release`; may be repeated\n"
    "      --truth FILE          write what --inject changed, as JSON\n"
    "      --html FILE           write an HTML report with charts\n"
    "      --calibrate           try settings on the files, and print the configuration with\n"
    "                            the best ones and what they would have done (docs/policy.md)\n"
    "      --json                print one object, the last line on standard output\n"
    "  -q, --quiet               print only the final tables\n"
    "\n"
    "Each file must be in order of arrival; several files are merged by event time. The code of\n"
    "`leeway run` makes every decision; a training takes no event time. After a promotion the\n"
    "replaced version is scored for one more week, to show whether the promotion was right. Times\n"
    "without an offset are in event.time_zone.\n",
    backtest_main};
