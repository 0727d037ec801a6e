/* See segments.h. An open-addressing table that doubles. At the bound no value is
 * added, so the order of the events alone decides which values have a sum of their own. */
#include "core/segments.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/table.h"
#include "base/text.h"

#define SLOTS_FIRST 16

/* ---- segments ---- */

void lw_segments_fini(struct lw_segments *s) {
    free(s->slot);
    *s = (struct lw_segments){0};
}

void lw_segments_reset(struct lw_segments *s) {
    if (s->n)
        memset(s->slot, 0, s->slots * sizeof *s->slot);
    s->n = 0;
    s->rest = (struct lw_segment_error){0};
}

/* The value's slot, or the empty one where it belongs; there is always an empty one. */
static struct lw_segment_error *slot_of(const struct lw_segments *s, uint64_t key) {
    size_t i = lw_table_place(key, s->slots);
    while (s->slot[i].n && s->slot[i].key != key)
        i = (i + 1) & (s->slots - 1);
    return &s->slot[i];
}

static void segments_grow(struct lw_segments *s) {
    struct lw_segments old = *s;
    s->slots = old.slots ? 2 * old.slots : SLOTS_FIRST;
    s->slot = lw_calloc(s->slots, sizeof *s->slot);
    for (size_t i = 0; i < old.slots; i++)
        if (old.slot[i].n)
            *slot_of(s, old.slot[i].key) = old.slot[i];
    free(old.slot);
}

void lw_segments_add(struct lw_segments *s, uint64_t key, uint64_t n, double loss) {
    if (n == 0)
        return;
    if (s->slots == 0)
        segments_grow(s);
    struct lw_segment_error *at = slot_of(s, key);
    if (at->n == 0) {
        if (s->n == LW_SEGMENTS_MAX) {
            s->rest.n += n;
            s->rest.loss += loss;
            return;
        }
        if (2 * (s->n + 1) > s->slots) {
            segments_grow(s);
            at = slot_of(s, key);
        }
        s->n++;
        at->key = key;
    }
    at->n += n;
    at->loss += loss;
}

static int by_key(const void *a, const void *b) {
    const struct lw_segment_error *x = a, *y = b;
    return (x->key > y->key) - (x->key < y->key);
}

/* The values in the table, in order of key; the caller frees. */
static struct lw_segment_error *segments_sorted(const struct lw_segments *s) {
    struct lw_segment_error *out = lw_calloc(s->n + 1, sizeof *out);
    size_t n = 0;
    for (size_t i = 0; i < s->slots; i++)
        if (s->slot[i].n)
            out[n++] = s->slot[i];
    qsort(out, n, sizeof *out, by_key);
    return out;
}

/* The number of the other's values that are not in this table. */
static size_t count_new(const struct lw_segments *s, const struct lw_segments *other) {
    size_t n = 0;
    for (size_t i = 0; i < other->slots; i++)
        n += other->slot[i].n && !lw_segments_find(s, other->slot[i].key);
    return n;
}

/* At the bound, adds in order of key, so that the values added do not depend on the
 * other table's layout. Usually there is room for all, and the order does not matter. */
void lw_segments_merge(struct lw_segments *s, const struct lw_segments *other) {
    bool room = s->n + count_new(s, other) <= LW_SEGMENTS_MAX;
    struct lw_segment_error *all = room ? NULL : segments_sorted(other);
    const struct lw_segment_error *from = room ? other->slot : all;
    for (size_t i = 0, n = room ? other->slots : other->n; i < n; i++)
        lw_segments_add(s, from[i].key, from[i].n, from[i].loss);
    free(all);
    s->rest.n += other->rest.n;
    s->rest.loss += other->rest.loss;
}

const struct lw_segment_error *lw_segments_find(const struct lw_segments *s,
                                                uint64_t key) {
    const struct lw_segment_error *at = s->slots ? slot_of(s, key) : NULL;
    return at && at->n ? at : NULL;
}

