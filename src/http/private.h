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
#include "json/json.h"

#define LW_STALE_POLL_MS                                                                 \
    (60 * LW_SECOND)          /* a worker that has not polled for so long hangs */
#define LW_WATCH_MS       500 /* between two looks at Redis */
#define LW_HEARTBEAT_MS   (15 * LW_SECOND)
#define LW_SUBSCRIBERS    32
#define LW_QUEUE_MAX      64 /* requests that wait for a thread that asks Redis */
#define LW_READERS        4  /* threads that read Redis for requests */
#define LW_ASKERS         16 /* those, one for changes, one a core for batches */
#define LW_BATCH_MIN      ((size_t)16 * 1024) /* a body for predictions that takes longer */
#define LW_EXTRA_PLACES   16    /* connections beyond http.connections: for health only */
#define LW_RECORDS_MAX    10000 /* in one request for predictions */
#define LW_INFLATE_MAX    8 /* times http.body_max: what an Avro container unpacks to */
#define LW_MEMORY_REQUEST ((size_t)32 * 1024) /* request line and headers */

/* ---- what is known of the stream, as of the watcher's last look ---- */

struct lw_snapshot {
    atomic_int refs;
    int64_t taken_ms; /* wall */
    struct lw_reply *now;
    struct lw_aliases aliases;
    uint32_t unusable; /* the champion, when it cannot be loaded; else 0 */
    int32_t npartitions;
    struct lw_partition_view *view;
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
    LW_ROUTE_REDIS = 1,  /* answered by a thread that asks Redis */
    LW_ROUTE_TAIL = 2,   /* the path has a name between prefix and suffix */
    LW_ROUTE_HEALTH = 4, /* a connection beyond http.connections may ask it */
    LW_ROUTE_OPEN = 8,   /* needs no token */
};

struct lw_route {
    const char *method, *prefix, *suffix;
    lw_handler *run;
    unsigned flags;
    unsigned scope; /* of the token that a change needs; 0: it changes nothing */
};
extern const struct lw_route lw_routes[];
extern const size_t lw_nroutes;
#define LW_ROUTES_MAX 32 /* the table's, the page, and what is none */

