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
#include "model/block.h"
#include "model/dataset_private.h"
#include "model/plan_private.h"

#define LW_MODEL_FORMAT 5
#define LW_PARAMS_MAX   32
#define LW_KEYS_DENSE   4096 /* integer keys mapped to codes by an array */

/* The inputs of a model, in fitting and scoring alike: a number too large to be summed
 * counts as missing, and such a product as 0, as with a missing factor. */
static inline double lw_model_number(double x) {
    return lw_summable(x) ? x : NAN;
}
static inline double lw_model_product(double x) {
    return lw_summable(x) ? x : 0;
}

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

    struct lw_zone *zone;          /* own */
    struct lw_calendars calendars; /* own: those that its terms read */
    struct lw_fields bound;        /* the caller's */
    struct lw_plan *plan;          /* own, over `bound` */
    struct lw_atom_op *op; /* how to compute the bound plan's atoms; NULL: not bound */
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
    struct lw_model *base;                   /* linear, to which trees add; or NULL */
    struct lw_scorer *scorer;                /* of linear models, when complete */

    int plan_atom[LW_ATOMS_MAX]; /* of the dataset plan it is bound to */
    bool has_plan;
};

/* A model without coefficients over (a copy of) the fields that the chosen terms read.
 */
struct lw_model *lw_model_new(const struct lw_fields *fields, const char *zone_name,
                              struct lw_err *err);
/* Gives it a copy of a calendar; before the terms that read it. */
void lw_model_add_calendar(struct lw_model *m, const struct lw_calendar *calendar);
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

/* Text of a level, parts joined by U+001F, a missing part as U+001E. */
struct lw_buf;
void lw_model_level_text(const struct lw_model *m, const struct lw_block *block,
                         uint32_t level, struct lw_buf *out);
#define LW_LEVEL_SEPARATOR '\x1f'
#define LW_LEVEL_MISSING   '\x1e'

#endif
