/* See window.h. Panes are in a growing array with a moving head; day blocks in a second
 * one.
 *
 * A window that contains a midnight is the sum of four parts: the panes before the next
 * slot of its first day (a slot is a fixed part of the day), the rest of that day, the
 * whole days, and the newest day so far. The second part changes once a slot, the third
 * once a day, and the fourth grows by one pane. All cuts are at fixed times of the day,
 * so the parts, and with them the bytes, depend on the window's panes alone. */
#include "core/window.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "core/reference.h"
#include "core/week.h"

struct pane_list {
    struct lw_pane **pane;
    size_t n, cap;
};

/* A part of a window that is kept while its span stays the same. */
struct window_part {
    struct lw_pane *pane; /* NULL: never used */
    int64_t from_ms, until_ms;
};

struct lw_windows {
    const struct lw_spec *spec;
    int64_t slot_ms; /* 0: panes do not divide a day, so days are not merged */
    struct pane_list panes, days;
    struct lw_pane *today; /* the newest pane's day so far, unless it has ended */
    int64_t oldest_ms;     /* start of the oldest pane ever pushed */
    struct window_part rest[LW_WINDOWS_MAX], middle[LW_WINDOWS_MAX];
    struct lw_pane *merged[LW_WINDOWS_MAX];
};

/* About sqrt(n) of a day's n panes: then few panes are merged at each evaluation, and
 * few on average to renew the rest of the day. */
static int64_t slot_of(const struct lw_spec *spec) {
    int64_t n = LW_DAY / spec->pane_ms, panes = 1;
    if (LW_DAY % spec->pane_ms != 0)
        return 0;
    for (int64_t i = 2; i * i <= n; i++)
        if (n % i == 0)
            panes = i;
    return panes * spec->pane_ms;
}

struct lw_windows *lw_windows_new(const struct lw_spec *spec) {
    struct lw_windows *w = lw_calloc(1, sizeof *w);
    w->spec = spec;
    w->slot_ms = slot_of(spec);
    w->oldest_ms = INT64_MAX;
    return w;
}

static void list_append(struct pane_list *list, struct lw_pane *pane) {
    if (list->n == list->cap) {
        list->cap = list->cap ? 2 * list->cap : 64;
        list->pane = lw_realloc(list->pane, list->cap, sizeof(struct lw_pane *));
    }
    list->pane[list->n++] = pane;
}

static void list_drop_before(struct pane_list *list, int64_t start_ms) {
    size_t drop = 0;
    while (drop < list->n && list->pane[drop]->start_ms < start_ms)
        lw_pane_free(list->pane[drop++]);
    if (drop == 0)
        return;
    list->n -= drop;
    memmove(list->pane, list->pane + drop, list->n * sizeof(struct lw_pane *));
}

static void list_drop_from(struct pane_list *list, int64_t start_ms) {
    while (list->n && list->pane[list->n - 1]->start_ms >= start_ms)
        lw_pane_free(list->pane[--list->n]);
}

static void list_fini(struct pane_list *list) {
    for (size_t i = 0; i < list->n; i++)
        lw_pane_free(list->pane[i]);
    free(list->pane);
}

void lw_windows_free(struct lw_windows *w) {
    if (!w)
        return;
    list_fini(&w->panes);
    list_fini(&w->days);
    lw_pane_free(w->today);
    for (size_t i = 0; i < LW_WINDOWS_MAX; i++) {
        lw_pane_free(w->rest[i].pane);
        lw_pane_free(w->middle[i].pane);
        lw_pane_free(w->merged[i]);
    }
    free(w);
}

int64_t lw_windows_end(const struct lw_windows *w) {
    return w->panes.n ? w->panes.pane[w->panes.n - 1]->start_ms + w->spec->pane_ms
                      : INT64_MIN;
}

int64_t lw_windows_oldest(const struct lw_windows *w) {
    return w->oldest_ms;
}

void lw_windows_reach(struct lw_windows *w, int64_t oldest_ms) {
    w->oldest_ms = oldest_ms;
}

