/* leeway report: compares two sets of events.
 *
 * Exits with 3 if a column drifted (significantly and above the floor), a data fault was
 * found or the schema changed. Faults are reported separately from drift: a feed that
 * sends kilometres instead of miles is broken. */
#include "cli/report.h"
#include "cli/options.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "core/reference.h"
#include "core/window.h"

struct report_options {
    const char *config, *model, *window, *out;
    double alpha, floor, min_n;
    bool json;
};

struct lw_report *lw_report_new(const struct lw_config *config) {
    struct lw_report *r = lw_calloc(1, sizeof *r);
    r->config = config;
    r->options = config ? config->spec.drift : lw_drift_defaults();
    r->rows = INFINITY;
    r->left_out = json_array();
    r->schema = json_array();
    r->widths = json_array();
    return r;
}

static void free_side(struct lw_report_side *s) {
    lw_kll_free(s->times);
    lw_profile_free(s->profile);
    lw_profile_free(s->scores);
    lw_reference_free(s->reference);
    lw_match_fini(&s->match);
    lw_windows_free(s->windows);
    free(s->rows.target);
    free(s->rows.prediction);
    free(s->rows.value);
    free(s->rows.present);
}

void lw_report_free(struct lw_report *r) {
    if (!r)
        return;
    for (size_t i = 0; i < r->n; i++) {
        free(r->column[i].changed);
        free(r->column[i].statistic);
    }
    for (int s = 0; s < LW_SIDES; s++)
        free_side(&r->side[s]);
    free(r->column);
    free(r->columns);
    free(r->segment);
    json_decref(r->left_out);
    json_decref(r->schema);
    json_decref(r->widths);
    free(r);
}

void lw_report_add_column(struct lw_report *r, const struct lw_column *column,
                          struct lw_member *ref, struct lw_member *cur) {
    r->column = lw_realloc(r->column, r->n + 1, sizeof *r->column);
    r->column[r->n++] =
        (struct lw_report_column){.column = *column, .member = {ref, cur}, .seen = ref};
}

bool lw_report_met(const struct lw_report *r) {
    return r->drifted || r->faulty || json_array_size(r->schema);
}

/* ---- options; --reference and --current take all files up to the next option ---- */

struct report_files {
    char **file[LW_SIDES];
    size_t n[LW_SIDES];
    char **rest;
    int nrest;
};

static int side_of(const char *arg) {
    if (strcmp(arg, "--reference") == 0)
        return LW_REF;
    return strcmp(arg, "--current") == 0 ? LW_CUR : -1;
}

static void split_arguments(int argc, char **argv, struct report_files *out) {
    int into = -1;
    out->rest[out->nrest++] = argv[0];
    for (int i = 1; i < argc; i++) {
        bool option = argv[i][0] == '-' && argv[i][1];
        char *equals = option ? strchr(argv[i], '=') : NULL;
        if (equals && strncmp(argv[i], "--reference=", 12) == 0)
            out->file[LW_REF][out->n[LW_REF]++] = equals + 1;
        else if (equals && strncmp(argv[i], "--current=", 10) == 0)
            out->file[LW_CUR][out->n[LW_CUR]++] = equals + 1;
        else if (option && side_of(argv[i]) >= 0)
            into = side_of(argv[i]);
        else if (!option && into >= 0)
            out->file[into][out->n[into]++] = argv[i];
        else {
            into = -1;
            out->rest[out->nrest++] = argv[i];
        }
    }
}

static int check_usage(const struct report_options *o, const struct report_files *lists,
                       int stray) {
    const struct lw_command *me = &lw_cmd_report;
    if (stray)
        return lw_cli_usage(me, "files must follow --reference or --current");
    if (o->window && (lists->n[LW_REF] || lists->n[LW_CUR] || o->model))
        return lw_cli_usage(
            me,
            "--window reads both sides from Redis and takes neither files nor --model");
    if (!o->window && (!lists->n[LW_REF] || !lists->n[LW_CUR]))
        return lw_cli_usage(me, "--reference A... and --current B... are required");
    if ((o->window || o->model) && !o->config)
        return lw_cli_usage(me, "--%s requires a configuration (-c FILE)",
                            o->window ? "window" : "model");
    if (!(o->alpha > 0 && o->alpha < 1))
        return lw_cli_usage(me, "--alpha must be between 0 and 1");
    return LW_EXIT_OK;
}

/* ---- running ---- */

