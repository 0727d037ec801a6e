/* The spec's small derived parts. */
#include "core/spec.h"

#include "core/task.h"

#include <math.h>
#include <string.h>

#include "base/cell.h"
#include "base/text.h"

void lw_spec_columns(struct lw_spec *spec) {
    if (!spec->task)
        spec->task = &lw_task_regression;
    struct lw_column *target = &spec->column[spec->nfeatures];
    memcpy(spec->column, spec->feature, spec->nfeatures * sizeof *spec->column);
    *target = (struct lw_column){
        .kind = LW_NUMERIC, .lo = spec->event.target_lo, .hi = spec->event.target_hi};
    lw_copy(target->name, sizeof target->name, "target");
    for (int i = 0; i < 2; i++) {
        spec->score_column[i] =
            (struct lw_column){.kind = LW_NUMERIC, .lo = -INFINITY, .hi = INFINITY};
        lw_copy(spec->score_column[i].name, LW_NAME_MAX, i ? "error" : "prediction");
    }
}

struct lw_plan *lw_spec_plan(const struct lw_spec *spec) {
    struct lw_plan *plan = lw_plan_new(&spec->event.fields, spec->zone);
    lw_plan_set_calendars(plan, &spec->calendars);
    return plan;
}

/* The watched atoms are the features, in order, in nearly all cases. */
static bool one_to_one(const struct lw_spec *spec) {
    if (lw_plan_atoms(spec->watch) != spec->nfeatures)
        return false;
    for (size_t i = 0; i < spec->nfeatures; i++)
        if (spec->feature_atom[i] != (int)i)
            return false;
    return true;
}

void lw_spec_watch(const struct lw_spec *spec, const struct lw_row *row,
                   struct lw_cell *out) {
    struct lw_cell atoms[LW_ATOMS_MAX];
    if (one_to_one(spec)) {
        lw_plan_eval(spec->watch, row, out);
    } else {
        lw_plan_eval(spec->watch, row, atoms);
        for (size_t i = 0; i < spec->nfeatures; i++)
            out[i] = atoms[spec->feature_atom[i]];
    }
    lw_cell_put_num(&out[spec->nfeatures], row->target);
}

int64_t lw_spec_pane_start(const struct lw_spec *spec, int64_t t) {
    return lw_floor_div(t, spec->pane_ms) * spec->pane_ms;
}

const char *lw_spec_feature_name(const struct lw_spec *spec, int feature) {
    if (feature >= 0)
        return spec->feature[feature].name;
    return feature == LW_RULE_TARGET       ? "target"
           : feature == LW_RULE_PREDICTION ? "prediction"
                                           : "";
}

size_t lw_spec_longest(const struct lw_spec *spec) {
    size_t at = 0;
    for (size_t i = 1; i < spec->nwindows; i++)
        if (spec->window[i].length_ms > spec->window[at].length_ms)
            at = i;
    return at;
}

int64_t lw_spec_longest_window(const struct lw_spec *spec) {
    int64_t longest = spec->pane_ms;
    for (size_t i = 0; i < spec->nwindows; i++)
        if (spec->window[i].length_ms > longest)
            longest = spec->window[i].length_ms;
    return longest;
}

/* A window of whole days has every hour once: only how weekdays and a weekend share them
 * can differ, for which a few blocks are enough. */
#define WHOLE_DAY_HOURS 6

size_t lw_spec_blocks(const struct lw_spec *spec) {
    int64_t hours = 0, pane = (spec->pane_ms + LW_HOUR - 1) / LW_HOUR;
    for (size_t i = 0; i < spec->nwindows; i++) {
        int64_t length = spec->window[i].length_ms;
        int64_t needed = length % LW_DAY == 0 ? WHOLE_DAY_HOURS : 1;
        if (length < LW_WEEK)
            hours = hours ? lw_earlier(hours, needed) : needed;
    }
    hours = hours ? lw_earlier(lw_later(hours, pane), 24) : 0;
    return hours ? (size_t)((24 + hours - 1) / hours) : 0;
}

/* ---- times of day ---- */

/* A number that grows by one at every time at which something is due. Up to an hour the
 * offset at `at_ms` holds throughout: an hour that clocks repeat has its multiples twice.
 * Whole weeks begin on Monday; 1 January 1970 was a Thursday. */
static int64_t turn_number(const struct lw_spec *spec, int64_t ms, int64_t at_ms,
                           int64_t every_ms) {
    if (LW_HOUR % every_ms == 0)
        return lw_floor_div(ms + lw_zone_offset(spec->zone, at_ms), every_ms);
    int64_t monday = every_ms % LW_WEEK == 0 ? 3 * LW_DAY : 0;
    return lw_floor_div(lw_zone_clock(spec->zone, ms) + monday, every_ms);
}

bool lw_spec_due(const struct lw_spec *spec, int64_t end_ms, int64_t every_ms) {
    return turn_number(spec, end_ms, end_ms, every_ms) !=
           turn_number(spec, end_ms - spec->pane_ms, end_ms, every_ms);
}

/* The end of the next pane after `after_ms` in which it is due. */
static int64_t next_due(const struct lw_spec *spec, int64_t after_ms, int64_t every_ms) {
    int64_t end = lw_spec_pane_start(spec, after_ms) + spec->pane_ms;
    if (every_ms > LW_HOUR) {
        int64_t monday = every_ms % LW_WEEK == 0 ? 3 * LW_DAY : 0;
        int64_t start = end - spec->pane_ms;
        int64_t turn = turn_number(spec, start, start, every_ms);
        int64_t at = lw_zone_reached(spec->zone, (turn + 1) * every_ms - monday);
        end = lw_spec_pane_start(spec, at - 1) + spec->pane_ms;
    }
    while (every_ms && !lw_spec_due(spec, end, every_ms))
        end += spec->pane_ms;
    return end;
}

#define PUBLISHED_PARTS 24 /* of the shortest window */

int64_t lw_spec_publish_ms(const struct lw_spec *spec) {
    int64_t shortest = INT64_MAX, pane = spec->pane_ms;
    for (size_t i = 0; i < spec->nwindows; i++)
        if (spec->window[i].length_ms < shortest)
            shortest = spec->window[i].length_ms;
    if (spec->nwindows == 0 || LW_DAY % pane != 0)
        return pane;
    int64_t n = shortest / PUBLISHED_PARTS / pane;
    while (n > 1 && LW_DAY % (n * pane) != 0) /* the same times each day */
        n--;
    return n > 1 ? n * pane : pane;
}

int64_t lw_spec_next_decision(const struct lw_spec *spec, int64_t after_ms) {
    int64_t next = INT64_MAX, until = spec->retrain.bootstrap_until_ms;
    if (until > after_ms)
        next = until;
    if (spec->retrain.stale_age_ms)
        next = lw_earlier(next, next_due(spec, after_ms, LW_DAY));
    for (size_t i = 0; i < spec->nrules; i++) {
        const struct lw_rule *rule = &spec->rule[i];
        if (rule->actions & LW_ACTION_RETRAIN)
            next = lw_earlier(next, next_due(spec, after_ms, rule->every_ms));
    }
    return next;
}
