/* Event time of one partition. See partition.h for the rules.
 *
 * Before the clock is known, the first `jump_agree` events are accumulated where they say
 * they belong and only remembered; then the newest time that has a neighbour within
 * max_jump becomes the clock, and what lies further than max_jump from it is struck out
 * again as suspect. So neither a first event of 2009 nor one of 2041 decides what time it
 * is. */
#include "core/partition.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "core/partition_private.h"

const char *lw_counter_name(enum lw_counter c) {
    static const char *const names[LW_COUNTERS] = {
        "messages", "good", "aside", "dead", "late", "suspect", "scored", "gone"};
    return names[c];
}

struct lw_partition *lw_partition_new(const struct lw_spec *spec, int32_t number) {
    struct lw_partition *p = lw_calloc(1, sizeof *p);
    p->spec = spec;
    p->number = number;
    p->newest_ms = p->oldest_ms = INT64_MIN;
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

int64_t lw_partition_watermark(const struct lw_partition *p) {
    return p->newest_ms == INT64_MIN ? INT64_MIN : p->newest_ms - p->spec->lateness_ms;
}

int64_t lw_partition_newest(const struct lw_partition *p) {
    return p->newest_ms;
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
struct lw_pane *lw_partition_pane(const struct lw_partition *p, size_t i) {
    lw_pane_settle(p->pane[i]);
    return p->pane[i];
}

static bool closed(const struct lw_partition *p, int64_t start_ms) {
    return p->newest_ms != INT64_MIN &&
           start_ms + p->spec->pane_ms <= p->newest_ms - p->spec->lateness_ms;
}

static uint64_t pane_seed(const struct lw_partition *p, int64_t start_ms) {
    return lw_mix64(lw_mix64(p->stream_key ^ (uint64_t)(uint32_t)p->number) ^
                    (uint64_t)start_ms);
}

static struct lw_pane *make_pane(struct lw_partition *p, int64_t start_ms) {
    uint64_t seed = pane_seed(p, start_ms);
    if (p->nspare == 0)
        return lw_pane_new(p->spec, start_ms, seed);
    struct lw_pane *pane = p->spare[--p->nspare];
    lw_pane_reset(pane, start_ms, seed);
    return pane;
}

static void discard(struct lw_partition *p, struct lw_pane *pane) {
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

static int64_t distance(int64_t a, int64_t b) {
    return a > b ? a - b : b - a;
}

/* The clock from the first events; see the top. */
static int64_t agreed_time(const struct lw_partition *p) {
    int64_t best = INT64_MIN;
    for (int i = 0; i < p->nfirst; i++)
        for (int j = 0; j < p->nfirst; j++)
            if ((i != j || p->nfirst == 1) && p->first[i] > best &&
                distance(p->first[i], p->first[j]) <= p->spec->max_jump_ms)
                best = p->first[i];
    return best;
}

static void strike_out_far_panes(struct lw_partition *p) {
    for (size_t i = p->npanes; i-- > 0;) {
        struct lw_pane *pane = p->pane[i];
        if (distance(pane->start_ms, p->newest_ms) <=
            p->spec->max_jump_ms + p->spec->pane_ms)
            continue;
        p->counter[LW_COUNT_SUSPECT] += pane->events;
        remove_at(p, i);
        discard(p, pane);
    }
}

static void first_events(struct lw_partition *p, int64_t t) {
    p->first[p->nfirst++] = t;
    int wanted = p->spec->jump_agree < LW_FIRST_MAX ? p->spec->jump_agree : LW_FIRST_MAX;
    if (p->nfirst < wanted)
        return;
    int64_t agreed = agreed_time(p);
    if (agreed == INT64_MIN && p->nfirst < LW_FIRST_MAX)
        return; /* no two agree yet: wait for one more */
    p->newest_ms = agreed != INT64_MIN ? agreed : p->first[0];
    strike_out_far_panes(p);
    p->oldest_ms = p->npanes ? p->pane[0]->start_ms : INT64_MIN;
}

/* Advances the clock, or says that this event's own clock is not to be believed. */
static bool believable(struct lw_partition *p, int64_t t) {
    if (t - p->newest_ms <= p->spec->max_jump_ms) {
        p->suspects = 0;
        p->newest_ms = t > p->newest_ms ? t : p->newest_ms;
        return true;
    }
    bool agrees = p->suspects > 0 && distance(t, p->suspect_ms) <= p->spec->max_jump_ms;
    p->suspects = agrees ? p->suspects + 1 : 1;
    p->suspect_ms = t;
    if (p->suspects < p->spec->jump_agree)
        return false;
    p->suspects = 0;
    p->newest_ms = t;
    return true;
}

/* A clock can say anything; this far from 1970 (some 36 million years) it is nonsense
 * either way, and differences of two times cannot overflow. */
static int64_t bounded(int64_t t) {
    int64_t limit = LW_TIME_LIMIT;
    return t > limit ? limit : t < -limit ? -limit : t;
}

static int64_t pane_start(const struct lw_partition *p, int64_t t) {
    int64_t pane = p->spec->pane_ms, rest = t % pane;
    return t - (rest < 0 ? rest + pane : rest);
}

static enum lw_place place(struct lw_partition *p, int64_t t, int64_t start) {
    if (p->newest_ms == INT64_MIN)
        return LW_ON_TIME;
    if (!believable(p, t))
        return LW_SUSPECT;
    return closed(p, start) ? LW_LATE : LW_ON_TIME;
}

/* Where the champion's error is. */
static void blame(const struct lw_partition *p, struct lw_pane *pane,
                  const struct lw_row *row, const struct lw_cell *watched,
                  const struct lw_scored *champion) {
    static const struct lw_cell none;
    int id = p->spec->event.id_field;
    double e = champion->prediction - row->target;
    if (!lw_summable(champion->prediction) || !lw_summable(row->target))
        return;
    lw_pane_blame(pane, champion->version, watched, id >= 0 ? &row->cells[id] : &none,
                  e * e);
}

enum lw_place lw_partition_add(struct lw_partition *p, int64_t offset,
                               const struct lw_row *row, int reason,
                               const struct lw_cell *watched,
                               const struct lw_scored *scored, size_t nscored) {
    int64_t t = bounded(row->time_ms), start = pane_start(p, t);
    enum lw_place where = place(p, t, start);
    p->counter[LW_COUNT_MESSAGES]++;
    p->counter[reason == LW_GOOD ? LW_COUNT_GOOD : LW_COUNT_ASIDE]++;
    p->counter[LW_COUNT_SCORED] += nscored > 0;
    p->counter[LW_COUNT_LATE] += where == LW_LATE;
    p->counter[LW_COUNT_SUSPECT] += where == LW_SUSPECT;
    if (where != LW_ON_TIME)
        return where;
    struct lw_pane *pane = lw_partition_open(p, start);
    lw_pane_hold(pane, offset, watched, reason, row->target, scored, nscored);
    if (reason == LW_GOOD && nscored)
        blame(p, pane, row, watched, &scored[0]);
    if (p->newest_ms == INT64_MIN)
        first_events(p, t);
    return where;
}

void lw_partition_dead(struct lw_partition *p) {
    p->counter[LW_COUNT_MESSAGES]++;
    p->counter[LW_COUNT_DEAD]++;
}

void lw_partition_gone(struct lw_partition *p, uint64_t n) {
    p->counter[LW_COUNT_GONE] += n;
}

/* Of many panes that a late flush held, the spare ones are let go, one a flush. */
void lw_partition_forget(struct lw_partition *p) {
    size_t spare = p->nspare;
    for (size_t i = p->npanes; i-- > 0;) {
        struct lw_pane *pane = p->pane[i];
        if (pane->dirty || !closed(p, pane->start_ms))
            continue;
        remove_at(p, i);
        discard(p, pane);
    }
    if (p->nspare == spare && spare > LW_SPARE_AT_REST)
        lw_pane_free(p->spare[--p->nspare]);
}

struct lw_pane *lw_partition_take_oldest(struct lw_partition *p) {
    if (p->npanes == 0)
        return NULL;
    struct lw_pane *pane = p->pane[0];
    lw_pane_settle(pane);
    remove_at(p, 0);
    return pane;
}

struct lw_pane *lw_partition_take_closed(struct lw_partition *p) {
    bool any = p->npanes > 0 && closed(p, p->pane[0]->start_ms);
    return any ? lw_partition_take_oldest(p) : NULL;
}
