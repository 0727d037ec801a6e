/* See tracking.h. */
#include "core/tracking.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/time.h"
#include "core/pane.h"
#include "core/task.h"

/* Penalties, in events: of the shift a, and of the slope b as a multiple of the variance
 * of the predictions. */
#define PENALTY_A 15.0
#define PENALTY_B 50.0
/* Bounds, in standard deviations of the proved residuals: of a pane's mean residual, and
 * of the shift. Of the slope as it is. */
#define PANE_MAX  3.0
#define SHIFT_MAX 2.0
#define SLOPE_MAX 0.5
/* The days that decide, how many are needed, and the events of one. */
#define DAYS_MAX       7
#define DAYS_MIN       3
#define DAY_MIN_N      20
#define USUAL_DAYS_MIN 7 /* behind the usual shift of a day */
/* The mean gain of a day that begins serving, in standard errors. */
#define GAIN_Z 2.0

double lw_tracking_apply(const struct lw_tracking *t, const struct lw_spec *spec,
                         double prediction) {
    double p = prediction + lw_tracking_shift(t, prediction);
    return isfinite(p) ? fmin(fmax(p, spec->event.target_lo), spec->event.target_hi) : p;
}

const struct lw_tracking *lw_tracking_find(const struct lw_tracking_set *set,
                                           uint32_t version) {
    for (size_t i = 0; i < set->n; i++)
        if (set->version[i] == version)
            return &set->of[i];
    return NULL;
}

static struct lw_tracker *tracker_find(struct lw_tracking_state *s, uint32_t version) {
    for (size_t i = 0; i < LW_VERSIONS_MAX; i++)
        if (s->tracker[i].version == version)
            return &s->tracker[i];
    return NULL;
}

static void tracker_init(struct lw_tracker *t, uint32_t version,
                         const struct lw_losses *proof) {
    lw_assert(proof->task);
    struct lw_residuals r = proof->task->residuals(proof);
    *t = (struct lw_tracker){.version = version,
                             .c = r.prediction,
                             .variance = r.prediction_m2 / r.n,
                             .noise = sqrt(r.squares / r.n),
                             .at_ms = INT64_MIN};
}

static bool tracking_possible(const struct lw_spec *spec, const struct lw_losses *proof) {
    return spec->tracking.time_constant_ms && spec->task->residuals && proof->n >= 2;
}

void lw_tracking_start(struct lw_tracking_state *s, const struct lw_spec *spec,
                       uint32_t version, const struct lw_losses *proof) {
    if (!tracking_possible(spec, proof) || tracker_find(s, version))
        return;
    struct lw_tracker *t = tracker_find(s, 0);
    if (t)
        tracker_init(t, version, proof);
}

static void tracker_age(struct lw_tracker *t, const struct lw_spec *spec, int64_t at_ms) {
    if (t->at_ms == INT64_MIN || at_ms <= t->at_ms) {
        t->at_ms = at_ms;
        return;
    }
    double keep =
        exp(-(double)(at_ms - t->at_ms) / (double)spec->tracking.time_constant_ms);
    t->n *= keep, t->x *= keep, t->xx *= keep, t->r *= keep, t->xr *= keep;
    t->at_ms = at_ms;
}

/* Adds a pane's events. Broken targets must not drag the correction along: a mean
 * residual counts up to PANE_MAX. */
static void tracker_add(struct lw_tracker *t, const struct lw_losses *losses) {
    struct lw_residuals r = losses->task->residuals(losses);
    double x = r.prediction - t->c, most = PANE_MAX * t->noise;
    double mean = fmin(fmax(r.mean, -most), most);
    double with = fmin(fmax(r.with_prediction, -r.prediction_m2), r.prediction_m2);
    t->n += r.n;
    t->x += r.n * x;
    t->xx += r.prediction_m2 + r.n * x * x;
    t->r += r.n * mean;
    t->xr += with + r.n * mean * x;
}

