/* Decoding real trips: our plan against libavro's generic reader.
 *
 *   bench_decode [FILE.avro]       default: the sample of the tests
 *
 * The file's records are loaded as bytes first; then each contestant decodes all of them
 * several times over and its best pass counts, so that a busy machine disturbs least.
 * Both hand out the same ten fields (two times, four categories, four numbers) and the
 * sums over them are compared. libavro reuses its reader and its value, and finds fields
 * by index: as fast as it can be asked to be. */
#include <avro.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/time.h"
#include "event/decoder.h"
#include "event/file.h"

#define PASSES     9
#define LEAST_ROWS 300000 /* a pass, repeating a small file */

static const struct {
    const char *name;
    enum lw_kind kind;
} wanted[] = {{"lpep_pickup_datetime", LW_TIMESTAMP},
              {"lpep_dropoff_datetime", LW_TIMESTAMP},
              {"VendorID", LW_CATEGORY},
              {"RatecodeID", LW_CATEGORY},
              {"PULocationID", LW_CATEGORY},
              {"DOLocationID", LW_CATEGORY},
              {"passenger_count", LW_NUMERIC},
              {"trip_distance", LW_NUMERIC},
              {"fare_amount", LW_NUMERIC},
              {"total_amount", LW_NUMERIC}};
#define NWANTED (sizeof wanted / sizeof *wanted)

struct rows {
    struct lw_buf bytes;
    size_t *start; /* n + 1 */
    size_t n;
    char *schema;
};

struct libavro {
    avro_reader_t reader;
    avro_value_t value;
    size_t index[NWANTED];
};

static void die(const struct lw_err *err) {
    fprintf(stderr, "bench_decode: %s\n", err->msg);
    exit(1);
}

static struct rows load(const char *path) {
    struct lw_err err = {0};
    struct rows rows = {0};
    const uint8_t *data;
    size_t len, cap = 1024;
    struct lw_file *file = lw_file_open(path, &err);
    if (!file)
        die(&err);
    rows.schema = lw_strdup(lw_file_schema_json(file));
    rows.start = lw_calloc(cap + 1, sizeof *rows.start);
    int rc;
    while ((rc = lw_file_next(file, &data, &len, &err)) == 1) {
        if (rows.n == cap) {
            cap *= 2;
            rows.start = lw_realloc(rows.start, cap + 1, sizeof *rows.start);
        }
        lw_buf_put(&rows.bytes, data, len);
        rows.start[++rows.n] = rows.bytes.len;
    }
    if (rc < 0)
        die(&err);
    lw_file_close(file);
    return rows;
}

static double decode_ours(const struct lw_decoder *d, const struct rows *rows) {
    struct lw_cell cells[NWANTED];
    struct lw_err err = {0};
    double sum = 0;
    for (size_t i = 0; i < rows->n; i++) {
        if (lw_decoder_decode_bytes(d, rows->bytes.data + rows->start[i],
                                    rows->start[i + 1] - rows->start[i], cells, &err) < 0)
            die(&err);
        for (size_t k = 0; k < NWANTED; k++)
            sum += cells[k].present ? cells[k].num : 0;
    }
    return sum;
}

static double number_of(avro_value_t *field) {
    avro_value_t branch = *field;
    int32_t i = 0;
    int64_t l = 0;
    double d = 0;
    if (avro_value_get_type(field) == AVRO_UNION)
        avro_value_get_current_branch(field, &branch);
    switch (avro_value_get_type(&branch)) {
    case AVRO_INT32:
        avro_value_get_int(&branch, &i);
        return i;
    case AVRO_INT64:
        avro_value_get_long(&branch, &l);
        return (double)l;
    case AVRO_DOUBLE:
        avro_value_get_double(&branch, &d);
        return d;
    default:
        return 0;
    }
}

