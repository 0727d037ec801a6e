/* Category counts: adding, merging, and cutting when there are too many keys.
 *
 * Past the cap a summary must drop keys. It keeps two kinds of them: the heavy
 * categories, and a random sample with exact counts, because a test of whether two
 * samples differ, or of how many values are new, needs counts without error. Both kinds
 * share the table.
 *
 * Sampled keys (Gibbons 2001, distinct sampling) are those whose hash begins with `depth`
 * zero bits: a random one in 2^depth of all categories, whatever their counts. They are
 * never cut. `depth` only grows, so a key that is sampled now has been sampled since its
 * first value, and its count is exact through any number of merges. At most half of the
 * cap is sampled.
 *
 * The other keys follow Anderson et al. 2017 (after Misra and Gries 1982): when key cap +
 * 1 arrives, the median of their counts is subtracted from each of them, keys whose count
 * becomes 0 are removed, and the median is added to the error. At least half of them are
 * removed, so a cut costs O(1) per added key; each cut subtracts the median from at least
 * a quarter of cap keys, so the error is at most 4 n / cap. The median is exact and does
 * not depend on the order in the table, so a sketch that was stored and loaded continues
 * exactly like the original.
 *
 * A text with a key below LW_CATS_DENSE (one in 2^54) is counted as that integer. */
#include "categories_impl.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"

/* Sampling uses other bits than the table, whose slots also derive from the key's
 * hash. */
#define SALT UINT64_C(0x6c65657761796361)

struct lw_cats *lw_cats_new(uint32_t cap) {
    struct lw_cats *c = lw_calloc(1, sizeof *c);
    c->cap = cap == 0 ? LW_CATS_CAP_DEFAULT : cap;
    lw_assert(c->cap <= LW_CATS_CAP_MAX);
    return c;
}

void lw_cats_free(struct lw_cats *c) {
    if (!c)
        return;
    free(c->dense);
    free(c->slots);
    free(c->refs);
    free(c->texts);
    free(c->order);
    free(c);
}

static void cats_unseal(struct lw_cats *c) {
    free(c->order);
    c->order = NULL;
}

void lw_cats_reset(struct lw_cats *c) {
    cats_unseal(c);
    if (c->size > c->hashed)
        memset(c->dense, 0, c->ndense * sizeof *c->dense);
    if (c->hashed > 0)
        memset(c->slots, 0, c->nslots * sizeof *c->slots);
    c->n = c->missing = c->error = 0;
    c->depth = 0;
    c->size = c->hashed = c->texts_len = 0;
}

struct lw_cats *lw_cats_clone(const struct lw_cats *c) {
    struct lw_cats *copy = lw_memdup(c, sizeof *c);
    copy->order = NULL;
    copy->texts_cap = c->texts_len;
    copy->dense = c->dense ? lw_memdup(c->dense, c->ndense * sizeof *c->dense) : NULL;
    copy->slots = c->slots ? lw_memdup(c->slots, c->nslots * sizeof *c->slots) : NULL;
    copy->refs = c->refs ? lw_memdup(c->refs, c->nslots * sizeof *c->refs) : NULL;
    copy->texts = c->texts_len ? lw_memdup(c->texts, c->texts_len) : NULL;
    return copy;
}

/* The key's slot, or the free slot for it. nslots > 0. */
static uint32_t table_probe(const struct lw_cats *c, uint64_t key) {
    uint32_t at = (uint32_t)lw_table_place(key, c->nslots);
    while (c->slots[at].count > 0 && c->slots[at].key != key)
        at = (at + 1) & (c->nslots - 1);
    return at;
}

/* Builds a table of nslots with the keys of the old one. */
static void table_rehash(struct lw_cats *c, uint32_t nslots) {
    struct lw_cats old = *c;
    c->nslots = nslots;
    c->slots = lw_calloc(nslots, sizeof *c->slots);
    if (old.refs)
        c->refs = lw_calloc(nslots, sizeof *c->refs);
    for (uint32_t i = 0; i < old.nslots; i++) {
        if (old.slots[i].count == 0)
            continue;
        uint32_t at = table_probe(c, old.slots[i].key);
        c->slots[at] = old.slots[i];
        if (old.refs)
            c->refs[at] = old.refs[i];
    }
    free(old.slots);
    free(old.refs);
}