static struct lw_tracking tracker_solve(const struct lw_tracker *t) {
    double aa = t->n + PENALTY_A, ab = t->x, bb = t->xx + PENALTY_B * t->variance;
    double det = aa * bb - ab * ab;
    if (!(det > 0))
        return (struct lw_tracking){.c = t->c};
    double b = (aa * t->xr - ab * t->r) / det;
    b = fmin(fmax(b, -SLOPE_MAX), SLOPE_MAX);
    double a = (t->r - b * ab) / aa, most = SHIFT_MAX * t->noise;
    return (struct lw_tracking){fmin(fmax(a, -most), most), b, t->c};
}

/* ---- does it earn its place? ---- */

struct lw_tracking_day *lw_tracking_day_at(struct lw_tracking_day *day, size_t *n,
                                           int64_t number) {
    if (*n && day[*n - 1].day == number)
        return &day[*n - 1];
    if (*n == LW_TRACKING_DAYS)
        memmove(day, day + 1, --*n * sizeof *day);
    day[*n] = (struct lw_tracking_day){.day = number};
    return &day[(*n)++];
}

void lw_tracking_prove(struct lw_tracking_state *s, const struct lw_tracking_day *day,
                       size_t n) {
    if (s->ndays)
        return;
    for (size_t i = 0; i < n && i < LW_TRACKING_DAYS; i++)
        s->day[s->ndays++] = day[i];
}

/* On when the days agree that it is better, off when their sum says that it is worse. */
static bool tracking_earns(const struct lw_tracking_state *s) {
    double sum = 0;
    struct lw_moments gain = {0};
    for (size_t i = s->ndays > DAYS_MAX ? s->ndays - DAYS_MAX : 0; i < s->ndays; i++) {
        const struct lw_tracking_day *d = &s->day[i];
        sum += d->plain - d->tracked;
        if (d->n >= DAY_MIN_N)
            lw_moments_add(&gain, (d->plain - d->tracked) / (double)d->n);
    }
    if (s->set.served)
        return sum >= 0;
    return gain.n >= DAYS_MIN &&
           gain.mean > GAIN_Z * lw_moments_sd(&gain) / sqrt((double)gain.n) && sum > 0;
}

double lw_tracking_usual_shift(const struct lw_tracking_state *s,
                               const struct lw_spec *spec, int64_t until_ms) {
    int64_t until =
        lw_zone_day(spec->zone, until_ms); /* the first day that is not over */
    double squares = 0;
    size_t n = 0;
    for (size_t i = 0; i < s->ndays; i++) {
        const struct lw_tracking_day *d = &s->day[i];
        if (d->day >= until || d->n < DAY_MIN_N)
            continue;
        double mean = d->shift / (double)d->n;
        squares += mean * mean;
        n++;
    }
    return n >= USUAL_DAYS_MIN ? sqrt(squares / (double)n) : NAN;
}

/* Sum of tracked less plain predictions of a pane. */
static double shift_of(const struct lw_task *task, const struct lw_scores *s) {
    double plain = task->residuals(&s->losses).mean;
    return (double)s->losses.n * (plain - task->residuals(&s->tracked).mean);
}

static void day_add(struct lw_tracking_state *s, const struct lw_pane *pane,
                    const struct lw_scores *champion) {
    struct lw_tracking_day *d = lw_tracking_day_at(
        s->day, &s->ndays, lw_zone_day(pane->spec->zone, pane->start_ms));
    d->n += champion->losses.n;
    d->plain += champion->losses.loss;
    d->tracked += champion->tracked.loss;
    d->shift += shift_of(pane->spec->task, champion);
}

static bool stays(uint32_t version, const uint32_t *of, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (of[i] == version)
            return true;
    return false;
}

static void set_make(struct lw_tracking_state *s, const uint32_t *version, size_t n) {
    struct lw_tracking_set *set = &s->set;
    set->n = 0;
    for (size_t i = 0; i < n; i++) {
        const struct lw_tracker *t = tracker_find(s, version[i]);
        if (!t || !version[i])
            continue;
        set->version[set->n] = version[i];
        set->of[set->n++] = tracker_solve(t);
    }
}

