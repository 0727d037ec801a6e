/* Rows of a dataset as a model sees them, one chunk at a time: the level of each block
 * and the number of each term. Fitting and prediction both read chunks, so they cannot
 * differ. */
#ifndef LW_MODEL_CHUNK_H
#define LW_MODEL_CHUNK_H

#include "model/fit.h"
#include "model/parts.h"
#include "model/rows.h"

struct lw_chunk {
    const struct lw_model *m;
    const struct lw_dataset *ds;
    struct lw_chunk *base; /* of the model's base; owned */
    size_t natoms, nterms;
    uint32_t *remap[LW_ATOMS_MAX]; /* dataset code to model code */
    double *num[LW_ATOMS_MAX];     /* LW_CHUNK each; NAN is missing */
    uint32_t *code[LW_ATOMS_MAX];
    uint32_t *level[LW_TERMS_MAX]; /* a block each */
    double *value[LW_TERMS_MAX];   /* a term each; NULL where there are no numbers */
    /* A number of this atom, or a product of this term, is too large to sum. A
     * prediction leaves it out; a fit fails. */
    bool large_atom[LW_ATOMS_MAX], large_term[LW_TERMS_MAX];
};

/* The model must be bound to the dataset's plan. The remaps use the model's dictionaries
 * at the time of the call. */
void lw_chunk_init(struct lw_chunk *feed, const struct lw_model *m,
                   const struct lw_dataset *ds);
void lw_chunk_fini(struct lw_chunk *feed);
void lw_chunk_remap(struct lw_chunk *feed);
/* _atoms computes the first `natoms` atoms, for learning; _chunk computes atoms, levels
 * and values. */
void lw_chunk_atoms(struct lw_chunk *feed, const uint32_t *idx, size_t n, size_t natoms);
void lw_chunk_chunk(struct lw_chunk *feed, const uint32_t *idx, size_t n);
/* Computes linear, unclipped predictions for the last chunk. */
void lw_chunk_predict(const struct lw_chunk *feed, size_t n, double *out);
/* Computes predictions, linear or by trees, for the chunk with dataset rows idx:
 * clipped, never NaN. */
void lw_model_predict_chunk(const struct lw_model *m, const struct lw_chunk *feed,
                            const uint32_t *idx, size_t n, double *out);

/* Composite of a block's codes in row i of the chunk, or UINT64_MAX. */
static inline uint64_t lw_chunk_composite(const struct lw_chunk *feed,
                                          const struct lw_block *block, size_t i) {
    uint64_t c = 0;
    for (int j = 0; j < block->ncat; j++) {
        uint32_t code = feed->code[block->atom[j]][i];
        if (code == LW_CODE_NONE)
            return UINT64_MAX;
        c += code * block->stride[j];
    }
    return c;
}

#endif
