/* Blocks: crosses of categories, their levels, and the tallies that levels are made
 * from. Levels are ordered by composite and codes by key, so the same rows in any order
 * give the same model. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/parts.h"

int lw_block_shape(struct lw_block *block, const struct lw_dict *dicts,
                   struct lw_err *err) {
    block->space = 1;
    for (int i = block->ncat - 1; i >= 0; i--) {
        uint64_t n = dicts[block->atom[i]].n;
        block->stride[i] = block->space;
        if (n && block->space > LW_SPACE_MAX / n)
            return lw_fail(
                err, LW_ECONFIG,
                "a cross of %d categories has too many possible levels; cross fewer, or bin them",
                block->ncat);
        block->space *= n ? n : 1;
    }
    return 0;
}

void lw_block_levels(struct lw_block *block, const uint64_t *composite, uint32_t n,
                     bool other) {
    block->nlevels = n + other;
    block->other = other ? n : LW_CODE_NONE;
    block->composite = lw_malloc((n + 1) * sizeof *block->composite);
    if (n)
        memcpy(block->composite, composite, n * sizeof *composite);
    if (block->space > LW_BLOCK_DENSE) {
        for (uint32_t i = 0; i < n; i++)
            lw_table_put(&block->table, composite[i], i);
        return;
    }
    block->dense = lw_malloc(block->space * sizeof *block->dense);
    for (uint64_t c = 0; c < block->space; c++)
        block->dense[c] = LW_CODE_NONE;
    for (uint32_t i = 0; i < n; i++)
        block->dense[composite[i]] = i;
}

void lw_block_fini(struct lw_block *block) {
    free(block->composite);
    free(block->dense);
    lw_table_fini(&block->table);
    *block = (struct lw_block){0};
}

void lw_block_tally_init(struct lw_block_tally *tally, uint64_t space) {
    *tally = (struct lw_block_tally){0};
    if (space > LW_BLOCK_DENSE) {
        tally->cap = 1024;
        tally->key = lw_malloc(tally->cap * sizeof *tally->key);
    } else {
        tally->n = tally->cap = space;
    }
    tally->count = lw_calloc(tally->cap, sizeof *tally->count);
}

void lw_block_tally_add(struct lw_block_tally *tally, uint64_t composite) {
    if (!tally->key) {
        tally->count[composite]++;
        return;
    }
    int fresh;
    uint32_t at = lw_table_index(&tally->table, composite, &fresh);
    if (!fresh) {
        tally->count[at]++;
        return;
    }
    if (at == tally->cap) {
        tally->cap *= 2;
        tally->key = lw_realloc(tally->key, tally->cap, sizeof *tally->key);
        tally->count = lw_realloc(tally->count, tally->cap, sizeof *tally->count);
    }
    tally->key[at] = composite;
    tally->count[at] = 1;
    tally->n++;
}

static int by_value(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

int lw_block_tally_finish(struct lw_block_tally *tally, struct lw_block *block,
                          struct lw_err *err) {
    uint64_t *keep = lw_malloc((tally->n + 1) * sizeof *keep);
    size_t n = 0;
    bool other = block->min_count > 0;
    for (size_t i = 0; i < tally->n; i++)
        if (tally->count[i] && tally->count[i] >= block->min_count)
            keep[n++] = tally->key ? tally->key[i] : i;
    if (tally->key)
        qsort(keep, n, sizeof *keep, by_value);
    lw_block_tally_fini(tally);
    if (n < LW_LEVELS_MAX)
        lw_block_levels(block, keep, (uint32_t)n, other);
    free(keep);
    if (n < LW_LEVELS_MAX)
        return 0;
    return lw_fail(err, LW_ECONFIG, "a term has %zu levels, more than %u; give min_count",
                   n, LW_LEVELS_MAX);
}

void lw_block_tally_fini(struct lw_block_tally *tally) {
    free(tally->count);
    free(tally->key);
    lw_table_fini(&tally->table);
    *tally = (struct lw_block_tally){0};
}
