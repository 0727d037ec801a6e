/* bench_model --score MODEL.avro LATER.avro: for each line on standard input, scores the
 * later file once, row by row, and prints the nanoseconds per row. compare.py alternates
 * these passes with the peer's.
 *
 * bench_model DIR COPIES LATER.avro TRAIN.avro...: fits every cell of the comparison on
 * the training files (repeated COPIES times, for more rows), scores the later file, and
 * prints one JSON object per line. Models go to DIR for compare.py, which runs
 * scikit-learn and XGBoost on the same rows. Filter: 1 to 60 minutes, trip_distance < 50.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "event/decoder.h"
#include "event/file.h"
#include "model/cost.h"
#include "model/fit.h"
#include "model/trees.h"

enum { PU, DO, DISTANCE, PICKUP, DROPOFF, NFIELDS };

static const char *const pair[] = {"PULocationID * DOLocationID", "trip_distance"};
static const char *const zones[] = {"PULocationID", "DOLocationID",
                                    "PULocationID * DOLocationID", "trip_distance"};
static const char *const rich[] = {"PULocationID",
                                   "DOLocationID",
                                   "PULocationID * DOLocationID",
                                   "trip_distance",
                                   "hour(lpep_pickup_datetime)",
                                   "weekday(lpep_pickup_datetime)"};
static const char *const raw[] = {"PULocationID", "DOLocationID", "trip_distance",
                                  "hour(lpep_pickup_datetime)",
                                  "weekday(lpep_pickup_datetime)"};
static const char *const taxi[] = {
    "PULocationID",
    "DOLocationID",
    "PULocationID * DOLocationID",
    "trip_distance",
    "sqrt(trip_distance)",
    "log1p(trip_distance)",
    "zero(trip_distance)",
    "hour(lpep_pickup_datetime) * weekend(lpep_pickup_datetime)",
    "weekday(lpep_pickup_datetime)"};

struct cell {
    const char *name;
    const char *const *terms;
    size_t nterms;
    enum lw_fit_kind kind;
    double alpha;
};
#define TERMS(list) list, sizeof list / sizeof *list
static const struct cell cells[] = {
    {"pair-ols", TERMS(pair), LW_FIT_OLS, 0},
    {"pair-ridge", TERMS(pair), LW_FIT_RIDGE, 1},
    {"pair-lasso", TERMS(pair), LW_FIT_LASSO, 0.001},
    {"zones-ols", TERMS(zones), LW_FIT_OLS, 0},
    {"zones-ridge", TERMS(zones), LW_FIT_RIDGE, 1},
    {"zones-lasso", TERMS(zones), LW_FIT_LASSO, 0.001},
    {"rich-ols", TERMS(rich), LW_FIT_OLS, 0},
    {"rich-ridge", TERMS(rich), LW_FIT_RIDGE, 1},
    {"rich-lasso", TERMS(rich), LW_FIT_LASSO, 0.001},
    {"taxi-ridge", TERMS(taxi), LW_FIT_RIDGE, 1},
    {"raw-trees", TERMS(raw), LW_FIT_TREES, 0},
    {"boosted", TERMS(raw), LW_FIT_TREES, 0}, /* the same trees on taxi-ridge */
};
#define TAXI    9
#define BOOSTED 11

#define LW_MODEL_FILE_MAX ((size_t)64 << 20)

static void bench_die(const struct lw_err *err) {
    fprintf(stderr, "bench_model: %s\n", err->msg);
    exit(1);
}

static void make_fields(struct lw_fields *f) {
    *f = (struct lw_fields){0};
    lw_fields_add(f, "PULocationID", LW_CATEGORY, true, NULL);
    lw_fields_add(f, "DOLocationID", LW_CATEGORY, true, NULL);
    lw_fields_add(f, "trip_distance", LW_NUMERIC, false, NULL);
    lw_fields_add(f, "lpep_pickup_datetime", LW_TIMESTAMP, true, NULL);
    lw_fields_add(f, "lpep_dropoff_datetime", LW_TIMESTAMP, true, NULL);
}

/* Good trips of a file, as cells. */
struct trips {
    size_t n;
    struct lw_cell *cell;
};

static void trips_add(struct trips *t, const struct lw_cell *c) {
    double y = (c[DROPOFF].num - c[PICKUP].num) / (double)LW_MINUTE;
    if (!(y >= 1 && y <= 60 && c[DISTANCE].num < 50))
        return;
    if ((t->n & (t->n - 1)) == 0)
        t->cell = lw_realloc(t->cell, t->n ? 2 * t->n : 1024, NFIELDS * sizeof *t->cell);
    memcpy(t->cell + t->n++ * NFIELDS, c, NFIELDS * sizeof *c);
}

