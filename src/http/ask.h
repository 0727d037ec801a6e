/* The threads for slow requests. */
#ifndef LW_HTTP_ASK_H
#define LW_HTTP_ASK_H

#include <pthread.h>

#include "http/call.h"

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

void *lw_ask_main(void *arg);
/* Suspends the request and queues it for a thread of the lane; false: answered (queue
 * full). */
bool lw_ask_queue(struct lw_call *c, enum lw_lane lane);
/* During a read: lets others take a turn, or ends the last step. */
void lw_ask_yield(void *call);
void lw_ask_done(struct lw_call *c);

#endif
