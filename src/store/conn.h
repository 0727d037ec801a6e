/* The members of struct lw_redis, shared by the files that use hiredis (conn, redis,
 * cmd, url) and, for its scratch memory, by the other files of store/. */
#ifndef LW_STORE_CONN_H
#define LW_STORE_CONN_H

#include <hiredis/hiredis.h>

#include "base/buf.h"
#include "store/redis.h"
#include "store/tls.h"
#include "store/url.h"

struct lw_cmd {
    struct lw_buf body; /* arguments in wire format */
    size_t argc, slot_argc;
    struct lw_cmd *keys; /* receives a copy of each key among the arguments, or NULL */
};
#define LW_SCRIPTS_MAX 32
struct lw_loaded {
    const struct lw_script *script;
    char sha[41];
};

struct lw_redis {
    struct lw_url url;
    struct lw_redis_options options;
    redisContext *ctx;  /* NULL: not connected */
    struct lw_tls *tls; /* of ctx, or NULL */
    struct lw_buf out;  /* bytes to be sent over it */
    char where[300];    /* address in use, without credentials */
    size_t next_seed;
    uint64_t dials; /* connections made */
    struct lw_url_seed
        moved; /* the node that a cluster named for the slot; port 0: none */
    int64_t next_try_ms, backoff_ms; /* monotonic clock; 0: try at once */
    size_t nloaded;
    struct lw_loaded loaded[LW_SCRIPTS_MAX]; /* scripts that this connection has loaded */
    struct lw_reply *info;
    char info_value[256];
    struct lw_cmd scratch, verb; /* scratch: for redis.c; verb: for the other files */
    struct lw_cmd keys;          /* list of the commands' keys */
    struct lw_buf bytes;         /* for the other files of store/ */
    enum lw_redis_why why;       /* of the last call */
    char away[400];              /* why the last attempt to connect failed */
    char unheard[300];           /* lw_models_unheard */
};

/* Reads the first line of password_file, if set, into the url. LW_ECONFIG. */
int lw_conn_password(struct lw_redis *r, struct lw_err *err);
/* Connects unless connected. LW_EAGAIN: unreachable, or the next attempt is not due. */
int lw_conn_ensure(struct lw_redis *r, struct lw_err *err);
/* Closes; the next call connects again. */
void lw_conn_drop(struct lw_redis *r);
/* Appends bytes to the next request; reads the next reply: NULL, with err, when the
 * connection is lost (and dropped). */
void lw_conn_put(struct lw_redis *r, const void *data, size_t len);
redisReply *lw_conn_get(struct lw_redis *r, struct lw_err *err);
/* No answer came: LW_EAGAIN with the reason, and the connection is dropped. Returns
 * -1. */
int lw_conn_lost(struct lw_redis *r, struct lw_err *err);
/* Classifies a server's error reply, and says what the caller may do. */
enum lw_redis_why lw_conn_why(const char *text, enum lw_errc *code);
/* Sends one command over an open connection, without redirection or retry. NULL: the
 * connection is lost (and dropped), and err has the reason. An error reply is
 * returned. */
redisReply *lw_conn_exchange(struct lw_redis *r, const struct lw_cmd *prefix,
                             const struct lw_cmd *c, struct lw_err *err);

#endif
