/* Which times are plausible, and the likely unit of the others.
 *
 * Schemas often do not give the unit of a long; microseconds read as milliseconds put an
 * event into the year 57971. Units differ by a factor of a thousand, so at most one unit
 * puts a number between 1990 and 2100. */
#include <stdio.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "event/convert.h"
#include "event/event.h"

bool lw_event_time_plausible(int64_t ms) {
    return ms >= LW_TIME_FROM && ms < LW_TIME_UNTIL;
}

const char *lw_event_unit_name(enum lw_unit unit) {
    static const char *const names[] = {"schema", "s", "ms", "us", "ns"};
    lw_assert(unit <= LW_UNIT_NS);
    return names[unit];
}

/* A finer unit makes the time smaller. */
enum lw_unit lw_event_unit_meant(enum lw_unit unit, int64_t ms) {
    int64_t finer = ms, coarser = ms;
    lw_assert(unit <= LW_UNIT_NS);
    if (unit == LW_UNIT_OF_TYPE)
        return LW_UNIT_OF_TYPE;
    for (int step = 1; step < 4; step++) {
        finer /= 1000;
        if (lw_event_time_plausible(finer) && (int)unit + step <= LW_UNIT_NS)
            return (enum lw_unit)((int)unit + step);
        if (coarser > LW_TIME_UNTIL || coarser < -LW_TIME_UNTIL)
            continue;
        coarser *= 1000;
        if (lw_event_time_plausible(coarser) && (int)unit - step >= LW_UNIT_S)
            return (enum lw_unit)((int)unit - step);
    }
    return LW_UNIT_OF_TYPE;
}

int lw_event_time(const char *field, enum lw_unit unit, int64_t ms, struct lw_err *err) {
    static const char *const units[] = {"", "seconds", "milliseconds", "microseconds",
                                        "nanoseconds"};
    char when[40], advice[200] = "";
    if (lw_event_time_plausible(ms))
        return 0;
    if (ms == LW_NO_TIME && field)
        return lw_fail(err, LW_EINPUT, "event time \"%s\" is missing", field);
    if (ms == LW_NO_TIME)
        return lw_fail(err, LW_EINPUT,
                       "event.time is `record`, but the record has no time");
    enum lw_unit meant = lw_event_unit_meant(unit, ms);
    if (meant != LW_UNIT_OF_TYPE && field)
        snprintf(
            advice, sizeof advice,
            "; its numbers are read as %s and would be plausible as %s: set its unit to %s",
            units[unit], units[meant], lw_event_unit_name(meant));
    else if (meant != LW_UNIT_OF_TYPE)
        snprintf(advice, sizeof advice, "; the producer seems to use %s", units[meant]);
    return lw_fail(err, LW_EINPUT, "%s%s%s is %s, outside the years 1990 to 2100%s",
                   field ? "event time \"" : "the record's time", field ? field : "",
                   field ? "\"" : "", lw_format_time(when, sizeof when, ms), advice);
}

/* The type of a field by its path, or NULL. */
static const struct lw_node *schema_find_field(const struct lw_schema *schema,
                                               const char *path) {
    const struct lw_node *at = schema->top;
    while (*path) {
        const struct lw_node_field *field =
            at->type == LW_T_RECORD ? lw_node_step(at, path, &path) : NULL;
        if (!field)
            return NULL;
        at = lw_node_strip(field->type);
    }
    return at;
}

static bool read_as(const struct lw_node *type, const struct lw_fields *fields,
                    size_t field, struct lw_event_time_reading *out) {
    static const enum lw_unit units[] = {
        [LW_AS_MILLIS] = LW_UNIT_MS,    [LW_AS_SECONDS] = LW_UNIT_S,
        [LW_AS_MICROS] = LW_UNIT_US,    [LW_AS_NANOS] = LW_UNIT_NS,
        [LW_AS_DAYS] = LW_UNIT_OF_TYPE, [LW_AS_ISO] = LW_UNIT_OF_TYPE};
    const struct lw_field *f = &fields->field[field];
    struct lw_decode_step step = {0};
    if (!lw__decode_plan_reading(f, type, type, fields->zone, &step))
        return false;
    *out = (struct lw_event_time_reading){
        .unit = units[step.as],
        .text = step.as == LW_AS_ISO,
        .local = type->local && f->unit == LW_UNIT_OF_TYPE,
        .beside = type->beside && f->unit == LW_UNIT_OF_TYPE,
        .bare = type->logical == LW_L_NONE && f->unit == LW_UNIT_OF_TYPE &&
                step.as != LW_AS_ISO,
        .type = lw_node_type_name(type->type),
        .meaning = type->meaning};
    return true;
}

bool lw_event_time_reading(const struct lw_schema *schema, const struct lw_fields *fields,
                           size_t field, struct lw_event_time_reading *out) {
    const struct lw_node *type = schema_find_field(schema, fields->field[field].name);
    if (!type || fields->field[field].kind != LW_TIMESTAMP)
        return false;
    if (type->type != LW_T_UNION)
        return read_as(type, fields, field, out);
    for (size_t i = 0; i < type->n; i++)
        if (read_as(type->kids[i], fields, field, out))
            return true;
    return false;
}
