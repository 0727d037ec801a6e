/* How fast events arrive, and the lengths that follow from it.
 *
 * A window needs some hundred events before its figures mean something, and a hold-out a
 * thousand before it tells two models apart; both are as short as that allows, because a
 * short one reacts sooner. The rate is that of the middle 99 % of the event times, so that
 * a few wrong times do not stretch it. */
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/time.h"
#include "core/spec.h"
#include "draft/draft_private.h"
#include "event/event.h"

#define MIDDLE         0.99
#define UNKNOWN_RATE   1000 /* events a day, without times */
#define SHORT_PANES    500  /* events a day: five in a pane of 15 minutes */
#define WINDOW_EVENTS  300
#define HOLDOUT_EVENTS 1000
#define BOOTSTRAP_DAYS 10
#define FRESH_DAYS     2.5
#define TRAIN_DAYS     280 /* five half-lives of 56 days */
#define TRAIN_ROWS     4e6 /* held in memory while training */

static int64_t at_least(double ms, const int64_t *steps, size_t n) {
    size_t i = 0;
    while (i + 1 < n && (double)steps[i] < ms)
        i++;
    return steps[i];
}

static double lag_of(const struct lw_draft *d) {
    const struct lw_draft_clock *c = d->sample->column[d->time].clock;
    if (!c || lw_kll_n(c->lag) == 0)
        return 0;
    struct lw_kll_view *view = lw_kll_view_new(c->lag);
    double lag = lw_kll_view_quantile(view, 0.999);
    lw_kll_view_free(view);
    return fmax(0, lag * lw__draft_unit_ms(d->field[d->time].unit));
}

static void find_rate(struct lw_draft *d) {
    struct lw_draft_pace *p = &d->pace;
    p->per_day = UNKNOWN_RATE;
    p->known = d->time >= 0;
    if (!p->known)
        return;
    size_t n;
    double *t = lw__draft_sorted(d, (size_t)d->time, &n);
    double rest = (1 - MIDDLE) / 2;
    double span = lw__draft_quantile(t, n, 1 - rest) - lw__draft_quantile(t, n, rest);
    free(t);
    p->days = span / MIDDLE / (double)LW_DAY;
    if (p->days > 1.0 / 1440)
        p->per_day = (double)d->sample->events / p->days;
    p->lag_ms = lag_of(d);
}

static void find_panes(struct lw_draft_pace *p) {
    static const int64_t late[] = {
        5 * LW_MINUTE, 10 * LW_MINUTE, 15 * LW_MINUTE, 30 * LW_MINUTE, LW_HOUR,
        2 * LW_HOUR,   3 * LW_HOUR,    6 * LW_HOUR,    12 * LW_HOUR,   LW_DAY,
        2 * LW_DAY,    3 * LW_DAY,     7 * LW_DAY};
    p->unordered = p->lag_ms > (double)(2 * LW_DAY);
    p->pane_ms = p->per_day >= SHORT_PANES ? 15 * LW_MINUTE
                 : p->per_day > 100        ? LW_HOUR
                 : p->per_day > 10         ? 6 * LW_HOUR
                                           : LW_DAY;
    if (p->known && p->days < 1 && p->per_day >= UNKNOWN_RATE)
        p->pane_ms = LW_MINUTE; /* so that a short sample has some of them */
    p->lateness_ms =
        p->unordered ? LW_HOUR : at_least(p->lag_ms, late, sizeof late / sizeof *late);
    p->jump_ms = p->per_day > 100  ? 12 * LW_HOUR
                 : p->per_day > 10 ? 7 * LW_DAY
                                   : 60 * LW_DAY;
}

static void find_windows(struct lw_draft_pace *p) {
    static const int64_t days[] = {LW_DAY,     2 * LW_DAY,  3 * LW_DAY,
                                   7 * LW_DAY, 14 * LW_DAY, 28 * LW_DAY};
    double ms = WINDOW_EVENTS / p->per_day * (double)LW_DAY;
    p->window_ms[0] = at_least(ms, days, sizeof days / sizeof *days);
    p->window_ms[1] = 3 * p->window_ms[0];
    p->window_ms[2] = 7 * p->window_ms[0];
}

/* A number with its first two digits, rounded down. */
static double rounded(double v) {
    double unit = v >= 10 ? pow(10, floor(log10(v)) - 1) : 1;
    return floor(v / unit) * unit;
}

/* A quarter of that many days in whole days, hours or minutes: a backtest on the sample
 * needs rows before the hold-out. */
static int64_t quarter_of(double days) {
    static const int64_t units[] = {LW_DAY, LW_HOUR, LW_MINUTE};
    double ms = days * (double)LW_DAY / 4;
    size_t i = 0;
    while (i < 2 && ms < (double)units[i])
        i++;
    return lw_later((int64_t)(ms / (double)units[i]), 1) * units[i];
}

static void find_retraining(struct lw_draft_pace *p, uint64_t events) {
    int64_t holdout = (int64_t)ceil(HOLDOUT_EVENTS / p->per_day) * LW_DAY;
    p->holdout_ms = lw_earlier(lw_later(holdout, 2 * LW_DAY), 90 * LW_DAY);
    if (p->known)
        p->holdout_ms = lw_earlier(p->holdout_ms, quarter_of(p->days));
    p->cooldown_ms = lw_earlier(lw_later(5 * LW_DAY, 2 * p->holdout_ms), 90 * LW_DAY);
    p->max_age_ms = lw_later(31 * LW_DAY, 4 * p->holdout_ms);
    double days = fmin(TRAIN_DAYS, floor(TRAIN_ROWS / p->per_day));
    p->train_ms = lw_later((int64_t)days * LW_DAY, 15 * LW_DAY);
    double most = floor((double)events / 3);
    p->min_rows = fmax(20, fmin(1000, rounded(most)));
    p->bootstrap_rows =
        fmax(p->min_rows, rounded(fmin(p->per_day * BOOTSTRAP_DAYS, most)));
    p->min_fresh = rounded(fmax(500, p->per_day * FRESH_DAYS));
}

/* Events of the sample in its emptiest whole short window. */
static void find_least(struct lw_draft *d) {
    struct lw_draft_pace *p = &d->pace;
    size_t n;
    double *t = lw__draft_sorted(d, (size_t)d->time, &n);
    double from = lw__draft_quantile(t, n, 0.005), to = lw__draft_quantile(t, n, 0.995);
    double length = (double)p->window_ms[0];
    double each = n ? (double)d->sample->events / (double)n : 0;
    size_t windows = (size_t)fmin(1e6, fmax(0, (to - from) / length)), i = 0;
    p->least = p->per_day * length / (double)LW_DAY;
    while (i < n && t[i] < from)
        i++;
    for (size_t w = 0; w < windows; w++) {
        size_t first = i;
        while (i < n && t[i] < from + (double)(w + 1) * length)
            i++;
        p->least = fmin(p->least, (double)(i - first) * each);
    }
    free(t);
}

void lw__draft_find_pace(struct lw_draft *d) {
    find_rate(d);
    find_panes(&d->pace);
    find_windows(&d->pace);
    find_retraining(&d->pace, d->sample->events);
    if (d->pace.known)
        find_least(d);
}