void lw_segments_write(const struct lw_segments *s, struct lw_buf *out) {
    struct lw_segment_error *all = segments_sorted(s);
    lw_buf_u32(out, (uint32_t)s->n);
    for (size_t i = 0; i < s->n; i++) {
        lw_buf_u64(out, all[i].key);
        lw_buf_u64(out, all[i].n);
        lw_buf_f64(out, all[i].loss);
    }
    lw_buf_u64(out, s->rest.n);
    lw_buf_f64(out, s->rest.loss);
    free(all);
}

static bool loss_possible(uint64_t n, double loss) {
    return n <= (UINT64_C(1) << 53) && loss >= 0 && isfinite(loss);
}

void lw_segments_read(struct lw_segments *s, struct lw_reader *r) {
    uint32_t n = lw_reader_u32(r);
    uint64_t last = 0;
    r->bad |= n > LW_SEGMENTS_MAX;
    for (uint32_t i = 0; i < n && !r->bad; i++) {
        struct lw_segment_error one = {.key = lw_reader_u64(r), .n = lw_reader_u64(r)};
        one.loss = lw_reader_f64(r);
        r->bad |=
            one.n == 0 || !loss_possible(one.n, one.loss) || (i > 0 && one.key <= last);
        last = one.key;
        if (!r->bad)
            lw_segments_add(s, one.key, one.n, one.loss);
    }
    s->rest.n = lw_reader_u64(r);
    s->rest.loss = lw_reader_f64(r);
    r->bad |= !loss_possible(s->rest.n, s->rest.loss);
}

/* ---- examples ---- */

static void example_insert(struct lw_examples *x, const struct lw_example *one) {
    size_t at = x->n;
    while (at > 0 && one->loss > x->worst[at - 1].loss)
        at--;
    if (at == LW_EXAMPLES_MAX)
        return;
    x->n += x->n < LW_EXAMPLES_MAX;
    memmove(&x->worst[at + 1], &x->worst[at], (x->n - at - 1) * sizeof *x->worst);
    x->worst[at] = *one;
}

void lw_examples_add(struct lw_examples *x, const struct lw_cell *id, double loss) {
    if (!id->present ||
        (x->n == LW_EXAMPLES_MAX && !(loss > x->worst[LW_EXAMPLES_MAX - 1].loss)))
        return;
    struct lw_example one = {.loss = loss};
    char text[4 * LW_EXAMPLE_BYTES]; /* one byte is shown in 4 at most */
    struct lw_cell part = *id;
    part.len = id->len < LW_EXAMPLE_BYTES ? id->len : LW_EXAMPLE_BYTES;
    if (id->form == LW_FORM_TEXT && id->text)
        lw_text_show(one.id, sizeof one.id, id->text, id->len);
    else
        lw_text_show(one.id, sizeof one.id, text, lw_cell_show(&part, text));
    example_insert(x, &one);
}

void lw_examples_merge(struct lw_examples *x, const struct lw_examples *other) {
    for (size_t i = 0; i < other->n; i++)
        example_insert(x, &other->worst[i]);
}

void lw_examples_write(const struct lw_examples *x, struct lw_buf *out) {
    lw_buf_u8(out, (uint8_t)x->n);
    for (size_t i = 0; i < x->n; i++) {
        lw_buf_f64(out, x->worst[i].loss);
        lw_buf_blob(out, x->worst[i].id, strlen(x->worst[i].id));
    }
}

void lw_examples_read(struct lw_examples *x, struct lw_reader *r) {
    uint8_t n = lw_reader_u8(r);
    r->bad |= n > LW_EXAMPLES_MAX;
    *x = (struct lw_examples){0};
    for (uint8_t i = 0; i < n && !r->bad; i++) {
        size_t len;
        struct lw_example *one = &x->worst[i];
        one->loss = lw_reader_f64(r);
        const char *id = lw_reader_blob(r, &len);
        r->bad |= !id || len >= LW_EXAMPLE_BYTES || !loss_possible(0, one->loss) ||
                  (i > 0 && one->loss > x->worst[i - 1].loss);
        if (!r->bad)
            memcpy(one->id, id, len);
        x->n += !r->bad;
    }
}
