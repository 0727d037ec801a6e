/* From a decoded record to an event: its time, id and target, and whether it counts for
 * scoring.
 *
 * There are three outcomes. An event is good; or rejected (decodable, but its target or
 * a value is not valid according to the configuration: it is counted by reason and never
 * scored against); or an error (it has no usable time: it goes to the dead-letter
 * topic). */
#ifndef LW_EVENT_EVENT_H
#define LW_EVENT_EVENT_H

#include "leeway/row.h"

#define LW_CHECKS_MAX 32

#define LW_NO_TIME INT64_MIN /* a record without a time */
/* An event's time is plausible from 1990 to the end of 2100. A number in the wrong unit
 * lies far outside: seconds read as milliseconds are in January 1970. */
#define LW_TIME_FROM  INT64_C(631152000000)
#define LW_TIME_UNTIL INT64_C(4133980800000)
bool lw_event_time_plausible(int64_t ms);

/* NONE: the truth never comes; every event is without a target. */
enum lw_target_kind { LW_TARGET_FIELD, LW_TARGET_MINUTES_BETWEEN, LW_TARGET_NONE };

struct lw_check { /* lo <= value (lo_open: <) and value <= hi (hi_open: <); missing passes
                   */
    int field;
    double lo, hi;
    bool lo_open, hi_open;
    char reason[LW_NAME_MAX * 2]; /* as configured: "trip_distance < 50" */
};

struct lw_event_spec {
    struct lw_fields fields;
    int id_field;           /* or -1 */
    int time_field;         /* or -1: the record's time */
    enum lw_unit time_unit; /* of its numbers; OF_TYPE: days */
    enum lw_target_kind target;
    int target_a, target_b; /* FIELD: a; MINUTES_BETWEEN: from a to b */
    double target_lo, target_hi;
    bool predicted;       /* events carry a prediction, made elsewhere */
    int prediction_field; /* it */
    struct lw_check check[LW_CHECKS_MAX];
    size_t nchecks;
};

/* Reasons for rejecting an event: 0 is "good", 1 "target missing", 2 "target below
 * range", 3 "target above range", 4 "prediction missing", 5 + i is check i. */
enum {
    LW_GOOD,
    LW_REJECTED_NO_TARGET,
    LW_REJECTED_TARGET_LOW,
    LW_REJECTED_TARGET_HIGH,
    LW_REJECTED_NO_PREDICTION,
    LW_REJECTED_CHECK
};
#define LW_REASONS_MAX (LW_REJECTED_CHECK + LW_CHECKS_MAX)
const char *lw_event_reason(const struct lw_event_spec *spec, int reason);

/* Fills row from decoded cells (row->cells = cells). Returns the reason (LW_GOOD or
 * rejected; the row is complete in both cases, target may be NAN), or -1 with LW_EINPUT
 * if the event time is missing or implausible: such an event belongs to no pane and must
 * not advance the watermark. record_time_ms may be LW_NO_TIME. */
int lw_event_row(const struct lw_event_spec *spec, const struct lw_cell *cells,
                 int64_t record_time_ms, struct lw_row *row, struct lw_err *err);

/* Checks that a time is plausible. LW_EINPUT gives the time, and the unit in which it
 * would be plausible. field: its name, or NULL for the record's time. */
int lw_event_time(const char *field, enum lw_unit unit, int64_t ms, struct lw_err *err);
/* The unit in which a number that was read in `unit` as ms would be a plausible time, or
 * LW_UNIT_OF_TYPE. */
enum lw_unit lw_event_unit_meant(enum lw_unit unit, int64_t ms);
const char *lw_event_unit_name(enum lw_unit unit); /* "s", "ms", "us", "ns"; "schema" */

/* How a timestamp field is read, according to the schema and its configured unit. */
struct lw_event_time_reading {
    enum lw_unit unit;   /* of its numbers; OF_TYPE: days, or text */
    bool text;           /* ISO 8601 */
    bool local;          /* local time: read in the zone */
    bool beside;         /* its logicalType is in the field, where Avro ignores it */
    bool bare;           /* a long without a logical type or a unit */
    const char *type;    /* "long" */
    const char *meaning; /* "timestamp-micros", or NULL; borrowed from the schema */
};
struct lw_schema;
/* False if the schema has no such field, or if it does not convert to a timestamp. */
bool lw_event_time_reading(const struct lw_schema *schema, const struct lw_fields *fields,
                           size_t field, struct lw_event_time_reading *out);

/* Only the checks, for a record whose target is not known yet: LW_GOOD, or
 * LW_REJECTED_CHECK plus the index of the first check that fails. */
int lw_event_check(const struct lw_event_spec *spec, const struct lw_cell *cells);

/* Parses "trip_distance < 50", "a >= 0", "0 <= b < 10" or "50 > a" into a check; the
 * field must not be text. LW_ECONFIG with the text, the reason and, for an unknown
 * field, the nearest name. */
int lw_event_check_parse(const char *text, const struct lw_fields *fields,
                         struct lw_check *check, struct lw_err *err);

#endif
