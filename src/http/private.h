/* Shared by the http layer's own files only. */
#ifndef LW_HTTP_PRIVATE_H
#define LW_HTTP_PRIVATE_H

#include <jansson.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "core/reference.h"
#include "http/server.h"
#include "http/tokens.h"
#include "leeway/model.h"
#include "store/models.h"

#define LW_STALE_POLL_MS                                                                 \
    (60 * LW_SECOND)        /* a worker that has not polled for this long hangs */
#define LW_WATCH_MS     500 /* between two polls of Redis */
#define LW_HEARTBEAT_MS (15 * LW_SECOND)
#define LW_SUBSCRIBERS  32
#define LW_QUEUE_MAX    64 /* requests that wait for a thread of ask.c */
#define LW_READERS      4  /* threads that read Redis for requests */
#define LW_ASKERS       16 /* readers, one for changes, one per core for batches */
#define LW_BATCH_MIN                                                                     \
    ((size_t)16 * 1024)      /* a prediction body of this size runs in a batch thread */
#define LW_EXTRA_PLACES   16 /* beyond http.connections: for health only */
#define LW_RECORDS_MAX    10000 /* per prediction request */
#define LW_INFLATE_MAX    8 /* times http.body_max: limit of an inflated Avro container */
#define LW_MEMORY_REQUEST ((size_t)32 * 1024) /* request line and headers */

/* ---- what is known of the stream, as of the watcher's last look ---- */

struct lw_snapshot {
    atomic_int refs;
    int64_t taken_ms; /* wall */
    struct lw_reply *now;
    struct lw_aliases aliases;
    uint32_t unusable; /* the champion that cannot be loaded, or 0 */
    int32_t npartitions;
    struct lw_partition_view *view;
    uint64_t firing[3];      /* by enum lw_severity */
    char unreadable[2][320]; /* texts of firing unreadable-* alerts */
    uint64_t outbox, parked;
    char leader[128]; /* "" nobody */
    int64_t sealed_until_ms;
    double rate; /* messages a second over the last ten seconds; NAN: unknown */
};

/* The version that answers, shared by reference count: a prediction holds a reference,
 * and a swap frees the old version when its last request is done. */
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
    LW_ROUTE_REDIS = 1,  /* answered by a thread of ask.c */
    LW_ROUTE_TAIL = 2,   /* the path has a name between prefix and suffix */
    LW_ROUTE_HEALTH = 4, /* a connection beyond http.connections may request it */
    LW_ROUTE_OPEN = 8,   /* needs no token */
};

struct lw_route {
    const char *method, *prefix, *suffix;
    lw_handler *run;
    unsigned flags;
    unsigned scope; /* of the token that a change needs; 0: no change */
};
extern const struct lw_route lw_routes[];
extern const size_t lw_nroutes;
#define LW_ROUTES_MAX 32 /* the table's, the page, and unknown paths */

struct lw_call {
    struct lw_server *server;
    struct MHD_Connection *connection;
    struct lw_peer *peer;
    const char *target; /* as received, in libmicrohttpd's buffer, before `begun` */
    size_t target_len;
    const char *fault;            /* what is wrong with the target, or NULL */
    bool begun;                   /* the headers are parsed */
    bool closes;                  /* the connection closes after the answer */
    struct lw_redis *redis;       /* if it needs Redis */
    struct lw_http_thread *asker; /* the thread that answers it */
    char token[LW_TOKEN_NAME];    /* the token's name; "" if it has none */
    bool reads;                   /* reading needed a token, and it was right */
    bool login;                   /* a 401 makes a browser ask for a password */
    const struct lw_route *route; /* NULL: an asset, or refused */
    size_t counted_as;            /* row of the request counters */
    char tail[2 * LW_NAME_MAX];
    struct lw_buf body;
    int64_t began_us;
    bool suspended, answered;
    bool sent; /* the answer is this server's, not libmicrohttpd's */
    /* the answer */
    unsigned status;
    const char *type;
    struct lw_buf out;
    struct MHD_Response *response; /* instead of out */
    const char *allow;             /* of a 405 */
    int retry_s;                   /* of a 429; else 0 */
    struct lw_call *next;          /* in the queue */
};

