/* See made.h. */
#include "made.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"

#define START (INT64_C(18323) * LW_DAY) /* Monday 2 March 2020 */

const struct made_kind made_kinds[] = {
    {"independent", 0, 0, 0, 1, 1},    {"day shocks .1", .1, 0, 0, 1, 1},
    {"day shocks .2", .2, 0, 0, 1, 1}, {"day shocks .3", .3, 0, 0, 1, 1},
    {"hourly AR .9", 0, .3, .9, 1, 1}, {"nights x 1.5", 0, 0, 0, 1.5, 1},
    {"nights x 2", 0, 0, 0, 2, 1},     {"weekends x 1.3", 0, 0, 0, 1, 1.3},
};
const size_t made_nkinds = sizeof made_kinds / sizeof *made_kinds;

int made_init(struct made_stream *s, const struct made_kind *kind,
              const struct lw_fields *fields, double rate, uint64_t seed) {
    static const char *const name[MADE_FIELDS] = {"time", "zone", "size", "y"};
    *s = (struct made_stream){.kind = kind, .rate = rate, .hour_ms = START};
    lw_rng_seed(&s->rng, seed);
    s->hour = kind->hour * lw_rng_normal(&s->rng);
    for (int i = 0; i < MADE_FIELDS; i++) {
        s->field[i] = lw_fields_find(fields, name[i]);
        if (s->field[i] < 0 || s->field[i] >= MADE_CELLS)
            return -1;
    }
    return 0;
}

static int by_time(const void *a, const void *b) {
    int64_t x = ((const struct made_event *)a)->time_ms;
    int64_t y = ((const struct made_event *)b)->time_ms;
    return (x > y) - (x < y);
}

static void draw_event(struct made_stream *s, double shared, double spread,
                       struct made_event *e) {
    double size = 2 * lw_rng_normal(&s->rng), pi = 3.14159265358979;
    struct lw_civil at = lw_civil(s->hour_ms);
    e->time_ms = s->hour_ms + (int64_t)lw_rng_below(&s->rng, (uint64_t)LW_HOUR);
    e->zone = (int)lw_rng_below(&s->rng, MADE_ZONES);
    e->truth = 20 + 2 * (e->zone % 7) + 1.5 * size + 3 * sin(pi * at.hour / 12);
    e->y = e->truth + MADE_NOISE * (shared + s->shift + spread * lw_rng_normal(&s->rng));
    memset(e->cell, 0, sizeof e->cell);
    e->cell[s->field[MADE_TIME]] = lw_cell_int(e->time_ms);
    e->cell[s->field[MADE_ZONE]] = lw_cell_int(e->zone);
    e->cell[s->field[MADE_SIZE]] = lw_cell_num(size);
    e->cell[s->field[MADE_Y]] = lw_cell_num(e->y);
}

size_t made_hour(struct made_stream *s, struct made_event *out, size_t max) {
    const struct made_kind *k = s->kind;
    struct lw_civil at = lw_civil(s->hour_ms);
    bool night = at.hour < 6, weekend = at.weekday >= 5;
    if (at.hour == 0)
        s->day = k->day * lw_rng_normal(&s->rng);
    s->hour = k->keeps * s->hour +
              k->hour * sqrt(1 - k->keeps * k->keeps) * lw_rng_normal(&s->rng);
    double spread = (night ? k->night : 1) * (weekend ? k->weekend : 1);
    double mean = s->rate / 24 * (night ? .4 : 1.2);
    double n = floor(mean + sqrt(mean) * lw_rng_normal(&s->rng) + .5);
    size_t count = n > 0 ? (size_t)n : 0;
    count = count < max ? count : max;
    for (size_t i = 0; i < count; i++)
        draw_event(s, s->day + s->hour, spread, &out[i]);
    qsort(out, count, sizeof *out, by_time);
    s->hour_ms += LW_HOUR;
    return count;
}
