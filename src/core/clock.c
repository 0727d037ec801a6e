/* See clock.h. */
#include "core/clock.h"

#include <math.h>
#include <string.h>

#include "base/time.h"

#define PAYS    1.75
#define HORIZON 256
#define STEPS   8
#define ENOUGH  1000 /* events in a row that make a leap in any case */

static void clock_doubt(struct lw_clock *c, int64_t left_ms, uint64_t events) {
    c->doubt[c->ndoubts++] = (struct lw_doubt){left_ms, events, INT64_MAX, INT64_MIN, 0};
}

void lw_clock_init(struct lw_clock *c, const struct lw_spec *spec) {
    int agree = spec->jump_agree < LW_CROWD ? spec->jump_agree : LW_CROWD;
    *c = (struct lw_clock){.late_ms = spec->lateness_ms,
                           .jump_ms = spec->max_jump_ms,
                           .pane_ms = spec->pane_ms,
                           .agree = (uint32_t)agree,
                           .crowd_ms = INT64_MIN,
                           .front_ms = INT64_MIN,
                           .mark_ms = INT64_MIN,
                           .floor_ms = INT64_MIN,
                           .shut_ms = INT64_MIN};
    clock_doubt(c, INT64_MIN, 0);
}

int64_t lw_clock_mark(const struct lw_clock *c) {
    return c->mark_ms;
}

int64_t lw_clock_newest(const struct lw_clock *c) {
    if (c->crowd_ms == INT64_MIN)
        return INT64_MIN;
    uint32_t i = c->n - c->agree;
    while (i > 0 && c->sorted[i] - c->crowd_ms > c->jump_ms)
        i--;
    return lw_later(c->sorted[i], c->crowd_ms);
}

/* How many of the latest events lie within max_jump of t? */
static uint32_t clock_around(const struct lw_clock *c, int64_t t) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < c->n; i++)
        n += c->sorted[i] >= t - c->jump_ms && c->sorted[i] <= t + c->jump_ms;
    return n;
}

/* The believed time: the crowd's, or the mark's while the crowd is behind it. */
static int64_t clock_believed(const struct lw_clock *c) {
    int64_t mark = c->mark_ms + c->late_ms;
    return c->mark_ms == INT64_MIN || c->crowd_ms > mark ? c->crowd_ms : mark;
}

static bool alone_ahead(const struct lw_clock *c, int64_t t) {
    return t - clock_believed(c) > c->jump_ms && clock_around(c, t) < c->agree;
}

static bool at_home(const struct lw_clock *c) {
    int64_t off = c->crowd_ms - c->mark_ms - c->late_ms;
    return c->mark_ms != INT64_MIN && off <= c->jump_ms && off >= -c->jump_ms;
}

bool lw_clock_forsakes(const struct lw_clock *c, int64_t start_ms) {
    /* One median of a mixed crowd does not prove that the old time has returned. */
    return c->home == LW_CROWD && alone_ahead(c, start_ms);
}

/* The latest events, kept in arrival order and in time order. In an ordered stream the
 * event that leaves is the first and the new one is the last. */
static void clock_remember(struct lw_clock *c, int64_t t) {
    uint32_t i = c->n;
    if (c->n == LW_CROWD)
        for (i = 0; c->sorted[i] != c->latest[c->at];)
            i++;
    else
        c->n++;
    c->latest[c->at] = t;
    c->at = (c->at + 1) % LW_CROWD;
    for (; i + 1 < c->n && c->sorted[i + 1] < t; i++)
        c->sorted[i] = c->sorted[i + 1];
    for (; i > 0 && c->sorted[i - 1] > t; i--)
        c->sorted[i] = c->sorted[i - 1];
    c->sorted[i] = t;
    if (c->n >= c->agree)
        c->crowd_ms = c->sorted[(c->n - 1) / 2];
}

/* A guess from the first events, bounded because they can be equal or years apart. */
static double first_spacing(const struct lw_clock *c) {
    double most = (double)c->jump_ms / LW_CROWD;
    double least = (double)c->pane_ms / (4 * LW_CROWD);
    double seen = (double)(c->sorted[c->n - 1] - c->sorted[0]) / c->n;
    return seen > most ? most : seen < least ? least : seen;
}

