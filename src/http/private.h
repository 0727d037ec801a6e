/* Shared by the http layer's own files only. */
#ifndef LW_HTTP_PRIVATE_H
#define LW_HTTP_PRIVATE_H

#include <jansson.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/buf.h"
#include "core/reference.h"
#include "http/server.h"
#include "leeway/model.h"
#include "store/leader.h"

#define LW_STALE_POLL_MS                                                                 \
    (60 * LW_SECOND)          /* a worker that has not polled for so long hangs */
#define LW_WATCH_MS       500 /* between two looks at Redis */
#define LW_HEARTBEAT_MS   (15 * LW_SECOND)
#define LW_SUBSCRIBERS    32
#define LW_QUEUE_MAX      64    /* requests that wait for the thread that asks Redis */
#define LW_RECORDS_MAX    10000 /* in one request for predictions */
#define LW_MEMORY_REQUEST ((size_t)32 * 1024) /* request line and headers */

/* ---- what is known of the stream, as of the watcher's last look ---- */

struct lw_snapshot {
    atomic_int refs;
    int64_t taken_ms; /* wall */
    struct lw_reply *now;
    struct lw_aliases aliases;
    uint32_t unusable; /* the champion, when it cannot be loaded; else 0 */
    int32_t npartitions;
    struct lw_part_view *view;
    uint64_t firing[3];      /* by enum lw_severity */
    char unreadable[2][320]; /* state that cannot be read, while its alert fires */
    uint64_t outbox, parked;
    char leader[128]; /* "" nobody */
    int64_t sealed_until_ms;
    double rate; /* messages a second over the last seconds; NAN: not known yet */
};

/* A version that answers, shared by reference count: whoever predicts holds one, so that
 * a swap frees the old one when its last request is done. */
struct lw_champion {
    atomic_int refs;
    uint32_t version;
    uint64_t epoch;
    int64_t since_ms;
    struct lw_model *model;
    bool needed[LW_FIELDS_MAX]; /* fields of the spec that it reads */
};

/* ---- one request ---- */

struct lw_call;
typedef void lw_handler(struct lw_call *c);

enum {
    LW_ROUTE_REDIS = 1, /* answered by the thread that asks Redis */
    LW_ROUTE_TOKEN = 2, /* changes state: needs the bearer token */
    LW_ROUTE_TAIL = 4,  /* the path has a name between prefix and suffix */
};

struct lw_route {
    const char *method, *prefix, *suffix;
    lw_handler *run;
    unsigned flags;
};
extern const struct lw_route lw_routes[];
extern const size_t lw_nroutes;
#define LW_ROUTES_MAX 32 /* the table's, the page, and what is none */

struct lw_call {
    struct lw_server *server;
    struct MHD_Connection *connection;
    const struct lw_route *route; /* NULL: an asset, or refused */
    size_t counted_as;            /* row of the request counters */
    char tail[2 * LW_NAME_MAX];
    struct lw_buf body;
    int64_t began_us;
    bool suspended, answered;
    /* the answer */
    unsigned status;
    const char *type;
    struct lw_buf out;
    struct MHD_Response *response; /* instead of out */
    const char *allow;             /* of a 405 */
    struct lw_call *next;          /* in the queue */
};

