/* An open-addressing hash table from 64-bit keys to 32-bit values: the one dictionary of
 * the project (category levels, columns, atoms). Keys are hashed by lw_mix64, so
 * sequential integers are fine. Insertion order is kept: value i was the i-th new key
 * when values are given by _index. */
#ifndef LW_BASE_TABLE_H
#define LW_BASE_TABLE_H

#include <stddef.h>
#include <stdint.h>

#define LW_TABLE_NONE UINT32_MAX

struct lw_table {
    uint64_t *keys;
    uint32_t *values; /* LW_TABLE_NONE marks a free slot */
    size_t cap, n;
};

void lw_table_fini(struct lw_table *t);
/* The value of a key, or LW_TABLE_NONE. */
uint32_t lw_table_get(const struct lw_table *t, uint64_t key);
/* Value of the key; a new key gets the value n (its index), and *fresh = 1. */
uint32_t lw_table_index(struct lw_table *t, uint64_t key, int *fresh);
void lw_table_put(struct lw_table *t, uint64_t key, uint32_t value);

/* The first slot to probe for a key, in a table with a power of two of slots. Multiplies
 * by the golden ratio: neighbouring integers, such as zone numbers and hours, lie far
 * apart and rarely collide, so that the first probe nearly always succeeds. */
static inline size_t lw_table_place(uint64_t key, size_t slots) {
    key = (key ^ key >> 32) * UINT64_C(0x9e3779b97f4a7c15);
    return (size_t)(key >> 32) & (slots - 1);
}

#endif
