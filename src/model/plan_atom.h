/* A plan from the inside: what an atom is compiled to, and how it is evaluated.
 *
 * Every function of the language but minutes, same and impute has one argument that is an
 * expression, so an atom is a source (a field, a calendar part, ...) and a short chain of
 * steps over it. That is flat: no tree is walked at run time. A learned atom (impute as
 * source, qbins as last step) names the atoms it reads; those come earlier in the plan,
 * so one walk in order of index meets every input before its use. */
#ifndef LW_PLAN_ATOM_H
#define LW_PLAN_ATOM_H

#include <math.h>

#include "model/plan.h"

#define LW_STEPS_MAX  8
#define LW_EDGES_MAX  256
#define LW_QBINS_MAX  256
#define LW_IMPUTE_MAX 4 /* categories of an impute() */

enum lw_source {
    LW_SOURCE_FIELD,
    LW_SOURCE_HOUR,
    LW_SOURCE_WEEKDAY,
    LW_SOURCE_WEEKEND,
    LW_SOURCE_MONTH,
    LW_SOURCE_HOUR_OF_WEEK,
    LW_SOURCE_SAME,
    LW_SOURCE_MINUTES,
    LW_SOURCE_IMPUTE, /* learned: reads atom `from` and the atoms `by` */
    LW_SOURCE_ATOM    /* learned: steps over the learned atom `from`, or qbins over any */
};

enum lw_step_kind {
    LW_STEP_SQRT,
    LW_STEP_LOG1P,
    LW_STEP_SQUARE,
    LW_STEP_ABS,
    LW_STEP_CLIP,
    LW_STEP_ZERO,
    LW_STEP_MISSING,
    LW_STEP_HINGE,
    LW_STEP_BINS, /* last only: edges of the atom */
    LW_STEP_QBINS /* last only: edges of the model */
};

struct lw_step {
    enum lw_step_kind kind;
    double a, b;
};

struct lw_atom {
    char text[LW_NAME_MAX * 2]; /* canonical */
    enum lw_kind kind;          /* LW_NUMERIC or LW_CATEGORY */
    enum lw_source source;
    int field[2];
    int nsteps;
    struct lw_step step[LW_STEPS_MAX];
    bool learned; /* impute or qbins is in it */
    int from;     /* IMPUTE, ATOM: the atom read */
    int nby, by[LW_IMPUTE_MAX];
    int nedges;
    double *edge; /* BINS: owned */
};

struct lw_plan {
    const struct lw_fields *fields;
    const struct lw_zone *zone;
    char zone_name[LW_NAME_MAX];
    size_t natoms, nterms;
    struct lw_atom atom[LW_ATOMS_MAX];
    struct lw_term term[LW_TERMS_MAX];
};

/* Index of an atom by canonical text, or -1. */
int lw_plan_find_atom(const struct lw_plan *plan, const char *text);
const struct lw_atom *lw_plan_atom_at(const struct lw_plan *plan, size_t i);
/* The atom whose raw value a learned atom stands for; itself when it is not learned. */
size_t lw_plan_root(const struct lw_plan *plan, size_t i);

/* Whether the last step is this one. */
static inline bool lw_atom_ends_in(const struct lw_atom *atom, enum lw_step_kind kind) {
    return atom->nsteps > 0 && atom->step[atom->nsteps - 1].kind == kind;
}

/* The value of an atom that is not learned. */
struct lw_cell lw_atom_value(const struct lw_plan *plan, const struct lw_atom *atom,
                             const struct lw_cell *cells);
/* The numeric steps over x, where NAN is missing, in and out. BINS and QBINS do not
 * belong to them. */
double lw_atom_steps(const struct lw_atom *atom, double x);
/* Index of the bin of x: the number of edges <= x. */
uint32_t lw_bin_of(const double *edge, int nedges, double x);

#endif