static void trips_load(const char *path, const struct lw_fields *fields,
                       struct trips *t) {
    struct lw_err err = {0};
    struct lw_cell c[NFIELDS];
    struct lw_file *file = lw_file_open(path, &err);
    if (!file)
        bench_die(&err);
    const char *json = lw_file_schema_json(file);
    struct lw_schema *schema = lw_schema_parse(json, strlen(json), &err);
    struct lw_decoder *d =
        schema ? lw_decoder_new_avro(schema, schema, fields, &err) : NULL;
    if (!d)
        bench_die(&err);
    const uint8_t *data;
    size_t len;
    int more;
    while ((more = lw_file_next(file, &data, &len, &err)) == 1) {
        if (lw_decoder_decode_bytes(d, data, len, c, &err))
            bench_die(&err);
        trips_add(t, c);
    }
    if (more < 0)
        bench_die(&err);
    lw_decoder_free(d);
    lw_schema_free(schema);
    lw_file_close(file);
}

static void dataset_fill(struct lw_dataset *ds, const struct trips *t, int copies) {
    for (int k = 0; k < copies; k++)
        for (size_t i = 0; i < t->n; i++) {
            const struct lw_cell *c = t->cell + i * NFIELDS;
            struct lw_row row = {.cells = c, .time_ms = (int64_t)c[DROPOFF].key};
            row.target = (c[DROPOFF].num - c[PICKUP].num) / (double)LW_MINUTE;
            lw_dataset_add(ds, &row);
        }
}

static double model_rmse(const struct lw_model *m, const struct trips *t) {
    double sum = 0;
    for (size_t i = 0; i < t->n; i++) {
        const struct lw_cell *c = t->cell + i * NFIELDS;
        struct lw_row row = {.cells = c};
        double y = (c[DROPOFF].num - c[PICKUP].num) / (double)LW_MINUTE;
        sum += pow(lw_model_predict(m, &row) - y, 2);
    }
    return sqrt(sum / (double)t->n);
}

/* Millions of rows per second, best of five passes. */
static double model_speed(const struct lw_model *m, const struct trips *t) {
    double best = 0, sum = 0;
    for (int pass = 0; pass < 5; pass++) {
        int64_t begin = lw_mono_us();
        for (size_t i = 0; i < t->n; i++) {
            struct lw_row row = {.cells = t->cell + i * NFIELDS};
            sum += lw_model_predict(m, &row);
        }
        double rate = (double)t->n / (double)(lw_mono_us() - begin);
        best = rate > best ? rate : best;
    }
    return isfinite(sum) ? best : 0;
}

static void model_save(const struct lw_model *m, const char *dir, const char *name) {
    char path[1024];
    struct lw_buf file = {0};
    struct lw_err err = {0};
    snprintf(path, sizeof path, "%s/%s.avro", dir, name);
    if (lw_model_encode(m, &file, &err) || lw_write_file(path, file.data, file.len, &err))
        bench_die(&err);
    lw_buf_fini(&file);
}

static struct lw_fit_spec spec_of(const struct cell *cell, struct lw_plan *plan) {
    struct lw_err err = {0};
    struct lw_fit_spec spec = {.kind = cell->kind, .alpha = cell->alpha, .l1_ratio = 1};
    spec.intercept = true;
    spec.clip_lo = -INFINITY;
    spec.clip_hi = INFINITY;
    spec.trees = (struct lw_tree_params){100, 6, 0.3, 1, 1, 1};
    lw_copy(spec.name, sizeof spec.name, cell->name);
    for (size_t i = 0; i < cell->nterms; i++) {
        int at = lw_plan_term(plan, cell->terms[i], 1, 0, &err);
        if (at < 0)
            bench_die(&err);
        spec.terms[spec.nterms++] = at;
    }
    return spec;
}

