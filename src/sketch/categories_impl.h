/* Internals of category counts, shared by categories.c, categories_name.c and
 * categories_serial.c.
 *
 * Keys live in an open-addressing table of (key, count) pairs, four to a cache line.
 * Once there are more than LW_CATS_FEW of them, integers below LW_CATS_DENSE move to
 * plain counters indexed by the key, and need no probe: zone numbers, hours and codes,
 * for example. A small pane holds neither. */
#ifndef LW_SKETCH_CATEGORIES_IMPL_H
#define LW_SKETCH_CATEGORIES_IMPL_H

#include "base/table.h"
#include "leeway/categories.h"

#define LW_CATS_FEW   32
#define LW_CATS_DENSE 1024
#define LW_CATS_TAIL  20 /* bytes: an ellipsis, '#', sixteen digits of the key */
#define LW_CATS_DEPTH 48 /* from here on nothing is sampled */

struct lw__cats_slot {
    uint64_t key, count; /* count 0: free */
};

struct lw__cats_text {
    uint32_t at, len1; /* where in texts; length + 1, or 0 for an integer */
};

struct lw_cats {
    uint64_t n, missing, error;
    uint32_t cap, size; /* distinct keys allowed, held */
    uint32_t depth;     /* keys of this depth or more are sampled: exact */
    uint32_t ndense;    /* counters there are; 0 before the table has LW_CATS_FEW keys */
    uint32_t nslots;    /* a power of two, or 0 */
    uint32_t hashed;    /* keys in slots */
    uint64_t *dense;
    struct lw__cats_slot *slots;
    struct lw__cats_text *refs; /* one a slot, once there are texts; else NULL */
    char *texts;
    uint32_t texts_len, texts_cap;
    struct lw_cat *order; /* made by _seal; NULL when out of date */
};

/* Counts a key found at its first probe: nearly every event. */
static inline bool lw__cats_hit(struct lw_cats *c, uint64_t key) {
    uint64_t *count = NULL;
    if (key < c->ndense) {
        count = &c->dense[key];
    } else if (c->nslots > 0) {
        struct lw__cats_slot *slot = &c->slots[lw_table_place(key, c->nslots)];
        if (slot->key == key)
            count = &slot->count;
    }
    if (!count || *count == 0 || c->order)
        return false;
    ++*count;
    c->n++;
    return true;
}

/* Adds to a key's count, without a cut. */
void lw__cats_bump(struct lw_cats *c, uint64_t key, const char *text, size_t len,
                   uint64_t count);
/* What is kept of a text that is too long, and how that ends; its length. */
uint32_t lw__cats_cut_text(char out[LW_CATS_TEXT_MAX], uint64_t key, const char *text);
void lw__cats_tail(char out[LW_CATS_TAIL + 1], uint64_t key);
/* The text of slot i, or NULL for an integer. */
const char *lw__cats_text_of(const struct lw_cats *c, uint32_t i, uint32_t *len);
/* Calls back for every category held, in no order. */
void lw__cats_each(const struct lw_cats *c,
                   void (*visit)(void *arg, const struct lw_cat *cat), void *arg);

#endif
