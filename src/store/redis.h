/* One connection to Redis; only store/ knows hiredis (0.14 in Debian 12, 1.2 in Debian
 * 13). Passwords and certificates are read for each connection.
 *
 * A connection is used by one thread. While it is lost, every call returns LW_EAGAIN.
 * The next call reconnects: at once the first time, then with back-off up to
 * `retry_max_ms`, during which calls fail without waiting. So callers simply retry.
 * Cluster redirections (MOVED) and failovers under sentinels are followed. Arguments
 * and replies are binary-safe. */
#ifndef LW_STORE_REDIS_H
#define LW_STORE_REDIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "leeway/err.h"
#include "store/cmd.h"
#include "store/reply.h"

struct lw_redis_options {
    /* redis://[user[:password]@]host[:port][,host...][/db], rediss:// (TLS), unix:/path,
     * sentinel://host[:port][,host...]/master[/db], sentinels:// (TLS) */
    char url[512];
    char password_file[256]; /* "" or a file whose first line is the password */
    /* PEM files for TLS: authorities ("": the system's, or SSL_CERT_FILE); our own
     * certificate with its chain, and its key ("": in the same file). */
    char ca_file[256], cert_file[256], key_file[256];
    int64_t timeout_ms;   /* connect and reply; 0: 5 s */
    int64_t retry_max_ms; /* 0: 5 s */
};

struct lw_redis;

/* Parses the options only; connecting happens at the first call. LW_ECONFIG. */
struct lw_redis *lw_redis_new(const struct lw_redis_options *options, struct lw_err *err);
void lw_redis_free(struct lw_redis *r);
/* The server's address without credentials, for messages. */
const char *lw_redis_where(const struct lw_redis *r);

/* Why a call failed. */
enum lw_redis_why {
    LW_REDIS_FINE,    /* it did not fail */
    LW_REDIS_AWAY,    /* no connection, no answer, or a temporary refusal */
    LW_REDIS_DENIED,  /* the user lacks a permission: NOPERM, a refused password */
    LW_REDIS_FULL,    /* OOM: maxmemory is reached */
    LW_REDIS_LOCKED,  /* refuses writes: a replica, too few replicas, a full disk */
    LW_REDIS_DAMAGED, /* WRONGTYPE: a key has the wrong type */
    LW_REDIS_OTHER
};
/* Why the last call over this connection failed. Reads work where writes are refused. */
enum lw_redis_why lw_redis_why(const struct lw_redis *r);
void lw_redis_forget_why(struct lw_redis *r); /* NULL: nothing */

/* Sends and waits. An error reply is LW_EAGAIN when it can be fixed on the server
 * (LOADING, READONLY, OOM, NOPERM, NOREPLICAS, MISCONF, CLUSTERDOWN, BUSY, ...),
 * otherwise LW_ESTOP. After LW_EAGAIN of a lost connection the command may or may not
 * have been executed. */
struct lw_reply *lw_redis_call(struct lw_redis *r, struct lw_cmd *c, struct lw_err *err);
/* A command as words separated by single spaces; a word is literal or one of %s %d %u
 * %ld %zu. A value may contain spaces and remains one argument. */
struct lw_reply *lw_redis_do(struct lw_redis *r, struct lw_err *err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Several commands in one round trip; replies[i] is NULL when command i failed (err
 * has the reason) or its key has another type, which is not an error. In a cluster all
 * keys must belong to one stream. */
int lw_redis_pipeline(struct lw_redis *r, struct lw_cmd **cmds, size_t n,
                      struct lw_reply **replies, struct lw_err *err);

/* The reply cannot be the answer to a script or command of ours: frees it, drops the
 * connection, and sets LW_EAGAIN. Returns NULL. */
void *lw_redis_odd(struct lw_redis *r, struct lw_reply *reply, const char *what,
                   struct lw_err *err);

/* Connections made so far. While it stays the same, one server gave all answers; once
 * it grows, later answers may come from another server with older data (MOVED is
 * followed without an error). */
uint64_t lw_redis_dials(const struct lw_redis *r);

/* Round trips to Redis of this process, over all connections. Thread: any. */
uint64_t lw_redis_round_trips(void);

/* A Lua script as text. Its SHA-1 is taken from SCRIPT LOAD at its first use per
 * connection. The command holds numkeys, keys and arguments (without EVALSHA and
 * script). */
struct lw_script {
    const char *name, *text;
};
struct lw_reply *lw_redis_eval(struct lw_redis *r, const struct lw_script *script,
                               struct lw_cmd *c, struct lw_err *err);
/* The same with separate keys: c holds only the arguments. */
struct lw_reply *lw_redis_eval_keys(struct lw_redis *r, const struct lw_script *script,
                                    const struct lw_cmd *keys, struct lw_cmd *c,
                                    struct lw_err *err);

/* A fact from INFO ("redis_version", "maxmemory_policy", ...); NULL when the server
 * does not report it (err is set only if the request failed). Valid until the next
 * call. */
const char *lw_redis_info(struct lw_redis *r, const char *field, struct lw_err *err);

#endif