static void cell_run(const struct cell *cell, const struct lw_dataset *ds,
                     const struct lw_fit_spec *spec, const struct trips *later,
                     const char *dir) {
    struct lw_err err = {0};
    struct lw_fit_report report = {0};
    struct lw_model *m = NULL;
    double best = INFINITY;
    for (int pass = 0; pass < 3; pass++) {
        lw_model_free(m);
        int64_t begin = lw_mono_us();
        m = lw_fit(&(struct lw_fit_rows){.ds = ds, .end = lw_dataset_rows(ds)}, spec,
                   &report, &err);
        double seconds = (double)(lw_mono_us() - begin) / 1e6;
        if (!m)
            bench_die(&err);
        best = seconds < best ? seconds : best;
    }
    model_save(m, dir, cell->name);
    printf("{\"cell\": \"%s\", \"rows\": %zu, \"columns\": %zu, \"seconds\": %.6f, "
           "\"train\": %.9f, \"later\": %.9f, \"million_a_second\": %.3f, "
           "\"estimated_ns\": %.0f}\n",
           cell->name, report.rows, report.columns, best, report.train_rmse,
           model_rmse(m, later), model_speed(m, later), lw_cost_predict_us(m) * 1e3);
    lw_model_free(m);
}

static double from_file_to_model(char **paths, int n, const struct lw_fields *fields,
                                 const struct cell *cell) {
    struct lw_err err = {0};
    struct trips t = {0};
    int64_t begin = lw_mono_us();
    struct lw_plan *plan = lw_plan_new(fields, NULL);
    struct lw_fit_spec spec = spec_of(cell, plan);
    struct lw_dataset *ds = lw_dataset_new(plan);
    for (int i = 0; i < n; i++)
        trips_load(paths[i], fields, &t);
    dataset_fill(ds, &t, 1);
    struct lw_model *m = lw_fit(
        &(struct lw_fit_rows){.ds = ds, .end = lw_dataset_rows(ds)}, &spec, NULL, &err);
    double seconds = (double)(lw_mono_us() - begin) / 1e6;
    if (!m)
        bench_die(&err);
    lw_model_free(m);
    lw_dataset_free(ds);
    lw_plan_free(plan);
    free(t.cell);
    return seconds;
}

/* Of the process, in nanoseconds: other work on the machine does not count. */
static double cpu_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static int score_passes(const char *model, const char *later) {
    struct lw_fields fields;
    struct lw_err err = {0};
    struct trips t = {0};
    size_t len;
    char line[8];
    double sum = 0;
    make_fields(&fields);
    trips_load(later, &fields, &t);
    char *bytes = lw_read_file(model, LW_MODEL_FILE_MAX, &len, &err);
    struct lw_model *m = bytes ? lw_model_decode(bytes, len, &err) : NULL;
    if (!m || lw_model_bind(m, &fields, &err))
        bench_die(&err);
    while (fgets(line, sizeof line, stdin)) {
        double begin = cpu_ns();
        for (size_t i = 0; i < t.n; i++) {
            struct lw_row row = {.cells = t.cell + i * NFIELDS};
            sum += lw_model_predict(m, &row);
        }
        printf("%.2f\n", (cpu_ns() - begin) / (double)t.n);
        fflush(stdout);
    }
    free(bytes);
    free(t.cell);
    lw_model_free(m);
    return isfinite(sum) ? 0 : 1;
}

int main(int argc, char **argv) {
    struct lw_fields fields;
    struct trips train = {0}, later = {0};
    struct lw_fit_spec specs[sizeof cells / sizeof *cells];
    size_t ncells = sizeof cells / sizeof *cells;
    if (argc == 4 && strcmp(argv[1], "--score") == 0)
        return score_passes(argv[2], argv[3]);
    if (argc < 5) {
        fputs("usage: bench_model DIR COPIES LATER.avro TRAIN.avro...\n", stderr);
        return 2;
    }
    make_fields(&fields);
    struct lw_plan *plan = lw_plan_new(&fields, NULL);
    for (size_t i = 0; i < ncells; i++)
        specs[i] = spec_of(&cells[i], plan);
    specs[BOOSTED].base = &specs[TAXI];
    for (int i = 4; i < argc; i++)
        trips_load(argv[i], &fields, &train);
    struct lw_dataset *ds = lw_dataset_new(plan);
    dataset_fill(ds, &train, atoi(argv[2]));
    free(train.cell);
    trips_load(argv[3], &fields, &later);
    for (size_t i = 0; i < ncells; i++)
        if (cells[i].kind != LW_FIT_TREES || lw_trees_available())
            cell_run(&cells[i], ds, &specs[i], &later, argv[1]);
    double whole = from_file_to_model(argv + 4, argc - 4, &fields, &cells[7]);
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    printf("{\"from_file\": %.6f, \"dataset_mb\": %.1f, \"peak_mb\": %.1f}\n", whole,
           (double)lw_dataset_bytes(ds) / 1e6, (double)used.ru_maxrss / 1e3);
    free(later.cell);
    lw_dataset_free(ds);
    lw_plan_free(plan);
    return 0;
}
