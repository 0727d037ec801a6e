/* Figures of the newest evaluation. */
#ifndef LW_HTTP_NOW_H
#define LW_HTTP_NOW_H

#include "http/watch.h"

/* Sums over the partitions. */
struct lw_totals {
    uint64_t counter[LW_COUNTERS];
    int64_t lag;          /* -1: unknown */
    int64_t watermark_ms; /* least of the partitions not idle; INT64_MIN: none */
    int64_t idle_ms;
};
struct lw_totals lw_now_totals(const struct lw_snapshot *n);

/* A metric's newest figure over a window, NAN when unknown; column: its name, or NULL for
 * a metric of the window. */
double lw_now_window_figure(const struct lw_reply *now, const char *window,
                            const struct lw_metric *metric, const char *column);
/* The name of a feature, of the target (which follows them), or of the prediction. */
const char *lw_now_column_name(const struct lw_spec *spec, size_t column);
/* What changed in a column, in words; NULL: nothing for certain. Borrowed. */
const char *lw_now_shift(const struct lw_reply *now, const char *window,
                         const char *column);
/* A figure of `now` or of an entry of history, NAN when absent. */
double lw_now_figure(const struct lw_reply *fields, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