static void grow_dense(struct lw_cats *c, uint64_t key) {
    uint32_t room = c->ndense ? c->ndense : 64;
    while (room <= key)
        room *= 2;
    c->dense = lw_realloc(c->dense, room, sizeof *c->dense);
    memset(c->dense + c->ndense, 0, (room - c->ndense) * sizeof *c->dense);
    c->ndense = room;
}

/* Keeps the beginning of a long text, in whole characters, and its key, so that different
 * texts stay different. */
uint32_t lw__cats_cut_text(char out[LW_CATS_TEXT_MAX], uint64_t key, const char *text) {
    char tail[LW_CATS_TAIL + 1];
    uint32_t keep = LW_CATS_TEXT_MAX - LW_CATS_TAIL;
    while (keep > 0 && ((unsigned char)text[keep] & 0xc0) == 0x80)
        keep--; /* do not cut inside a UTF-8 character */
    lw__cats_tail(tail, key);
    memcpy(out, text, keep);
    memcpy(out + keep, tail, LW_CATS_TAIL);
    return keep + LW_CATS_TAIL;
}

void lw__cats_tail(char out[LW_CATS_TAIL + 1], uint64_t key) {
    snprintf(out, LW_CATS_TAIL + 1, "\xe2\x80\xa6#%016" PRIx64, key);
}

static void keep_text(struct lw_cats *c, uint32_t slot, const char *text, size_t len) {
    if (!c->refs)
        c->refs = lw_calloc(c->nslots, sizeof *c->refs);
    lw_assert(len <= LW_CATS_TEXT_MAX);
    uint32_t kept = (uint32_t)len;
    if (c->texts_len + kept > c->texts_cap) {
        c->texts_cap = 2 * c->texts_cap + kept + 64;
        c->texts = lw_realloc(c->texts, c->texts_cap, 1);
    }
    if (kept > 0)
        memcpy(c->texts + c->texts_len, text, kept);
    c->refs[slot] = (struct lw__cats_text){.at = c->texts_len, .len1 = kept + 1};
    c->texts_len += kept;
}

const char *lw__cats_text_of(const struct lw_cats *c, uint32_t i, uint32_t *len) {
    *len = 0;
    if (!c->refs || c->refs[i].len1 == 0)
        return NULL;
    *len = c->refs[i].len1 - 1;
    return *len > 0 ? c->texts + c->refs[i].at : "";
}

void lw__cats_each(const struct lw_cats *c,
                   void (*visit)(void *arg, const struct lw_cat *cat), void *arg) {
    if (c->size > c->hashed)
        for (uint32_t key = 0; key < c->ndense; key++)
            if (c->dense[key] > 0)
                visit(arg, &(struct lw_cat){.key = key, .count = c->dense[key]});
    if (c->hashed == 0)
        return;
    for (uint32_t i = 0; i < c->nslots; i++) {
        if (c->slots[i].count == 0)
            continue;
        struct lw_cat cat = {.key = c->slots[i].key, .count = c->slots[i].count};
        cat.text = lw__cats_text_of(c, i, &cat.len);
        visit(arg, &cat);
    }
}

/* ---- the cut ---- */

bool lw_cats_sampled(uint64_t key, unsigned depth) {
    if (depth == 0 || depth >= LW_CATS_DEPTH) /* crafted keys may all hash to 0 */
        return depth == 0;
    return lw_mix64(key ^ SALT) >> (64 - depth) == 0;
}

struct counts { /* of the keys that can be cut; has room for all */
    const struct lw_cats *c;
    uint64_t *count;
    size_t n;
};

static void take_count(void *arg, const struct lw_cat *cat) {
    struct counts *t = arg;
    if (!lw_cats_sampled(cat->key, t->c->depth))
        t->count[t->n++] = cat->count;
}

