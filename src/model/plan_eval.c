/* Evaluation of a plan: once per row, atom by atom, in order.
 *
 * Infinite numbers count as missing, so that they do not enter a product or sum. Roots
 * and logarithms apply to max(x, 0): a negative distance is a fault of the meter, and 0
 * is a better answer than NaN. Calendar parts come from days and milliseconds of the
 * day; only month() needs a civil date. */
#include "base/cell.h"
#include "model/plan_private.h"

static struct lw_cell calendar_value(const struct lw_plan *plan,
                                     const struct lw_atom *atom,
                                     const struct lw_cell *cell) {
    if (!cell->present)
        return lw_cell_missing();
    struct lw_plan_moment at = lw_plan_moment_of(plan, (int64_t)cell->key);
    return lw_cell_int(lw_calendar_part(atom->source, at));
}

static struct lw_cell holiday_value(const struct lw_plan *plan,
                                    const struct lw_atom *atom,
                                    const struct lw_cell *cell) {
    static const struct {
        const char *text;
        size_t len;
    } kinds[] = {
        [LW_DAY_ORDINARY] = {"ordinary", 8},
        [LW_DAY_BEFORE] = {"before", 6},
        [LW_DAY_HOLIDAY] = {"holiday", 7},
        [LW_DAY_AFTER] = {"after", 5},
    };
    if (!cell->present)
        return lw_cell_missing();
    struct lw_plan_moment at = lw_plan_moment_of(plan, (int64_t)cell->key);
    int kind = (int)lw_calendar_day(&plan->calendars->of[atom->calendar], at.day);
    return lw_cell_text(kinds[kind].text, kinds[kind].len);
}

static struct lw_cell cells_same(const struct lw_cell *a, const struct lw_cell *b,
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
    case LW_SOURCE_HOLIDAY:
        return holiday_value(plan, atom, a);
    case LW_SOURCE_SAME:
        return cells_same(a, b, plan->fields->field[atom->field[0]].kind);
    case LW_SOURCE_MINUTES:
        if (!a->present || !b->present)
            return lw_cell_missing();
        return lw_cell_num((b->num - a->num) / (double)LW_MINUTE);
    default:
        return calendar_value(plan, atom, a);
    }
}

uint32_t lw_plan_bin_of(const double *edge, int nedges, double x) {
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

double lw_plan_atom_number(const struct lw_plan *plan, const struct lw_atom *atom,
                           const struct lw_cell *cells) {
    if (atom->source == LW_SOURCE_FIELD)
        return lw_atom_steps(atom, lw_cell_number(&cells[atom->field[0]]));
    struct lw_cell cell = source_value(plan, atom, cells);
    return lw_atom_steps(atom, lw_cell_number(&cell));
}

struct lw_cell lw_plan_atom_value(const struct lw_plan *plan, const struct lw_atom *atom,
                                  const struct lw_cell *cells) {
    bool bins = lw_atom_ends_in(atom, LW_STEP_BINS);
    if (atom->kind == LW_CATEGORY && !bins)
        return source_value(plan, atom, cells);
    double x = lw_plan_atom_number(plan, atom, cells);
    if (!bins)
        return lw_cell_num(x);
    return isnan(x) ? lw_cell_missing()
                    : lw_cell_int(lw_plan_bin_of(atom->edge, atom->nedges, x));
}

/* The most common atoms, inline; false: use lw_plan_atom_value(). Calendar parts of one
 * timestamp share its moment, which is kept in *clock for the next atom. */
static inline bool common_value(const struct lw_plan *plan, const struct lw_atom *atom,
                                const struct lw_cell *cells, struct lw_plan_clock *clock,
                                struct lw_cell *out) {
    const struct lw_cell *cell = &cells[atom->field[0]];
    if (atom->source == LW_SOURCE_FIELD && atom->kind == LW_NUMERIC) {
        lw_cell_put_num(out, lw_atom_steps(atom, lw_cell_number(cell)));
        return true;
    }
    if (atom->nsteps > 0)
        return false;
    if (atom->source == LW_SOURCE_FIELD) {
        *out = *cell;
        return true;
    }
    if (!lw_is_calendar(atom->source) || !cell->present)
        return false;
    int64_t part = lw_calendar_part(
        atom->source, lw_plan_clock_read(clock, plan, atom->field[0], cell));
    lw_cell_put_int(out, part);
    return true;
}

void lw_plan_eval(const struct lw_plan *plan, const struct lw_row *row,
                  struct lw_cell *out) {
    struct lw_plan_clock clock = {.field = -1};
    for (size_t i = 0; i < plan->natoms; i++) {
        const struct lw_atom *atom = &plan->atom[i];
        if (atom->learned)
            out[i] = out[atom->from];
        else if (!common_value(plan, atom, row->cells, &clock, &out[i]))
            out[i] = lw_plan_atom_value(plan, atom, row->cells);
    }
}
