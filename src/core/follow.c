/* See follow.h. */
#include "core/follow.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/time.h"
#include "core/task.h"
#include "core/tracking.h"
#include "drift/special.h"

#define DAYS_MAX  9 /* a week that begins within a day, and an hour of summer time */
#define CONFIDENT 0.05

struct lw_follow {
    const struct lw_spec *spec;
    struct lw_replacement promotion;
    size_t n, cap;
    int64_t *time_ms;
    double *target, *now, *before;
    size_t nspoiled;
    int64_t *spoiled; /* starts of panes in quarantine, in any order */
};

/* Sum of the differences of one day, and its events. */
struct day {
    double sum, n;
};

struct lw_follow *lw_follow_new(const struct lw_spec *spec,
                                const struct lw_replacement *promotion) {
    struct lw_follow *f = lw_calloc(1, sizeof *f);
    f->spec = spec;
    f->promotion = *promotion;
    return f;
}

void lw_follow_free(struct lw_follow *f) {
    if (!f)
        return;
    free(f->time_ms);
    free(f->target);
    free(f->now);
    free(f->before);
    free(f->spoiled);
    free(f);
}

const struct lw_replacement *lw_follow_replacement(const struct lw_follow *f) {
    return &f->promotion;
}

static void follow_grow(struct lw_follow *f) {
    f->cap = f->cap ? 2 * f->cap : 1024;
    f->time_ms = lw_realloc(f->time_ms, f->cap, sizeof *f->time_ms);
    f->target = lw_realloc(f->target, f->cap, sizeof *f->target);
    f->now = lw_realloc(f->now, f->cap, sizeof *f->now);
    f->before = lw_realloc(f->before, f->cap, sizeof *f->before);
}

void lw_follow_row(struct lw_follow *f, const struct lw_row *row, double now,
                   double before) {
    int64_t since = row->time_ms - f->promotion.at_ms;
    if (since < 0 || since >= LW_FOLLOW_MS)
        return;
    if (f->n == f->cap)
        follow_grow(f);
    f->time_ms[f->n] = row->time_ms;
    f->target[f->n] = row->target;
    f->now[f->n] = now;
    f->before[f->n++] = before;
}

void lw_follow_quarantined(struct lw_follow *f, int64_t pane_ms) {
    f->spoiled = lw_realloc(f->spoiled, f->nspoiled + 1, sizeof *f->spoiled);
    f->spoiled[f->nspoiled++] = pane_ms;
}

/* Which rows are of a pane in quarantine. The caller frees them. */
static bool *rows_quarantined(const struct lw_follow *f) {
    bool *out = lw_calloc(f->n + 1, sizeof *out);
    int64_t before = INT64_MIN;
    for (size_t i = 0; i < f->n; i++) {
        int64_t pane = lw_spec_pane_start(f->spec, f->time_ms[i]);
        if (i && pane == before)
            out[i] = out[i - 1];
        for (size_t k = 0; k < f->nspoiled && pane != before && !out[i]; k++)
            out[i] = f->spoiled[k] == pane;
        before = pane;
    }
    return out;
}

/* The predictions as they would have been served. The caller frees them. */
static double *served(const struct lw_follow *f, const double *prediction,
                      const bool *quarantined) {
    double *out = lw_malloc((f->n + 1) * sizeof *out);
    const struct lw_tracking_rows rows = {f->n, f->time_ms, f->target, prediction,
                                          quarantined};
    for (size_t i = 0; i < f->n; i++)
        out[i] = prediction[i];
    if (f->promotion.tracked)
        lw_tracking_simulate(f->spec, &rows, out);
    return out;
}

/* The mean difference is a ratio of sums over days, which differ in their events. */
static void judge_days(const struct day *day, struct lw_followed *out) {
    double sum = 0, n = 0, squares = 0;
    for (size_t i = 0; i < DAYS_MAX; i++) {
        sum += day[i].sum;
        n += day[i].n;
        out->days += day[i].n > 0;
    }
    out->difference = n > 0 ? sum / n : NAN;
    out->se = NAN;
    if (out->days < 2)
        return;
    for (size_t i = 0; i < DAYS_MAX; i++) {
        double rest = day[i].sum - out->difference * day[i].n;
        squares += rest * rest;
    }
    double k = (double)out->days;
    out->se = sqrt(squares * k / (k - 1)) / n;
    out->worse = out->difference > 0 &&
                 lw_special_student_sf(out->difference / out->se, k - 1) < CONFIDENT;
}

void lw_follow_judge(const struct lw_follow *f, struct lw_followed *out) {
    const struct lw_task *task = f->spec->task;
    const struct lw_replacement *p = &f->promotion;
    struct day day[DAYS_MAX] = {{0}};
    bool *quarantined = rows_quarantined(f);
    double *now = served(f, f->now, quarantined);
    double *before = served(f, f->before, quarantined);
    int64_t first = lw_zone_day(f->spec->zone, p->at_ms);
    *out = (struct lw_followed){.version = p->version,
                                .previous = p->previous,
                                .from_ms = p->at_ms,
                                .until_ms = p->at_ms + LW_FOLLOW_MS};
    for (size_t i = 0; i < f->n; i++) {
        if (quarantined[i])
            continue;
        double y = f->target[i];
        double d = task->loss_of(y, now[i]) - task->loss_of(y, before[i]);
        size_t k = (size_t)(lw_zone_day(f->spec->zone, f->time_ms[i]) - first);
        lw_losses_add(&out->now, task, y, now[i]);
        lw_losses_add(&out->before, task, y, before[i]);
        if (!isfinite(d) || k >= DAYS_MAX)
            continue;
        day[k].sum += d;
        day[k].n++;
    }
    judge_days(day, out);
    free(now);
    free(before);
    free(quarantined);
}
