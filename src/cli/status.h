/* The parts of `leeway status`: reading Redis and Kafka (status_read.c), finding stalled
 * partitions (status_stall.c), text (status_draw.c) and JSON (status.c). */
#ifndef LW_CLI_STATUS_H
#define LW_CLI_STATUS_H

#include "base/buf.h"
#include "cli/cli.h"
#include "kafka/lag.h"
#include "store/health.h"
#include "store/state.h"

#define LW_STATUS_POINTS 336 /* evaluations drawn: two weeks of hourly panes */

/* The newest values of one metric, oldest first; NAN: unknown. */
struct lw_status_series {
    size_t n;
    double value[LW_STATUS_POINTS];
};
void lw_status_series_add(struct lw_status_series *s, double v);

struct lw_status {
    const struct lw_config *config; /* borrowed */
    struct lw_redis *redis;
    json_t *quarantine;   /* the array of cli/quarantine.h; NULL until first read */
    struct lw_lag *kafka; /* NULL until first asked */
    struct lw_reply *now; /* the hash `now` */
    struct lw_tracking_set tracking;
    int64_t tracking_since_ms;      /* event time when serving it began or ended; 0 */
    int32_t nparts;                 /* partitions of the topic */
    struct lw_partition_view *part; /* nparts */
    int64_t *end;                   /* Kafka's end offsets; -1: unknown */
    char kafka_away[256];           /* why lags are unknown; "" */
    struct lw_stream_facts *facts;  /* live processes and their problems */
    char full[128];                 /* Redis is at its maxmemory; "" */
    int64_t asked_ms;               /* monotonic: when Kafka last failed to answer; 0 */
    int64_t first_ms, last_ms;  /* event times of the history below; 0: there is none */
    struct lw_status_series at; /* ends of the windows, as below */
    struct lw_status_series error[LW_WINDOWS_MAX], ratio[LW_WINDOWS_MAX];
    struct lw_status_series psi[LW_FEATURES_MAX]; /* over the longest window */
    struct lw_status_series lag;                  /* one point for each read */
};

/* Connects at the first read. */
int lw_status_init(struct lw_status *s, const struct lw_config *config,
                   struct lw_err *err);
void lw_status_fini(struct lw_status *s);
/* Reads everything once. LW_EAGAIN: Redis is unavailable, and the last state stays. If
 * Kafka is unavailable, kafka_away has the reason and lags are unknown. */
int lw_status_read(struct lw_status *s, struct lw_err *err);
/* A value of `now`; window "" for those without a window. NAN: missing. */
double lw_status_figure(const struct lw_status *s, const char *window, const char *name);
/* Likewise a text; NULL: missing. */
const char *lw_status_text(const struct lw_status *s, const char *window,
                           const char *name);
/* Total lag in messages; NAN: unknown. */
double lw_status_lag(const struct lw_status *s);

/* Lag of one partition in messages; NAN: unknown. */
double lw_status_lag_of(const struct lw_status *s, int32_t partition);
/* True: the partition makes no progress; out: why. */
bool lw_status_stalled(const struct lw_status *s, int32_t partition, char *out,
                       size_t size);
/* A problem of the whole stream that no process can report itself; "" none. */
const char *lw_status_problem(const struct lw_status *s, char *out, size_t size);

/* Appends the whole status as text. */
void lw_status_draw(const struct lw_status *s, struct lw_buf *out);

#endif