/* Sets an error answer: {"error": text, "code": word by status}. */
void lw_call_fail(struct lw_call *c, unsigned status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The answer to an error of the store: 404, 503 (away), 400 or 500. */
void lw_call_err(struct lw_call *c, const struct lw_err *err);
/* 200 with this value (taken). */
void lw_call_json(struct lw_call *c, json_t *value);
/* A query argument, or NULL. */
const char *lw_call_arg(struct lw_call *c, const char *name);
/* A whole number of a query argument within [lo, hi]; false: answered with 400. Absent:
 * *out stays. */
bool lw_call_int(struct lw_call *c, const char *name, int64_t lo, int64_t hi,
                 int64_t *out);
/* The window that ?window= names, the longest without; NULL: answered with 400. */
const struct lw_window_spec *lw_call_window(struct lw_call *c);

/* The version that the path names; false: answered with 400. */
bool lw_call_version(struct lw_call *c, uint32_t *out);
/* "http:<address>", for the audit. */
void lw_call_asker(struct lw_call *c, char *out, size_t size);
/* Finite, or null. */
/* A text that was written elsewhere: valid UTF-8, and harmless where it is printed. */
json_t *lw_json_text_of(const char *text);
json_t *lw_json_number(double v);
/* A time, or null for INT64_MIN and 0. */
json_t *lw_json_ms(int64_t ms);
/* A figure of `now` or of an entry, NAN when absent. */
double lw_reply_figure(const struct lw_reply *fields, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* ---- the server ---- */

struct lw_peer { /* a connection */
    int fd;
    _Atomic int64_t since_ms; /* monotonic: it may send its next request since then */
    atomic_bool busy;         /* a request of it is being answered */
    struct lw_peer *prev, *next;
};

struct lw_subscriber {
    struct lw_server *server;
    struct MHD_Connection *connection;
    struct lw_buf pending;
    bool waiting; /* suspended */
    struct lw_subscriber *next;
};

#define LW_LATENCIES 14
struct lw_latency { /* of predictions */
    _Atomic uint64_t bucket[LW_LATENCIES + 1], sum_us;
};

struct lw_server {
    struct lw_server_options options;
    const struct lw_config *config;
    const struct lw_spec *spec;
    int port;
    bool loopback;
    char page_host[256]; /* host of alerts.page: allowed as Host, too */
    struct MHD_Daemon *mhd;
    atomic_bool stop;
    pthread_t watch_thread, ask_thread;
    bool watches, asks;
    struct lw_decoder *decoder;               /* the configured schema's */
    struct lw_json_decoder *json;             /* the same in JSON */
    struct lw_redis *watch_redis, *ask_redis; /* one a thread */

    pthread_mutex_t lock;   /* guards what follows; never held across I/O */
    pthread_cond_t changed; /* the queue */
    pthread_cond_t stopping;
    struct lw_snapshot *snapshot; /* NULL: Redis has not answered yet */
    struct lw_champion *champion; /* NULL: none */
    char away[256];               /* "" or why Redis does not answer */
    struct lw_call *queue, **queue_end;
    size_t queued;
    struct lw_subscriber *subscribers;
    size_t nsubscribers;

    pthread_mutex_t peers_lock;
    struct lw_peer *peers;

    _Atomic uint64_t requests[LW_ROUTES_MAX][6]; /* by route and class of status */
    _Atomic uint64_t predictions, swaps;
    struct lw_latency latency;
};

/* Sums over the partitions. */
struct lw_totals {
    uint64_t counter[LW_COUNTERS];
    int64_t lag;          /* -1: not known */
    int64_t watermark_ms; /* the least, of those that are not idle; INT64_MIN: none */
    int64_t idle_ms;
};
struct lw_totals lw_snapshot_totals(const struct lw_snapshot *n);
/* Alerts that fire, of whatever severity. */
uint64_t lw_snapshot_firing(const struct lw_snapshot *n);

/* Would /readyz say so? */
bool lw_vitals_ready(const struct lw_vitals *v, const struct lw_snapshot *n);

/* References to what the watcher found (NULL: nothing yet); released by _put. */
struct lw_snapshot *lw_snapshot_get(struct lw_server *s);
void lw_snapshot_put(struct lw_snapshot *n);
struct lw_champion *lw_champion_get(struct lw_server *s);
void lw_champion_put(struct lw_champion *c);
/* Why Redis does not answer; false: it does. */
bool lw_redis_away(struct lw_server *s, char *out, size_t size);

void *lw_watch_main(void *arg);
void *lw_ask_main(void *arg);
/* Closes connections whose next request has not come within http.timeout. */
void lw_peers_expire(struct lw_server *s);
/* Finds the route and checks all that can be checked without the body; false: answered.
 */
bool lw_call_route(struct lw_call *c, const char *path, const char *method);
void lw_call_headers(const struct lw_call *c, struct MHD_Response *r);
/* Suspends and hands over to the asking thread; false: answered (too many wait). */
bool lw_ask_queue(struct lw_call *c);

/* guard.c: false: refused, the answer is set. */
void lw_guard_init(struct lw_server *s);
bool lw_guard_host(struct lw_call *c);
bool lw_guard_token(struct lw_call *c);

/* events.c */
void lw_events_publish(struct lw_server *s, const struct lw_snapshot *n);
void lw_events_beat(struct lw_server *s);
void lw_events_end(struct lw_server *s);

/* metrics.c */
void lw_latency_add(struct lw_latency *l, int64_t us);
extern const double lw_latency_bounds[LW_LATENCIES]; /* seconds */

/* True: one of the page's files; the answer is set. */
bool lw_serve_asset(struct lw_call *c, const char *path);

lw_handler lw_serve_health, lw_serve_ready, lw_serve_metrics, lw_serve_now,
    lw_serve_history, lw_serve_heatmap, lw_serve_feature, lw_serve_alerts,
    lw_serve_models, lw_serve_model, lw_serve_audit, lw_serve_predict, lw_serve_retrain,
    lw_serve_promote, lw_serve_silence, lw_serve_unsilence, lw_serve_events;

#endif
