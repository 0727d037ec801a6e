/* The HTTP server beside an engine: `run` and `demo` have the same. */
#ifndef LW_CLI_SERVE_H
#define LW_CLI_SERVE_H

#include <stdatomic.h>

#include "engine/engine.h"
#include "http/server.h"

struct lw_cli_serve {
    struct lw_server *server; /* NULL: http.listen is off */
    _Atomic(struct lw_engine *) engine;
};

/* Before the engine is there: health can then be asked while it waits for Kafka. */
int lw_cli_serve_start(struct lw_cli_serve *s, const struct lw_config *config,
                       struct lw_err *err);
/* The engine runs. Stop the server before it. */
void lw_cli_serve_engine(struct lw_cli_serve *s, struct lw_engine *engine);
void lw_cli_serve_stop(struct lw_cli_serve *s);

#endif
