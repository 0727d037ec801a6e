/* Evaluating a plan: once a row, atom by atom, in order.
 *
 * Infinite numbers count as missing: no product or sum may carry one on. Roots and
 * logarithms are those of max(x, 0): a negative distance is a fault of the meter, and a
 * NaN would be a worse answer than "none". Calendar parts come from days and milliseconds
 * of the day; only month() needs a civil date. */
#include "model/plan_atom.h"

static int64_t floor_div(int64_t a, int64_t b) {
    return a / b - (a % b < 0);
}

static struct lw_cell calendar(const struct lw_plan *plan, const struct lw_atom *atom,
                               const struct lw_cell *cell) {
    if (!cell->present)
        return lw_cell_missing();
    int64_t ms = (int64_t)cell->key;
    if (plan->zone)
        ms += lw_zone_offset(plan->zone, ms);
    int64_t day = floor_div(ms, LW_DAY);
    int64_t hour = (ms - day * LW_DAY) / LW_HOUR;
    int64_t weekday = (day % 7 + 10) % 7; /* 1 January 1970 was a Thursday */
    switch (atom->source) {
    case LW_SOURCE_HOUR:
        return lw_cell_int(hour);
    case LW_SOURCE_WEEKDAY:
        return lw_cell_int(weekday);
    case LW_SOURCE_WEEKEND:
        return lw_cell_int(weekday >= 5);
    case LW_SOURCE_HOUR_OF_WEEK:
        return lw_cell_int(weekday * 24 + hour);
    default:
        return lw_cell_int(lw_civil(ms).month);
    }
}

static struct lw_cell same(const struct lw_cell *a, const struct lw_cell *b,
                           enum lw_kind kind) {
    bool equal = a->present && b->present;
    if (equal)
        equal = kind == LW_NUMERIC ? a->num == b->num : a->key == b->key;
    return lw_cell_num(equal ? 1 : 0);
}

static struct lw_cell source_value(const struct lw_plan *plan, const struct lw_atom *atom,
                                   const struct lw_cell *cells) {
    const struct lw_cell *a = &cells[atom->field[0]], *b = &cells[atom->field[1]];
    switch (atom->source) {
    case LW_SOURCE_FIELD:
        return *a;
    case LW_SOURCE_SAME:
        return same(a, b, plan->fields->field[atom->field[0]].kind);
    case LW_SOURCE_MINUTES:
        if (!a->present || !b->present)
            return lw_cell_missing();
        return lw_cell_num((b->num - a->num) / (double)LW_MINUTE);
    default:
        return calendar(plan, atom, a);
    }
}

uint32_t lw_bin_of(const double *edge, int nedges, double x) {
    uint32_t lo = 0, hi = (uint32_t)nedges;
    while (lo < hi) {
        uint32_t mid = (lo + hi) / 2;
        if (edge[mid] <= x)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static double step(const struct lw_step *s, double x) {
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

double lw_atom_steps(const struct lw_atom *atom, double x) {
    for (int i = 0; i < atom->nsteps; i++) {
        const struct lw_step *s = &atom->step[i];
        if (s->kind == LW_STEP_MISSING)
            x = isnan(x) ? 1 : 0;
        else if (!isnan(x))
            x = step(s, x);
    }
    return isfinite(x) ? x : NAN;
}

/* Whether the source itself is a number (a category is only ever asked whether it is
 * there). */
static double source_number(const struct lw_cell *cell) {
    if (!cell->present)
        return NAN;
    return isfinite(cell->num) ? cell->num : cell->text ? 1 : NAN;
}

struct lw_cell lw_atom_value(const struct lw_plan *plan, const struct lw_atom *atom,
                             const struct lw_cell *cells) {
    struct lw_cell cell = source_value(plan, atom, cells);
    if (atom->kind == LW_CATEGORY && !lw_atom_ends_in(atom, LW_STEP_BINS))
        return cell;
    double x = lw_atom_steps(atom, source_number(&cell));
    if (!lw_atom_ends_in(atom, LW_STEP_BINS))
        return lw_cell_num(x);
    return isnan(x) ? lw_cell_missing()
                    : lw_cell_int(lw_bin_of(atom->edge, atom->nedges, x));
}

void lw_plan_eval(const struct lw_plan *plan, const struct lw_row *row,
                  struct lw_cell *out) {
    for (size_t i = 0; i < plan->natoms; i++) {
        const struct lw_atom *atom = &plan->atom[i];
        out[i] = atom->learned ? out[atom->from] : lw_atom_value(plan, atom, row->cells);
    }
}
