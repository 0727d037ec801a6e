/* leeway train --table: fits seven baseline models and compares their RMSE.
 *
 * The models are fitted on two feature sets of raw columns, one-hot (A, B, x) and crossed
 * (A_B, x), and measured on the fitted and on later rows. To be comparable with a
 * notebook, `valid:` and clips are ignored; only the target's range applies. Penalties are
 * scikit-learn's: lasso minimises |y - Xb|^2 / 2n + alpha |b|_1, ridge
 * |y - Xb|^2 + alpha |b|^2, without a penalty on the intercept. A level that occurs only
 * in LATER counts 0.
 *
 * Least squares is the exact minimum (of minimum norm if columns are dependent), which an
 * iterative solver on sparse rows only approaches. */
#include "cli/train_table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "cli/input.h"
#include "cli/progress.h"
#include "model/fit.h"

#define CATEGORIES_MAX 6

static const struct {
    const char *name;
    enum lw_fit_kind kind;
    double alpha;
} models[] = {
    {"LinearRegression", LW_FIT_OLS, 0},  {"Lasso 0.1", LW_FIT_LASSO, 0.1},
    {"Lasso 0.01", LW_FIT_LASSO, 0.01},   {"Lasso 0.001", LW_FIT_LASSO, 0.001},
    {"Ridge 0.1", LW_FIT_RIDGE, 0.1},     {"Ridge 0.01", LW_FIT_RIDGE, 0.01},
    {"Ridge 0.001", LW_FIT_RIDGE, 0.001},
};
#define MODELS (sizeof models / sizeof *models)

struct table_features {
    char name[LW_NAME_MAX * 3];
    int terms[CATEGORIES_MAX * CATEGORIES_MAX];
    size_t nterms;
};

struct table_cell { /* of the table: one fit */
    double train, later;
    size_t columns, dropped;
    int iterations;
};

struct baseline_table {
    const struct lw_config *config;
    struct lw_plan *plan;
    const char *category[CATEGORIES_MAX], *number;
    size_t ncategories, nsets;
    char *columns; /* text of --columns, split at commas */
    struct table_features set[2];
    struct table_cell cell[2][MODELS];
    struct lw_dataset *train, *later;
};

/* ---- columns ---- */

static int take_column(struct baseline_table *t, const char *name, struct lw_err *err) {
    const struct lw_fields *fields = &t->config->spec.event.fields;
    const char *names[LW_FIELDS_MAX];
    int at = lw_fields_find(fields, name);
    for (size_t i = 0; i < fields->n; i++)
        names[i] = fields->field[i].name;
    if (at < 0) {
        const char *near = lw_nearest(name, names, fields->n);
        return lw_fail(err, LW_ECONFIG, "--columns: unknown field \"%s\"%s%s%s", name,
                       near ? "; did you mean \"" : "", near ? near : "",
                       near ? "\"?" : "");
    }
    const struct lw_field *field = &fields->field[at];
    if (field->kind == LW_CATEGORY && t->ncategories < CATEGORIES_MAX)
        t->category[t->ncategories++] = field->name;
    else if (field->kind == LW_NUMERIC && !t->number)
        t->number = field->name;
    else
        return lw_fail(
            err, LW_ECONFIG,
            "--columns: \"%s\" is a %s field; use up to %d categories and one number",
            name, lw_kind_name(field->kind), CATEGORIES_MAX);
    return 0;
}

/* The features that are plain fields. */
static void default_columns(struct baseline_table *t) {
    const struct lw_spec *spec = &t->config->spec;
    for (size_t i = 0; i < spec->nfeatures; i++) {
        const char *text = lw_plan_atom_text(spec->watch, (size_t)spec->feature_atom[i]);
        int field = lw_fields_find(&spec->event.fields, text);
        if (field < 0)
            continue;
        const char *name = spec->event.fields.field[field].name;
        if (spec->feature[i].kind == LW_CATEGORY && t->ncategories < CATEGORIES_MAX)
            t->category[t->ncategories++] = name;
        else if (spec->feature[i].kind == LW_NUMERIC && !t->number)
            t->number = name;
    }
}

static int choose_columns(struct baseline_table *t, const char *columns,
                          struct lw_err *err) {
    if (!columns) {
        default_columns(t);
    } else {
        char *rest = NULL;
        t->columns = lw_strdup(columns);
        for (char *name = strtok_r(t->columns, ", ", &rest); name;
             name = strtok_r(NULL, ", ", &rest))
            if (take_column(t, name, err))
                return -1;
    }
    if (t->ncategories == 0 && !t->number)
        return lw_fail(err, LW_ECONFIG,
                       "no feature of the configuration is a plain field; name columns "
                       "with --columns A,B,X");
    return 0;
}

