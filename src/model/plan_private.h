/* Internals of a plan: the compiled form of an atom, and its evaluation.
 *
 * Every function of the language but minutes, same and impute has one argument that is
 * an expression, so an atom is a source (a field, a calendar part, ...) and a short
 * chain of steps over it. There is no tree to walk at run time. A learned atom (impute
 * as source, qbins as last step) names the atoms it reads; they come earlier in the
 * plan, so one pass in order of index computes every input before its use. */
#ifndef LW_MODEL_PLAN_PRIVATE_H
#define LW_MODEL_PLAN_PRIVATE_H

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
    LW_SOURCE_HOLIDAY,
    LW_SOURCE_SAME,
    LW_SOURCE_MINUTES,
    LW_SOURCE_IMPUTE, /* learned: reads atom `from` and the atoms `by` */
    LW_SOURCE_ATOM    /* learned: steps over the learned atom `from`, or qbins over any */
};

enum lw_atom_step_kind {
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

struct lw_atom_step {
    enum lw_atom_step_kind kind;
    double a, b;
};

struct lw_atom {
    char text[LW_NAME_MAX * 2]; /* canonical */
    enum lw_kind kind;          /* LW_NUMERIC or LW_CATEGORY */
    enum lw_source source;
    int field[2];
    int calendar; /* HOLIDAY: index in the plan's */
    int nsteps;
    struct lw_atom_step step[LW_STEPS_MAX];
    bool learned; /* contains impute or qbins */
    int from;     /* IMPUTE, ATOM: the atom read */
    int nby, by[LW_IMPUTE_MAX];
    int nedges;
    double *edge; /* BINS: owned */
};

struct lw_plan {
    const struct lw_fields *fields;
    const struct lw_zone *zone;
    const struct lw_calendars *calendars; /* or NULL */
    char zone_name[LW_NAME_MAX];
    size_t natoms, nterms;
    struct lw_atom atom[LW_ATOMS_MAX];
    struct lw_term term[LW_TERMS_MAX];
};

/* Index of an atom by canonical text, or -1. */
int lw_plan_find_atom(const struct lw_plan *plan, const char *text);
const struct lw_atom *lw_plan_atom_at(const struct lw_plan *plan, size_t i);
/* The atom whose raw value a learned atom replaces; itself when it is not learned. */
size_t lw_plan_root(const struct lw_plan *plan, size_t i);

/* Whether the last step is this one. */
static inline bool lw_atom_ends_in(const struct lw_atom *atom,
                                   enum lw_atom_step_kind kind) {
    return atom->nsteps > 0 && atom->step[atom->nsteps - 1].kind == kind;
}

/* A moment in the plan's zone. */
struct lw_plan_moment {
    int64_t day, hour; /* days since 1970, hour of the day */
};

static inline struct lw_plan_moment lw_plan_moment_of(const struct lw_plan *plan,
                                                      int64_t ms) {
    if (plan->zone)
        ms += lw_zone_offset(plan->zone, ms);
    struct lw_plan_moment at = {.day = lw_floor_div(ms, LW_DAY)};
    at.hour = (ms - at.day * LW_DAY) / LW_HOUR;
    return at;
}

/* The moment of one timestamp field of a row, kept for the next atom that asks for it. */
struct lw_plan_clock {
    int field; /* -1: none yet */
    struct lw_plan_moment at;
};

static inline struct lw_plan_moment lw_plan_clock_read(struct lw_plan_clock *clock,
                                                       const struct lw_plan *plan,
                                                       int field,
                                                       const struct lw_cell *cell) {
    if (clock->field != field) {
        clock->field = field;
        clock->at = lw_plan_moment_of(plan, (int64_t)cell->key);
    }
    return clock->at;
}

static inline bool lw_is_calendar(enum lw_source source) {
    return source >= LW_SOURCE_HOUR && source <= LW_SOURCE_HOUR_OF_WEEK;
}

static inline int64_t lw_calendar_part(enum lw_source source, struct lw_plan_moment at) {
    int64_t weekday = (at.day % 7 + 10) % 7; /* 1 January 1970 was a Thursday */
    switch (source) {
    case LW_SOURCE_HOUR:
        return at.hour;
    case LW_SOURCE_WEEKDAY:
        return weekday;
    case LW_SOURCE_WEEKEND:
        return weekday >= 5;
    case LW_SOURCE_HOUR_OF_WEEK:
        return weekday * 24 + at.hour;
    default:
        return lw_civil(at.day * LW_DAY).month;
    }
}

/* A cell as a number. Of a category, only presence matters. */
static inline double lw_cell_number(const struct lw_cell *cell) {
    if (!cell->present)
        return NAN;
    return isfinite(cell->num) ? cell->num : cell->text ? 1 : NAN;
}

static inline double lw_atom_step(const struct lw_atom_step *s, double x) {
    switch (s->kind) {
    case LW_STEP_SQRT:
        return sqrt(x > 0 ? x : 0);
    case LW_STEP_LOG1P:
        return log1p(x > 0 ? x : 0);
    case LW_STEP_SQUARE:
        return x * x;
    case LW_STEP_ABS:
        return fabs(x);
    case LW_STEP_CLIP:
        return x < s->a ? s->a : x > s->b ? s->b : x;
    case LW_STEP_ZERO:
        return x == 0 ? 1 : 0;
    case LW_STEP_HINGE:
        return x > s->a ? x - s->a : 0;
    default:
        return x;
    }
}

/* Applies numeric steps to x, where NAN is missing; BINS and QBINS are not numeric
 * steps. */
static inline double lw_steps(const struct lw_atom_step *step, int n, double x) {
    for (int i = 0; i < n; i++) {
        if (step[i].kind == LW_STEP_MISSING)
            x = isnan(x) ? 1 : 0;
        else if (!isnan(x))
            x = lw_atom_step(&step[i], x);
    }
    return isfinite(x) ? x : NAN;
}

static inline double lw_atom_steps(const struct lw_atom *atom, double x) {
    return lw_steps(atom->step, atom->nsteps, x);
}

/* The value of an atom that is not learned. */
struct lw_cell lw_plan_atom_value(const struct lw_plan *plan, const struct lw_atom *atom,
                                  const struct lw_cell *cells);
/* The same for a number; NAN is missing. */
double lw_plan_atom_number(const struct lw_plan *plan, const struct lw_atom *atom,
                           const struct lw_cell *cells);
/* Index of the bin of x: the number of edges <= x. */
uint32_t lw_plan_bin_of(const double *edge, int nedges, double x);

#endif