/* First index whose pane starts at or after start_ms. */
static size_t lower_bound(const struct pane_list *list, int64_t start_ms) {
    size_t lo = 0, hi = list->n;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (list->pane[mid]->start_ms < start_ms)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

bool lw_windows_empty(const struct lw_windows *w) {
    for (size_t i = 0; i < w->panes.n; i++)
        if (w->panes.pane[i]->events)
            return false;
    return true;
}

static void merge_panes(const struct pane_list *list, int64_t from, int64_t until,
                        struct lw_pane *into) {
    for (size_t i = lower_bound(list, from);
         i < list->n && list->pane[i]->start_ms < until; i++)
        if (list->pane[i]->events)
            lw_pane_merge(into, list->pane[i]);
}

static int64_t day_of(int64_t ms) {
    return lw_floor_div(ms, LW_DAY) * LW_DAY;
}

/* The first multiple of `step` at or after ms. */
static int64_t ceil_to(int64_t ms, int64_t step) {
    return -lw_floor_div(-ms, step) * step;
}

/* The newest day is over: no pane of it can follow. Panes older than those in memory
 * are not needed: a window that spans the whole day holds them all. */
static void finish_day(struct lw_windows *w) {
    if (w->today)
        list_append(&w->days, w->today);
    w->today = NULL;
}

static void day_add(struct lw_windows *w, const struct lw_pane *pane) {
    int64_t day = day_of(pane->start_ms);
    if (w->slot_ms == 0)
        return;
    if (w->today && w->today->start_ms != day)
        finish_day(w);
    if (!w->today)
        w->today = lw_pane_new(w->spec, day, lw_mix64((uint64_t)day));
    if (pane->events)
        lw_pane_merge(w->today, pane);
    if (pane->start_ms + w->spec->pane_ms == day + LW_DAY)
        finish_day(w);
}

/* Some parts were made of panes that are gone: the days start again. */
static void renew_days(struct lw_windows *w) {
    list_drop_from(&w->days, INT64_MIN);
    lw_pane_free(w->today);
    w->today = NULL;
    for (size_t i = 0; i < LW_WINDOWS_MAX; i++)
        w->rest[i].until_ms = w->middle[i].until_ms = INT64_MIN;
    for (size_t i = 0; i < w->panes.n; i++)
        day_add(w, w->panes.pane[i]);
}

void lw_windows_return(struct lw_windows *w, int64_t until_ms) {
    list_drop_from(&w->panes, until_ms);
    renew_days(w);
    w->oldest_ms = w->panes.n ? w->oldest_ms : INT64_MAX;
}

void lw_windows_push(struct lw_windows *w, struct lw_pane *pane) {
    lw_assert(pane->start_ms >= lw_windows_end(w));
    w->oldest_ms = pane->start_ms < w->oldest_ms ? pane->start_ms : w->oldest_ms;
    list_append(&w->panes, pane);
    day_add(w, pane);
    int64_t oldest = lw_windows_end(w) - lw_spec_longest_window(w->spec);
    list_drop_before(&w->panes, oldest);
    list_drop_before(&w->days, oldest);
}

/* Where the newest span begins; without panes it is empty. */
static int64_t span_from(const struct lw_windows *w, int64_t span_ms) {
    return w->panes.n ? lw_windows_end(w) - span_ms : INT64_MIN;
}

static int64_t window_from(const struct lw_windows *w, size_t i) {
    return span_from(w, w->spec->window[i].length_ms);
}

/* Merges a span of panes or days, unless the part holds it already. */
static void merge_part(struct lw_windows *w, struct window_part *part,
                       const struct pane_list *list, int64_t from_ms, int64_t until_ms,
                       struct lw_pane *into) {
    uint64_t seed = lw_mix64(lw_mix64((uint64_t)from_ms) ^ (uint64_t)until_ms);
    if (from_ms == until_ms)
        return;
    if (!part->pane)
        part->pane = lw_pane_new(w->spec, from_ms, seed);
    else if (part->from_ms != from_ms || part->until_ms != until_ms)
        lw_pane_reset(part->pane, from_ms, seed);
    if (part->from_ms != from_ms || part->until_ms != until_ms)
        merge_panes(list, from_ms, until_ms, part->pane);
    part->from_ms = from_ms;
    part->until_ms = until_ms;
    if (part->pane->events)
        lw_pane_merge(into, part->pane);
}

static void merge_days(struct lw_windows *w, size_t i, int64_t from, int64_t until) {
    int64_t first = ceil_to(from, LW_DAY), last = day_of(until);
    int64_t slot = ceil_to(from, w->slot_ms);
    merge_panes(&w->panes, from, slot, w->merged[i]);
    merge_part(w, &w->rest[i], &w->panes, slot, first, w->merged[i]);
    merge_part(w, &w->middle[i], &w->days, first, last, w->merged[i]);
    if (w->today && w->today->events && w->today->start_ms == last)
        lw_pane_merge(w->merged[i], w->today);
}

struct lw_pane *lw_windows_merge(struct lw_windows *w, size_t i) {
    int64_t from = window_from(w, i), until = lw_windows_end(w);
    uint64_t seed = lw_mix64((uint64_t)from ^ (i + 1));
    if (w->merged[i])
        lw_pane_reset(w->merged[i], from, seed);
    else
        w->merged[i] = lw_pane_new(w->spec, from, seed);
    w->merged[i]->span_ms = w->spec->window[i].length_ms;
    if (w->panes.n && w->slot_ms && ceil_to(from, LW_DAY) <= until)
        merge_days(w, i, from, until);
    else
        merge_panes(&w->panes, from, until, w->merged[i]);
    return w->merged[i];
}

struct lw_pane *lw_windows_since(const struct lw_windows *w, int64_t from_ms,
                                 const struct lw_quarantine *q) {
    int64_t length = w->spec->pane_ms;
    const struct lw_spec *spec = w->spec;
    struct lw_pane *pane = lw_pane_new(spec, from_ms, lw_mix64((uint64_t)from_ms));
    pane->week = lw_week_new(spec->column, spec->nfeatures + 1, lw_spec_blocks(spec));
    for (size_t i = lower_bound(&w->panes, from_ms); i < w->panes.n; i++) {
        const struct lw_pane *p = w->panes.pane[i];
        if (!p->events || lw_quarantine_touches(q, p->start_ms, p->start_ms + length))
            continue;
        lw_pane_merge(pane, p);
        if (pane->week)
            lw_week_merge(pane->week, lw_week_part(spec, p->start_ms), p->profile);
    }
    return pane;
}

size_t lw_windows_panes(const struct lw_windows *w) {
    return w->panes.n;
}

const struct lw_pane *lw_windows_pane(const struct lw_windows *w, size_t i) {
    lw_assert(i < w->panes.n);
    return w->panes.pane[i];
}

size_t lw_windows_first(const struct lw_windows *w, size_t i) {
    return lower_bound(&w->panes, window_from(w, i));
}

const struct lw_spec *lw_windows_spec(const struct lw_windows *w) {
    return w->spec;
}

static void counts_add(struct lw_counts *c, const struct lw_pane *pane, uint32_t champion,
                       uint32_t first) {
    const struct lw_scores *s = champion ? lw_pane_scores(pane, champion) : NULL;
    const struct lw_scores *f = first ? lw_pane_scores(pane, first) : NULL;
    c->events += pane->events;
    c->good += pane->reason[LW_GOOD];
    if (s) {
        lw_losses_merge(&c->champion, lw_scores_served(s));
        lw_losses_merge(&c->plain, &s->losses);
        lw_losses_merge(&c->tracked, lw_scores_tracked(s));
    }
    if (f)
        lw_losses_merge(&c->first, &f->losses);
}

void lw_windows_counts(const struct lw_windows *w, size_t i, uint32_t champion,
                       uint32_t first, struct lw_counts *out) {
    int64_t from = window_from(w, i);
    *out = (struct lw_counts){.filled = w->oldest_ms <= from};
    for (size_t k = lower_bound(&w->panes, from); k < w->panes.n; k++)
        counts_add(out, w->panes.pane[k], champion, first);
}

double lw_windows_expected_loss(const struct lw_windows *w, size_t i, uint32_t version,
                                const double *hour_loss) {
    double sum = 0, n = 0;
    for (size_t k = lower_bound(&w->panes, window_from(w, i)); k < w->panes.n; k++) {
        const struct lw_scores *s = lw_pane_scores(w->panes.pane[k], version);
        if (!s)
            continue;
        int hour = lw_hour_of_week(w->spec->zone, w->panes.pane[k]->start_ms);
        sum += (double)s->losses.n * hour_loss[hour];
        n += (double)s->losses.n;
    }
    return n > 0 ? sum / n : 0;
}
