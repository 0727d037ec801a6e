/* model_tool DIR: fits models with every feature of the language on synthetic rows,
 * writes them to DIR as NAME.avro with their predictions as NAME.jsonl, and prints the
 * names. With XGBoost in the build, it adds a forest and a boosted model. model_reader.py reads them. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/text.h"
#include "base/time.h"
#include "model/fit.h"
#include "model/trees.h"

enum { T, A, B, S, X, Z, NFIELDS };
enum { ROWS = 2000 };

static const char *const names[NFIELDS] = {"t", "a", "b", "s", "x", "z"};

static const char *const linear[] = {"a",
                                     "a * b",
                                     "s * hour(t)",
                                     "weekday(t) * weekend(t)",
                                     "month(t)",
                                     "holiday(t, US) * a",
                                     "hour_of_week(t) * z",
                                     "x",
                                     "a * sqrt(x)",
                                     "log1p(x)",
                                     "square(z)",
                                     "abs(z)",
                                     "clip(z, -1, 1)",
                                     "zero(x)",
                                     "missing(z)",
                                     "missing(s) * x",
                                     "hinge(x, 5)",
                                     "same(a, b)",
                                     "impute(x, a, b) * z",
                                     "zero(x) * sqrt(impute(x, s))",
                                     "qbins(x, 6)",
                                     "bins(z, -1, 0.5) * b"};
static const char *const trees[] = {
    "a", "b", "hour(t)", "x", "z", "sqrt(x)", "impute(x, a)", "s", "holiday(t, US)"};

static void tool_die(const struct lw_err *err) {
    fprintf(stderr, "model_tool: %s\n", err->msg);
    exit(1);
}

static void make_row(struct lw_rng *rng, struct lw_cell *c, struct lw_row *row) {
    static const char *const words[] = {"", "east", "west", "\xC3\xBCst"};
    const char *word = words[lw_rng_below(rng, 4)];
    int64_t a = (int64_t)lw_rng_below(rng, 30) - 4, b = (int64_t)lw_rng_below(rng, 8);
    double x = lw_rng_below(rng, 6) ? lw_rng_unit(rng) * 12 : 0, z = lw_rng_normal(rng);
    c[T] = lw_cell_int((int64_t)lw_rng_below(rng, 400 * (uint64_t)LW_DAY));
    c[A] = lw_cell_int(a);
    c[B] = lw_cell_int(b);
    c[S] = lw_cell_text(word, strlen(word));
    c[X] = lw_cell_num(x);
    c[Z] = lw_cell_num(z);
    if (lw_rng_below(rng, 9) == 0)
        c[lw_rng_below(rng, NFIELDS)] = lw_cell_missing();
    *row = (struct lw_row){.cells = c, .time_ms = (int64_t)c[T].key};
    row->target = 3 + 0.3 * (double)a + x + z * (double)(b % 3) + lw_rng_normal(rng);
}

static void put_cell(FILE *out, int field, const struct lw_cell *cell) {
    fprintf(out, "%s\"%s\": ", field ? ", " : "", names[field]);
    if (!cell->present)
        fprintf(out, "null");
    else if (cell->text)
        fprintf(out, "\"%.*s\"", (int)cell->len, cell->text);
    else if (field == X || field == Z)
        fprintf(out, "%.17g", cell->num);
    else
        fprintf(out, "%" PRId64, (int64_t)cell->key);
}

/* Rows from the same source as the training rows, with some unseen categories. */
static void put_predictions(const struct lw_model *m, const char *path) {
    FILE *out = fopen(path, "w");
    struct lw_rng rng;
    lw_rng_seed(&rng, 2);
    for (int i = 0; out && i < ROWS; i++) {
        struct lw_cell cells[NFIELDS];
        struct lw_row row;
        make_row(&rng, cells, &row);
        fprintf(out, "{\"record\": {");
        for (int f = 0; f < NFIELDS; f++)
            put_cell(out, f, &cells[f]);
        fprintf(out, "}, \"prediction\": %.17g}\n", lw_model_predict(m, &row));
    }
    if (!out || fclose(out) != 0)
        exit(1);
}

