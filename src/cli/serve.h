/* The HTTP server of `leeway run` and `leeway demo`, beside an engine. */
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
    char waits[256]; /* why the engine has not started; under lock */
};

/* Starts the server before the engine, so that health is available while it waits. */
int lw_serve_start(struct lw_serve *s, const struct lw_config *config,
                   struct lw_err *err);
/* The engine cannot start yet, for this reason. */
void lw_serve_set_wait(struct lw_serve *s, const struct lw_err *why);
/* The engine runs. Stop the server before the engine. */
void lw_serve_set_engine(struct lw_serve *s, struct lw_engine *engine);
void lw_serve_stop(struct lw_serve *s);

#endif