static int read_report(struct lw_report *r, const struct report_options *o,
                       struct lw_err *err) {
    if (o->window)
        return lw_report_read_window(r, o->window, err);
    if (!r->config)
        return lw_report_read_plain(r, err);
    struct lw_model *model = o->model ? lw_input_model(r->config, o->model, err) : NULL;
    int rc = o->model && !model ? -1 : lw_report_read_configured(r, model, err);
    lw_model_free(model);
    return rc;
}

static int write_report(struct lw_report *r, const struct report_options *o,
                        struct lw_err *err) {
    if (o->json)
        lw_cli_print_json(lw_report_json(r));
    else
        lw_report_print(r, stdout);
    if (!o->out)
        return 0;
    struct lw_buf html = {0};
    lw_report_html(r, &html);
    int rc = lw_write_file(o->out, html.data, html.len, err);
    lw_buf_fini(&html);
    return rc;
}

static int report_run(const struct lw_config *config, const struct report_options *o,
                      struct report_files *lists) {
    struct lw_err err = {0};
    struct lw_report *r = lw_report_new(config);
    r->options.alpha = o->alpha;
    if (o->floor >= 0)
        r->options.floor_psi = o->floor;
    if (o->min_n >= 1)
        r->options.min_n = (uint64_t)o->min_n;
    for (int s = 0; s < LW_SIDES; s++) {
        r->side[s].files = lists->file[s];
        r->side[s].nfiles = lists->n[s];
    }
    int rc = read_report(r, o, &err);
    if (rc == 0) {
        lw_report_compare(r);
        rc = write_report(r, o, &err);
    }
    bool met = rc == 0 && lw_report_met(r);
    lw_report_free(r);
    if (rc)
        return lw_cli_fail(&lw_cmd_report, &err);
    return met ? LW_EXIT_CONDITION : LW_EXIT_OK;
}

static int report_with_config(struct report_options *o, struct report_files *lists,
                              int stray) {
    struct lw_config *config = NULL;
    if (o->config) {
        config = lw_cli_config(&lw_cmd_report, o->config);
        if (!config)
            return LW_EXIT_FAILED;
    }
    if (o->alpha < 0)
        o->alpha = config ? config->spec.drift.alpha : lw_drift_defaults().alpha;
    int rc = check_usage(o, lists, stray);
    if (rc == LW_EXIT_OK)
        rc = report_run(config, o, lists);
    lw_config_free(config);
    return rc;
}

static int report_main(int argc, char **argv) {
    struct report_options o = {.alpha = -1, .floor = -1};
    bool helped;
    const struct lw_option options[] = {
        {'c', LW_OPTION_TEXT, "config", &o.config},
        {'m', LW_OPTION_TEXT, "model", &o.model},
        {0, LW_OPTION_TEXT, "window", &o.window},
        {'o', LW_OPTION_TEXT, "output", &o.out},
        {0, LW_OPTION_NUMBER, "alpha", &o.alpha},
        {0, LW_OPTION_NUMBER, "floor", &o.floor},
        {0, LW_OPTION_COUNT, "min-n", &o.min_n},
        {0, LW_OPTION_FLAG, "json", &o.json},
    };
    char **room = lw_calloc(4 * (size_t)argc, sizeof *room);
    struct report_files lists = {.file = {room, room + argc}, .rest = room + 2 * argc};
    split_arguments(argc, argv, &lists);
    int n = lw_options_parse(&lw_cmd_report, LW_OPTIONS(options), lists.nrest, lists.rest,
                             room + 3 * argc, &helped);
    int rc = n < 0    ? LW_EXIT_USAGE
             : helped ? LW_EXIT_OK
                      : report_with_config(&o, &lists, n);
    free(room);
    return rc;
}

const struct lw_command lw_cmd_report = {
    "report",
    "--reference A... --current B... [OPTIONS]\n"
    "       leeway report --window NAME -c FILE [OPTIONS]",
    "Compare two sets of events and report drift",
    "      --reference A...  Avro files to compare with\n"
    "      --current B...    Avro files to examine\n"
    "      --window NAME     compare a window of the running stream with its champion's\n"
    "                        reference instead, both from Redis\n"
    "  -c, --config FILE     the stream's configuration; without it, columns are derived from\n"
    "                        the files' schema\n"
    "  -m, --model FILE      also report the model's error, by segment (requires -c)\n"
    "  -o, --output FILE     write a self-contained HTML report\n"
    "      --alpha P         significance level after correction over columns (default 0.01)\n"
    "      --floor PSI       smallest PSI that counts as drift\n"
    "      --min-n N         fewest values on each side to test a column (default 100)\n"
    "      --json            print one object on standard output instead of the table\n"
    "\n"
    "Exits with 3 if a column drifted, a data fault was found or the schema changed.\n",
    report_main};
