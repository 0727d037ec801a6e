/* leeway train: fits a model on files as the retrainer does on a topic.
 *
 * Without --candidate it uses core/train.h: it fits all candidates, compares them on the
 * newest `retrain.holdout` of event time, and fits the best again on everything. With
 * --candidate it fits that one on all rows. For --table see train_table.c.
 *
 * Training ends at --until or at the newest plausible event time, so that a trip of 2041
 * does not move the hold-out. A time is plausible when `panes.jump_agree` rows agree on
 * it, at most `panes.max_jump` after the rows before them. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "cli/input.h"
#include "cli/options.h"
#include "cli/train_table.h"
#include "core/train.h"
#include "engine/training_json.h"

struct train_options {
    const char *config, *out, *candidate, *until, *columns, *later;
    bool json, table;
};

struct train_reading {
    struct lw_dataset *rows;
    int64_t until_ms;
    struct lw_input_tally tally;
};

static int add_row(void *arg, const struct lw_feed_event *event, struct lw_err *err) {
    struct train_reading *in = arg;
    (void)err;
    if (event->reason != LW_GOOD)
        return 0;
    if (event->row.time_ms < in->until_ms)
        lw_dataset_add(in->rows, &event->row);
    else
        in->tally.late++;
    return 0;
}

/* The end of the rows with plausible times. */
static int64_t plausible_end(const struct lw_dataset *ds, const struct lw_spec *spec) {
    size_t end = lw_dataset_rows(ds), agree = (size_t)spec->jump_agree;
    for (size_t i = end; i-- > 1 && end - i < agree;)
        if (lw_dataset_time(ds, i) - lw_dataset_time(ds, i - 1) > spec->max_jump_ms)
            end = i;
    return end ? lw_dataset_time(ds, end - 1) + 1 : 0;
}

/* The result of a training. */
struct train_result {
    struct lw_training training; /* ntrials 0 with --candidate */
    struct lw_fit_report report; /* with --candidate */
    const char *candidate;
    double seconds;
};