static double decode_libavro(struct libavro *a, const struct rows *rows) {
    double sum = 0;
    for (size_t i = 0; i < rows->n; i++) {
        avro_reader_memory_set_source(a->reader,
                                      (const char *)rows->bytes.data + rows->start[i],
                                      (int64_t)(rows->start[i + 1] - rows->start[i]));
        if (avro_value_read(a->reader, &a->value) != 0) {
            fprintf(stderr, "libavro: %s\n", avro_strerror());
            exit(1);
        }
        for (size_t k = 0; k < NWANTED; k++) {
            avro_value_t field = {0};
            avro_value_get_by_index(&a->value, a->index[k], &field, NULL);
            sum += number_of(&field);
        }
    }
    return sum;
}

static struct libavro libavro_of(const char *json) {
    struct libavro a;
    avro_schema_t schema;
    if (avro_schema_from_json_length(json, strlen(json), &schema) != 0)
        exit(1);
    avro_value_iface_t *iface = avro_generic_class_from_schema(schema);
    avro_generic_value_new(iface, &a.value);
    avro_value_iface_decref(iface);
    a.reader = avro_reader_memory("", 0);
    for (size_t k = 0; k < NWANTED; k++) {
        avro_value_t field = {0};
        avro_value_get_by_name(&a.value, wanted[k].name, &field, &a.index[k]);
    }
    avro_schema_decref(schema);
    return a;
}

static struct lw_decoder *ours_of(const char *json) {
    struct lw_err err = {0};
    struct lw_fields fields = {0};
    for (size_t k = 0; k < NWANTED; k++)
        lw_fields_add(&fields, wanted[k].name, wanted[k].kind, false, &err);
    struct lw_schema *schema = lw_schema_parse(json, strlen(json), &err);
    struct lw_decoder *d =
        schema ? lw_decoder_new_avro(schema, schema, &fields, &err) : NULL;
    if (!d)
        die(&err);
    lw_schema_free(schema);
    return d;
}

/* Nanoseconds a record of the best pass of one contestant; the sum must not differ. */
struct result {
    double ns, sum;
};

static void keep_best(struct result *best, int64_t us, size_t records, double sum) {
    double ns = 1e3 * (double)us / (double)records;
    best->ns = best->ns == 0 || ns < best->ns ? ns : best->ns;
    best->sum = sum;
}

int main(int argc, char **argv) {
    const char *path =
        argc > 1 ? argv[1] : LW_SOURCE_DIR "/tests/data/event/green_sample.avro";
    struct rows rows = load(path);
    struct lw_decoder *ours = ours_of(rows.schema);
    struct libavro libavro = libavro_of(rows.schema);
    struct result a = {0}, b = {0};
    size_t repeat = 1 + LEAST_ROWS / rows.n;
    for (int pass = 0; pass < PASSES; pass++) {
        double sum = 0;
        int64_t t0 = lw_mono_us();
        for (size_t r = 0; r < repeat; r++)
            sum += decode_ours(ours, &rows);
        int64_t t1 = lw_mono_us();
        keep_best(&a, t1 - t0, repeat * rows.n, sum);
        sum = 0;
        for (size_t r = 0; r < repeat; r++)
            sum += decode_libavro(&libavro, &rows);
        keep_best(&b, lw_mono_us() - t1, repeat * rows.n, sum);
    }
    printf("records %zu, %zu bytes, %zu fields of 16\n", rows.n, rows.bytes.len, NWANTED);
    printf("leeway   %7.1f ns/record  %6.2f M/s\n", a.ns, 1e3 / a.ns);
    printf("libavro  %7.1f ns/record  %6.2f M/s\n", b.ns, 1e3 / b.ns);
    printf("ratio    %7.2f\n", b.ns / a.ns);
    if (a.sum != b.sum) {
        fprintf(stderr, "bench_decode: the sums differ: %.17g, %.17g\n", a.sum, b.sum);
        return 1;
    }
    avro_value_decref(&libavro.value);
    avro_reader_free(libavro.reader);
    lw_decoder_free(ours);
    lw_buf_fini(&rows.bytes);
    free(rows.start);
    free(rows.schema);
    return 0;
}
