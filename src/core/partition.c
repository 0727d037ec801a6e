/* One partition: accumulates events in panes, by the time of its clock (clock.h). See
 * partition.h.
 *
 * Until the first events agree on a time, each is accumulated in the pane of its own time.
 * Then panes far from the agreed time are discarded as suspect, so neither a first event
 * of 2009 nor one of 2041 decides what time it is. Later, a pane far ahead is discarded as
 * soon as neither the crowd nor `jump_agree` of the latest events are there. */
#include "core/partition.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "base/time.h"
#include "core/partition_private.h"
#include "core/task.h"

const char *lw_counter_name(enum lw_counter c) {
#define NAME(id, name, meaning) name,
    static const char *const names[] = {LW_COUNTER_ROWS(NAME)};
#undef NAME
    return names[c];
}

struct lw_partition *lw_partition_new(const struct lw_spec *spec, int32_t number) {
    struct lw_partition *p = lw_calloc(1, sizeof *p);
    p->spec = spec;
    p->number = number;
    p->oldest_ms = p->flushed_newest_ms = INT64_MIN;
    p->bound_ms = p->shut_ms = p->struck_from_ms = INT64_MAX;
    p->struck_until_ms = INT64_MIN;
    lw_clock_init(&p->clock, spec);
    p->stream_key = lw_text_key(spec->stream, strlen(spec->stream));
    return p;
}

void lw_partition_free(struct lw_partition *p) {
    if (!p)
        return;
    for (size_t i = 0; i < p->npanes; i++)
        lw_pane_free(p->pane[i]);
    for (size_t i = 0; i < p->nspare; i++)
        lw_pane_free(p->spare[i]);
    free(p->pane);
    free(p);
}

static bool pane_closed(const struct lw_partition *p, int64_t start_ms) {
    return start_ms + p->spec->pane_ms <= lw_clock_mark(&p->clock);
}

int64_t lw_partition_watermark(const struct lw_partition *p) {
    return lw_clock_mark(&p->clock);
}

int64_t lw_partition_newest(const struct lw_partition *p) {
    return lw_clock_newest(&p->clock);
}
int64_t lw_partition_oldest(const struct lw_partition *p) {
    return p->oldest_ms;
}
const uint64_t *lw_partition_counters(const struct lw_partition *p) {
    return p->counter;
}
size_t lw_partition_panes(const struct lw_partition *p) {
    return p->npanes;
}
bool lw_partition_is_open(const struct lw_partition *p, size_t i) {
    return !pane_closed(p, p->pane[i]->start_ms);
}
struct lw_pane *lw_partition_pane(const struct lw_partition *p, size_t i) {
    lw_pane_drain(p->pane[i]);
    return p->pane[i];
}

static uint64_t pane_seed(const struct lw_partition *p, int64_t start_ms) {
    return lw_mix64(lw_mix64(p->stream_key ^ (uint64_t)(uint32_t)p->number) ^
                    (uint64_t)start_ms);
}

static struct lw_pane *make_pane(struct lw_partition *p, int64_t start_ms) {
    uint64_t seed = pane_seed(p, start_ms);
    struct lw_pane *pane = p->nspare ? p->spare[--p->nspare] : NULL;
    if (pane)
        lw_pane_reset(pane, start_ms, seed);
    else
        pane = lw_pane_new(p->spec, start_ms, seed);
    pane->tracking = &p->tracking;
    return pane;
}

static void pane_discard(struct lw_partition *p, struct lw_pane *pane) {
    if (p->nspare < LW_SPARE_PANES)
        p->spare[p->nspare++] = pane;
    else
        lw_pane_free(pane);
}

static void remove_at(struct lw_partition *p, size_t i) {
    memmove(&p->pane[i], &p->pane[i + 1], (p->npanes - i - 1) * sizeof *p->pane);
    p->npanes--;
}

struct lw_pane *lw_partition_open(struct lw_partition *p, int64_t start_ms) {
    size_t i = p->npanes; /* nearly always the newest or the one before it */
    while (i > 0 && p->pane[i - 1]->start_ms > start_ms)
        i--;
    if (i > 0 && p->pane[i - 1]->start_ms == start_ms)
        return p->pane[i - 1];
    if (p->npanes == p->cap) {
        p->cap = p->cap ? p->cap * 2 : 8;
        p->pane = lw_realloc(p->pane, p->cap, sizeof(struct lw_pane *));
    }
    memmove(&p->pane[i + 1], &p->pane[i], (p->npanes - i) * sizeof *p->pane);
    p->npanes++;
    return p->pane[i] = make_pane(p, start_ms);
}

