/* leeway status: what Redis and Kafka say of a stream (status_read.c), what stands still
 * (status_stall.c), and that as text (status_draw.c) or JSON (status.c). */
#ifndef LW_CLI_STATUS_H
#define LW_CLI_STATUS_H

#include "base/buf.h"
#include "cli/cli.h"
#include "kafka/lag.h"
#include "store/health.h"
#include "store/state.h"

#define LW_STATUS_POINTS 336 /* evaluations drawn: two weeks of hourly panes */

/* The newest values of one figure, oldest first; NAN where it is not known. */
struct lw_series {
    size_t n;
    double value[LW_STATUS_POINTS];
};
void lw_series_add(struct lw_series *s, double v);

struct lw_status {
    const struct lw_config *config; /* borrowed */
    struct lw_redis *redis;
    json_t *quarantine;   /* the array of cli/quarantine.h; NULL until first read */
    struct lw_lag *kafka; /* NULL until first asked */
    struct lw_reply *now; /* the hash of that name */
    int32_t nparts;       /* partitions of the topic */
    struct lw_partition_view *part; /* nparts */
    int64_t *end;                   /* Kafka's end offsets, -1 where not known */
    char kafka_away[256];           /* why there is no lag; "" */
    struct lw_stream_facts *facts;  /* the live processes and what they say */
    char full[128];                 /* Redis is at its maxmemory; "" */
    int64_t asked_ms;               /* monotonic: when Kafka last failed to answer; 0 */
    int64_t first_ms, last_ms; /* event times of the history below; 0: there is none */
    struct lw_series at;       /* ends of the windows, as below */
    struct lw_series rmse[LW_WINDOWS_MAX], ratio[LW_WINDOWS_MAX];
    struct lw_series psi[LW_FEATURES_MAX]; /* over the longest window */
    struct lw_series lag;                  /* one point a look */
};

/* Connects at the first read. */
int lw_status_init(struct lw_status *s, const struct lw_config *config,
                   struct lw_err *err);
void lw_status_fini(struct lw_status *s);
/* Looks once. LW_EAGAIN: Redis is away, and what was read before is kept. Kafka being
 * away is no error: kafka_away says so, and the lags are not known. */
int lw_status_read(struct lw_status *s, struct lw_err *err);
/* A figure of `now`; window "" for those without one. NAN when it is not there. */
double lw_status_figure(const struct lw_status *s, const char *window, const char *name);
/* Messages behind the end over all partitions; NAN when that is not known. */
double lw_status_lag(const struct lw_status *s);

/* Messages behind the end; NAN when that is not known. */
double lw_status_lag_of(const struct lw_status *s, int32_t partition);
/* Why the partition does not get on, into out; false: it does, as far as one look can
 * tell. */
bool lw_status_stalled(const struct lw_status *s, int32_t partition, char *out,
                       size_t size);
/* What is wrong with the stream as a whole, if nobody who lives says so; "" nothing. */
const char *lw_status_ill(const struct lw_status *s, char *out, size_t size);

/* Appends the whole status as lines of text. */
void lw_status_draw(const struct lw_status *s, struct lw_buf *out);

#endif
