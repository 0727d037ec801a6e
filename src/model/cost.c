/* Costs by part, in nanoseconds: the atoms of a row, a table look-up for each group of
 * terms, and the trees. */
#include "model/cost.h"

#include "model/forest.h"
#include "model/masks.h"
#include "model/scorer.h"

#define NS_CALL     10.0
#define NS_KEY      1.5
#define NS_NUMBER   3.0
#define NS_STEP     3.0 /* a root or a logarithm */
#define NS_CALENDAR 4.0
#define NS_OTHER    12.0 /* what the plan interprets */
#define NS_GROUP    2.5
#define NS_SLOW     15.0
#define NS_FEATURE  4.0  /* a feature of trees and its bin */
#define NS_TREE     0.3  /* masks: adding a leaf */
#define NS_WORD     0.13 /* masks: a feature of a tree */
#define NS_NODE     1.0  /* a step of a walk */

static double atoms_ns(const struct lw_model *m) {
    double ns = 0;
    for (size_t i = 0; i < m->nops; i++) {
        const struct lw_atom_op *op = &m->op[i];
        ns += op->kind == LW_ATOM_OP_NUMBER     ? NS_NUMBER + NS_STEP * op->nsteps
              : op->kind == LW_ATOM_OP_CALENDAR ? NS_CALENDAR
              : op->kind == LW_ATOM_OP_OTHER    ? NS_OTHER
                                                : NS_KEY;
    }
    return ns;
}

static double forest_ns(const struct lw_forest *f) {
    double features = f->nfeatures, steps = 0;
    if (f->masks)
        return NS_FEATURE * features + (double)f->ntrees * (NS_TREE + NS_WORD * features);
    for (size_t t = 0; t < f->ntrees; t++)
        steps += f->depth[t];
    return NS_FEATURE * features + NS_NODE * steps;
}

static double model_ns(const struct lw_model *m) {
    double ns = NS_CALL + atoms_ns(m);
    if (m->scorer)
        ns += NS_GROUP * (double)m->scorer->ngroups + NS_SLOW * (double)m->scorer->nslow;
    return m->forest ? ns + forest_ns(m->forest) : ns;
}

double lw_cost_predict_us(const struct lw_model *m) {
    return (model_ns(m) + (m->base ? model_ns(m->base) : 0)) / 1000;
}
