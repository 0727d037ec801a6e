/* See window.h. Panes are in a growing array with a moving head; day blocks in a second
 * one. */
#include "core/window.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "core/reference.h"

struct pane_list {
    struct lw_pane **pane;
    size_t n, cap;
};

struct lw_windows {
    const struct lw_spec *spec;
    struct pane_list panes, days;
    int64_t oldest_ms; /* start of the oldest pane ever pushed */
    struct lw_pane *merged[LW_WINDOWS_MAX];
};

struct lw_windows *lw_windows_new(const struct lw_spec *spec) {
    struct lw_windows *w = lw_calloc(1, sizeof *w);
    w->spec = spec;
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
    for (size_t i = 0; i < LW_WINDOWS_MAX; i++)
        lw_pane_free(w->merged[i]);
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

/* The day has ended: builds its block from the panes there are. Panes older than those
 * in memory are not needed: a window that spans the whole day holds them all. */
static void finish_day(struct lw_windows *w, int64_t end) {
    int64_t start = end - LW_DAY;
    if (LW_DAY % w->spec->pane_ms != 0)
        return;
    struct lw_pane *day = lw_pane_new(w->spec, start, lw_mix64((uint64_t)start));
    merge_panes(&w->panes, start, end, day);
    list_append(&w->days, day);
}

void lw_windows_return(struct lw_windows *w, int64_t until_ms) {
    list_drop_from(&w->panes, until_ms);
    list_drop_from(&w->days, until_ms - LW_DAY + w->spec->pane_ms);
    w->oldest_ms = w->panes.n ? w->oldest_ms : INT64_MAX;
}

void lw_windows_push(struct lw_windows *w, struct lw_pane *pane) {
    lw_assert(pane->start_ms >= lw_windows_end(w));
    w->oldest_ms = pane->start_ms < w->oldest_ms ? pane->start_ms : w->oldest_ms;
    list_append(&w->panes, pane);
    int64_t end = lw_windows_end(w), oldest = end - lw_spec_longest_window(w->spec);
    list_drop_before(&w->panes, oldest);
    list_drop_before(&w->days, oldest);
    if (end % LW_DAY == 0)
        finish_day(w, end);
}

static const struct lw_pane *day_at(const struct lw_windows *w, int64_t start_ms) {
    size_t i = lower_bound(&w->days, start_ms);
    return i < w->days.n && w->days.pane[i]->start_ms == start_ms ? w->days.pane[i]
                                                                  : NULL;
}

/* Where the newest span begins; without panes it is empty. */
static int64_t span_from(const struct lw_windows *w, int64_t span_ms) {
    return w->panes.n ? lw_windows_end(w) - span_ms : INT64_MIN;
}

static int64_t window_from(const struct lw_windows *w, size_t i) {
    return span_from(w, w->spec->window[i].length_ms);
}

struct lw_pane *lw_windows_merge(struct lw_windows *w, size_t i) {
    int64_t from = window_from(w, i), until = lw_windows_end(w);
    uint64_t seed = lw_mix64((uint64_t)from ^ (i + 1));
    if (w->merged[i])
        lw_pane_reset(w->merged[i], from, seed);
    else
        w->merged[i] = lw_pane_new(w->spec, from, seed);
    while (from < until) {
        const struct lw_pane *day = from % LW_DAY == 0 ? day_at(w, from) : NULL;
        int64_t next =
            day && from + LW_DAY <= until ? from + LW_DAY : from + w->spec->pane_ms;
        if (next - from == LW_DAY && day)
            lw_pane_merge(w->merged[i], day);
        else
            merge_panes(&w->panes, from, next, w->merged[i]);
        from = next;
    }
    return w->merged[i];
}

struct lw_pane *lw_windows_since(const struct lw_windows *w, int64_t from_ms,
                                 const struct lw_quarantine *q) {
    int64_t length = w->spec->pane_ms;
    struct lw_pane *pane = lw_pane_new(w->spec, from_ms, lw_mix64((uint64_t)from_ms));
    for (size_t i = lower_bound(&w->panes, from_ms); i < w->panes.n; i++) {
        const struct lw_pane *p = w->panes.pane[i];
        if (p->events && !lw_quarantine_touches(q, p->start_ms, p->start_ms + length))
            lw_pane_merge(pane, p);
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
