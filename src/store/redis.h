/* One connection to Redis, and the only file that knows hiredis (0.14 in Debian 12, 1.2 in Debian 13).
 *
 * A connection is used by one thread. A lost one is LW_EAGAIN at every call; the next call connects
 * again (at once the first time, then with backoff up to `retry_max_ms`), so callers simply retry.
 * Arguments and replies are binary-safe. Scripts go by EVALSHA and fall back to EVAL. */
#ifndef LW_REDIS_H
#define LW_REDIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "leeway/err.h"

struct lw_redis_options {
    char url[512];           /* redis://[user[:password]@]host[:port][/db], or unix:/path */
    char password_file[256]; /* "" or a file whose first line is the password */
    int64_t timeout_ms;      /* connect and reply */
    int64_t retry_max_ms;
};

struct lw_redis;

/* Parses the options only; connecting happens at the first call. LW_ECONFIG. */
struct lw_redis *lw_redis_new(const struct lw_redis_options *options, struct lw_err *err);
void lw_redis_free(struct lw_redis *r);
/* The server's address without credentials, for messages. */
const char *lw_redis_where(const struct lw_redis *r);

/* A command under construction: arguments are borrowed until it is sent. */
struct lw_cmd;
struct lw_cmd *lw_cmd_new(void);
void lw_cmd_free(struct lw_cmd *c);
void lw_cmd_clear(struct lw_cmd *c);
void lw_cmd_arg(struct lw_cmd *c, const void *data, size_t len);
void lw_cmd_str(struct lw_cmd *c, const char *text);
void lw_cmd_int(struct lw_cmd *c, int64_t v);              /* copied */
void lw_cmd_copy(struct lw_cmd *c, const void *data, size_t len); /* copied */

enum lw_reply_kind { LW_REPLY_NIL, LW_REPLY_INT, LW_REPLY_TEXT, LW_REPLY_ARRAY };
struct lw_reply;
void lw_reply_free(struct lw_reply *reply);
enum lw_reply_kind lw_reply_kind(const struct lw_reply *reply);
int64_t lw_reply_int(const struct lw_reply *reply); /* a number, or a text that is one; else 0 */
const char *lw_reply_text(const struct lw_reply *reply, size_t *len); /* NUL-terminated; or NULL */
size_t lw_reply_count(const struct lw_reply *reply);
const struct lw_reply *lw_reply_at(const struct lw_reply *reply, size_t i);
/* Of an HGETALL-shaped array: the value of a field, or NULL. */
const struct lw_reply *lw_reply_field(const struct lw_reply *reply, const char *field);

/* Sends and waits. An error reply of the server is LW_EAGAIN when it will pass (LOADING, READONLY, OOM,
 * MASTERDOWN, TRYAGAIN, CLUSTERDOWN, BUSY, UNBLOCKED, NOREPLICAS), else LW_ESTOP. */
struct lw_reply *lw_redis_call(struct lw_redis *r, struct lw_cmd *c, struct lw_err *err);
/* printf-like convenience for commands of plain words: "HGET %s %s". */
struct lw_reply *lw_redis_do(struct lw_redis *r, struct lw_err *err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Several commands in one round trip; replies[i] is NULL when command i failed (err tells the first). */
int lw_redis_pipeline(struct lw_redis *r, struct lw_cmd **cmds, size_t n, struct lw_reply **replies,
                      struct lw_err *err);

/* A Lua script as text; its SHA-1 is learned from SCRIPT LOAD on first use per connection. The command holds numkeys, keys and
 * arguments (without EVAL and script). */
struct lw_script {
    const char *name, *text;
};
struct lw_reply *lw_redis_eval(struct lw_redis *r, const struct lw_script *script, struct lw_cmd *c,
                               struct lw_err *err);

/* Facts about the server: "redis_version", "maxmemory_policy", ... from INFO; NULL when it has none.
 * The result is valid until the next call. */
const char *lw_redis_info(struct lw_redis *r, const char *field, struct lw_err *err);

#endif
