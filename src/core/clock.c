/* See clock.h. */
#include "core/clock.h"

#define PAYS    2    /* usual spacings that an event pays for */
#define HORIZON 8192 /* events that the usual spacing is learned from */

void lw_clock_init(struct lw_clock *c, const struct lw_spec *spec) {
    int agree = spec->jump_agree < LW_CROWD ? spec->jump_agree : LW_CROWD;
    *c = (struct lw_clock){.late_ms = spec->lateness_ms,
                           .jump_ms = spec->max_jump_ms,
                           .pane_ms = spec->pane_ms,
                           .agree = (uint32_t)agree,
                           .crowd_ms = INT64_MIN,
                           .mark_ms = INT64_MIN,
                           .floor_ms = INT64_MIN,
                           .shut_ms = INT64_MIN,
                           .front_ms = INT64_MIN,
                           .left_ms = INT64_MIN,
                           .before = UINT64_MAX,
                           .doubtful = true,
                           .doubt_from_ms = INT64_MAX,
                           .doubt_until_ms = INT64_MIN};
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
    return c->sorted[i] > c->crowd_ms ? c->sorted[i] : c->crowd_ms;
}

/* How many of the latest events stand within max_jump of t? */
static uint32_t around(const struct lw_clock *c, int64_t t) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < c->n; i++)
        n += c->sorted[i] >= t - c->jump_ms && c->sorted[i] <= t + c->jump_ms;
    return n;
}

static bool alone_ahead(const struct lw_clock *c, int64_t t) {
    return t - c->crowd_ms > c->jump_ms && around(c, t) < c->agree;
}

bool lw_clock_forsakes(const struct lw_clock *c, int64_t start_ms) {
    return c->crowd_ms != INT64_MIN && alone_ahead(c, start_ms);
}

/* The latest events, kept in both orders. In a stream that is in order the one that
 * leaves is the first and the one that comes is the last. */
