/* See quarantine.h. There are few spans, so every function walks all of them. */
#include "core/quarantine.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

static int64_t end_of(const struct lw_span *s) {
    return s->open ? INT64_MAX : s->until_ms;
}

bool lw_quarantine_touches(const struct lw_quarantine *q, int64_t from_ms,
                           int64_t until_ms) {
    for (size_t i = 0; i < q->n; i++)
        if (q->span[i].from_ms < until_ms && end_of(&q->span[i]) > from_ms)
            return true;
    return false;
}

int64_t lw_quarantine_past(const struct lw_quarantine *q, int64_t at_ms) {
    for (size_t i = 0; i < q->n; i++) /* in order of start: one walk reaches the end */
        if (q->span[i].from_ms <= at_ms && end_of(&q->span[i]) > at_ms)
            at_ms = end_of(&q->span[i]);
    return at_ms;
}

int64_t lw_quarantine_next(const struct lw_quarantine *q, int64_t at_ms) {
    for (size_t i = 0; i < q->n; i++)
        if (q->span[i].from_ms > at_ms)
            return q->span[i].from_ms;
    return INT64_MAX;
}

int64_t lw_quarantine_back(const struct lw_quarantine *q, int64_t until_ms,
                           int64_t length_ms) {
    int64_t at = until_ms;
    for (;;) {
        int64_t start = at, free_from = INT64_MIN;
        for (size_t i = 0; i < q->n; i++) {
            int64_t from = q->span[i].from_ms, end = end_of(&q->span[i]);
            if (from < at && end >= at)
                start = from < start ? from : start;
            else if (end < at && end > free_from)
                free_from = end;
        }
        if (start < at) {
            at = start;
        } else if (free_from == INT64_MIN || at - free_from >= length_ms) {
            return at - length_ms;
        } else {
            length_ms -= at - free_from;
            at = free_from;
        }
    }
}

struct lw_span *lw_quarantine_open_of(struct lw_quarantine *q, const char *feature) {
    for (size_t i = 0; i < q->n; i++)
        if (q->span[i].open && strcmp(q->span[i].feature, feature) == 0)
            return &q->span[i];
    return NULL;
}

static void quarantine_drop(struct lw_quarantine *q, size_t i) {
    memmove(&q->span[i], &q->span[i + 1], (--q->n - i) * sizeof *q->span);
}

/* Joins the closest two spans of one feature. There is such a pair: see LW_SPANS_MAX. */
static void make_room(struct lw_quarantine *q) {
    size_t a = 0, b = 0;
    int64_t least = INT64_MAX;
    for (size_t i = 0; i < q->n; i++)
        for (size_t j = i + 1; j < q->n; j++) {
            if (strcmp(q->span[i].feature, q->span[j].feature) != 0)
                continue;
            int64_t gap = q->span[j].from_ms - q->span[i].until_ms;
            if (gap < least) {
                least = gap;
                a = i;
                b = j;
            }
            break; /* the next span of that feature is the closest */
        }
    if (b == 0) { /* damaged: too many names, so the oldest span is dropped */
        quarantine_drop(q, 0);
        return;
    }
    q->span[a].open |= q->span[b].open;
    if (q->span[b].until_ms > q->span[a].until_ms)
        q->span[a].until_ms = q->span[b].until_ms;
    quarantine_drop(q, b);
}

static struct lw_span *quarantine_insert(struct lw_quarantine *q,
                                         const struct lw_span *s) {
    size_t at = q->n;
    while (at > 0 && q->span[at - 1].from_ms > s->from_ms)
        at--;
    memmove(&q->span[at + 1], &q->span[at], (q->n - at) * sizeof *q->span);
    q->span[at] = *s;
    q->n++;
    return &q->span[at];
}

struct lw_span *lw_quarantine_begin(struct lw_quarantine *q,
                                    const struct lw_span *fault) {
    struct lw_span s = *fault;
    s.open = true;
    s.id = 0;
    for (size_t i = q->n; i-- > 0;) {
        const struct lw_span *old = &q->span[i];
        if (strcmp(old->feature, s.feature) != 0 || end_of(old) < s.from_ms)
            continue;
        s.from_ms = old->from_ms < s.from_ms ? old->from_ms : s.from_ms;
        s.id = old->id; /* the oldest span keeps it */
        quarantine_drop(q, i);
    }
    if (q->n == LW_SPANS_MAX)
        make_room(q);
    if (!s.id)
        s.id = ++q->newest;
    return quarantine_insert(q, &s);
}

bool lw_quarantine_release(struct lw_quarantine *q, const char *which,
                           struct lw_span *out) {
    char id[16];
    for (size_t i = 0; i < q->n; i++) {
        snprintf(id, sizeof id, "%u", q->span[i].id);
        if (strcmp(which, id) != 0 && strcmp(which, q->span[i].feature) != 0)
            continue;
        *out = q->span[i];
        quarantine_drop(q, i);
        return true;
    }
    return false;
}

void lw_quarantine_forget(struct lw_quarantine *q, int64_t before_ms) {
    for (size_t i = q->n; i-- > 0;)
        if (end_of(&q->span[i]) <= before_ms)
            quarantine_drop(q, i);
}

char *lw_quarantine_span_text(char *out, size_t size, const struct lw_span *span) {
    char from[32], until[32] = "now on";
    lw_format_time(from, sizeof from, span->from_ms);
    if (!span->open)
        lw_format_time(until, sizeof until, span->until_ms);
    snprintf(out, size, "span %u: %s from %s %s%s, because of %s", span->id,
             span->feature, from, span->open ? "" : "until ", until, span->why);
    return out;
}

void lw_quarantine_write(const struct lw_quarantine *q, struct lw_buf *out) {
    lw_buf_u32(out, q->newest);
    lw_buf_u16(out, (uint16_t)q->n);
    for (size_t i = 0; i < q->n; i++) {
        const struct lw_span *s = &q->span[i];
        lw_buf_u32(out, s->id);
        lw_buf_u8(out, s->open);
        lw_buf_i64(out, s->from_ms);
        lw_buf_i64(out, s->until_ms);
        lw_buf_i64(out, s->broken_ms);
        lw_buf_blob(out, s->feature, strlen(s->feature));
        lw_buf_blob(out, s->why, strlen(s->why));
    }
}

void lw_quarantine_read(struct lw_quarantine *q, struct lw_reader *r) {
    *q = (struct lw_quarantine){.newest = lw_reader_u32(r)};
    uint16_t n = lw_reader_u16(r);
    r->bad |= n > LW_SPANS_MAX;
    for (uint16_t i = 0; i < n && !r->bad; i++) {
        struct lw_span s = {.id = lw_reader_u32(r), .open = lw_reader_u8(r) != 0};
        s.from_ms = lw_reader_ms(r, 0);
        s.until_ms = lw_reader_ms(r, 0);
        s.broken_ms = lw_reader_ms(r, 0);
        lw_reader_text(r, s.feature, sizeof s.feature);
        lw_reader_text(r, s.why, sizeof s.why);
        r->bad |= s.until_ms < s.from_ms || (i > 0 && s.from_ms < q->span[i - 1].from_ms);
        if (!r->bad)
            q->span[q->n++] = s;
    }
}
