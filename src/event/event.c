/* From cells to an event: time, target, validity.
 *
 * An event without a plausible time belongs to no pane and is an error. Any other fault
 * is a reason to reject it; target and prediction are judged before the checks, so that
 * each event counts under one reason. The bounds of the target are inclusive; a value that cannot
 * be summed (lw_summable) is outside all bounds. */
#include "event/event.h"

#include <math.h>

#include "base/time.h"
#include "leeway/moments.h"

const char *lw_event_reason(const struct lw_event_spec *spec, int reason) {
    static const char *const fixed[] = {"good", "target missing", "target below range",
                                        "target above range", "prediction missing"};
    if (reason >= 0 && reason < LW_REJECTED_CHECK)
        return fixed[reason];
    size_t check = (size_t)(reason - LW_REJECTED_CHECK);
    return reason > 0 && check < spec->nchecks ? spec->check[check].reason : "unknown";
}

static double target_of(const struct lw_event_spec *spec, const struct lw_cell *cells) {
    if (spec->target == LW_TARGET_NONE)
        return NAN;
    const struct lw_cell *a = &cells[spec->target_a];
    if (!a->present)
        return NAN;
    if (spec->target == LW_TARGET_FIELD)
        return a->num;
    const struct lw_cell *b = &cells[spec->target_b];
    return b->present ? (b->num - a->num) / (double)LW_MINUTE : NAN;
}

static bool check_passes(const struct lw_check *check, const struct lw_cell *cell) {
    if (!cell->present)
        return true;
    double v = cell->num;
    return (check->lo_open ? v > check->lo : v >= check->lo) &&
           (check->hi_open ? v < check->hi : v <= check->hi);
}

int lw_event_check(const struct lw_event_spec *spec, const struct lw_cell *cells) {
    for (size_t i = 0; i < spec->nchecks; i++)
        if (!check_passes(&spec->check[i], &cells[spec->check[i].field]))
            return LW_REJECTED_CHECK + (int)i;
    return LW_GOOD;
}

static int target_reason(const struct lw_event_spec *spec, double target) {
    if (spec->target == LW_TARGET_NONE)
        return LW_GOOD;
    if (isnan(target))
        return LW_REJECTED_NO_TARGET;
    if (target < spec->target_lo || target < -LW_SUMMABLE_MAX)
        return LW_REJECTED_TARGET_LOW;
    if (target > spec->target_hi || target > LW_SUMMABLE_MAX)
        return LW_REJECTED_TARGET_HIGH;
    return LW_GOOD;
}

static int reason_of(const struct lw_event_spec *spec, const struct lw_cell *cells,
                     double target) {
    int reason = target_reason(spec, target);
    if (reason == LW_GOOD && spec->predicted) {
        const struct lw_cell *prediction = &cells[spec->prediction_field];
        if (!prediction->present || !lw_summable(prediction->num))
            reason = LW_REJECTED_NO_PREDICTION;
    }
    return reason == LW_GOOD ? lw_event_check(spec, cells) : reason;
}

int lw_event_row(const struct lw_event_spec *spec, const struct lw_cell *cells,
                 int64_t record_time_ms, struct lw_row *row, struct lw_err *err) {
    const char *name = NULL;
    row->cells = cells;
    row->time_ms = record_time_ms;
    row->target = target_of(spec, cells);
    if (spec->time_field >= 0) {
        const struct lw_cell *time = &cells[spec->time_field];
        name = spec->fields.field[spec->time_field].name;
        row->time_ms = time->present ? (int64_t)time->key : LW_NO_TIME;
    }
    if (row->time_ms < LW_TIME_FROM || row->time_ms >= LW_TIME_UNTIL)
        return lw_event_time(name, name ? spec->time_unit : LW_UNIT_MS, row->time_ms,
                             err);
    return reason_of(spec, cells, row->target);
}