void lw_tracking_pane(struct lw_tracking_state *s, const struct lw_spec *spec,
                      const struct lw_pane *pane, bool quarantined,
                      const uint32_t *version, size_t n) {
    int64_t end = pane->start_ms + spec->pane_ms;
    const struct lw_scores *champion = n ? lw_pane_scores(pane, version[0]) : NULL;
    if (!spec->tracking.time_constant_ms)
        return;
    if (champion && champion->tracks && champion->losses.n && !quarantined)
        day_add(s, pane, champion);
    for (size_t i = 0; i < LW_VERSIONS_MAX; i++) {
        struct lw_tracker *t = &s->tracker[i];
        const struct lw_scores *scores = lw_pane_scores(pane, t->version);
        if (!stays(t->version, version, n))
            *t = (struct lw_tracker){0};
        if (!t->version)
            continue;
        tracker_age(t, spec, end);
        if (scores && !quarantined && scores->losses.n)
            tracker_add(t, &scores->losses);
    }
    /* a prediction made elsewhere was served already */
    s->set.served = lw_spec_trains(spec) && tracking_earns(s);
    set_make(s, version, n);
}

void lw_tracking_return(struct lw_tracking_state *s, const struct lw_spec *spec,
                        int64_t at_ms) {
    while (s->ndays && s->day[s->ndays - 1].day > lw_zone_day(spec->zone, at_ms))
        s->ndays--;
    for (size_t i = 0; i < LW_VERSIONS_MAX; i++)
        lw_not_after(&s->tracker[i].at_ms, at_ms);
}

/* ---- state ---- */

void lw_tracking_write(const struct lw_tracking_state *s, struct lw_buf *out) {
    for (size_t i = 0; i < LW_VERSIONS_MAX; i++) {
        const struct lw_tracker *t = &s->tracker[i];
        lw_buf_u32(out, t->version);
        if (!t->version)
            continue;
        lw_buf_i64(out, t->at_ms);
        const double number[] = {t->c, t->variance, t->noise, t->n,
                                 t->x, t->xx,       t->r,     t->xr};
        for (size_t k = 0; k < sizeof number / sizeof *number; k++)
            lw_buf_f64(out, number[k]);
    }
    lw_buf_u8(out, s->set.served);
    lw_buf_u8(out, (uint8_t)s->set.n);
    for (size_t i = 0; i < s->set.n; i++) {
        lw_buf_u32(out, s->set.version[i]);
        lw_buf_f64(out, s->set.of[i].a);
        lw_buf_f64(out, s->set.of[i].b);
        lw_buf_f64(out, s->set.of[i].c);
    }
    lw_buf_u8(out, (uint8_t)s->ndays);
    for (size_t i = 0; i < s->ndays; i++) {
        lw_buf_i64(out, s->day[i].day);
        lw_buf_u64(out, s->day[i].n);
        lw_buf_f64(out, s->day[i].plain);
        lw_buf_f64(out, s->day[i].tracked);
        lw_buf_f64(out, s->day[i].shift);
    }
}

static double read_finite(struct lw_reader *r) {
    double v = lw_reader_f64(r);
    r->bad |= !isfinite(v);
    return v;
}

static void read_tracker(struct lw_tracker *t, struct lw_reader *r) {
    t->version = lw_reader_u32(r);
    if (!t->version)
        return;
    t->at_ms = lw_reader_i64(r);
    double *const number[] = {&t->c, &t->variance, &t->noise, &t->n,
                              &t->x, &t->xx,       &t->r,     &t->xr};
    for (size_t k = 0; k < sizeof number / sizeof *number; k++)
        *number[k] = read_finite(r);
    r->bad |= t->variance < 0 || t->noise < 0 || t->n < 0 || t->xx < 0;
}

static size_t read_count(struct lw_reader *r, size_t most) {
    size_t n = lw_reader_u8(r);
    r->bad |= n > most;
    return n > most ? 0 : n;
}

