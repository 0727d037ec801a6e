/* The feature language: expressions are compiled once into a flat plan, which is
 * evaluated for each row.
 *
 *   term := atom { '*' atom }        product: categories cross, numbers multiply
 *   atom := field | function '(' argument { ',' argument } ')'
 *
 *   numbers     x  sqrt(x)  log1p(x)  square(x)  abs(x)  clip(x, lo, hi)  zero(x)
 *               missing(x)  hinge(x, knot)  same(a, b)  minutes(from, to)
 *               impute(x, cat, cat ...)
 *   categories  field  hour(t)  weekday(t)  weekend(t)  month(t)  hour_of_week(t)
 *               holiday(t, calendar)  bins(x, edge, ...)  qbins(x, count)
 *
 * Functions of one number nest ("sqrt(clip(trip_distance, 0, 50))"). A missing number is
 * 0 in a product; missing(x) lets a model distinguish it from a true 0. A missing
 * category is a level of its own. impute(x, a, b) is x where x > 0, else the mean of x
 * among the training rows of the same (a, b), shrunk towards those of a and of b; qbins'
 * edges are the training rows' quantiles: both are learned by a fit and stored in the
 * model.
 *
 * In detail: sqrt and log1p apply to max(x, 0); hinge is max(x - knot, 0); zero, same
 * and missing are 0 or 1; weekday is 0 for Monday; holiday is a text: `holiday` on the
 * local days of that calendar, `before` and `after` on those next to them, else
 * `ordinary`; bin i holds edge[i-1] <= x < edge[i]; an infinite number counts as missing.
 *
 * Atoms are deduplicated by canonical text, so "sqrt(x)" in four terms is computed once
 * per row. */
#ifndef LW_MODEL_PLAN_H
#define LW_MODEL_PLAN_H

#include "base/time.h"
#include "leeway/row.h"
#include "model/calendar.h"

#define LW_ATOMS_MAX   96
#define LW_TERMS_MAX   96
#define LW_FACTORS_MAX 6

struct lw_plan;

/* Borrows fields and zone (NULL: timestamps are local already); both outlive the plan. */
struct lw_plan *lw_plan_new(const struct lw_fields *fields, const struct lw_zone *zone);
void lw_plan_free(struct lw_plan *plan);
/* A plan with the same atoms and terms at the same indexes, to which more can be added. */
struct lw_plan *lw_plan_copy(const struct lw_plan *plan);

/* The zone's name, which models fitted on this plan store. A plan with a zone but
 * without its name cannot be fitted, because a reloaded model could not compute hours.
 * "" until set. */
void lw_plan_set_zone_name(struct lw_plan *plan, const char *name);

/* The calendars that holiday() can name; borrowed. None until set. */
void lw_plan_set_calendars(struct lw_plan *plan, const struct lw_calendars *calendars);

/* Adds an atom (or finds it) and returns its index. LW_ECONFIG names the text, the
 * position and the nearest valid field or function. */
int lw_plan_atom(struct lw_plan *plan, const char *text, struct lw_err *err);

struct lw_term {
    char text[LW_NAME_MAX * 2]; /* canonical */
    int factor[LW_FACTORS_MAX]; /* atoms: categories first, then numbers */
    int ncat, nnum;
    double penalty;     /* multiplies the model's; 1 by default */
    uint32_t min_count; /* rarer levels share one `other` level; 0: none */
};
/* Adds a term and returns its index; the same text with the same penalty and min_count is
 * the same term. */
int lw_plan_term(struct lw_plan *plan, const char *text, double penalty,
                 uint32_t min_count, struct lw_err *err);

size_t lw_plan_atoms(const struct lw_plan *plan);
size_t lw_plan_terms(const struct lw_plan *plan);
const struct lw_term *lw_plan_term_at(const struct lw_plan *plan, size_t i);
const char *lw_plan_atom_text(const struct lw_plan *plan, size_t i);
enum lw_kind lw_plan_atom_kind(const struct lw_plan *plan,
                               size_t i); /* LW_NUMERIC or LW_CATEGORY */

/* Values of all atoms for a row: out has lw_plan_atoms cells. Hot path: no allocation, no
 * lock. Learned atoms evaluate to their raw input here (a model applies what it learned
 * itself). */
void lw_plan_eval(const struct lw_plan *plan, const struct lw_row *row,
                  struct lw_cell *out);

#endif
