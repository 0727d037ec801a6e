/* See calm.h. */
#include "calm.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/time.h"

static size_t hour_of_week(int64_t ms) {
    return (size_t)(((ms / LW_HOUR) + 72) % CALM_HOURS); /* 1970 began on a Thursday */
}

static int by_hour(const void *a, const void *b) {
    size_t x = hour_of_week(((const struct calm_trip *)a)->time_ms);
    size_t y = hour_of_week(((const struct calm_trip *)b)->time_ms);
    return (x > y) - (x < y);
}

static int by_time(const void *a, const void *b) {
    int64_t x = ((const struct calm_trip *)a)->time_ms;
    int64_t y = ((const struct calm_trip *)b)->time_ms;
    return (x > y) - (x < y);
}

static void pool_add(struct calm_pool *pool, const struct lw_row *row) {
    if (pool->n == pool->cap) {
        pool->cap = pool->cap ? 2 * pool->cap : 65536;
        pool->trip = lw_realloc(pool->trip, pool->cap, sizeof *pool->trip);
    }
    struct calm_trip *t = &pool->trip[pool->n++];
    t->time_ms = row->time_ms;
    memcpy(t->cell, row->cells, pool->nfields * sizeof *t->cell);
    for (size_t i = 0; i < pool->nfields; i++)
        if (t->cell[i].text)
            t->cell[i] = lw_cell_missing();
}

static void index_hours(struct calm_pool *pool, int64_t from_ms, int64_t until_ms) {
    qsort(pool->trip, pool->n, sizeof *pool->trip, by_hour);
    for (size_t h = 0, i = 0; h <= CALM_HOURS; h++) {
        while (i < pool->n && hour_of_week(pool->trip[i].time_ms) < h)
            i++;
        pool->begin[h] = i;
    }
    for (int64_t t = from_ms; t < until_ms; t += LW_HOUR)
        pool->repeats[hour_of_week(t)]++;
}

int calm_load(struct calm_pool *pool, const struct lw_config *config, char *path,
              int64_t from_ms, int64_t until_ms, struct lw_err *err) {
    struct lw_feed_event e;
    const struct lw_fields *fields = &config->spec.event.fields;
    *pool = (struct calm_pool){.nfields = fields->n};
    if (fields->n > CALM_FIELDS_MAX)
        return lw_fail(err, LW_ECONFIG, "more than %d fields", CALM_FIELDS_MAX);
    for (size_t i = 0; i < fields->n; i++)
        pool->moves[i] = fields->field[i].kind == LW_TIMESTAMP;
    struct lw_event_feed *feed = lw_feed_open(config, &path, 1, err);
    if (!feed)
        return -1;
    int got;
    while ((got = lw_feed_next(feed, &e, err)) > 0)
        if (e.reason == LW_GOOD && e.row.time_ms >= from_ms && e.row.time_ms < until_ms)
            pool_add(pool, &e.row);
    lw_feed_close(feed);
    index_hours(pool, from_ms, until_ms);
    return got;
}

void calm_free(struct calm_pool *pool) {
    free(pool->trip);
}

/* Normal approximation: a few hundred trips per hour, thirty at night. */
static size_t poisson_draw(struct lw_rng *rng, double mean) {
    double n = round(mean + sqrt(mean) * lw_rng_normal(rng));
    return n > 0 ? (size_t)n : 0;
}

size_t calm_hour(const struct calm_pool *pool, struct lw_rng *rng, int64_t hour_ms,
                 double share, struct calm_trip *out, size_t max) {
    size_t h = hour_of_week(hour_ms), from = pool->begin[h];
    size_t there = pool->begin[h + 1] - from;
    if (there == 0 || pool->repeats[h] == 0)
        return 0;
    size_t n = poisson_draw(rng, share * (double)there / pool->repeats[h]);
    n = n < max ? n : max;
    for (size_t i = 0; i < n; i++) {
        struct calm_trip *t = &out[i];
        *t = pool->trip[from + lw_rng_below(rng, there)];
        int64_t by = hour_ms - t->time_ms / LW_HOUR * LW_HOUR;
        t->time_ms += by;
        for (size_t f = 0; f < pool->nfields; f++)
            if (pool->moves[f] && t->cell[f].present)
                t->cell[f] = lw_cell_int((int64_t)t->cell[f].key + by);
    }
    qsort(out, n, sizeof *out, by_time);
    return n;
}