/* ---- feature sets ---- */

static int add_term(struct baseline_table *t, struct table_features *set,
                    const char *text, struct lw_err *err) {
    int at = lw_plan_term(t->plan, text, 1, 0, err);
    set->terms[set->nterms++] = at;
    return at < 0 ? -1 : 0;
}

static void append_name(struct table_features *set, const char *separator,
                        const char *text) {
    size_t len = strlen(set->name);
    snprintf(set->name + len, sizeof set->name - len, "%s%s", len ? separator : "", text);
}

static int add_number(struct baseline_table *t, struct table_features *set,
                      struct lw_err *err) {
    if (!t->number)
        return 0;
    append_name(set, ", ", t->number);
    return add_term(t, set, t->number, err);
}

static int separate_set(struct baseline_table *t, struct lw_err *err) {
    struct table_features *set = &t->set[t->nsets++];
    for (size_t i = 0; i < t->ncategories; i++) {
        append_name(set, ", ", t->category[i]);
        if (add_term(t, set, t->category[i], err))
            return -1;
    }
    return add_number(t, set, err);
}

static int crossed_set(struct baseline_table *t, struct lw_err *err) {
    struct table_features *set = &t->set[t->nsets++];
    char text[2 * LW_NAME_MAX + 8];
    for (size_t i = 0; i < t->ncategories; i++)
        for (size_t j = i + 1; j < t->ncategories; j++) {
            snprintf(text, sizeof text, "%s_%s", t->category[i], t->category[j]);
            append_name(set, ", ", text);
            snprintf(text, sizeof text, "%s * %s", t->category[i], t->category[j]);
            if (add_term(t, set, text, err))
                return -1;
        }
    return add_number(t, set, err);
}

static int make_sets(struct baseline_table *t, struct lw_err *err) {
    const struct lw_config *config = t->config;
    t->plan = lw_spec_plan(&config->spec);
    lw_plan_set_zone_name(t->plan, config->names.time_zone);
    if (separate_set(t, err))
        return -1;
    return t->ncategories > 1 ? crossed_set(t, err) : 0;
}

/* ---- rows ---- */

struct table_reading {
    const struct lw_event_spec *event;
    struct lw_dataset *rows;
    int64_t until_ms;
};

static int add_row(void *arg, const struct lw_feed_event *e, struct lw_err *err) {
    struct table_reading *in = arg;
    (void)err;
    bool good = e->reason == LW_GOOD || e->reason >= LW_REJECTED_CHECK;
    if (good && e->row.time_ms < in->until_ms)
        lw_dataset_add(in->rows, &e->row);
    return 0;
}

static struct lw_dataset *read_rows(struct baseline_table *t, char **files, size_t n,
                                    int64_t until_ms, struct lw_err *err) {
    struct lw_input_tally tally = {0};
    struct table_reading in = {.event = &t->config->spec.event,
                               .rows = lw_dataset_new(t->plan),
                               .until_ms = until_ms};
    struct lw_input reader = {
        .paths = files, .n = n, .what = "reading", .take = add_row, .arg = &in};
    int rc = lw_input_read(t->config, &reader, &tally, err);
    if (rc == 0 && lw_dataset_rows(in.rows) < 2)
        rc = lw_fail(err, LW_EINPUT, "%s: only %zu rows have a target in range", files[0],
                     lw_dataset_rows(in.rows));
    if (rc == 0)
        return in.rows;
    lw_dataset_free(in.rows);
    return NULL;
}

/* ---- fits ---- */

static double rmse_of(const struct lw_model *model, const struct lw_dataset *ds) {
    size_t n = lw_dataset_rows(ds);
    double *predicted = lw_malloc(n * sizeof *predicted), sum = 0;
    lw_model_predict_rows(model, ds, 0, n, predicted);
    for (size_t i = 0; i < n; i++) {
        double e = predicted[i] - lw_dataset_target(ds, i);
        sum += e * e;
    }
    free(predicted);
    return sqrt(sum / (double)n);
}

static int fit_cell(struct baseline_table *t, const struct table_features *set,
                    size_t model, struct table_cell *cell, struct lw_err *err) {
    struct lw_fit_report report = {0};
    struct lw_fit_spec spec = {.kind = models[model].kind,
                               .alpha = models[model].alpha,
                               .nterms = set->nterms,
                               .intercept = true,
                               .clip_lo = -INFINITY,
                               .clip_hi = INFINITY};
    lw_copy(spec.name, sizeof spec.name, models[model].name);
    memcpy(spec.terms, set->terms, set->nterms * sizeof *set->terms);
    struct lw_fit_rows rows = {.ds = t->train, .end = lw_dataset_rows(t->train)};
    struct lw_model *m = lw_fit(&rows, &spec, &report, err);
    if (!m)
        return lw_err_context(err, "%s on %s", models[model].name, set->name);
    *cell = (struct table_cell){.train = rmse_of(m, t->train),
                                .later = t->later ? rmse_of(m, t->later) : NAN,
                                .columns = report.columns,
                                .dropped = report.rank_deficient,
                                .iterations = report.iterations};
    lw_model_free(m);
    return 0;
}

