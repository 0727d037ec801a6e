/* The table of metrics: what /metrics says, what docs/metrics.md documents, and what the
 * test looks for are these rows. */
#ifndef LW_HTTP_METRICS_H
#define LW_HTTP_METRICS_H

#include "http/private.h"

/* All that one page is made from. */
struct lw_scrape {
    struct lw_server *server;
    struct lw_vitals vitals;
    struct lw_snapshot *stream;   /* NULL: Redis has not answered yet */
    struct lw_champion *champion; /* NULL: none */
    struct lw_totals totals;
    bool away;
    struct lw_buf *out;
    const struct lw_metric_row *row; /* being written */
};

struct lw_metric_row {
    const char *name, *type; /* "counter", "gauge", "histogram" */
    const char *unit;        /* "" none */
    const char *labels;      /* separated by commas */
    const char *help;
    void (*write)(struct lw_scrape *s);
};
extern const struct lw_metric_row lw_metric_rows[];
extern const size_t lw_nmetric_rows;

/* One sample of the row; labels as printed, without braces ("" none). What is not finite
 * is not known, and left out. */
void lw_sample(struct lw_scrape *s, double v, const char *labels, ...)
    __attribute__((format(printf, 3, 4)));
/* A label's value: quotes, backslashes and newlines escaped. */
char *lw_label(char *out, size_t size, const char *text);

/* The writers (metrics_write.c). */
#define LW_METRIC_WRITERS(X)                                                             \
    X(info)                                                                              \
    X(messages)                                                                          \
    X(scored)                                                                            \
    X(dead) X(flushes) X(flush_failures) X(flush_seconds) X(round_trips) X(redis_up)     \
        X(poll_age) X(stalled) X(leader) X(partitions) X(training) X(trainings)          \
            X(failed) X(events) X(lag) X(watermark) X(updated) X(sealed) X(sealed_age)   \
                X(evaluated) X(rmse) X(rmse_expected) X(rmse_ratio) X(mae) X(bias)       \
                    X(gain) X(window_events) X(psi) X(js) X(drift) X(missing)            \
                        X(out_of_range) X(unseen) X(alerts) X(outbox) X(model)           \
                            X(model_age) X(predictions) X(latency) X(requests)           \
                                X(connections) X(subscribers) X(swaps) X(cpu)            \
                                    X(resident) X(fds) X(start)
#define LW_METRIC_DECLARE(name) void lw__metric_##name(struct lw_scrape *s);
LW_METRIC_WRITERS(LW_METRIC_DECLARE)
#undef LW_METRIC_DECLARE

#endif
