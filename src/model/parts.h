/* Internals of a model.
 *
 * Atoms carry dictionaries (category to code). A block is a cross of category atoms: the
 * codes of a row make one exact composite number, which a dense array (small spaces) or a
 * hash table maps to a level. Terms with the same categories share a block. A linear
 * prediction is
 *     intercept + sum over terms of (product of numbers) x coefficient[level of block],
 * where a level that the fit has not seen counts as 0, unless rare levels share `other`.
 */
#ifndef LW_MODEL_PARTS_H
#define LW_MODEL_PARTS_H

#include "leeway/model.h"
#include "leeway/moments.h"
#include "model/dataset_private.h"
#include "model/plan_private.h"

#define LW_BLOCK_DENSE  (UINT64_C(1) << 22) /* composites mapped by an array */
#define LW_SPACE_MAX    (UINT64_C(1) << 62)
#define LW_MODEL_FORMAT 2
#define LW_PARAMS_MAX   32
#define LW_KEYS_DENSE   4096 /* integer keys mapped to codes by an array */
#define LW_LEVELS_MAX   (1u << 24)

/* The inputs of a model, in fitting and scoring alike: a number too large to be summed
 * counts as missing, and such a product as 0, as with a missing factor. */
static inline double lw_model_number(double x) {
    return lw_summable(x) ? x : NAN;
}
static inline double lw_model_product(double x) {
    return lw_summable(x) ? x : 0;
}

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

struct lw_impute {
    int atom, from, nby, by[LW_IMPUTE_MAX];
    double mean;
    double *single[LW_IMPUTE_MAX]; /* by code of by[j] */
    struct lw_block cross;         /* all of them; ncat 0 if there is only one */
    double *cross_mean;            /* by level of cross */
};
struct lw_quantiles {
    int atom, nedges;
    double edge[LW_QBINS_MAX];
};

struct lw_model_term { /* a term's share of the model */
    int block;         /* -1: numbers only */
    int nnum, num[LW_FACTORS_MAX];
    uint32_t n; /* coefficients */
    double *coef;
};

struct lw_param {
    char key[LW_NAME_MAX], value[LW_NAME_MAX];
};

struct lw_forest;
struct lw_scorer;
struct lw_atom_op;

struct lw_model {
    char name[LW_NAME_MAX], kind[LW_NAME_MAX], zone_name[LW_NAME_MAX];
    struct lw_fields fields; /* those that it reads */
    double clip_lo, clip_hi, intercept;
    size_t nparams;
    struct lw_param param[LW_PARAMS_MAX]; /* how it was made; for people */

    struct lw_zone *zone;   /* own */
    struct lw_fields bound; /* the caller's */
    struct lw_plan *plan;   /* own, over `bound` */
    struct lw_atom_op *op;  /* how to compute the bound plan's atoms; NULL: not bound */
    size_t nops;
    struct lw_dict dict[LW_ATOMS_MAX]; /* of category atoms */
    uint32_t *by_key[LW_ATOMS_MAX];    /* code of small integer keys; or NULL */
    uint32_t nkeys[LW_ATOMS_MAX];
    size_t nimputes, nquantiles;
    struct lw_impute *impute;
    struct lw_quantiles *quantiles;
    int learned[LW_ATOMS_MAX]; /* index into impute or quantiles, -1 */
    size_t nblocks;
    struct lw_block block[LW_TERMS_MAX];
    struct lw_model_term part[LW_TERMS_MAX]; /* one per term of the plan */
    struct lw_forest *forest;                /* trees; NULL for linear models */
    struct lw_scorer *scorer;                /* of linear models, when complete */

    int plan_atom[LW_ATOMS_MAX]; /* of the dataset plan it is bound to */
    bool has_plan;
};

/* A model without coefficients over (a copy of) the fields that the chosen terms read.
 */
struct lw_model *lw_model_new(const struct lw_fields *fields, const char *zone_name,
                              struct lw_err *err);
/* Adds a term with its block; the index, or -1. */
int lw_model_add_term(struct lw_model *m, const struct lw_term *term, struct lw_err *err);
/* Lists the learned atoms of the plan; after the last term. */
void lw_model_list_learned(struct lw_model *m);
/* Arrays over small integer keys; after the dictionaries are complete. */
void lw_model_index_keys(struct lw_model *m);
/* Makes the model ready to score, once coefficients or trees are in place. */
void lw_model_finish(struct lw_model *m);
/* Compiles how to compute the atoms of the bound plan (op). */
void lw__model_compile(struct lw_model *m);
void lw_model_add_param(struct lw_model *m, const char *key, const char *value);

/* The value of a learned atom for its input x (NAN: missing) and the codes of the row
 * that it reads (codes[atom]): a number, a bin as a category, or that bin's code in the
 * atom's dictionary. */
double lw_learned_number(const struct lw_model *m, size_t atom, double x,
                         const uint32_t *codes);
struct lw_cell lw_learned_bin(const struct lw_model *m, size_t atom, double x,
                              const uint32_t *codes);
uint32_t lw_learned_code(const struct lw_model *m, size_t atom, double x,
                         const uint32_t *codes);

/* Text of a level, parts joined by U+001F, a missing part as U+001E. */
struct lw_buf;
void lw_model_level_text(const struct lw_model *m, const struct lw_block *block,
                         uint32_t level, struct lw_buf *out);
#define LW_LEVEL_SEPARATOR '\x1f'
#define LW_LEVEL_MISSING   '\x1e'

#endif