struct lw_call {
    struct lw_server *server;
    struct MHD_Connection *connection;
    struct lw_peer *peer;
    const char *target; /* as it came, in libmicrohttpd's buffer, before `begun` */
    size_t target_len;
    const char *fault;            /* what is wrong with the target, or NULL */
    bool begun;                   /* its headers have been looked at */
    bool closes;                  /* the connection ends with the answer */
    struct lw_redis *redis;       /* for those that need it */
    struct lw_http_thread *asker; /* that answers it */
    char token[LW_TOKEN_NAME];    /* name of the token that was given; "" it has none */
    bool reads;                   /* a token was needed to read, and it was right */
    bool login;                   /* a 401 asks a browser for a password */
    const struct lw_route *route; /* NULL: an asset, or refused */
    size_t counted_as;            /* row of the request counters */
    char tail[2 * LW_NAME_MAX];
    struct lw_buf body;
    int64_t began_us;
    bool suspended, answered;
    bool sent; /* an answer of ours */
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
/* "http:<address>", or "http:<token's name>@<address>", for the audit. */
void lw_call_asker(struct lw_call *c, char *out, size_t size);
/* A text that was written elsewhere: valid UTF-8, and harmless where it is printed. */
json_t *lw_json_text_of(const char *text);
/* A figure of `now` or of an entry, NAN when absent. */
/* A metric's newest figure over a window, NAN when it is not known; column: its name, or
 * NULL for a metric of the window (now.c). */
double lw_window_figure(const struct lw_reply *now, const char *window,
                        const struct lw_metric *metric, const char *column);
/* The name of a feature, of the target after them, or of the prediction. */
const char *lw_column_name(const struct lw_spec *spec, size_t column);
double lw_reply_figure(const struct lw_reply *fields, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* ---- the server ---- */

#define LW_ADDRESS_BUCKETS 256
#define LW_SEEN_MAX        4

struct lw_address {
    uint8_t key[16];
    int connections;
    int64_t rated_us; /* monotonic: its requests have paid until then */
    bool kept;        /* for a while without a connection, because of a token */
    int64_t token_ms; /* monotonic: the newest token */
    struct lw_slow {  /* wrong tokens: of many, and of few again and again */
        int wrong;
        int64_t until_ms; /* none of them is looked at before */
    } guesses, repeats;
    struct lw_seen {
        size_t next;
        uint8_t digest[LW_SEEN_MAX][LW_DIGEST];
    } right, wrong;  /* the latest ones */
    uint64_t served; /* when a read of it was last begun, as a running number */
    int reading;     /* reads of it that are under way */
    struct lw_address *next;
};

enum lw_peer_state {
    LW_PEER_WAITS,  /* for a request, or the rest of it */
    LW_PEER_ASKS,   /* its request is being answered */
    LW_PEER_SENDS,  /* it takes the answer */
    LW_PEER_LISTENS /* it takes events */
};

struct lw_peer { /* a connection */
    int fd;
    struct lw_address *address;
    struct sockaddr_storage from;
    socklen_t from_len;
    bool health;  /* answered by the thread for health, then closed */
    bool extra;   /* beyond http.connections */
    bool handed;  /* libmicrohttpd has it, and closes it */
    bool leaving; /* it has lost its place */
    _Atomic enum lw_peer_state state;
    _Atomic int64_t since_ms; /* monotonic: in this state */
    struct lw_peer *prev, *next;
};

/* What takes long is done by threads of its own kind. */
enum lw_lane {
    LW_LANE_READ,   /* reads Redis */
    LW_LANE_CHANGE, /* changes something */
    LW_LANE_BATCH,  /* predicts many records */
    LW_LANES
};

struct lw_http_thread {
    struct lw_server *server;
    struct lw_redis *redis; /* a connection of its own; NULL: it needs none */
    pthread_t thread;
    enum lw_lane lane;
    bool runs;
    bool turn;        /* it has the turn ... */
    int64_t began_us; /* ... since */
};

struct lw_queue {
    struct lw_call *first, **end;
    size_t n;
};

/* Why a request was refused before it was looked at; leeway_http_refused_total. */
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
    bool ended;   /* another has its place */
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

    pthread_mutex_t lock;   /* guards what follows; never held across I/O */
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
    int64_t turn_free_us; /* the next one may begin */

    pthread_mutex_t peers_lock;
    struct lw_peer *peers;
    int npeers, nleaving; /* that keep their places, and that are being closed */
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

/* accept.c */
int lw_listen_open(struct lw_server *s, struct lw_err *err);
void *lw_accept_main(void *arg);
void lw_listen_close(struct lw_server *s);
void lw_on_connection(void *arg, struct MHD_Connection *connection, void **context,
                      enum MHD_ConnectionNotificationCode what);
struct lw_peer *lw_peer_of(struct MHD_Connection *connection);
void lw_peer_set(struct lw_peer *p, enum lw_peer_state state);

/* address.c: _take and _give with peers_lock held. */
void lw_address_text(const struct sockaddr *a, char *out, size_t size);
struct lw_address *lw_address_take(struct lw_server *s, const struct sockaddr *from);
void lw_address_give(struct lw_server *s, struct lw_address *a);
void lw_addresses_free(struct lw_server *s);
/* Milliseconds until the token is looked at, coming from there; 0: now. */
int64_t lw_address_pause(struct lw_server *s, struct lw_address *a,
                         const uint8_t digest[LW_DIGEST]);
/* Counts a wrong token: how many of its kind there have been. */
int lw_address_wrong(struct lw_server *s, struct lw_address *a,
                     const uint8_t digest[LW_DIGEST]);
/* May it ask another time, at so many requests a second? */
bool lw_address_rate(struct lw_server *s, struct lw_address *a, int rate);
void lw_address_right(struct lw_server *s, struct lw_address *a,
                      const uint8_t digest[LW_DIGEST]);
/* Finds the route and checks all that can be checked without the body; false: answered.
 */
bool lw_call_route(struct lw_call *c, const char *path, const char *method);
void lw_call_headers(const struct lw_call *c, struct MHD_Response *r);
/* Suspends and hands over to a thread of the lane; false: answered (too many wait). */
bool lw_ask_queue(struct lw_call *c, enum lw_lane lane);
/* Within a read: lets others have a turn, or the last step of it is done. */
void lw_ask_yield(void *call);
void lw_ask_done(struct lw_call *c);

/* strict.c: what is wrong with a request's target as it came, or NULL. */
const char *lw_strict_target(const char *target);
/* libmicrohttpd hands out its buffer as it came. */
bool lw_strict_in_place(void);
/* The rest of its head; false: refused. */
bool lw_strict_head(struct lw_call *c, const char *method, const char *version);

/* guard.c: false: refused, the answer is set. */
int lw_guard_init(struct lw_server *s, struct lw_err *err);
bool lw_guard_host(struct lw_call *c);
bool lw_guard_rate(struct lw_call *c);
/* Of who changes something, and of who reads when a token is needed for that. */
bool lw_guard_change(struct lw_call *c);
bool lw_guard_read(struct lw_call *c);
/* Refuses, and counts why. */
void lw_call_refuse(struct lw_call *c, enum lw_refused why, unsigned status,
                    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

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