static void strike_out(struct lw_partition *p, size_t i) {
    struct lw_pane *pane = p->pane[i];
    p->counter[LW_COUNT_SUSPECT] += pane->events;
    remove_at(p, i);
    pane_discard(p, pane);
}

/* The first events have just agreed. */
static void strike_out_far(struct lw_partition *p, int64_t now_ms) {
    int64_t far = p->spec->max_jump_ms + p->spec->pane_ms;
    for (size_t i = p->npanes; i-- > 0;)
        if (llabs(p->pane[i]->start_ms - now_ms) > far)
            strike_out(p, i);
    p->oldest_ms = p->npanes ? p->pane[0]->start_ms : INT64_MIN;
}

static void strike_out_forsaken(struct lw_partition *p) {
    while (p->npanes && lw_clock_forsakes(&p->clock, p->pane[p->npanes - 1]->start_ms))
        strike_out(p, p->npanes - 1);
}

/* The clock has undone a leap. Its panes may have been written and forgotten: they are
 * deleted with the next flush, and counted as the clock remembers them. */
static void strike_out_leap(struct lw_partition *p, const struct lw_struck *struck) {
    int64_t pane_ms = p->spec->pane_ms;
    int64_t from = struck->from_ms - pane_ms, until = struck->until_ms - pane_ms;
    for (size_t i = p->npanes; i-- > 0;) {
        struct lw_pane *pane = p->pane[i];
        if (pane->start_ms < from || pane->start_ms > until)
            continue;
        remove_at(p, i);
        pane_discard(p, pane);
    }
    p->counter[LW_COUNT_SUSPECT] += struck->events;
    p->struck_from_ms = lw_earlier(p->struck_from_ms, from);
    p->struck_until_ms = lw_later(p->struck_until_ms, until);
}

bool lw_partition_struck(const struct lw_partition *p, int64_t *from_ms,
                         int64_t *until_ms) {
    *from_ms = p->struck_from_ms;
    *until_ms = p->struck_until_ms;
    return p->struck_from_ms <= p->struck_until_ms;
}

/* The mark has passed the end of the oldest open pane, and perhaps of others. */
static void shut_panes(struct lw_partition *p) {
    int64_t mark = lw_clock_mark(&p->clock), pane_ms = p->spec->pane_ms;
    int64_t was = p->shut_ms;
    p->shut_ms = INT64_MAX;
    for (size_t i = 0; i < p->npanes && p->shut_ms == INT64_MAX; i++) {
        int64_t end = p->pane[i]->start_ms + pane_ms;
        if (end > mark)
            p->shut_ms = end;
        else if (end >= was)
            lw_clock_shut(&p->clock, end, p->pane[i]->events);
    }
}

/* An event can claim any time. This far from 1970 (some 36 million years) it is
 * nonsense either way, and differences of two times cannot overflow. */
static int64_t time_bounded(int64_t t) {
    int64_t limit = LW_TIME_LIMIT;
    return t > limit ? limit : t < -limit ? -limit : t;
}

static enum lw_timeliness event_timeliness(struct lw_partition *p, int64_t t,
                                           int64_t start) {
    struct lw_struck struck;
    enum lw_clock_verdict verdict = lw_clock_event(&p->clock, t, p->bound_ms);
    if (lw_clock_struck(&p->clock, &struck))
        strike_out_leap(p, &struck);
    if (verdict == LW_CLOCK_SUSPECT)
        return LW_SUSPECT;
    return pane_closed(p, start) ? LW_LATE : LW_ON_TIME;
}

/* The event's effect on panes other than its own. */
static void panes_update(struct lw_partition *p, bool known) {
    int64_t now = lw_clock_newest(&p->clock);
    if (!known && now != INT64_MIN)
        strike_out_far(p, now);
    strike_out_forsaken(p);
    if (lw_clock_mark(&p->clock) >= p->shut_ms)
        shut_panes(p);
}

/* Adds the champion's loss to the segments of the event. */
static void loss_add(const struct lw_partition *p, struct lw_pane *pane,
                     const struct lw_row *row, const struct lw_cell *watched,
                     const struct lw_scored *champion) {
    static const struct lw_cell none;
    int id = p->spec->event.id_field;
    double loss = p->spec->task->loss_of(row->target, champion->served);
    if (isnan(loss))
        return;
    lw_pane_add_loss(pane, champion->version, watched, id >= 0 ? &row->cells[id] : &none,
                     loss);
}

void lw_partition_bound(struct lw_partition *p, int64_t record_ms) {
    p->bound_ms = record_ms > 0 ? record_ms : INT64_MAX;
}