/* Learns the usual interval between two events from the crowd. Each step is bounded by
 * the known interval, so a wrong crowd teaches little on its way out and unteaches it
 * on its way back. */
static void clock_learn(struct lw_clock *c, int64_t was_ms) {
    double bound = fmax(STEPS * c->spacing_ms, (double)c->pane_ms / 1000);
    double moved = (double)(c->crowd_ms - was_ms);
    c->learned += c->learned < HORIZON;
    c->spacing_ms += (fmin(fmax(moved, -bound), bound) - c->spacing_ms) / c->learned;
    c->spacing_ms = fmax(c->spacing_ms, 0);
    c->leaps_ms -= c->leaps_ms / c->learned;
}

/* What was closed and is not discarded stays closed. */
static void set_mark(struct lw_clock *c, int64_t to) {
    c->mark_ms = lw_later(to, lw_later(c->floor_ms, c->shut_ms));
    for (uint32_t i = 0; i < c->ndoubts; i++)
        c->mark_ms = lw_later(c->mark_ms, c->doubt[i].until_ms);
    c->credit_ms = 0;
    c->behind = c->ahead = 0;
}

/* Doubt i is over: its events join those said before it. */
static void clock_believe(struct lw_clock *c, uint32_t i) {
    const struct lw_doubt *d = &c->doubt[i];
    if (i == 0) {
        c->shut_ms = lw_later(c->shut_ms, d->until_ms);
        c->trusted += d->events;
    } else {
        struct lw_doubt *before = &c->doubt[i - 1];
        before->events += d->events;
        before->held += d->held;
        before->from_ms = lw_earlier(before->from_ms, d->from_ms);
        before->until_ms = lw_later(before->until_ms, d->until_ms);
    }
    c->ndoubts--;
    memmove(&c->doubt[i], &c->doubt[i + 1], (c->ndoubts - i) * sizeof *c->doubt);
}

static bool at_start(const struct lw_doubt *d) {
    return d->left_ms == INT64_MIN;
}

static void clock_trust(struct lw_clock *c) {
    while (c->ndoubts) {
        uint32_t top = c->ndoubts - 1;
        uint64_t before = top ? c->doubt[top - 1].events : c->trusted;
        if (at_start(&c->doubt[top]) || c->doubt[top].events - c->behind < before)
            return;
        clock_believe(c, top);
    }
}

/* Counts the events behind the time that is said now. */
static uint64_t *said_now(struct lw_clock *c) {
    return c->ndoubts ? &c->doubt[c->ndoubts - 1].events : &c->trusted;
}

static void clock_leap(struct lw_clock *c, int64_t to) {
    uint64_t *said = said_now(c), ahead = c->ahead < *said ? c->ahead : *said;
    *said -= ahead;
    if (c->ndoubts == LW_DOUBTS)
        clock_believe(c, LW_DOUBTS - 1);
    clock_doubt(c, c->front_ms, ahead);
    c->leaps_ms += (double)c->jump_ms / c->learned;
    set_mark(c, to);
}

/* As many in a row as came before, or very many, count as payment. */
static bool long_row(const struct lw_clock *c) {
    uint64_t all = c->trusted;
    for (uint32_t i = 0; i < c->ndoubts; i++)
        all += c->doubt[i].events;
    return c->ahead >= LW_CROWD && (c->ahead >= ENOUGH || 2 * c->ahead >= all);
}

static void wait_to_leap(struct lw_clock *c, int64_t to) {
    c->land_ms = c->ahead++ && c->land_ms < to ? c->land_ms : to;
    c->credit_ms += PAYS * (c->spacing_ms + c->leaps_ms);
    if (c->credit_ms >= (double)c->jump_ms || long_row(c))
        clock_leap(c, c->land_ms);
}

static void clock_follow(struct lw_clock *c, int64_t to) {
    int64_t step = to - c->mark_ms;
    if (step > c->jump_ms) {
        wait_to_leap(c, to);
        return;
    }
    if (c->ahead) /* the leap did not happen */
        c->credit_ms = 0;
    c->ahead = 0;
    c->front_ms = c->crowd_ms;
    c->credit_ms += PAYS * c->spacing_ms;
    if ((double)step > c->credit_ms)
        step = (int64_t)c->credit_ms;
    c->mark_ms += step;
    c->credit_ms = c->mark_ms == to ? 0 : c->credit_ms - (double)step;
}

