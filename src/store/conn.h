/* Inside of struct lw_redis, shared by the files that talk to hiredis (url, connect,
 * redis) and, for its scratch memory only, by the verbs of the store. Nobody else
 * includes this. */
#ifndef LW_STORE_CONN_H
#define LW_STORE_CONN_H

#include <hiredis/hiredis.h>

#include "base/buf.h"
#include "store/redis.h"
#include "store/tls.h"

#define LW_URL_SEEDS_MAX 8

enum lw_url_kind { LW_URL_TCP, LW_URL_UNIX, LW_URL_SENTINEL };

struct lw_url_seed {
    char host[200];
    int port;
};

struct lw_url {
    enum lw_url_kind kind;
    bool tls; /* rediss://, sentinels:// */
    char user[64], password[256], path[200], master[96];
    int db;
    size_t nseeds;
    struct lw_url_seed seed[LW_URL_SEEDS_MAX];
};
/* LW_ECONFIG says what is wrong and what a URL looks like. */
int lw_url_parse(const char *text, struct lw_url *out, struct lw_err *err);
/* "host:port" or "[v6]:port" in text[0 .. len); port 0 when none is given. */
bool lw_url_seed_parse(const char *text, size_t len, struct lw_url_seed *out);

struct lw_cmd {
    struct lw_buf body; /* arguments as they go over the wire */
    size_t argc, slot_argc;
    struct lw_cmd *keys; /* notes each key among the arguments, or NULL */
};
/* Reserves an argument that tells how many follow it, and fills it in when they have been
 * put. One at a time. */
size_t lw_cmd_slot(struct lw_cmd *c);
void lw_cmd_fill(struct lw_cmd *c, size_t slot);

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
    struct lw_buf out;  /* what waits to be sent over it */
    char where[300];    /* address in use, without credentials */
    size_t next_seed;
    uint64_t dials; /* connections made */
    struct lw_url_seed
        moved; /* a cluster's answer to whom the slot belongs; port 0: none */
    int64_t next_try_ms, backoff_ms; /* monotonic clock; 0: try at once */
    size_t nloaded;
    struct lw_loaded loaded[LW_SCRIPTS_MAX]; /* of this connection */
    struct lw_reply *info;
    char info_value[256];
    struct lw_cmd scratch, verb; /* scratch: of redis.c; verb: of the store's verbs */
    struct lw_cmd keys;          /* of the verb, where it is a list of commands */
    struct lw_buf bytes;         /* of the store's verbs */
    enum lw_redis_why why;       /* of the last call */
    char away[400];              /* why the last connection could not be made */
    char unheard[300];           /* lw_models_unheard */
};

/* The first line of password_file, if there is one, into the url. LW_ECONFIG. */
int lw_conn_password(struct lw_redis *r, struct lw_err *err);
/* Connects unless connected. LW_EAGAIN: not reachable, or not yet due again. */
int lw_conn_ensure(struct lw_redis *r, struct lw_err *err);
/* Closes; the next call connects again. */
void lw_conn_drop(struct lw_redis *r);
/* Puts bytes into the next request; and the next reply: NULL, with err, when the
 * connection is lost (and dropped). */
void lw_conn_put(struct lw_redis *r, const void *data, size_t len);
redisReply *lw_conn_get(struct lw_redis *r, struct lw_err *err);
/* The answer did not come: LW_EAGAIN with the reason, and the connection is dropped. -1.
 */
int lw_conn_lost(struct lw_redis *r, struct lw_err *err);
/* What this error reply of a server means, and what the caller may do after it. */
enum lw_redis_why lw_conn_why(const char *text, enum lw_errc *code);
/* Is the reply of the shape that Redis answers this command with? True for a command that
 * is not known here. */
bool lw__answer_fits(const struct lw_cmd *c, const struct lw_reply *reply);
bool lw__answer_script_fits(const char *script, const struct lw_reply *reply);
/* The command's first word, for messages. Valid until the next call in this thread. */
const char *lw__answer_verb(const struct lw_cmd *c);
/* One command over an open connection, without redirection or retry. NULL: connection
 * lost (and dropped), err says so. An error reply is returned as it is. */
redisReply *lw_conn_exchange(struct lw_redis *r, const struct lw_cmd *prefix,
                             const struct lw_cmd *c, struct lw_err *err);

#endif