/* Quickselect (Hoare): the value that sorting would put at `rank`. */
static uint64_t select_rank(uint64_t *v, ptrdiff_t n, ptrdiff_t rank) {
    ptrdiff_t lo = 0, hi = n - 1;
    while (lo < hi) {
        uint64_t pivot = v[lo + (hi - lo) / 2];
        ptrdiff_t i = lo, j = hi;
        while (i <= j) {
            while (v[i] < pivot)
                i++;
            while (v[j] > pivot)
                j--;
            if (i > j)
                break;
            uint64_t t = v[i];
            v[i++] = v[j];
            v[j--] = t;
        }
        if (rank > j && rank < i)
            break;
        lo = rank <= j ? lo : i;
        hi = rank <= j ? j : hi;
    }
    return v[rank];
}

static void cut_count(const struct lw_cats *c, uint64_t key, uint64_t *count,
                      uint64_t median) {
    if (!lw_cats_sampled(key, c->depth))
        *count -= *count > median ? median : *count;
}

static void cut_slots(struct lw_cats *c, uint64_t median) {
    char *texts = c->texts;
    c->texts = NULL;
    c->texts_len = c->texts_cap = c->hashed = 0;
    for (uint32_t i = 0; i < c->nslots; i++) {
        struct lw__cats_slot *slot = &c->slots[i];
        if (slot->count > 0)
            cut_count(c, slot->key, &slot->count, median);
        c->hashed += slot->count > 0;
        struct lw__cats_text ref = c->refs ? c->refs[i] : (struct lw__cats_text){0};
        if (slot->count > 0 && ref.len1 > 0)
            keep_text(c, i, ref.len1 > 1 ? texts + ref.at : "", ref.len1 - 1);
    }
    free(texts);
    if (c->nslots > 0)
        table_rehash(c, c->nslots); /* removed keys would break probe sequences */
}

/* Raises the depth until at most half of the cap is sampled; returns the counts of the
 * others. */
static struct counts level_deepen(struct lw_cats *c) {
    struct counts t = {c, lw_calloc(c->size, sizeof *t.count), 0};
    lw__cats_each(c, take_count, &t);
    while (c->size - t.n > c->cap / 2) {
        c->depth++;
        t.n = 0;
        lw__cats_each(c, take_count, &t);
    }
    return t;
}

static void table_cut(struct lw_cats *c) {
    struct counts t = level_deepen(c);
    uint64_t median = select_rank(t.count, (ptrdiff_t)t.n, (ptrdiff_t)(t.n / 2));
    free(t.count);
    uint32_t dense = 0;
    for (uint32_t key = 0; key < c->ndense; key++) {
        cut_count(c, key, &c->dense[key], median);
        dense += c->dense[key] > 0;
    }
    cut_slots(c, median);
    c->size = dense + c->hashed;
    c->error += median;
}

/* ---- adding ---- */

/* Moves small integers from the table to their own counters. */
static void move_to_dense(struct lw_cats *c) {
    grow_dense(c, 0);
    for (uint32_t i = 0; i < c->nslots; i++) {
        struct lw__cats_slot *slot = &c->slots[i];
        if (slot->count == 0 || slot->key >= LW_CATS_DENSE)
            continue;
        if (slot->key >= c->ndense)
            grow_dense(c, slot->key);
        c->dense[slot->key] = slot->count;
        slot->count = 0;
        c->hashed--;
    }
    table_rehash(c, c->nslots);
}

static void bump_dense(struct lw_cats *c, uint64_t key, uint64_t count) {
    if (key >= c->ndense)
        grow_dense(c, key);
    c->size += c->dense[key] == 0;
    c->dense[key] += count;
}

static void new_key(struct lw_cats *c, uint64_t key, const char *text, size_t len,
                    uint64_t count) {
    if (4 * (c->hashed + 1) > 3 * c->nslots)
        table_rehash(c, c->nslots ? 2 * c->nslots : 16);
    uint32_t at = table_probe(c, key);
    c->slots[at] = (struct lw__cats_slot){.key = key, .count = count};
    char cut[LW_CATS_TEXT_MAX];
    if (text && key >= LW_CATS_DENSE && len > LW_CATS_TEXT_MAX)
        keep_text(c, at, cut, lw__cats_cut_text(cut, key, text));
    else if (text && key >= LW_CATS_DENSE)
        keep_text(c, at, text, len);
    else if (c->refs)
        c->refs[at] = (struct lw__cats_text){0};
    c->hashed++;
    c->size++;
    if (c->ndense == 0 && c->hashed > LW_CATS_FEW)
        move_to_dense(c);
}

