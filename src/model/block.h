/* Blocks: crosses of categories, and the counts that their levels are made from. */
#ifndef LW_MODEL_BLOCK_H
#define LW_MODEL_BLOCK_H

#include "model/dict.h"
#include "model/plan_private.h"

#define LW_BLOCK_DENSE (UINT64_C(1) << 22) /* composites mapped by an array */
#define LW_SPACE_MAX   (UINT64_C(1) << 62)
#define LW_LEVELS_MAX  (1u << 24)

struct lw_block {
    int ncat, atom[LW_FACTORS_MAX];
    uint32_t min_count;
    uint64_t stride[LW_FACTORS_MAX], space;
    uint32_t nlevels;    /* with `other` */
    uint32_t other;      /* the last level, or LW_CODE_NONE */
    uint64_t *composite; /* of each level but `other`, ascending */
    uint32_t *dense;     /* level of a composite, or LW_CODE_NONE; NULL: the table */
    struct lw_table table;
};

/* Computes strides from the sizes of the dictionaries. LW_ECONFIG if the cross has too
 * many cells. */
int lw_block_shape(struct lw_block *block, const struct lw_dict *dicts,
                   struct lw_err *err);
/* Makes levels from composites in ascending order. */
void lw_block_levels(struct lw_block *block, const uint64_t *composite, uint32_t n,
                     bool other);
void lw_block_fini(struct lw_block *block);

/* Composite of the codes of a row (codes[atom]), or UINT64_MAX when one is unknown. */
static inline uint64_t lw_block_composite(const struct lw_block *block,
                                          const uint32_t *codes) {
    uint64_t c = 0;
    for (int i = 0; i < block->ncat; i++) {
        uint32_t code = codes[block->atom[i]];
        if (code == LW_CODE_NONE)
            return UINT64_MAX;
        c += code * block->stride[i];
    }
    return c;
}

static inline uint32_t lw_block_find(const struct lw_block *block, uint64_t composite) {
    uint32_t level = LW_CODE_NONE;
    if (composite != UINT64_MAX)
        level = block->dense ? block->dense[composite]
                             : lw_table_get(&block->table, composite);
    return level != LW_CODE_NONE ? level : block->other;
}

/* Counts of composites, from which a fit makes levels. */
struct lw_block_tally {
    uint32_t *count;
    uint64_t *key; /* NULL: count is indexed by the composite itself */
    struct lw_table table;
    size_t n, cap;
};
void lw_block_tally_init(struct lw_block_tally *tally, uint64_t space);
void lw_block_tally_add(struct lw_block_tally *tally, uint64_t composite);
/* Makes the block's levels and empties the tally. LW_ECONFIG: more than LW_LEVELS_MAX. */
int lw_block_tally_finish(struct lw_block_tally *tally, struct lw_block *block,
                          struct lw_err *err);
void lw_block_tally_fini(struct lw_block_tally *tally);

#endif
