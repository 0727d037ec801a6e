/* Injected drift: changes a stream's events in a known way at a known time, so that
 * detection delay and false alarms can be measured against the truth.
 *
 * An injection is one line of text, KIND:key=value,...:
 *
 *   sudden      value + size, from `at` on
 *   gradual     value + size, growing linearly over the first `over` (7d)
 *   recurring   value + size in the first half of each `period` (7d)
 *   seasonal    value + size * sin(2 pi t / period) (1d)
 *   unit        value * size: miles that become kilometres
 *   nulls       the value is missing
 *   categories  the value is one of `size` (1) categories that were never seen
 *   labels      target + N(0, size)
 *
 * Keys: field (a field of the event, or `target`), at, until (times; forever), size,
 * seed (1), share of the events (1), period, over. Pure: the change to an event
 * depends only on the injection, the event and its number in the stream. */
#ifndef LW_CORE_INJECT_H
#define LW_CORE_INJECT_H

#include "event/event.h"

#define LW_INJECTIONS_MAX 16
/* The configured target; for minutes between two times, its later time is moved. */
#define LW_INJECT_TARGET (-1)

enum lw_inject_kind {
    LW_INJECT_SUDDEN,
    LW_INJECT_GRADUAL,
    LW_INJECT_RECURRING,
    LW_INJECT_SEASONAL,
    LW_INJECT_UNIT,
    LW_INJECT_NULLS,
    LW_INJECT_CATEGORIES,
    LW_INJECT_LABELS,
    LW_INJECT_KINDS
};
const char *lw_inject_name(enum lw_inject_kind kind);

struct lw_injection {
    enum lw_inject_kind kind;
    int field; /* or LW_INJECT_TARGET */
    int cell;  /* the field that is written: for a target, its field or the later time */
    int64_t from_ms, until_ms; /* event time, [from, until); INT64_MAX: forever */
    int64_t period_ms, over_ms;
    double size, share;
    uint64_t seed;
    uint64_t events; /* seen in [from, until) */
    uint64_t touched;
    bool hit; /* changed the event of the last call */
    char text[24];
};

/* Parses one injection. LW_ECONFIG names the wrong key, and the nearest valid name. */
int lw_inject_parse(const char *text, const struct lw_event_spec *event,
                    struct lw_injection *out, struct lw_err *err);

/* Changes the cells of event `number` (from 0, over all files). Injection times are
 * compared with the event's original time. Texts of new categories stay valid until the
 * next call. Hot path: no allocation. Returns the number of injections that applied. */
int lw_inject_apply(struct lw_injection *list, size_t n,
                    const struct lw_event_spec *event, uint64_t number,
                    struct lw_cell *cells);

#endif
