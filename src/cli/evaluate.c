/* leeway evaluate: measures a model on files.
 *
 * Predicts every good event as the stream would, whether the model was trained on it or
 * not. */
#include "cli/evaluate.h"
#include "cli/options.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"

#define SEGMENTS_MAX 65536 /* levels of --by; rarer ones share one line */

struct evaluate_options {
    const char *config, *model, *plot, *by;
    double top;
    bool json;
};

struct evaluation {
    const struct lw_config *config;
    const struct lw_model *model;
    struct lw_plan *plan; /* of --by only */
    struct lw_evaluate_by by;
    struct lw_evaluate_rows rows;
    uint64_t unscored; /* without a finite prediction */
    struct lw_input_tally tally;
};

static int add_event(void *arg, const struct lw_feed_event *event, struct lw_err *err) {
    struct evaluation *e = arg;
    struct lw_cell cell = lw_cell_missing();
    (void)err;
    if (event->reason != LW_GOOD)
        return 0;
    const struct lw_row *row = &event->row;
    struct lw_civil when = lw_zone_civil(e->config->spec.zone, row->time_ms);
    double prediction = lw_model_predict(e->model, row);
    e->unscored += isfinite(prediction) ? 0 : 1;
    if (!isfinite(prediction))
        return 0;
    if (e->plan)
        lw_plan_eval(e->plan, row, &cell);
    if (e->plan && e->by.kind == LW_CATEGORY && cell.present)
        lw_cats_add(e->by.texts, &cell);
    struct lw_evaluate_row judged = {.target = row->target,
                                     .prediction = prediction,
                                     .month = when.year * 12 + when.month - 1,
                                     .number = cell.num,
                                     .key = cell.key,
                                     .present = cell.present};
    struct lw_evaluate_rows *rows = &e->rows;
    rows->from_ms =
        rows->n && rows->from_ms < row->time_ms ? rows->from_ms : row->time_ms;
    rows->until_ms =
        rows->n && rows->until_ms > row->time_ms ? rows->until_ms : row->time_ms;
    lw_evaluate_rows_add(rows, &judged);
    return 0;
}

static int compile_by(struct evaluation *e, const char *text, struct lw_err *err) {
    if (!text)
        return 0;
    e->by.text = text;
    e->by.texts = lw_cats_new(SEGMENTS_MAX);
    e->plan = lw_evaluate_plan(&e->config->spec, text, &e->by.kind, err);
    return e->plan ? 0 : lw_err_context(err, "--by");
}

/* ---- for people ---- */

static void print_line(const struct lw_evaluate_figures *line, double loss_all) {
    const struct lw_losses *s = &line->losses;
    char count[32];
    printf("  %s %10s", lw_text_column(line->name, 24, 40).text,
           lw_format_count(count, sizeof count, s->n));
    if (s->n < 3) {
        printf(" %8s\n", "-");
        return;
    }
    for (size_t k = 0; k < LW_TASK_FIGURES_MAX && s->task->figure[k].key; k++) {
        const struct lw_task_figure *f = &s->task->figure[k];
        double v = f->value(s);
        printf(" %8s ±%6s",
               f->with_sign ? lw_digits_signed(v, 4).text : lw_digits(v, 4).text,
               lw_digits(line->se[k], 4).text);
    }
    printf(" %6s%%\n", lw_digits(100 * s->loss / loss_all, 1).text);
}

static void print_head(const struct lw_task *task, const char *what) {
    printf("  %-24s %10s", what, "n");
    for (const struct lw_task_figure *f = task->figure; f->key; f++)
        printf(" %16s", f->label);
    printf("   of %s\n", task->loss_label);
}

static void print_text(const struct evaluation *e, const struct lw_evaluate_groups *m,
                       size_t top) {
    const struct lw_task *task = e->rows.task;
    double loss = m->all.losses.loss;
    lw_input_tally_print(&e->tally, &e->config->spec.event, stdout);
    lw_cli_line(stdout, "%s (%s, %016" PRIx64 ")", lw_model_name(e->model),
                lw_model_kind(e->model), lw_model_fingerprint(e->model));
    printf("\n");
    print_head(task, "month");
    for (size_t i = 0; i < m->nmonths; i++)
        print_line(&m->month[i], loss);
    print_line(&m->all, loss);
    if (!e->by.text)
        return;
    printf("\n");
    print_head(task, e->by.text);
    for (size_t i = 0; i < m->nsegments && i < top; i++)
        print_line(&m->segment[i], loss);
    if (m->nsegments > top)
        printf("  ... %zu more (use --top %zu or --json)\n", m->nsegments - top,
               m->nsegments);
}

/* ---- for machines ---- */

static json_t *figures_json(const struct lw_evaluate_figures *line) {
    const struct lw_losses *s = &line->losses;
    char key[80];
    json_t *o = json_object();
    lw_json_set_count(o, "n", s->n);
    for (size_t k = 0; k < LW_TASK_FIGURES_MAX && s->task->figure[k].key; k++) {
        const struct lw_task_figure *f = &s->task->figure[k];
        lw_json_set_number(o, f->key, f->value(s));
        snprintf(key, sizeof key, "%s_se", f->key);
        lw_json_set_number(o, key, line->se[k]);
    }
    lw_json_set_number(o, "recalibration_gain", lw_losses_recalibration_gain(s));
    return o;
}

static json_t *groups_json(const struct lw_evaluate_figures *group, size_t n,
                           const char *key) {
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) {
        json_t *o = figures_json(&group[i]);
        lw_json_set_text(o, key, group[i].name);
        json_array_append_new(list, o);
    }
    return list;
}

