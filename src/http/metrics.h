/* The table of metrics: /metrics, docs/metrics.md and the test all loop over its rows. */
#ifndef LW_HTTP_METRICS_H
#define LW_HTTP_METRICS_H

#include <stdio.h>

#include "http/now.h"
#include "http/private.h"

/* One scrape and its inputs. */
struct lw_scrape {
    struct lw_server *server;
    struct lw_vitals vitals;
    struct lw_snapshot *stream;   /* NULL: Redis has not answered yet */
    struct lw_champion *champion; /* NULL: none */
    struct lw_totals totals;
    bool away;
    struct lw_buf *out;
    const struct lw_metric_row *row; /* the row being written */
};

struct lw_metric_row {
    const char *name, *type; /* "counter", "gauge", "histogram" */
    const char *unit;        /* "" none */
    const char *labels;      /* separated by commas */
    const char *help;
    void (*write)(struct lw_scrape *s);
    const struct lw_metric *metric;  /* of the table of metrics; else NULL */
    enum lw_process_counter counter; /* of lw__metric_counter */
    double per;                      /* ... and what makes one unit of it */
};
/* Row i of the page, or NULL past the last one. */
const struct lw_metric_row *lw_metric_row_at(size_t i);

/* Writes docs/metrics.md. */
void lw_metrics_document(FILE *out);

/* One sample of the row; labels as printed, without braces ("" none). A value that is not
 * finite is unknown and left out. */
void lw_metrics_sample(struct lw_scrape *s, double v, const char *labels, ...)
    __attribute__((format(printf, 3, 4)));
/* A label's value, escaped for Prometheus' format. */
char *lw_metrics_label(char *out, size_t size, const char *text);

/* Seconds, and the time of one answered request. */
void lw_metrics_latency_add(struct lw_latency *l, int64_t us);
extern const double lw_metrics_latency_bounds[LW_LATENCIES];

/* The writers (metrics_write.c), named after the rows. */
typedef void lw_metric_writer(struct lw_scrape *s);
lw_metric_writer lw__metric_figure, lw__metric_info, lw__metric_counter,
    lw__metric_round_trips, lw__metric_redis_up, lw__metric_poll_age, lw__metric_stalled,
    lw__metric_held, lw__metric_registry_up, lw__metric_registry_requests,
    lw__metric_registry_failures, lw__metric_leader, lw__metric_partitions,
    lw__metric_training, lw__metric_trainings, lw__metric_failed, lw__metric_events,
    lw__metric_lag, lw__metric_watermark, lw__metric_updated, lw__metric_sealed,
    lw__metric_sealed_age, lw__metric_evaluated, lw__metric_alerts,
    lw__metric_unreadable_panes, lw__metric_outbox, lw__metric_parked, lw__metric_model,
    lw__metric_model_age, lw__metric_predictions, lw__metric_latency, lw__metric_requests,
    lw__metric_refused, lw__metric_connections, lw__metric_subscribers, lw__metric_swaps,
    lw__metric_cpu, lw__metric_resident, lw__metric_heap, lw__metric_fds,
    lw__metric_start, lw__metric_ready, lw__metric_component, lw__metric_kafka_up,
    lw__metric_kafka_age, lw__metric_redis_writable, lw__metric_redis_age,
    lw__metric_evaluation_age, lw__metric_clock_age, lw__metric_partitions_stalled,
    lw__metric_deserted, lw__metric_letters_age, lw__metric_predictions_age,
    lw__metric_outbox_age;

#endif
