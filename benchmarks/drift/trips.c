/* Two zones, distance, amount and duration of every trip of a file. */
#include "trips.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/time.h"
#include "event/decoder.h"
#include "event/file.h"

const struct lw_column trips_columns[TRIPS_COLUMNS] = {
    {.name = "PULocationID", .kind = LW_CATEGORY},
    {.name = "DOLocationID", .kind = LW_CATEGORY},
    {.name = "trip_distance", .kind = LW_NUMERIC, .lo = -INFINITY, .hi = INFINITY},
    {.name = "total_amount", .kind = LW_NUMERIC, .lo = -INFINITY, .hi = INFINITY},
    {.name = "duration", .kind = LW_NUMERIC, .lo = -INFINITY, .hi = INFINITY},
};

static void die(const struct lw_err *err) {
    fprintf(stderr, "bench_drift: %s\n", err->msg);
    exit(1);
}

static struct lw_fields fields(void) {
    struct lw_fields f = {0};
    lw_fields_add(&f, "PULocationID", LW_CATEGORY, true, NULL);
    lw_fields_add(&f, "DOLocationID", LW_CATEGORY, true, NULL);
    lw_fields_add(&f, "trip_distance", LW_NUMERIC, false, NULL);
    lw_fields_add(&f, "total_amount", LW_NUMERIC, false, NULL);
    lw_fields_add(&f, "lpep_pickup_datetime", LW_TIMESTAMP, true, NULL);
    lw_fields_add(&f, "lpep_dropoff_datetime", LW_TIMESTAMP, true, NULL);
    return f;
}

static void keep(struct trips *t, const struct lw_cell *cells) {
    if ((t->n & (t->n - 1)) == 0) {
        size_t cap = t->n ? 2 * t->n : 1024;
        t->cells = lw_realloc(t->cells, cap, TRIPS_COLUMNS * sizeof *t->cells);
        t->day = lw_realloc(t->day, cap, sizeof *t->day);
    }
    struct lw_cell *row = t->cells + t->n * TRIPS_COLUMNS;
    memcpy(row, cells, 4 * sizeof *row);
    row[4] = lw_cell_num((cells[5].num - cells[4].num) / (double)LW_MINUTE);
    t->day[t->n++] = (int)floor(cells[4].num / (double)LW_DAY);
}

struct trips trips_load(const char *path) {
    struct lw_err err = {0};
    struct lw_fields f = fields();
    struct lw_cell cells[6];
    struct trips t = {0};
    struct lw_file *file = lw_file_open(path, &err);
    if (!file)
        die(&err);
    const char *json = lw_file_schema_json(file);
    struct lw_schema *schema = lw_schema_parse(json, strlen(json), &err);
    struct lw_decoder *d = schema ? lw_decoder_new_avro(schema, schema, &f, &err) : NULL;
    if (!d)
        die(&err);
    const uint8_t *data;
    size_t len;
    int more;
    while ((more = lw_file_next(file, &data, &len, &err)) == 1) {
        if (lw_decoder_decode_bytes(d, data, len, cells, &err) != 0)
            die(&err);
        keep(&t, cells);
    }
    if (more < 0)
        die(&err);
    lw_decoder_free(d);
    lw_schema_free(schema);
    lw_file_close(file);
    return t;
}

void trips_free(struct trips *t) {
    free(t->cells);
    free(t->day);
}

struct lw_profile *trips_profile(const struct trips *t, const size_t *order, size_t from,
                                 size_t n, uint64_t seed) {
    struct lw_profile *p = lw_profile_new(trips_columns, TRIPS_COLUMNS, seed);
    for (size_t i = from; i < from + n; i++)
        lw_profile_add(p, t->cells + (order ? order[i] : i) * TRIPS_COLUMNS);
    return p;
}