static void print_json(const struct evaluation *e, const struct lw_evaluate_groups *m) {
    json_t *o = figures_json(&m->all);
    lw_input_tally_json(&e->tally, &e->config->spec.event, o);
    lw_json_set_text(o, "model", lw_model_name(e->model));
    lw_json_set_text(o, "kind", lw_model_kind(e->model));
    lw_json_set_hex(o, "fingerprint", lw_model_fingerprint(e->model));
    lw_json_set(o, "months", groups_json(m->month, m->nmonths, "month"));
    if (e->by.text) {
        lw_json_set_text(o, "by", e->by.text);
        lw_json_set(o, "segments", groups_json(m->segment, m->nsegments, "segment"));
    }
    lw_cli_print_json(o);
}

static int write_plot(const struct evaluation *e, const struct lw_evaluate_groups *m,
                      const char *path, struct lw_err *err) {
    const struct lw_event_spec *event = &e->config->spec.event;
    struct lw_buf svg = {0};
    char title[256], from[32], until[32];
    snprintf(title, sizeof title, "%s · events of %.10s to %.10s",
             lw_model_name(e->model), lw_format_time(from, sizeof from, e->rows.from_ms),
             lw_format_time(until, sizeof until, e->rows.until_ms));
    struct lw_evaluate_plot plot = {.title = title,
                                    .target = event->target == LW_TARGET_MINUTES_BETWEEN
                                                  ? "minutes"
                                                  : e->config->names.target_field,
                                    .lo = event->target_lo,
                                    .hi = event->target_hi,
                                    .all = &m->all};
    lw_evaluate_plot_draw(&e->rows, &plot, &svg);
    int rc = lw_write_file(path, svg.data, svg.len, err);
    lw_buf_fini(&svg);
    return rc;
}

static int write_results(struct evaluation *e, const struct evaluate_options *o,
                         struct lw_err *err) {
    struct lw_evaluate_groups m;
    lw_evaluate_group(&e->rows, &e->by, &m);
    if (e->unscored)
        fprintf(stderr,
                "%" PRIu64 " events without a finite prediction are not counted\n",
                e->unscored);
    if (o->json)
        print_json(e, &m);
    else
        print_text(e, &m, o->top >= 1 ? (size_t)o->top : 20);
    int rc = o->plot ? write_plot(e, &m, o->plot, err) : 0;
    lw_evaluate_groups_fini(&m);
    return rc;
}

static int evaluate_files(const struct lw_config *config,
                          const struct evaluate_options *o, char **files, size_t n,
                          struct lw_err *err) {
    struct evaluation e = {.config = config, .rows.task = config->spec.task};
    struct lw_model *model = lw_input_model(config, o->model, err);
    e.model = model;
    int rc = model ? compile_by(&e, o->by, err) : -1;
    struct lw_input reader = {
        .paths = files, .n = n, .what = "evaluating", .take = add_event, .arg = &e};
    if (rc == 0)
        rc = lw_input_read(config, &reader, &e.tally, err);
    if (rc == 0 && e.rows.n == 0)
        rc = lw_fail(err, LW_EINPUT, "none of %" PRIu64 " records has a valid target%s",
                     e.tally.records, e.unscored ? " and a finite prediction" : "");
    if (rc == 0)
        rc = write_results(&e, o, err);
    lw_plan_free(e.plan);
    lw_cats_free(e.by.texts);
    lw_model_free(model);
    free(e.rows.row);
    return rc;
}

static int evaluate_with_config(const struct evaluate_options *o, char **files, int n) {
    struct lw_err err = {0};
    if (n == 0)
        return lw_cli_usage(&lw_cmd_evaluate, "no input files");
    if (!o->model)
        return lw_cli_usage(&lw_cmd_evaluate, "--model FILE is required");
    struct lw_config *config = lw_cli_config(&lw_cmd_evaluate, o->config);
    if (!config)
        return o->config ? LW_EXIT_FAILED : LW_EXIT_USAGE;
    int failed = evaluate_files(config, o, files, (size_t)n, &err);
    lw_config_free(config);
    return failed ? lw_cli_fail(&lw_cmd_evaluate, &err) : LW_EXIT_OK;
}

static int evaluate_main(int argc, char **argv) {
    struct evaluate_options o = {0};
    bool helped;
    const struct lw_option options[] = {
        {'c', LW_OPTION_TEXT, "config", &o.config},
        {'m', LW_OPTION_TEXT, "model", &o.model},
        {0, LW_OPTION_TEXT, "plot", &o.plot},
        {0, LW_OPTION_TEXT, "by", &o.by},
        {0, LW_OPTION_COUNT, "top", &o.top},
        {0, LW_OPTION_FLAG, "json", &o.json},
    };
    char **files = lw_calloc((size_t)argc, sizeof *files);
    int n = lw_options_parse(&lw_cmd_evaluate, LW_OPTIONS(options), argc, argv, files,
                             &helped);
    int rc = n < 0    ? LW_EXIT_USAGE
             : helped ? LW_EXIT_OK
                      : evaluate_with_config(&o, files, n);
    free(files);
    return rc;
}

const struct lw_command lw_cmd_evaluate = {
    "evaluate", "-c FILE --model MODEL [OPTIONS] DATA...",
    "Measure the error of a model on files",
    "  -c, --config FILE     the stream's configuration\n"
    "  -m, --model FILE      the model, of leeway or of another program (docs/models.md)\n"
    "      --by WHAT         also print the error by segment: a feature or an expression of the\n"
    "                        feature language, for example \"hour(lpep_pickup_datetime)\"\n"
    "      --top N           show the N worst segments (default 20)\n"
    "      --plot FILE       plot predictions against actual values (SVG)\n"
    "      --json            print one object on standard output\n"
    "\n"
    "Prints every figure with its standard error; the last column is the share of the total loss.\n",
    evaluate_main};