static void remember(struct lw_clock *c, int64_t t) {
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

/* A guess from the first events: bounded, for they can be equal or years apart. */
static double first_spacing(const struct lw_clock *c) {
    double most = (double)c->jump_ms / LW_CROWD;
    double least = (double)c->pane_ms / (4 * LW_CROWD);
    double seen = (double)(c->sorted[c->n - 1] - c->sorted[0]) / c->n;
    return seen > most ? most : seen < least ? least : seen;
}

/* Time has moved by so much with this event; `at_once` by a leap. */
static void learn(struct lw_clock *c, double moved_ms, bool at_once) {
    c->learned += c->learned < HORIZON;
    c->overall_ms += (moved_ms - c->overall_ms) / c->learned;
    if (!at_once)
        c->spacing_ms += (moved_ms - c->spacing_ms) / c->learned;
}

static void set_mark(struct lw_clock *c, int64_t to) {
    c->mark_ms = to > c->floor_ms ? to : c->floor_ms;
    c->credit_ms = 0;
    c->behind = 0;
}

static void forget_doubt(struct lw_clock *c) {
    c->doubt_from_ms = INT64_MAX;
    c->doubt_until_ms = INT64_MIN;
    c->doubt_events = 0;
}

static void believe(struct lw_clock *c) {
    c->shut_ms = c->doubt_until_ms > c->shut_ms ? c->doubt_until_ms : c->shut_ms;
    c->doubtful = false;
    forget_doubt(c);
}

/* Doubtful since the start, and not since a leap? */
static bool beginning(const struct lw_clock *c) {
    return c->doubtful && c->left_ms == INT64_MIN;
}

static void leap(struct lw_clock *c, int64_t to) {
    if (beginning(c))
        believe(c);
    if (!c->doubtful) {
        c->doubtful = true;
        c->left_ms = c->front_ms;
        c->before = c->events;
        c->events = 0;
    }
    set_mark(c, to);
    learn(c, (double)c->jump_ms, true);
}

/* As many events stand behind the leap as before it. */
static void trust(struct lw_clock *c) {
    if (!c->doubtful || c->events < c->before)
        return;
    c->events += c->before;
    believe(c);
}

static void follow(struct lw_clock *c, int64_t to) {
    int64_t step = to - c->mark_ms;
    if (step > c->jump_ms) {
        c->credit_ms += PAYS * c->overall_ms;
        if (c->credit_ms >= (double)c->jump_ms)
            leap(c, to);
        return;
    }
    c->front_ms = c->crowd_ms;
    c->credit_ms += PAYS * c->spacing_ms;
    if ((double)step > c->credit_ms)
        step = (int64_t)c->credit_ms;
    c->mark_ms += step;
    c->credit_ms = c->mark_ms == to ? 0 : c->credit_ms - (double)step;
    learn(c, (double)step, false);
}

/* The crowd is behind the mark: by stragglers, or because the mark ran ahead. */
static void look_back(struct lw_clock *c, int64_t to) {
    uint64_t behind = ++c->behind;
    c->credit_ms = 0;
    if (behind < LW_CROWD || behind < c->events - behind) {
        learn(c, 0, false);
        return;
    }
    c->returned = c->doubtful;
    c->floor_ms = c->shut_ms > c->floor_ms ? c->shut_ms : c->floor_ms;
    set_mark(c, to);
    c->events = c->doubtful && !beginning(c) ? c->before + behind : behind;
}

static void move(struct lw_clock *c) {
    int64_t to = c->crowd_ms - c->late_ms;
    c->events++;
    trust(c);
    if (c->mark_ms == INT64_MIN) {
        c->spacing_ms = c->overall_ms = first_spacing(c);
        c->learned = LW_CROWD;
        c->front_ms = c->crowd_ms;
        set_mark(c, to);
    } else if (to < c->mark_ms) {
        look_back(c, to);
    } else {
        c->behind = 0;
        follow(c, to);
    }
}

enum lw_clock_verdict lw_clock_event(struct lw_clock *c, int64_t t, int64_t bound_ms) {
    if (bound_ms < LW_TIME_LIMIT && t - bound_ms > c->jump_ms)
        return LW_CLOCK_ASTRAY;
    remember(c, t);
    if (c->crowd_ms == INT64_MIN)
        return LW_CLOCK_BELIEVED;
    move(c);
    return alone_ahead(c, t) ? LW_CLOCK_ASTRAY : LW_CLOCK_BELIEVED;
}

void lw_clock_shut(struct lw_clock *c, int64_t end_ms, uint64_t events) {
    bool left = c->left_ms != INT64_MIN && end_ms - c->left_ms <= c->pane_ms;
    if (!c->doubtful || left) {
        c->shut_ms = end_ms > c->shut_ms ? end_ms : c->shut_ms;
        return;
    }
    c->doubt_from_ms = end_ms < c->doubt_from_ms ? end_ms : c->doubt_from_ms;
    c->doubt_until_ms = end_ms > c->doubt_until_ms ? end_ms : c->doubt_until_ms;
    c->doubt_events += events;
}

bool lw_clock_struck(struct lw_clock *c, struct lw_struck *out) {
    if (!c->returned)
        return false;
    c->returned = false;
    *out = (struct lw_struck){c->doubt_from_ms, c->doubt_until_ms, c->doubt_events};
    c->doubtful = beginning(c);
    forget_doubt(c);
    return out->events > 0;
}

void lw_clock_sealed(struct lw_clock *c, int64_t until_ms) {
    if (c->crowd_ms == INT64_MIN || until_ms - c->crowd_ms > c->jump_ms)
        return;
    c->floor_ms = until_ms > c->floor_ms ? until_ms : c->floor_ms;
    c->mark_ms = c->mark_ms < c->floor_ms ? c->floor_ms : c->mark_ms;
}

static void write_time(struct lw_buf *out, int64_t t) {
    lw_buf_u64(out, (uint64_t)t);
}

void lw_clock_write(const struct lw_clock *c, struct lw_buf *out) {
    lw_buf_u8(out, (uint8_t)c->n);
    for (uint32_t i = 0; i < c->n; i++) /* from the oldest to the newest */
        write_time(out, c->latest[(c->at + LW_CROWD - c->n + i) % LW_CROWD]);
    write_time(out, c->mark_ms);
    write_time(out, c->floor_ms);
    write_time(out, c->shut_ms);
    write_time(out, c->front_ms);
    write_time(out, c->left_ms);
    write_time(out, c->doubt_from_ms);
    write_time(out, c->doubt_until_ms);
    lw_buf_u64(out, c->doubt_events);
    lw_buf_u64(out, c->before);
    lw_buf_u8(out, c->doubtful);
    lw_buf_u64(out, c->events);
    lw_buf_u64(out, c->behind);
    lw_buf_u32(out, c->learned);
    lw_buf_f64(out, c->spacing_ms);
    lw_buf_f64(out, c->overall_ms);
    lw_buf_f64(out, c->credit_ms);
}

/* A time that a clock can have written: bounded, or not known. */
static int64_t read_time(struct lw_reader *r) {
    int64_t t = (int64_t)lw_reader_u64(r), limit = 2 * LW_TIME_LIMIT;
    r->bad |= (t < -limit || t > limit) && t != INT64_MIN && t != INT64_MAX;
    return r->bad ? INT64_MIN : t;
}

static bool is_span(double ms) {
    return ms >= 0 && ms <= (double)LW_TIME_LIMIT;
}

void lw_clock_read(struct lw_clock *c, struct lw_reader *r) {
    uint8_t n = lw_reader_u8(r);
    r->bad |= n > LW_CROWD;
    for (uint8_t i = 0; i < n && !r->bad; i++) {
        int64_t t = read_time(r);
        r->bad |= t == INT64_MIN || t == INT64_MAX;
        if (!r->bad)
            remember(c, t);
    }
    c->mark_ms = read_time(r);
    c->floor_ms = read_time(r);
    c->shut_ms = read_time(r);
    c->front_ms = read_time(r);
    c->left_ms = read_time(r);
    c->doubt_from_ms = read_time(r);
    c->doubt_until_ms = read_time(r);
    c->doubt_events = lw_reader_u64(r);
    c->before = lw_reader_u64(r);
    c->doubtful = lw_reader_u8(r) != 0;
    c->events = lw_reader_u64(r);
    c->behind = lw_reader_u64(r);
    c->learned = lw_reader_u32(r);
    c->spacing_ms = lw_reader_f64(r);
    c->overall_ms = lw_reader_f64(r);
    c->credit_ms = lw_reader_f64(r);
    r->bad |= !is_span(c->spacing_ms) || !is_span(c->overall_ms) ||
              !is_span(c->credit_ms) || c->learned > HORIZON || c->behind > c->events ||
              (c->mark_ms == INT64_MIN) != (c->n < c->agree) ||
              (c->mark_ms != INT64_MIN && c->learned == 0);
}