void lw__cats_bump(struct lw_cats *c, uint64_t key, const char *text, size_t len,
                   uint64_t count) {
    if (c->order)
        cats_unseal(c);
    c->n += count;
    if (key < LW_CATS_DENSE && c->ndense > 0) {
        bump_dense(c, key, count);
    } else {
        uint32_t at = c->nslots > 0 ? table_probe(c, key) : 0;
        if (c->nslots > 0 && c->slots[at].count > 0)
            c->slots[at].count += count;
        else
            new_key(c, key, text, len, count);
    }
}

static void table_add(struct lw_cats *c, uint64_t key, const char *text, size_t len,
                      uint64_t count) {
    lw__cats_bump(c, key, text, len, count);
    if (c->size > c->cap)
        table_cut(c);
}

void lw_cats_add(struct lw_cats *c, const struct lw_cell *cell) {
    if (!cell->present)
        c->missing++;
    else
        table_add(c, cell->key, cell->text, cell->len, 1);
}

void lw_cats_add_int(struct lw_cats *c, int64_t key, uint64_t count) {
    if (count > 0)
        table_add(c, (uint64_t)key, NULL, 0, count);
}

void lw_cats_add_text(struct lw_cats *c, const char *text, size_t len, uint64_t count) {
    if (count > 0)
        table_add(c, lw_text_key(text, len), text, len, count);
}

void lw_cats_add_missing(struct lw_cats *c, uint64_t count) {
    c->missing += count;
}

static void take_category(void *arg, const struct lw_cat *cat) {
    lw__cats_bump(arg, cat->key, cat->text, cat->len, cat->count);
}

/* Values that the other sketch has cut are part of its n, but of none of its counts. The
 * cut comes after all keys are added; between keys it would depend on the order of the
 * other's table. */
void lw_cats_merge(struct lw_cats *c, const struct lw_cats *other) {
    lw_assert(c != other);
    uint64_t n = c->n + other->n;
    lw__cats_each(other, take_category, c);
    c->n = n;
    c->missing += other->missing;
    c->error += other->error;
    c->depth = c->depth > other->depth ? c->depth : other->depth;
    while (c->size > c->cap) /* usually once: sampled keys cannot be cut */
        table_cut(c);
}

uint64_t lw_cats_n(const struct lw_cats *c) {
    return c->n;
}

uint64_t lw_cats_missing(const struct lw_cats *c) {
    return c->missing;
}

uint64_t lw_cats_error(const struct lw_cats *c) {
    return c->error;
}

size_t lw_cats_size(const struct lw_cats *c) {
    return c->size;
}

uint64_t lw_cats_count(const struct lw_cats *c, uint64_t key) {
    if (key < LW_CATS_DENSE && c->ndense > 0)
        return key < c->ndense ? c->dense[key] : 0;
    if (c->nslots == 0)
        return 0;
    struct lw__cats_slot slot = c->slots[table_probe(c, key)];
    return slot.count;
}

uint64_t lw_cats_upper(const struct lw_cats *c, uint64_t key) {
    return lw_cats_count(c, key) + (lw_cats_sampled(key, c->depth) ? 0 : c->error);
}

static void add_up(void *arg, const struct lw_cat *cat) {
    *(uint64_t *)arg += cat->count;
}

uint64_t lw_cats_dropped(const struct lw_cats *c) {
    uint64_t counted = 0;
    lw__cats_each(c, add_up, &counted);
    return c->n - counted;
}

unsigned lw_cats_depth(const struct lw_cats *c) {
    return c->depth;
}

uint32_t lw_cats_cap(const struct lw_cats *c) {
    return c->cap;
}
