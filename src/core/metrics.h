/* The table of metrics: everything that is measured of a stream, one row each.
 *
 * Rules, the manual, the figures in Redis, /metrics, history, the heat map, `status`
 * and the dashboards loop over it. A new metric is a row here and, if it is a new
 * statistic, one file in src/drift. No caller depends on the order of the rows. */
#ifndef LW_CORE_METRICS_H
#define LW_CORE_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "drift/statistic.h"

enum lw_metric_scope {
    LW_SCOPE_MODEL,  /* one value a window: errors of the champion */
    LW_SCOPE_STREAM, /* one value a window: events */
    LW_SCOPE_COLUMN, /* one value a window and column */
    LW_SCOPE_LIVE    /* one value, by the wall clock; unknown in a backtest */
};

/* Columns that a metric of LW_SCOPE_COLUMN is measured for. */
enum {
    LW_ON_NUMERIC = 1,
    LW_ON_CATEGORY = 2,
    LW_ON_TARGET = 4,
    LW_ON_PREDICTION = 8,
    LW_ON_FEATURES = LW_ON_NUMERIC | LW_ON_CATEGORY,
    LW_ON_ALL = LW_ON_FEATURES | LW_ON_TARGET | LW_ON_PREDICTION,
    LW_ON_NUMBERS = LW_ON_NUMERIC | LW_ON_TARGET | LW_ON_PREDICTION
};

/* When the published figure is known. An unknown figure is null, absent or "-" for
 * readers. */
enum lw_metric_known {
    LW_KNOWN_ALWAYS,
    LW_KNOWN_SCORED,   /* the window has at least two scored events */
    LW_KNOWN_POSITIVE, /* it is above 0 */
    LW_KNOWN_COMPARED, /* there is a champion, and the window has events */
};

enum {
    LW_METRIC_FIGURE_ONLY = 1,   /* published, but no rule reads it */
    LW_METRIC_OF_FEED = 2,       /* it is about the feed, and explains other alerts */
    LW_METRIC_BLOCKS = 4,        /* `block` is true unless a rule says otherwise */
    LW_METRIC_ANY_N = 8,         /* min_n is 0 unless a rule says otherwise */
    LW_METRIC_FIRES_BELOW = 16,  /* low values are the problem */
    LW_METRIC_NEEDS_CHANGE = 32, /* needs `change.kind` */
    LW_METRIC_ZERO = 64,         /* Redis has 0 where it is not known; else no field */
    LW_METRIC_LONGEST = 128,     /* published over the longest window only */
    LW_METRIC_IN_STATUS = 256,   /* a column of `leeway status` */
    LW_METRIC_NEEDS_RANGE = 512, /* needs the column's range */
    LW_METRIC_VERDICT = 1024,    /* true or false */
    LW_METRIC_COUNT = 2048,      /* a whole number */
    LW_METRIC_CHOOSES = 4096 /* high where a challenger gains: it chooses the hold-out */
};

struct lw_reading {
    double value;
    uint64_t n;       /* events behind it */
    bool known;       /* there is a value to read */
    bool significant; /* more than chance would give */
    bool likely;      /* possible: too little to fire, too much to resolve */
};

/* What the leader has observed of the running stream in the last ten minutes. */
struct lw_live_facts {
    uint64_t messages, dead, late, suspect; /* in the last ten minutes */
    uint64_t lag;                           /* messages unread in Kafka */
    double silent_minutes;                  /* since the last message */
};

/* A share of rows. */
struct lw_metric_share {
    uint64_t bad, n;
};

struct lw_alert;
struct lw_spec;
struct lw_member;
struct lw_metric_input; /* what a metric reads: core/monitor_private.h */

struct lw_metric {
    const char *name;    /* in rules and figures */
    const char *meaning; /* of the value that rules read, one sentence */
    const char *shown;   /* of the published figure, if it differs; else NULL */
    const char *series;  /* in /metrics; NULL: none */
    /* The series' base unit where the metric's own is another, and the factor. */
    const char *base_unit;
    double base_factor;
    const char *unit; /* "" none, "target" the target's */
    enum lw_metric_scope scope;
    enum lw_metric_known known;
    unsigned columns; /* LW_ON_ */
    unsigned flags;   /* LW_METRIC_ */
    double neutral;   /* the value when nothing is wrong */
    /* The smallest difference from neutral that a rule on a budget fires at, unless the
     * rule says otherwise. 0: it has a unit of its own, and takes no budget. */
    double effect;
    /* NULL: no rule reads it, or `live` or `statistic` is set. */
    struct lw_reading (*read)(const struct lw_metric_input *in);
    /* The published figure, NAN: unknown; NULL where `live` or `statistic` is set. */
    double (*figure)(const struct lw_metric_input *in);
    struct lw_reading (*live)(const struct lw_live_facts *facts);
    lw_statistic_fn *statistic; /* computed for all columns together, and corrected */
    /* Rows of a member that the metric counts; NULL: it is not a share. */
    struct lw_metric_share (*share)(const struct lw_member *member);
    bool fault;         /* the value is a verdict of leeway/fault.h */
    const char *phrase; /* of a live share: what these messages are */
    /* The alert's sentence; NULL: name, value and threshold. */
    void (*summary)(const struct lw_metric_input *in, struct lw_alert *alert,
                    const char *count);
};

/* Row i, or NULL past the last one. */
const struct lw_metric *lw_metric_at(size_t i);
size_t lw_metric_count(void);
/* The row of that name, or NULL. */
const struct lw_metric *lw_metric_find(const char *name);

const char *lw_metric_name(const struct lw_metric *metric);
bool lw_metric_judged(const struct lw_metric *metric); /* a rule can read it */
bool lw_metric_per_feature(const struct lw_metric *metric);
bool lw_metric_live(const struct lw_metric *metric);
bool lw_metric_takes_budget(const struct lw_metric *metric); /* a rule on it can */
bool lw_metric_of_feed(const struct lw_metric *metric);
/* "a feature", "the stream" or "the model". */
const char *lw_metric_subject(const struct lw_metric *metric);
/* Is it measured for that column: a feature's index, then the target, then the
 * prediction? */
bool lw_metric_has_column(const struct lw_metric *metric, const struct lw_spec *spec,
                          size_t column);
/* Is a figure of that value, over a window of n scored and `events` events, known? */
bool lw_metric_known(const struct lw_metric *metric, double value, double n,
                     double events, bool champion);

#endif
