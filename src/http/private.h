/* The server's state and limits, for the layer's own files. */
#ifndef LW_HTTP_PRIVATE_H
#define LW_HTTP_PRIVATE_H

#include <stdatomic.h>

#include "http/accept.h"
#include "http/ask.h"
#include "http/events.h"
#include "http/guard.h"
#include "http/watch.h"

#define LW_STALE_POLL_MS  (60 * LW_SECOND) /* a worker without a poll for so long hangs */
#define LW_WATCH_MS       500              /* between two polls of Redis */
#define LW_HEARTBEAT_MS   (15 * LW_SECOND)
#define LW_SUBSCRIBERS    32
#define LW_QUEUE_MAX      64 /* requests that wait for a thread of ask.c */
#define LW_READERS        4  /* threads that read Redis for requests */
#define LW_ASKERS         16 /* readers, one for changes, one per core for batches */
#define LW_BATCH_MIN      ((size_t)16 * 1024) /* larger bodies: batch threads */
#define LW_EXTRA_PLACES   16    /* beyond http.connections: for health only */
#define LW_RECORDS_MAX    10000 /* per prediction request */
#define LW_INFLATE_MAX    8 /* times http.body_max: limit of an inflated Avro container */
#define LW_MEMORY_REQUEST ((size_t)32 * 1024) /* request line and headers */

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

#endif