static int find_candidate(const struct lw_spec *spec, const char *name,
                          struct lw_err *err) {
    const char *names[LW_CANDIDATES_MAX];
    for (size_t i = 0; i < spec->ncandidates; i++) {
        names[i] = spec->candidate[i].name;
        if (strcmp(names[i], name) == 0)
            return (int)i;
    }
    const char *near = lw_nearest(name, names, spec->ncandidates);
    lw_fail(err, LW_ECONFIG, "there is no candidate \"%s\"%s%s%s", name,
            near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
    return -1;
}

static int fit_one(const struct lw_spec *spec, const struct lw_dataset *ds,
                   int64_t as_of_ms, struct train_result *out, struct lw_err *err) {
    int at = find_candidate(spec, out->candidate, err);
    if (at < 0)
        return -1;
    size_t end = lw_dataset_lower_bound(ds, as_of_ms);
    out->training.as_of_ms = as_of_ms;
    out->training.rows = end;
    struct lw_fit_rows rows = {.ds = ds, .end = end, .as_of_ms = as_of_ms};
    out->training.model = lw_fit(&rows, &spec->candidate[at], &out->report, err);
    return out->training.model ? 0
                               : lw_err_context(err, "candidate \"%s\"", out->candidate);
}

static int fit_rows(const struct lw_spec *spec, const struct train_reading *in,
                    struct train_result *out, struct lw_err *err) {
    if (!lw_spec_trains(spec))
        return lw_fail(err, LW_ECONFIG,
                       "there is nothing to train: the configuration has no candidates");
    lw_dataset_sort(in->rows);
    int64_t began = lw_mono_ms();
    int64_t when =
        in->until_ms != INT64_MAX ? in->until_ms : plausible_end(in->rows, spec);
    out->training.as_of_ms = when;
    int rc = out->candidate ? fit_one(spec, in->rows, when, out, err)
                            : lw_train(spec, in->rows, NULL, NULL, &out->training, err);
    out->seconds = (double)(lw_mono_ms() - began) / 1000.0;
    return rc;
}

static int write_model(const struct lw_model *model, const char *path,
                       struct lw_err *err) {
    struct lw_buf bytes = {0};
    int rc = lw_model_encode(model, &bytes, err);
    if (rc == 0)
        rc = lw_write_file(path, bytes.data, bytes.len, err);
    lw_buf_fini(&bytes);
    return rc;
}

static void print_trials(const struct lw_spec *spec, const struct lw_training *t) {
    const struct lw_task *task = spec->task;
    char from[32], until[32], count[32];
    printf("hold-out %s to %s, %s rows\n",
           lw_cli_event_time(from, spec->zone, t->holdout_from_ms),
           lw_cli_event_time(until, spec->zone, t->as_of_ms),
           lw_format_count(count, sizeof count, t->holdout_rows));
    printf("\n  %-28s %10s %9s\n", "candidate", "rows", task->figure[0].label);
    for (size_t i = 0; i < t->ntrials; i++) {
        const struct lw_trial *trial = &t->trial[i];
        if (i && trial->round > t->trial[i - 1].round)
            printf("  next round: the better half on more rows\n");
        lw_format_count(count, sizeof count, trial->rows);
        if (isfinite(trial->error))
            printf("%s %s %10s %9s  %s\n", i == t->chosen ? "*" : " ",
                   lw_text_column(trial->name, 28, 60).text, count,
                   lw_digits(trial->error, 4).text, trial->note);
        else
            printf("  %s %10s %9s  %s\n", lw_text_column(trial->name, 28, 60).text, "-",
                   "-", trial->note);
    }
    printf("\n");
}

static void print_result(const struct lw_config *config, const struct train_options *o,
                         const struct train_reading *in, const struct train_result *r) {
    const struct lw_training *t = &r->training;
    char count[32];
    lw_input_tally_print(&in->tally, &config->spec.event, stdout);
    if (t->ntrials)
        print_trials(&config->spec, t);
    printf("%s on %s rows: %zu coefficients, %.1f s", lw_model_name(t->model),
           lw_format_count(count, sizeof count, t->rows), lw_model_coefficients(t->model),
           r->seconds);
    if (!t->ntrials)
        printf(", RMSE on these rows %s", lw_digits(r->report.train_rmse, 4).text);
    if (r->report.rank_deficient)
        printf(", %zu dependent columns dropped", r->report.rank_deficient);
    printf("\n");
    lw_cli_line(stdout, "%s  %016" PRIx64, o->out, lw_model_fingerprint(t->model));
}

static void print_result_json(const struct lw_config *config,
                              const struct train_options *o,
                              const struct train_reading *in,
                              const struct train_result *r) {
    const struct lw_training *t = &r->training;
    const struct lw_task *task = config->spec.task;
    json_t *out = json_object();
    lw_input_tally_json(&in->tally, &config->spec.event, out);
    lw_json_set_text(out, "candidate", lw_model_name(t->model));
    lw_json_set_text(out, "kind", lw_model_kind(t->model));
    lw_json_set_count(out, "rows", t->rows);
    lw_json_set_time(out, "as_of", t->as_of_ms);
    if (t->ntrials) {
        lw_json_set_time(out, "holdout_from", t->holdout_from_ms);
        lw_json_set_count(out, "holdout_rows", t->holdout_rows);
        lw_json_set_number(out, lw_task_error_key(task, "holdout_", "").text,
                           t->trial[t->chosen].error);
        lw_json_set(out, "trials", lw_training_json_trials(t, task->figure[0].key));
    } else {
        lw_json_set_number(out, "train_rmse", r->report.train_rmse);
    }
    lw_json_set_count(out, "coefficients", lw_model_coefficients(t->model));
    lw_json_set_number(out, "seconds", r->seconds);
    lw_json_set_hex(out, "fingerprint", lw_model_fingerprint(t->model));
    lw_json_set_text(out, "model", o->out);
    lw_cli_print_json(out);
}

static int train_files(const struct lw_config *config, const struct train_options *o,
                       char **files, size_t n, int64_t until_ms, struct lw_err *err) {
    struct train_reading in = {.rows = lw_dataset_new(config->spec.train),
                               .until_ms = until_ms};
    struct train_result *r = lw_calloc(1, sizeof *r);
    r->candidate = o->candidate;
    struct lw_input reader = {
        .paths = files, .n = n, .what = "reading", .take = add_row, .arg = &in};
    int rc = lw_input_read(config, &reader, &in.tally, err);
    if (rc == 0)
        rc = fit_rows(&config->spec, &in, r, err);
    if (rc == 0)
        rc = write_model(r->training.model, o->out, err);
    if (rc == 0)
        (o->json ? print_result_json : print_result)(config, o, &in, r);
    lw_training_fini(&r->training);
    lw_dataset_free(in.rows);
    free(r);
    return rc;
}

static int check_usage(const struct train_options *o, int n, int64_t *until_ms) {
    *until_ms = INT64_MAX;
    if (n == 0)
        return lw_cli_usage(&lw_cmd_train, "no input files");
    if (!o->table && !o->out)
        return lw_cli_usage(&lw_cmd_train, "-o FILE is required");
    if (o->table && (o->out || o->candidate))
        return lw_cli_usage(&lw_cmd_train,
                            "--table cannot be combined with -o or --candidate");
    if (!o->table && (o->later || o->columns))
        return lw_cli_usage(&lw_cmd_train, "--later and --columns require --table");
    if (o->until && !lw_parse_time(o->until, until_ms))
        return lw_cli_usage(&lw_cmd_train,
                            "\"%s\" is not a time (2020-03-12, 2020-03-12T05:00)",
                            o->until);
    return LW_EXIT_OK;
}

static int train_with_config(const struct train_options *o, char **files, int n) {
    struct lw_err err = {0};
    int64_t until_ms;
    int rc = check_usage(o, n, &until_ms);
    if (rc)
        return rc;
    struct lw_config *config = lw_cli_config(&lw_cmd_train, o->config);
    if (!config)
        return o->config ? LW_EXIT_FAILED : LW_EXIT_USAGE;
    lw_cli_left_out(config);
    if (o->until) /* local, now that the zone is known */
        lw_parse_instant(o->until, strlen(o->until), config->spec.zone, &until_ms);
    struct lw_train_table_options table = {
        .later = o->later, .columns = o->columns, .until_ms = until_ms, .json = o->json};
    int failed = o->table ? lw_train_table(config, &table, files, (size_t)n, &err)
                          : train_files(config, o, files, (size_t)n, until_ms, &err);
    lw_config_free(config);
    return failed ? lw_cli_fail(&lw_cmd_train, &err) : LW_EXIT_OK;
}

static int train_main(int argc, char **argv) {
    struct train_options o = {0};
    bool helped;
    const struct lw_option options[] = {
        {'c', LW_OPTION_TEXT, "config", &o.config},
        {'o', LW_OPTION_TEXT, "output", &o.out},
        {0, LW_OPTION_TEXT, "candidate", &o.candidate},
        {0, LW_OPTION_TEXT, "until", &o.until},
        {0, LW_OPTION_FLAG, "table", &o.table},
        {0, LW_OPTION_TEXT, "later", &o.later},
        {0, LW_OPTION_TEXT, "columns", &o.columns},
        {0, LW_OPTION_FLAG, "json", &o.json},
    };
    char **files = lw_calloc((size_t)argc, sizeof *files);
    int n =
        lw_options_parse(&lw_cmd_train, LW_OPTIONS(options), argc, argv, files, &helped);
    int rc = n < 0    ? LW_EXIT_USAGE
             : helped ? LW_EXIT_OK
                      : train_with_config(&o, files, n);
    free(files);
    return rc;
}

const struct lw_command lw_cmd_train = {
    "train",
    "-c FILE [OPTIONS] DATA... -o MODEL\n"
    "       leeway train -c FILE --table TRAIN... [--later LATER]",
    "Fit a model on files",
    "  -c, --config FILE     the stream's configuration\n"
    "  -o, --output FILE     write the model to FILE (Avro, schemas/model.avsc)\n"
    "      --candidate NAME  fit only this candidate, on all rows; by default all candidates are\n"
    "                        fitted, compared on the newest retrain.holdout, and the best is\n"
    "                        fitted again on everything\n"
    "      --until T         use only events that ended before T (2020-03-12, in event.time_zone)\n"
    "      --table           fit seven baseline models (least squares, lasso, ridge) on raw\n"
    "                        columns and compare their RMSE on TRAIN and LATER\n"
    "      --later FILE      later rows that --table's models have not seen\n"
    "      --columns A,B,X   columns of --table: categories, then one number (default: the\n"
    "                        configuration's features that are plain fields)\n"
    "      --json            print one object on standard output\n"
    "\n"
    "  leeway train -c configs/nyc-green.yaml -o model.avro data/green_2020-03_2020-05.avro\n",
    train_main};