/* The crowd has been behind for as many events in a row as the newest doubt has. */
static void take_back(struct lw_clock *c, int64_t to, uint64_t behind) {
    struct lw_doubt *top = &c->doubt[c->ndoubts - 1];
    c->struck = (struct lw_struck){top->from_ms, top->until_ms, top->held};
    int64_t left = top->left_ms;
    c->ndoubts--;
    if (left == INT64_MIN)
        clock_doubt(c, left, 0);
    set_mark(c, to);
    if (c->mark_ms == to) /* else the present time belongs to an even older doubt */
        *said_now(c) += behind;
}

/* The crowd is behind the mark: because of stragglers, or because the mark ran ahead. */
static void look_back(struct lw_clock *c, int64_t to) {
    uint64_t behind = ++c->behind;
    if (at_home(c)) {
        c->credit_ms = 0;
        c->ahead = 0;
    }
    if (c->ndoubts && behind >= LW_CROWD &&
        behind >= c->doubt[c->ndoubts - 1].events - behind)
        take_back(c, to, behind);
}

static void clock_move(struct lw_clock *c) {
    int64_t to = c->crowd_ms - c->late_ms;
    ++*said_now(c);
    clock_trust(c);
    if (c->mark_ms == INT64_MIN) {
        c->spacing_ms = first_spacing(c);
        c->learned = LW_CROWD;
        c->front_ms = c->crowd_ms;
        set_mark(c, to);
    } else if (to < c->mark_ms) {
        look_back(c, to);
    } else {
        c->behind = 0;
        clock_follow(c, to);
    }
}

enum lw_clock_verdict lw_clock_event(struct lw_clock *c, int64_t t, int64_t bound_ms) {
    if (bound_ms < LW_TIME_LIMIT && t - bound_ms > c->jump_ms)
        return LW_CLOCK_SUSPECT;
    int64_t was = c->crowd_ms;
    clock_remember(c, t);
    if (c->crowd_ms == INT64_MIN)
        return LW_CLOCK_BELIEVED;
    if (c->learned)
        clock_learn(c, was);
    clock_move(c);
    c->home = at_home(c) ? c->home + (c->home < LW_CROWD) : 0;
    return alone_ahead(c, t) ? LW_CLOCK_SUSPECT : LW_CLOCK_BELIEVED;
}

void lw_clock_shut(struct lw_clock *c, int64_t end_ms, uint64_t events) {
    uint32_t i = c->ndoubts; /* which time does the pane belong to? */
    while (i > 0 && !at_start(&c->doubt[i - 1]) &&
           end_ms - c->doubt[i - 1].left_ms <= c->pane_ms)
        i--;
    if (i == 0) {
        c->shut_ms = lw_later(c->shut_ms, end_ms);
        return;
    }
    struct lw_doubt *d = &c->doubt[i - 1];
    d->from_ms = lw_earlier(d->from_ms, end_ms);
    d->until_ms = lw_later(d->until_ms, end_ms);
    d->held += events;
}

bool lw_clock_struck(struct lw_clock *c, struct lw_struck *out) {
    *out = c->struck;
    c->struck.events = 0;
    return out->events > 0;
}

void lw_clock_sealed(struct lw_clock *c, int64_t until_ms) {
    if (until_ms <= c->mark_ms || c->crowd_ms == INT64_MIN ||
        until_ms - lw_clock_newest(c) > c->jump_ms)
        return;
    c->floor_ms = lw_later(c->floor_ms, until_ms);
    c->mark_ms = lw_later(c->mark_ms, c->floor_ms);
}

