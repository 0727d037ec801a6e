/* The HTTP server beside an engine: `run` and `demo` have the same. */
#ifndef LW_CLI_SERVE_H
#define LW_CLI_SERVE_H

#include <pthread.h>
#include <stdatomic.h>

#include "engine/engine.h"
#include "http/server.h"

struct lw_serve {
    struct lw_server *server; /* NULL: http.listen is off */
    _Atomic(struct lw_engine *) engine;
    pthread_mutex_t lock;
    char waits[256]; /* what the start waits for; under lock */
};

/* Before the engine is there: health can then be asked while it waits for Kafka. */
int lw_serve_start(struct lw_serve *s, const struct lw_config *config,
                   struct lw_err *err);
/* It does not start yet, for this reason. */
void lw_serve_set_wait(struct lw_serve *s, const struct lw_err *why);
/* The engine runs. Stop the server before it. */
void lw_serve_set_engine(struct lw_serve *s, struct lw_engine *engine);
void lw_serve_stop(struct lw_serve *s);

#endif
