/* Spans of event time that no model learns from, because a data fault spoiled their rows.
 *
 * A span belongs to the feature (or the target) that was broken, but it excludes whole
 * rows. Treating the value as missing would still teach something wrong: models have
 * terms for missing values, other fields of the feed are often wrong too, and the target
 * would be explained without its cause.
 *
 * A span stays open, without a known end, as long as the incident that caused it. It
 * includes one pane on either side of the broken ones, because a feed breaks and recovers
 * in the middle of a pane. Adjacent spans of one feature are joined; the
 * number of spans is bounded. */
#ifndef LW_CORE_QUARANTINE_H
#define LW_CORE_QUARANTINE_H

#include "base/buf.h"
#include "core/spec.h"

/* More than twice the number of features and targets: a full list always has a feature
 * with two spans to join. */
#define LW_SPANS_MAX (2 * (LW_FEATURES_MAX + 1))

struct lw_span {
    uint32_t id; /* increases; never reused */
    bool open;
    int64_t from_ms, until_ms; /* [from, until); open: the last broken pane known ends */
    int64_t broken_ms; /* start of the first broken pane; `from` has a margin before it */
    char feature[LW_NAME_MAX]; /* or "target" */
    char why[80];
};

struct lw_quarantine {
    uint32_t newest; /* id given last */
    size_t n;
    struct lw_span span[LW_SPANS_MAX]; /* by start */
};

/* Does a span include any moment of [from, until)? */
bool lw_quarantine_touches(const struct lw_quarantine *q, int64_t from_ms,
                           int64_t until_ms);
/* The end of the span that includes that moment, or the moment itself; INT64_MAX: open.
 */
int64_t lw_quarantine_past(const struct lw_quarantine *q, int64_t at_ms);
/* The start of the first span that begins after that moment; INT64_MAX: none does. */
int64_t lw_quarantine_next(const struct lw_quarantine *q, int64_t at_ms);
/* The latest moment with `length_ms` of time outside all spans between it and
 * `until_ms`. */
int64_t lw_quarantine_back(const struct lw_quarantine *q, int64_t until_ms,
                           int64_t length_ms);

/* The open span of a feature, or NULL. */
struct lw_span *lw_quarantine_open_of(struct lw_quarantine *q, const char *feature);
/* A fault was recognised: `fault` has its feature, times and cause. Joins it with the
 * spans of the feature that it touches. */
struct lw_span *lw_quarantine_begin(struct lw_quarantine *q, const struct lw_span *fault);
/* Removes the first span of that feature, or of that id as text, into *out; false if
 * there is none. */
bool lw_quarantine_release(struct lw_quarantine *q, const char *which,
                           struct lw_span *out);
/* Drops spans that ended at or before that moment. */
void lw_quarantine_forget(struct lw_quarantine *q, int64_t before_ms);

/* "span 3: trip_distance from 2020-05-04T00:00:00Z until ... (fault (unit))". */
char *lw_quarantine_span_text(char *out, size_t size, const struct lw_span *span);

void lw_quarantine_write(const struct lw_quarantine *q, struct lw_buf *out);
void lw_quarantine_read(struct lw_quarantine *q, struct lw_reader *r);

#endif
