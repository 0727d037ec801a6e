/* A model compiled for scoring.
 *
 * Terms that multiply the same numbers form a group if their categories fit into one
 * cross: their coefficients are summed in advance into one dense table over that cross
 * (each category with one more code, for "unknown"), and a row takes one look-up for all
 * of them. So PULocationID, DOLocationID and their pair cost a single load. Crosses too
 * large for a table are looked up term by term. */
#ifndef LW_MODEL_SCORER_H
#define LW_MODEL_SCORER_H

#include "model/parts.h"

#define LW_GROUP_CELLS ((uint64_t)1 << 18) /* at most 2 MiB per table */

struct lw_group {
    int ncat, cat[LW_FACTORS_MAX];
    int nnum, num[LW_FACTORS_MAX];
    uint32_t stride[LW_FACTORS_MAX];
    uint64_t cells;
    double *table;
};

struct lw_scorer {
    size_t ngroups, nslow;
    struct lw_group group[LW_TERMS_MAX];
    int slow[LW_TERMS_MAX]; /* terms */
};

struct lw_values {
    double num[LW_ATOMS_MAX];    /* NAN is missing */
    uint32_t code[LW_ATOMS_MAX]; /* the dictionary's size is "unknown" */
};

/* How a bound model computes one atom from the cells of a row. Common kinds are
 * distinguished in advance; the plan evaluates the rest. */
enum lw_atom_op_kind {
    LW_ATOM_OP_NUMBER, /* a field and its steps */
    LW_ATOM_OP_KEY,    /* a category with small integer keys */
    LW_ATOM_OP_FETCH,  /* prefetch the cell of a group whose categories are known */
    LW_ATOM_OP_CALENDAR,
    LW_ATOM_OP_OTHER
};

struct lw_atom_op {
    enum lw_atom_op_kind kind;
    enum lw_source source;
    int atom, field, nsteps; /* atom: FETCH: the group */
    const struct lw_atom_step *step;
    const uint32_t *by_key;
    uint32_t nkeys, unknown, missing;
};

struct lw_scorer *lw_scorer_new(const struct lw_model *m);
void lw_scorer_free(struct lw_scorer *s);

static inline uint32_t lw_group_cell(const struct lw_group *g,
                                     const struct lw_values *v) {
    uint32_t cell = 0;
    for (int i = 0; i < g->ncat; i++)
        cell += v->code[g->cat[i]] * g->stride[i];
    return cell;
}

/* The linear prediction, not clipped. */
double lw_scorer_score(const struct lw_scorer *s, const struct lw_model *m,
                       const struct lw_values *v);

#endif