static void put_model(const struct lw_model *m, const char *dir, const char *name) {
    char path[1024];
    struct lw_buf file = {0};
    struct lw_err err = {0};
    snprintf(path, sizeof path, "%s/%s.avro", dir, name);
    if (lw_model_encode(m, &file, &err) || lw_write_file(path, file.data, file.len, &err))
        tool_die(&err);
    snprintf(path, sizeof path, "%s/%s.jsonl", dir, name);
    put_predictions(m, path);
    lw_buf_fini(&file);
    puts(name);
}

static void take_terms(struct lw_plan *plan, const char *const *terms, size_t nterms,
                       struct lw_fit_spec *spec) {
    struct lw_err err = {0};
    for (size_t i = 0; i < nterms; i++) {
        int at = lw_plan_term(plan, terms[i], 1, i == 1 ? 3 : 0, &err);
        if (at < 0)
            tool_die(&err);
        spec->terms[spec->nterms++] = at;
    }
}

static struct lw_dataset *make_rows(const struct lw_plan *plan) {
    struct lw_dataset *ds = lw_dataset_new(plan);
    struct lw_rng rng;
    lw_rng_seed(&rng, 1);
    for (int i = 0; i < ROWS; i++) {
        struct lw_cell cells[NFIELDS];
        struct lw_row row;
        make_row(&rng, cells, &row);
        lw_dataset_add(ds, &row);
    }
    return ds;
}

static void model_run(const char *dir, const char *name, bool is_linear, bool is_trees) {
    static const enum lw_kind kinds[NFIELDS] = {LW_TIMESTAMP, LW_CATEGORY, LW_CATEGORY,
                                                LW_CATEGORY,  LW_NUMERIC,  LW_NUMERIC};
    struct lw_fields fields = {0};
    struct lw_err err = {0};
    struct lw_fit_spec base = {.kind = LW_FIT_RIDGE, .alpha = 1, .intercept = true};
    struct lw_fit_spec spec = {.kind = LW_FIT_TREES, .intercept = true};
    base.clip_lo = spec.clip_lo = 1;
    base.clip_hi = spec.clip_hi = INFINITY;
    spec.trees = (struct lw_tree_params){20, 4, 0.3, 1, 1, 1};
    lw_copy(base.name, sizeof base.name, name);
    lw_copy(spec.name, sizeof spec.name, name);
    for (int f = 0; f < NFIELDS; f++)
        lw_fields_add(&fields, names[f], kinds[f], false, &err);
    struct lw_plan *plan = lw_plan_new(&fields, NULL);
    struct lw_calendars calendars = {0};
    const char *days = "1970-01-10\n1970-02-03\n1970-02-04\n1970-12-25";
    lw_calendars_parse(&calendars, "US", days, strlen(days), "days", &err);
    lw_plan_set_calendars(plan, &calendars);
    if (is_linear)
        take_terms(plan, linear, sizeof linear / sizeof *linear, &base);
    if (is_trees)
        take_terms(plan, trees, sizeof trees / sizeof *trees, &spec);
    if (is_linear)
        spec.base = &base;
    struct lw_dataset *ds = make_rows(plan);
    struct lw_model *m = lw_fit(&(struct lw_fit_rows){.ds = ds, .end = ROWS},
                                is_trees ? &spec : &base, NULL, &err);
    if (!m)
        tool_die(&err);
    put_model(m, dir, name);
    lw_model_free(m);
    lw_dataset_free(ds);
    lw_plan_free(plan);
    lw_calendars_fini(&calendars);
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fputs("usage: model_tool DIR\n", stderr);
        return 2;
    }
    model_run(argv[1], "linear", true, false);
    if (!lw_trees_available())
        return 0;
    model_run(argv[1], "trees", false, true);
    model_run(argv[1], "boosted", true, true);
    return 0;
}
