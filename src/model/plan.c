/* Creation of a plan, and its lists. The compiler is plan_parse.c, the evaluator
 * plan_eval.c. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "model/plan_private.h"

struct lw_plan *lw_plan_new(const struct lw_fields *fields, const struct lw_zone *zone) {
    struct lw_plan *plan = lw_calloc(1, sizeof *plan);
    plan->fields = fields;
    plan->zone = zone;
    return plan;
}

struct lw_plan *lw_plan_copy(const struct lw_plan *plan) {
    struct lw_plan *copy = lw_malloc(sizeof *copy);
    *copy = *plan;
    for (size_t i = 0; i < plan->natoms; i++) {
        if (!plan->atom[i].edge)
            continue;
        copy->atom[i].edge = lw_calloc(LW_EDGES_MAX, sizeof(double));
        memcpy(copy->atom[i].edge, plan->atom[i].edge, LW_EDGES_MAX * sizeof(double));
    }
    return copy;
}

void lw_plan_free(struct lw_plan *plan) {
    if (!plan)
        return;
    for (size_t i = 0; i < plan->natoms; i++)
        free(plan->atom[i].edge);
    free(plan);
}

void lw_plan_set_zone_name(struct lw_plan *plan, const char *name) {
    lw_copy(plan->zone_name, sizeof plan->zone_name, name);
}

void lw_plan_set_calendars(struct lw_plan *plan, const struct lw_calendars *calendars) {
    plan->calendars = calendars;
}

size_t lw_plan_atoms(const struct lw_plan *plan) {
    return plan->natoms;
}

size_t lw_plan_terms(const struct lw_plan *plan) {
    return plan->nterms;
}

const struct lw_term *lw_plan_term_at(const struct lw_plan *plan, size_t i) {
    lw_assert(i < plan->nterms);
    return &plan->term[i];
}

const struct lw_atom *lw_plan_atom_at(const struct lw_plan *plan, size_t i) {
    lw_assert(i < plan->natoms);
    return &plan->atom[i];
}

const char *lw_plan_atom_text(const struct lw_plan *plan, size_t i) {
    return lw_plan_atom_at(plan, i)->text;
}

enum lw_kind lw_plan_atom_kind(const struct lw_plan *plan, size_t i) {
    return lw_plan_atom_at(plan, i)->kind;
}

int lw_plan_find_atom(const struct lw_plan *plan, const char *text) {
    for (size_t i = 0; i < plan->natoms; i++)
        if (strcmp(plan->atom[i].text, text) == 0)
            return (int)i;
    return -1;
}

size_t lw_plan_root(const struct lw_plan *plan, size_t i) {
    while (plan->atom[i].learned)
        i = (size_t)plan->atom[i].from;
    return i;
}