void lw_tracking_read(struct lw_tracking_state *s, struct lw_reader *r) {
    *s = (struct lw_tracking_state){0};
    for (size_t i = 0; i < LW_VERSIONS_MAX; i++)
        read_tracker(&s->tracker[i], r);
    s->set.served = lw_reader_u8(r) != 0;
    s->set.n = read_count(r, LW_VERSIONS_MAX);
    for (size_t i = 0; i < s->set.n; i++) {
        s->set.version[i] = lw_reader_u32(r);
        s->set.of[i].a = read_finite(r);
        s->set.of[i].b = read_finite(r);
        s->set.of[i].c = read_finite(r);
    }
    s->ndays = read_count(r, LW_TRACKING_DAYS);
    for (size_t i = 0; i < s->ndays; i++) {
        s->day[i].day = lw_reader_i64(r);
        s->day[i].n = lw_reader_u64(r);
        s->day[i].plain = read_finite(r);
        s->day[i].tracked = read_finite(r);
        s->day[i].shift = read_finite(r);
    }
}

/* ---- simulation ---- */

struct simulated_pane {
    int64_t end_ms;
    struct lw_losses losses; /* of the plain predictions */
};

struct simulation {
    const struct lw_spec *spec;
    struct lw_tracker tracker;
    struct lw_tracking now; /* of the newest pane; nothing before the first is sealed */
    struct simulated_pane *pane;
    size_t n, sealed, cap;
};

/* Seals what is complete when this pane begins, as a partition would. Time without rows
 * counts as well: there, events had no target, or were in quarantine. */
static void simulation_begin_pane(struct simulation *s, int64_t start_ms) {
    int64_t mark = start_ms - s->spec->lateness_ms;
    for (; s->sealed < s->n && s->pane[s->sealed].end_ms <= mark; s->sealed++) {
        tracker_age(&s->tracker, s->spec, s->pane[s->sealed].end_ms);
        if (s->pane[s->sealed].losses.n)
            tracker_add(&s->tracker, &s->pane[s->sealed].losses);
    }
    if (s->sealed) {
        tracker_age(&s->tracker, s->spec, lw_spec_pane_start(s->spec, mark));
        s->now = tracker_solve(&s->tracker);
    }
    if (s->n == s->cap) {
        s->cap = s->cap ? 2 * s->cap : 64;
        s->pane = lw_realloc(s->pane, s->cap, sizeof *s->pane);
    }
    s->pane[s->n++] = (struct simulated_pane){.end_ms = start_ms + s->spec->pane_ms};
}

static double simulation_row(struct simulation *s, const struct lw_tracking_rows *rows,
                             size_t i) {
    double prediction = rows->prediction[i];
    int64_t start = lw_spec_pane_start(s->spec, rows->time_ms[i]);
    if (s->n == 0 || start >= s->pane[s->n - 1].end_ms)
        simulation_begin_pane(s, start);
    if (!rows->quarantined || !rows->quarantined[i])
        lw_losses_add(&s->pane[s->n - 1].losses, s->spec->task, rows->target[i],
                      prediction);
    return s->sealed ? lw_tracking_apply(&s->now, s->spec, prediction) : prediction;
}

/* Proved as a version is: not by rows in quarantine. */
static struct lw_losses simulation_proof(const struct lw_spec *spec,
                                         const struct lw_tracking_rows *rows) {
    struct lw_losses proof = {0};
    for (size_t i = 0; i < rows->n; i++)
        if (!rows->quarantined || !rows->quarantined[i])
            lw_losses_add(&proof, spec->task, rows->target[i], rows->prediction[i]);
    return proof;
}

void lw_tracking_simulate(const struct lw_spec *spec, const struct lw_tracking_rows *rows,
                          double *out) {
    struct simulation s = {.spec = spec};
    struct lw_losses proof = simulation_proof(spec, rows);
    bool possible = tracking_possible(spec, &proof);
    if (possible)
        tracker_init(&s.tracker, 1, &proof);
    for (size_t i = 0; i < rows->n; i++)
        out[i] = possible ? simulation_row(&s, rows, i) : rows->prediction[i];
    free(s.pane);
}