static struct lw_pane *pane_of(struct lw_partition *p, int64_t start) {
    int64_t end = start + p->spec->pane_ms;
    p->shut_ms = lw_earlier(p->shut_ms, end);
    p->oldest_ms = lw_earlier(p->oldest_ms, start);
    return lw_partition_open(p, start);
}

/* A late or suspect event has no pane: it is tracked as the next pane will be. */
static void answer_outside(const struct lw_partition *p,
                           const struct lw_pane_event *event) {
    for (size_t i = 0; i < event->nscored; i++) {
        struct lw_scored *s = &event->scored[i];
        const struct lw_tracking *t =
            p->tracking.served ? lw_tracking_find(&p->tracking, s->version) : NULL;
        s->served = t ? lw_tracking_apply(t, p->spec, s->prediction) : s->prediction;
    }
}

void lw_partition_track(struct lw_partition *p, const struct lw_tracking_set *set) {
    p->tracking = *set;
}

enum lw_timeliness lw_partition_add(struct lw_partition *p, const struct lw_row *row,
                                    const struct lw_pane_event *event) {
    int64_t t = time_bounded(row->time_ms), start = lw_spec_pane_start(p->spec, t);
    bool known = lw_clock_mark(&p->clock) != INT64_MIN, good = event->reason == LW_GOOD;
    enum lw_timeliness where = event_timeliness(p, t, start);
    p->counter[LW_COUNT_MESSAGES]++;
    p->counter[good ? LW_COUNT_GOOD : LW_COUNT_REJECTED]++;
    p->counter[LW_COUNT_SCORED] += event->nscored > 0;
    p->counter[LW_COUNT_LATE] += where == LW_LATE;
    p->counter[LW_COUNT_SUSPECT] += where == LW_SUSPECT;
    if (where == LW_ON_TIME) {
        struct lw_pane *pane = pane_of(p, start);
        lw_pane_buffer(pane, event);
        if (good && event->nscored)
            loss_add(p, pane, row, event->watched, &event->scored[0]);
    } else {
        answer_outside(p, event);
    }
    panes_update(p, known);
    return where;
}

void lw_partition_dead_lettered(struct lw_partition *p) {
    p->counter[LW_COUNT_MESSAGES]++;
    p->counter[LW_COUNT_DEAD_LETTERED]++;
}

void lw_partition_gone(struct lw_partition *p, uint64_t n) {
    p->counter[LW_COUNT_GONE] += n;
}

int64_t lw_partition_heeds(const struct lw_partition *p) {
    return p->flushed_newest_ms == INT64_MIN
               ? INT64_MIN
               : p->flushed_newest_ms + p->spec->max_jump_ms;
}

void lw_partition_sealed(struct lw_partition *p, int64_t until_ms) {
    lw_clock_sealed(&p->clock, until_ms);
    if (lw_clock_mark(&p->clock) >= p->shut_ms)
        shut_panes(p);
}

void lw_partition_end(struct lw_partition *p) {
    int64_t mark = lw_clock_mark(&p->clock);
    int64_t limit = mark + p->spec->lateness_ms + p->spec->max_jump_ms;
    while (mark != INT64_MIN && p->npanes && p->pane[p->npanes - 1]->start_ms > limit)
        strike_out(p, p->npanes - 1);
}

/* After a late flush closed many panes, the spare ones are freed, one a flush. */
void lw_partition_forget(struct lw_partition *p) {
    p->struck_from_ms = INT64_MAX;
    p->struck_until_ms = INT64_MIN;
    p->flushed_newest_ms = lw_clock_newest(&p->clock);
    size_t spare = p->nspare;
    for (size_t i = p->npanes; i-- > 0;) {
        struct lw_pane *pane = p->pane[i];
        if (pane->dirty || !pane_closed(p, pane->start_ms))
            continue;
        remove_at(p, i);
        pane_discard(p, pane);
    }
    if (p->nspare == spare && spare > LW_SPARE_AT_REST)
        lw_pane_free(p->spare[--p->nspare]);
}

struct lw_pane *lw_partition_take_oldest(struct lw_partition *p) {
    if (p->npanes == 0)
        return NULL;
    struct lw_pane *pane = p->pane[0];
    lw_pane_drain(pane);
    remove_at(p, 0);
    pane->tracking = NULL;
    return pane;
}

struct lw_pane *lw_partition_take_closed(struct lw_partition *p) {
    bool any = p->npanes > 0 && pane_closed(p, p->pane[0]->start_ms);
    return any ? lw_partition_take_oldest(p) : NULL;
}
