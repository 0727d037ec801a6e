/* Internals of category counts, shared by categories.c, categories_name.c and
 * categories_serial.c.
 *
 * Keys are in an open-addressing table of (key, count) pairs, four per cache line. Once
 * there are more than LW_CATS_FEW of them, integers below LW_CATS_DENSE (zone numbers,
 * hours and codes, for example) move to plain counters indexed by the key, which need no
 * probing. Neither is allocated for a small pane. */
#ifndef LW_SKETCH_CATEGORIES_IMPL_H
#define LW_SKETCH_CATEGORIES_IMPL_H

#include "base/table.h"
#include "leeway/categories.h"

#define LW_CATS_FEW   32
#define LW_CATS_DENSE 1024
#define LW_CATS_TAIL  20 /* bytes: an ellipsis, '#', sixteen digits of the key */
#define LW_CATS_DEPTH 48 /* sampling stops at this depth */

struct lw__cats_slot {
    uint64_t key, count; /* count 0: free */
};

struct lw__cats_text {
    uint32_t at, len1; /* position in texts; length + 1, or 0 for an integer */
};

struct lw_cats {
    uint64_t n, missing, error;
    uint32_t cap, size; /* maximum and present number of distinct keys */
    uint32_t depth;     /* keys of at least this depth are sampled, their counts exact */
    uint32_t ndense;    /* number of counters; 0 before the table has LW_CATS_FEW keys */
    uint32_t nslots;    /* a power of two, or 0 */
    uint32_t hashed;    /* keys in slots */
    uint64_t *dense;
    struct lw__cats_slot *slots;
    struct lw__cats_text *refs; /* one per slot once there are texts; else NULL */
    char *texts;
    uint32_t texts_len, texts_cap;
    struct lw_cat *order; /* sorted by _seal; NULL if out of date */
};

/* Counts a key that is found at the first probe, as nearly every event's is. */
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

/* Adds to the count of a key, without cutting. */
void lw__cats_bump(struct lw_cats *c, uint64_t key, const char *text, size_t len,
                   uint64_t count);
/* Writes the part that is kept of a long text, with its ending; returns the length. */
uint32_t lw__cats_cut_text(char out[LW_CATS_TEXT_MAX], uint64_t key, const char *text);
void lw__cats_tail(char out[LW_CATS_TAIL + 1], uint64_t key);
/* The text of slot i, or NULL for an integer. */
const char *lw__cats_text_of(const struct lw_cats *c, uint32_t i, uint32_t *len);
/* Calls back for every category in the sketch, in no particular order. */
void lw__cats_each(const struct lw_cats *c,
                   void (*visit)(void *arg, const struct lw_cat *cat), void *arg);

#endif