static int fit_all(struct baseline_table *t, struct lw_err *err) {
    struct lw_progress progress;
    size_t all = t->nsets * MODELS;
    int rc = 0;
    lw_progress_start(&progress, "fitting");
    for (size_t s = 0; s < t->nsets && rc == 0; s++)
        for (size_t m = 0; m < MODELS && rc == 0; m++) {
            size_t done = s * MODELS + m;
            lw_progress_at(&progress, (double)done / (double)all, done);
            rc = fit_cell(t, &t->set[s], m, &t->cell[s][m], err);
        }
    lw_progress_end(&progress);
    return rc;
}

/* ---- output ---- */

static void print_cell(const struct baseline_table *t, double train, double later) {
    printf(" %9s", lw_digits(train, 4).text);
    if (t->later)
        printf(" / %7s", lw_digits(later, 4).text);
}

static void print_table(const struct baseline_table *t) {
    char count[32];
    printf("train %s rows",
           lw_format_count(count, sizeof count, lw_dataset_rows(t->train)));
    if (t->later)
        printf(", later %s rows",
               lw_format_count(count, sizeof count, lw_dataset_rows(t->later)));
    printf("; RMSE on train%s\n", t->later ? " / on later" : "");
    for (size_t s = 0; s < t->nsets; s++) {
        printf("\n  %s one-hot (%zu columns)\n", t->set[s].name, t->cell[s][0].columns);
        for (size_t m = 0; m < MODELS; m++) {
            printf("    %-18s", models[m].name);
            print_cell(t, t->cell[s][m].train, t->cell[s][m].later);
            printf("\n");
        }
    }
}

static json_t *cell_json(const struct baseline_table *t, size_t s, size_t m) {
    const struct table_cell *cell = &t->cell[s][m];
    json_t *o = json_object();
    lw_json_set_text(o, "model", models[m].name);
    lw_json_set_text(o, "kind", lw_fit_kind_name(models[m].kind));
    lw_json_set_number(o, "alpha", models[m].alpha);
    lw_json_set_number(o, "train_rmse", cell->train);
    lw_json_set_number(o, "later_rmse", cell->later);
    lw_json_set_count(o, "columns", cell->columns);
    lw_json_set_count(o, "dropped_columns", cell->dropped);
    lw_json_set_int(o, "sweeps", cell->iterations);
    return o;
}

static void print_table_json(const struct baseline_table *t) {
    json_t *o = json_object(), *sets = json_array();
    lw_json_set_count(o, "train_rows", lw_dataset_rows(t->train));
    lw_json_set(o, "later_rows",
                t->later ? json_integer((json_int_t)lw_dataset_rows(t->later)) : NULL);
    for (size_t s = 0; s < t->nsets; s++) {
        json_t *set = json_object(), *fits = json_array();
        lw_json_set_text(set, "features", t->set[s].name);
        for (size_t m = 0; m < MODELS; m++)
            json_array_append_new(fits, cell_json(t, s, m));
        lw_json_set(set, "fits", fits);
        json_array_append_new(sets, set);
    }
    lw_json_set(o, "table", sets);
    lw_cli_print_json(o);
}

static int table_fill(struct baseline_table *t,
                      const struct lw_train_table_options *options, char **files,
                      size_t n, struct lw_err *err) {
    char *later = options->later ? lw_strdup(options->later) : NULL;
    int rc = choose_columns(t, options->columns, err);
    if (rc == 0)
        rc = make_sets(t, err);
    if (rc == 0 && !(t->train = read_rows(t, files, n, options->until_ms, err)))
        rc = -1;
    if (rc == 0 && later && !(t->later = read_rows(t, &later, 1, INT64_MAX, err)))
        rc = -1;
    free(later);
    return rc ? rc : fit_all(t, err);
}

int lw_train_table(const struct lw_config *config,
                   const struct lw_train_table_options *options, char **files, size_t n,
                   struct lw_err *err) {
    struct baseline_table *t = lw_calloc(1, sizeof *t);
    t->config = config;
    int rc = table_fill(t, options, files, n, err);
    if (rc == 0)
        (options->json ? print_table_json : print_table)(t);
    lw_dataset_free(t->train);
    lw_dataset_free(t->later);
    lw_plan_free(t->plan);
    free(t->columns);
    free(t);
    return rc;
}