/* Sets an error answer: {"error": text, "code": word by status}. */
void lw_call_fail(struct lw_call *c, unsigned status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The answer to an error of the store: 404, 503 (down), 400 or 500. */
void lw_call_err(struct lw_call *c, const struct lw_err *err);
/* 200 with this value (taken). */
void lw_call_json(struct lw_call *c, json_t *value);
/* A query argument, or NULL. */
const char *lw_call_arg(struct lw_call *c, const char *name);
/* A whole number of a query argument within [lo, hi]; *out stays if it is absent. False:
 * answered with 400. */
bool lw_call_int(struct lw_call *c, const char *name, int64_t lo, int64_t hi,
                 int64_t *out);
/* The window in ?window=, by default the longest; NULL: answered with 400. */
const struct lw_window_spec *lw_call_window(struct lw_call *c);

/* The version in the path; false: answered with 400. */
bool lw_call_version(struct lw_call *c, uint32_t *out);
/* "http:<address>", or "http:<token's name>@<address>", for the audit. */
void lw_call_asker(struct lw_call *c, char *out, size_t size);
/* Text from outside: made valid UTF-8 and safe to print. */
json_t *lw_json_text_of(const char *text);
json_t *lw_json_number(double v);
/* A time, or null for INT64_MIN and 0. */
json_t *lw_json_ms(int64_t ms);
/* A metric's newest figure over a window, NAN when unknown; column: its name, or NULL for
 * a metric of the window (now.c). */
double lw_window_figure(const struct lw_reply *now, const char *window,
                        const struct lw_metric *metric, const char *column);
/* The name of a feature, of the target (which follows them), or of the prediction. */
const char *lw_column_name(const struct lw_spec *spec, size_t column);
double lw_reply_figure(const struct lw_reply *fields, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* ---- the server ---- */

#define LW_ADDRESS_BUCKETS 256
#define LW_SEEN_MAX        4

struct lw_address {
    uint8_t key[16];
    int connections;
    int64_t rated_us; /* monotonic: its requests are paid for until then */
    bool kept;        /* for a while without a connection, because it sent a token */
    int64_t token_ms; /* monotonic: the newest token */
    struct lw_slow {  /* wrong tokens: different ones, and repeated ones */
        int wrong;
        int64_t until_ms; /* tokens are not checked before */
    } guesses, repeats;
    struct lw_seen {
        size_t next;
        uint8_t digest[LW_SEEN_MAX][LW_DIGEST];
    } right, wrong;  /* the latest tokens */
    uint64_t served; /* sequence number of its last read */
    int reading;     /* its reads in progress */
    struct lw_address *next;
};

enum lw_peer_state {
    LW_PEER_WAITS,  /* for a request, or the rest of one */
    LW_PEER_ASKS,   /* its request is being answered */
    LW_PEER_SENDS,  /* the client takes the answer */
    LW_PEER_LISTENS /* it is subscribed to events */
};

struct lw_peer { /* a connection */
    int fd;
    struct lw_address *address;
    struct sockaddr_storage from;
    socklen_t from_len;
    bool health;  /* answered by the health thread, then closed */
    bool extra;   /* beyond http.connections */
    bool handed;  /* libmicrohttpd owns and closes it */
    bool leaving; /* it is being replaced */
    _Atomic enum lw_peer_state state;
    _Atomic int64_t since_ms; /* monotonic: start of this state */
    struct lw_peer *prev, *next;
};

/* Slow requests have a kind of thread each. */
enum lw_lane {
    LW_LANE_READ,   /* reads Redis */
    LW_LANE_CHANGE, /* changes something */
    LW_LANE_BATCH,  /* predicts many records */
    LW_LANES
};

struct lw_http_thread {
    struct lw_server *server;
    struct lw_redis *redis; /* its own connection; NULL: it needs none */
    pthread_t thread;
    enum lw_lane lane;
    bool runs;
    bool turn;        /* it has the turn to read Redis ... */
    int64_t began_us; /* ... since */
};

struct lw_queue {
    struct lw_call *first, **end;
    size_t n;
};

/* Why a request was refused early; leeway_http_refused_total. */
enum lw_refused {
    LW_REFUSED_MALFORMED,
    LW_REFUSED_HOST,
    LW_REFUSED_ORIGIN,
    LW_REFUSED_TOKEN,
    LW_REFUSED_SCOPE,
    LW_REFUSED_SLOWED,
    LW_REFUSED_RATE,
    LW_REFUSED_FULL,
    LW_REFUSALS
};

struct lw_subscriber {
    struct lw_server *server;
    struct MHD_Connection *connection;
    struct lw_address *address;
    struct lw_buf pending;
    bool waiting; /* suspended */
    bool ended;   /* another subscription replaces it */
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
    char hostname[256];              /* this machine's */
    struct MHD_Daemon *mhd, *health; /* health: NULL with TLS */
    struct lw_http_tls *tls;         /* or NULL */
    int listen, epoll, wake;
    atomic_bool stop;
    pthread_t watch_thread, accept_thread;
    bool watches, accepts;
    struct lw_decoder *avro, *json; /* of the configured schema */
    struct lw_redis *watch_redis;
    struct lw_http_thread asker[LW_ASKERS];
    size_t naskers;
    struct lw_token_file tokens, read_tokens;

    pthread_mutex_t lock;   /* guards the following; never held across I/O */
    pthread_cond_t changed; /* the queue */
    pthread_cond_t stopping;
    struct lw_snapshot *snapshot; /* NULL: Redis has not answered yet */
    struct lw_champion *champion; /* NULL: none */
    char away[256];               /* "" or why Redis does not answer */
    struct lw_queue queue[LW_LANES];
    uint64_t served;
    struct lw_subscriber *subscribers;
    size_t nsubscribers;

    pthread_mutex_t turn_lock; /* whose turn it is to read Redis */
    pthread_cond_t turn_changed;
    uint64_t turn_next, turn_now;
    int64_t turn_free_us; /* when the next turn may begin */

    pthread_mutex_t peers_lock;
    struct lw_peer *peers;
    int npeers, nleaving; /* open, and being replaced */
    struct lw_address *addresses[LW_ADDRESS_BUCKETS];
    size_t kept;

    _Atomic uint64_t refused[LW_REFUSALS];

    _Atomic uint64_t requests[LW_ROUTES_MAX][6]; /* by route and class of status */
    _Atomic uint64_t predictions, swaps;
    struct lw_latency latency;
};

/* Sums over the partitions. */
struct lw_totals {
    uint64_t counter[LW_COUNTERS];
    int64_t lag; /* -1: unknown */
    int64_t
        watermark_ms; /* the least among partitions that are not idle; INT64_MIN: none */
    int64_t idle_ms;
};
struct lw_totals lw_snapshot_totals(const struct lw_snapshot *n);
/* Firing alerts of all severities. */
uint64_t lw_snapshot_firing(const struct lw_snapshot *n);

/* Does /readyz answer ready? */
bool lw_vitals_ready(const struct lw_vitals *v, const struct lw_snapshot *n);

/* References to the watcher's state (NULL: none yet); released by _put. */
struct lw_snapshot *lw_snapshot_get(struct lw_server *s);
void lw_snapshot_put(struct lw_snapshot *n);
struct lw_champion *lw_champion_get(struct lw_server *s);
void lw_champion_put(struct lw_champion *c);
/* Why Redis does not answer; false: it answers. */
bool lw_redis_away(struct lw_server *s, char *out, size_t size);

void *lw_watch_main(void *arg);
void *lw_ask_main(void *arg);

/* accept.c */
int lw_listen_open(struct lw_server *s, struct lw_err *err);
void *lw_accept_main(void *arg);
void lw_listen_close(struct lw_server *s);
void lw_on_connection(void *arg, struct MHD_Connection *connection, void **context,
                      enum MHD_ConnectionNotificationCode what);
struct lw_peer *lw_peer_of(struct MHD_Connection *connection);
void lw_peer_set(struct lw_peer *p, enum lw_peer_state state);

/* address.c: _take and _give need peers_lock. */
void lw_address_text(const struct sockaddr *a, char *out, size_t size);
struct lw_address *lw_address_take(struct lw_server *s, const struct sockaddr *from);
void lw_address_give(struct lw_server *s, struct lw_address *a);
void lw_addresses_free(struct lw_server *s);
/* Milliseconds until a token from that address is checked; 0: now. */
int64_t lw_address_pause(struct lw_server *s, struct lw_address *a,
                         const uint8_t digest[LW_DIGEST]);
/* Counts a wrong token and returns how many of its kind there have been. */
int lw_address_wrong(struct lw_server *s, struct lw_address *a,
                     const uint8_t digest[LW_DIGEST]);
/* May the address send another request at this rate per second? */
bool lw_address_rate(struct lw_server *s, struct lw_address *a, int rate);
void lw_address_right(struct lw_server *s, struct lw_address *a,
                      const uint8_t digest[LW_DIGEST]);
/* Finds the route and checks everything that does not need the body; false: answered. */
bool lw_call_route(struct lw_call *c, const char *path, const char *method);
void lw_call_headers(const struct lw_call *c, struct MHD_Response *r);
/* Suspends the request and queues it for a thread of the lane; false: answered (queue
 * full). */
bool lw_ask_queue(struct lw_call *c, enum lw_lane lane);
/* During a read: lets others take a turn, or ends the last step. */
void lw_ask_yield(void *call);
void lw_ask_done(struct lw_call *c);

/* strict.c: what is wrong with a request's target, or NULL. */
const char *lw_strict_target(const char *target);
/* libmicrohttpd passes its buffer unchanged. */
bool lw_strict_in_place(void);
/* Checks the rest of the head; false: refused. */
bool lw_strict_head(struct lw_call *c, const char *method, const char *version);

/* guard.c: false: refused, the answer is set. */
int lw_guard_init(struct lw_server *s, struct lw_err *err);
bool lw_guard_host(struct lw_call *c);
bool lw_guard_rate(struct lw_call *c);
/* Checks the token of a change, and of a read if reading needs one. */
bool lw_guard_change(struct lw_call *c);
bool lw_guard_read(struct lw_call *c);
/* Refuses, and counts the reason. */
void lw_call_refuse(struct lw_call *c, enum lw_refused why, unsigned status,
                    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* events.c */
void lw_events_publish(struct lw_server *s, const struct lw_snapshot *n);
void lw_events_beat(struct lw_server *s);
void lw_events_end(struct lw_server *s);

/* metrics.c */
void lw_latency_add(struct lw_latency *l, int64_t us);
extern const double lw_latency_bounds[LW_LATENCIES]; /* seconds */

/* True: the path is one of the page's files; the answer is set. */
bool lw_serve_asset(struct lw_call *c, const char *path);

lw_handler lw_serve_health, lw_serve_ready, lw_serve_metrics, lw_serve_now,
    lw_serve_history, lw_serve_heatmap, lw_serve_feature, lw_serve_alerts,
    lw_serve_models, lw_serve_model, lw_serve_audit, lw_serve_predict, lw_serve_retrain,
    lw_serve_promote, lw_serve_silence, lw_serve_unsilence, lw_serve_events;

#endif
