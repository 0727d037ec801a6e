/* See trips.h. */
#include "trips.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "base/time.h"
#include "event/decoder.h"
#include "event/file.h"

enum { PICKUP, DROPOFF, PU, DO, PASSENGERS, PAYMENT, DISTANCE, FARE, TOTAL, NFIELDS };

static const struct {
    const char *name;
    enum lw_kind kind;
} wanted[NFIELDS] = {
    [PICKUP] = {"lpep_pickup_datetime", LW_TIMESTAMP},
    [DROPOFF] = {"lpep_dropoff_datetime", LW_TIMESTAMP},
    [PU] = {"PULocationID", LW_CATEGORY},
    [DO] = {"DOLocationID", LW_CATEGORY},
    [PASSENGERS] = {"passenger_count", LW_CATEGORY},
    [PAYMENT] = {"payment_type", LW_CATEGORY},
    [DISTANCE] = {"trip_distance", LW_NUMERIC},
    [FARE] = {"fare_amount", LW_NUMERIC},
    [TOTAL] = {"total_amount", LW_NUMERIC},
};

static _Noreturn void die(const struct lw_err *err) {
    fprintf(stderr, "bench: %s\n", err->msg);
    exit(1);
}

static uint8_t *put_long(uint8_t *at, int64_t value) {
    uint64_t v = (uint64_t)value << 1 ^ (uint64_t)(value >> 63);
    for (; v >= 0x80; v >>= 7)
        *at++ = (uint8_t)(v | 0x80);
    *at++ = (uint8_t)v;
    return at;
}

static uint8_t *put_double(uint8_t *at, double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    for (int i = 0; i < 8; i++)
        *at++ = (uint8_t)(bits >> (8 * i));
    return at;
}

/* A union of null and int. */
static uint8_t *put_nullable(uint8_t *at, const struct lw_cell *cell) {
    *at++ = cell->present ? 2 : 0;
    return cell->present ? put_long(at, (int64_t)cell->key) : at;
}

static uint8_t *put_tail(uint8_t *at, const struct lw_cell *cells) {
    at = put_long(at, (int64_t)cells[PU].key);
    at = put_long(at, (int64_t)cells[DO].key);
    at = put_nullable(at, &cells[PASSENGERS]);
    at = put_nullable(at, &cells[PAYMENT]);
    at = put_double(at, cells[DISTANCE].num);
    at = put_double(at, cells[FARE].num);
    return put_double(at, cells[TOTAL].num);
}

static void add(struct bench_trips *t, size_t *cap, const struct lw_cell *cells) {
    uint8_t tail[BENCH_MESSAGE_MAX];
    int64_t duration = (int64_t)(cells[DROPOFF].num - cells[PICKUP].num);
    if (duration <= 0 || duration > LW_DAY)
        return;
    if (t->n == *cap) {
        *cap = *cap ? 2 * *cap : 4096;
        t->start = lw_realloc(t->start, *cap + 1, sizeof *t->start);
        t->duration_ms = lw_realloc(t->duration_ms, *cap, sizeof *t->duration_ms);
        t->bytes = lw_realloc(t->bytes, *cap * BENCH_MESSAGE_MAX, 1);
        t->start[0] = 0;
    }
    size_t len = (size_t)(put_tail(tail, cells) - tail);
    memcpy(t->bytes + t->start[t->n], tail, len);
    t->duration_ms[t->n] = duration;
    t->start[t->n + 1] = t->start[t->n] + (uint32_t)len;
    t->n++;
}

static struct lw_decoder *decoder_of(const struct lw_file *file, struct lw_err *err) {
    struct lw_fields fields = {0};
    for (size_t i = 0; i < NFIELDS; i++)
        lw_fields_add(&fields, wanted[i].name, wanted[i].kind, false, err);
    const char *json = lw_file_schema_json(file);
    struct lw_schema *schema = lw_schema_parse(json, strlen(json), err);
    struct lw_decoder *d =
        schema ? lw_decoder_new_avro(schema, schema, &fields, err) : NULL;
    lw_schema_free(schema);
    return d;
}

void bench_trips_load(struct bench_trips *trips, const char *path) {
    struct lw_err err = {0};
    struct lw_cell cells[NFIELDS];
    const uint8_t *data;
    size_t len, cap = 0;
    *trips = (struct bench_trips){0};
    struct lw_file *file = lw_file_open(path, &err);
    struct lw_decoder *decoder = file ? decoder_of(file, &err) : NULL;
    if (!decoder)
        die(&err);
    int got;
    while ((got = lw_file_next(file, &data, &len, &err)) > 0) {
        if (lw_decoder_decode_bytes(decoder, data, len, cells, &err))
            die(&err);
        add(trips, &cap, cells);
    }
    if (got < 0)
        die(&err);
    lw_decoder_free(decoder);
    lw_file_close(file);
}

void bench_trips_free(struct bench_trips *trips) {
    free(trips->bytes);
    free(trips->start);
    free(trips->duration_ms);
}

size_t bench_trips_message(const struct bench_trips *t, uint64_t i, int64_t dropoff_ms,
                           uint8_t out[BENCH_MESSAGE_MAX]) {
    size_t trip = (size_t)(i % t->n), len = t->start[trip + 1] - t->start[trip];
    const uint8_t *tail = t->bytes + t->start[trip];
    uint8_t *at = put_long(out, dropoff_ms - t->duration_ms[trip]);
    at = put_long(at, dropoff_ms);
    if (t->zones > 0) { /* the pick-up zone comes first */
        const uint8_t *rest = tail;
        while (*rest++ & 0x80)
            ;
        at = put_long(at, (int64_t)(lw_mix64(i) % t->zones));
        len -= (size_t)(rest - tail);
        tail = rest;
    }
    memcpy(at, tail, len);
    return (size_t)(at - out) + len;
}