void lw_clock_resume(struct lw_clock *c, const struct lw_spec *spec, int64_t mark_ms,
                     int64_t newest_ms) {
    lw_clock_init(c, spec);
    for (int i = 0; i < LW_CROWD; i++)
        clock_remember(c, newest_ms);
    c->ndoubts = 0;
    c->trusted = ENOUGH;
    c->learned = LW_CROWD;
    c->spacing_ms = first_spacing(c);
    c->front_ms = c->land_ms = newest_ms;
    c->mark_ms = c->floor_ms = c->shut_ms = mark_ms;
}

void lw_clock_write(const struct lw_clock *c, struct lw_buf *out) {
    lw_buf_u8(out, (uint8_t)c->n);
    for (uint32_t i = 0; i < c->n; i++) /* from the oldest to the newest */
        lw_buf_i64(out, c->latest[(c->at + LW_CROWD - c->n + i) % LW_CROWD]);
    lw_buf_i64(out, c->front_ms);
    lw_buf_i64(out, c->land_ms);
    lw_buf_i64(out, c->mark_ms);
    lw_buf_i64(out, c->floor_ms);
    lw_buf_i64(out, c->shut_ms);
    lw_buf_u64(out, c->trusted);
    lw_buf_u8(out, (uint8_t)c->ndoubts);
    for (uint32_t i = 0; i < c->ndoubts; i++) {
        lw_buf_i64(out, c->doubt[i].left_ms);
        lw_buf_u64(out, c->doubt[i].events);
        lw_buf_i64(out, c->doubt[i].from_ms);
        lw_buf_i64(out, c->doubt[i].until_ms);
        lw_buf_u64(out, c->doubt[i].held);
    }
    lw_buf_u64(out, c->behind);
    lw_buf_u64(out, c->ahead);
    lw_buf_u8(out, (uint8_t)c->home);
    lw_buf_u32(out, c->learned);
    lw_buf_f64(out, c->spacing_ms);
    lw_buf_f64(out, c->leaps_ms);
    lw_buf_f64(out, c->credit_ms);
}

static bool is_span(double ms) {
    return ms >= 0 && ms <= (double)LW_TIME_LIMIT;
}

static void read_doubts(struct lw_clock *c, struct lw_reader *r) {
    uint8_t n = lw_reader_u8(r);
    r->bad |= n > LW_DOUBTS;
    for (c->ndoubts = 0; c->ndoubts < n && !r->bad; c->ndoubts++) {
        struct lw_doubt *d = &c->doubt[c->ndoubts];
        d->left_ms = lw_reader_ms(r, INT64_MIN);
        d->events = lw_reader_u64(r);
        d->from_ms = lw_reader_ms(r, INT64_MAX);
        d->until_ms = lw_reader_ms(r, INT64_MIN);
        d->held = lw_reader_u64(r);
    }
}

static void read_latest(struct lw_clock *c, struct lw_reader *r) {
    uint8_t n = lw_reader_u8(r);
    r->bad |= n > LW_CROWD;
    for (uint8_t i = 0; i < n && !r->bad; i++) {
        int64_t t = lw_reader_ms(r, 0);
        if (!r->bad)
            clock_remember(c, t);
    }
}

void lw_clock_read(struct lw_clock *c, struct lw_reader *r) {
    read_latest(c, r);
    c->front_ms = lw_reader_ms(r, INT64_MIN);
    c->land_ms = lw_reader_ms(r, INT64_MIN);
    c->mark_ms = lw_reader_ms(r, INT64_MIN);
    c->floor_ms = lw_reader_ms(r, INT64_MIN);
    c->shut_ms = lw_reader_ms(r, INT64_MIN);
    c->trusted = lw_reader_u64(r);
    read_doubts(c, r);
    c->behind = lw_reader_u64(r);
    c->ahead = lw_reader_u64(r);
    c->home = lw_reader_u8(r);
    c->learned = lw_reader_u32(r);
    c->spacing_ms = lw_reader_f64(r);
    c->leaps_ms = lw_reader_f64(r);
    c->credit_ms = lw_reader_f64(r);
    r->bad |= !is_span(c->spacing_ms) || !is_span(c->leaps_ms) ||
              !is_span(c->credit_ms) || c->learned > HORIZON || c->home > LW_CROWD ||
              (c->mark_ms == INT64_MIN) != (c->n < c->agree) ||
              (c->mark_ms != INT64_MIN && c->learned == 0);
}
