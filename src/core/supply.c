/* See supply.h. */
#include "core/supply.h"

#include <string.h>

void lw_supply_init(struct lw_supply *s) {
    *s = (struct lw_supply){.since_ms = INT64_MAX};
}

static int64_t span_part(int64_t span_ms) {
    int64_t ms = span_ms / LW_SUPPLY_PARTS;
    return ms > 0 ? ms : 1;
}

static int64_t cell_index(int64_t ms, int64_t length_ms) {
    return ms / length_ms - (ms % length_ms < 0);
}

/* Joins neighbours before the hold-out that lie in the same part of the window. */
static void merge_old(struct lw_supply *s, const struct lw_retrain_spec *r,
                      int64_t now_ms) {
    int64_t length = span_part(r->window_ms), hold = now_ms - r->holdout_ms;
    size_t keep = 0;
    for (size_t i = 0; i < s->ncells; i++) {
        const struct lw_supply_cell *c = &s->cell[i];
        struct lw_supply_cell *last = keep ? &s->cell[keep - 1] : NULL;
        if (r->window_ms && c->end_ms <= now_ms - r->window_ms)
            continue;
        if (last && c->end_ms <= hold &&
            cell_index(last->start_ms, length) == cell_index(c->start_ms, length)) {
            last->end_ms = c->end_ms;
            last->n += c->n;
        } else {
            s->cell[keep++] = *c;
        }
    }
    s->ncells = keep;
}

void lw_supply_add(struct lw_supply *s, const struct lw_retrain_spec *r, int64_t start_ms,
                   int64_t end_ms, uint64_t n) {
    int64_t length = span_part(r->holdout_ms);
    struct lw_supply_cell *last = s->ncells ? &s->cell[s->ncells - 1] : NULL;
    if (n == 0)
        return;
    if (s->since_ms > start_ms)
        s->since_ms = start_ms;
    if (last && cell_index(last->start_ms, length) == cell_index(start_ms, length)) {
        last->end_ms = end_ms;
        last->n += n;
        return;
    }
    merge_old(s, r, end_ms);
    /* a window of irregular spans: join the oldest two */
    if (s->ncells == LW_SUPPLY_CELLS) {
        s->cell[1].start_ms = s->cell[0].start_ms;
        s->cell[1].n += s->cell[0].n;
        memmove(s->cell, s->cell + 1, --s->ncells * sizeof *s->cell);
    }
    s->cell[s->ncells++] = (struct lw_supply_cell){start_ms, end_ms, n};
}

void lw_supply_return(struct lw_supply *s, int64_t at_ms) {
    while (s->ncells && s->cell[s->ncells - 1].start_ms >= at_ms)
        s->ncells--;
    if (s->ncells == 0)
        s->since_ms = INT64_MAX;
}

uint64_t lw_supply_rows(const struct lw_supply *s, const struct lw_retrain_spec *r,
                        int64_t at_ms) {
    uint64_t n = 0;
    for (size_t i = 0; i < s->ncells; i++) {
        const struct lw_supply_cell *c = &s->cell[i];
        bool young = c->end_ms > at_ms - r->holdout_ms;
        bool gone = r->window_ms && c->start_ms < at_ms - r->window_ms;
        n += young || gone ? 0 : c->n;
    }
    return n;
}

bool lw_supply_full(const struct lw_supply *s, const struct lw_retrain_spec *r,
                    int64_t at_ms) {
    return r->window_ms && s->since_ms <= at_ms - r->window_ms;
}

void lw_supply_write(const struct lw_supply *s, struct lw_buf *out) {
    lw_buf_i64(out, s->since_ms);
    lw_buf_u8(out, (uint8_t)s->ncells);
    for (size_t i = 0; i < s->ncells; i++) {
        lw_buf_i64(out, s->cell[i].start_ms);
        lw_buf_i64(out, s->cell[i].end_ms);
        lw_buf_u64(out, s->cell[i].n);
    }
}

void lw_supply_read(struct lw_supply *s, struct lw_reader *r) {
    lw_supply_init(s);
    s->since_ms = lw_reader_ms(r, INT64_MAX);
    size_t n = lw_reader_u8(r);
    r->bad |= n > LW_SUPPLY_CELLS;
    for (; s->ncells < n && !r->bad; s->ncells++) {
        struct lw_supply_cell *c = &s->cell[s->ncells];
        c->start_ms = lw_reader_ms(r, 0);
        c->end_ms = lw_reader_ms(r, 0);
        c->n = lw_reader_u64(r);
        r->bad |= c->end_ms < c->start_ms;
    }
}
