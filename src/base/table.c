/* Linear probing at a load of at most one half: lookups touch one or two cache lines. */
#include "base/table.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/rng.h"

void lw_table_fini(struct lw_table *t) {
    free(t->keys);
    free(t->values);
    *t = (struct lw_table){0};
}

static size_t slot_of(const struct lw_table *t, uint64_t key) {
    size_t i = lw_mix64(key) & (t->cap - 1);
    while (t->values[i] != LW_TABLE_NONE && t->keys[i] != key)
        i = (i + 1) & (t->cap - 1);
    return i;
}

uint32_t lw_table_get(const struct lw_table *t, uint64_t key) {
    return t->cap ? t->values[slot_of(t, key)] : LW_TABLE_NONE;
}

static void table_grow(struct lw_table *t) {
    struct lw_table old = *t;
    t->cap = old.cap ? old.cap * 2 : 16;
    t->keys = lw_calloc(t->cap, sizeof *t->keys);
    t->values = lw_malloc(t->cap * sizeof *t->values);
    for (size_t i = 0; i < t->cap; i++)
        t->values[i] = LW_TABLE_NONE;
    for (size_t i = 0; i < old.cap; i++) {
        if (old.values[i] == LW_TABLE_NONE)
            continue;
        size_t at = slot_of(t, old.keys[i]);
        t->keys[at] = old.keys[i];
        t->values[at] = old.values[i];
    }
    free(old.keys);
    free(old.values);
}

static uint32_t *table_entry(struct lw_table *t, uint64_t key, int *fresh) {
    if (2 * (t->n + 1) > t->cap)
        table_grow(t);
    size_t at = slot_of(t, key);
    *fresh = t->values[at] == LW_TABLE_NONE;
    if (*fresh) {
        lw_assert(t->n < LW_TABLE_NONE);
        t->keys[at] = key;
        t->n++;
    }
    return &t->values[at];
}

uint32_t lw_table_index(struct lw_table *t, uint64_t key, int *fresh) {
    int is_new;
    uint32_t *value = table_entry(t, key, &is_new);
    if (is_new)
        *value = (uint32_t)(t->n - 1);
    if (fresh)
        *fresh = is_new;
    return *value;
}

void lw_table_put(struct lw_table *t, uint64_t key, uint32_t value) {
    int is_new;
    lw_assert(value != LW_TABLE_NONE);
    *table_entry(t, key, &is_new) = value;
}
