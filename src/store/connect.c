/* Making and losing the connection.
 *
 * A lost connection is not waited for: the call that finds it missing tries once, and
 * until the next try is due (doubling from 50 ms up to retry_max_ms) calls fail at once
 * with LW_EAGAIN. So a caller that must do something else meanwhile (a worker has to go
 * on polling Kafka) is never held up longer than timeout_ms, and one that has nothing
 * else to do sleeps as it likes.
 *
 * Three ways of finding the server: the URL's hosts in turn; the node that a cluster's
 * MOVED named (all keys of a stream share one slot, so one node at a time is the right
 * one, and when it cannot be reached we ask the seeds again); the master that a sentinel
 * names, which must say itself that it is one, because a sentinel's knowledge lags behind
 * a failover. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "store/conn.h"

#ifdef LW_HAVE_HIREDIS_SSL
#include <hiredis/hiredis_ssl.h>
#endif

#define BACKOFF_FIRST_MS 50

void lw_conn_drop(struct lw_redis *r) {
    if (r->ctx)
        redisFree(r->ctx);
    r->ctx = NULL;
    r->nloaded = 0;
}

enum lw_errc lw_conn_errc(const char *text) {
    static const char *const passing[] = {
        "LOADING",     "READONLY", "OOM",       "MASTERDOWN", "TRYAGAIN",
        "CLUSTERDOWN", "BUSY ",    "UNBLOCKED", "NOREPLICAS", "ASK ",
        "MOVED ",      "MISCONF",  "NOAUTH"};
    for (size_t i = 0; i < sizeof passing / sizeof *passing; i++)
        if (strncmp(text, passing[i], strlen(passing[i])) == 0)
            return LW_EAGAIN;
    /* What a script's failing call wraps, "ERR ... script: <sha>, on @user_script:1: -OOM
     * ...", and what has no code of its own: a slot that moves, a server that is full for
     * now. */
    if (strncmp(text, "WRONGTYPE", 9) == 0 || strstr(text, "-WRONGTYPE "))
        return LW_EINPUT;
    static const char *const within[] = {"-OOM ",
                                         "-READONLY ",
                                         "-NOREPLICAS ",
                                         "-MISCONF ",
                                         "-MASTERDOWN ",
                                         "access a non local key",
                                         "while the cluster is down",
                                         "max number of clients"};
    for (size_t i = 0; i < sizeof within / sizeof *within; i++)
        if (strstr(text, within[i]))
            return LW_EAGAIN;
    return LW_ESTOP;
}

static struct timeval timeval_of(int64_t ms) {
    return (struct timeval){.tv_sec = (time_t)(ms / 1000),
                            .tv_usec = (suseconds_t)(ms % 1000 * 1000)};
}

int lw_conn_lost(struct lw_redis *r, struct lw_err *err) {
    lw_assert(r->ctx);
    bool slow = r->ctx->err == REDIS_ERR_IO && (errno == EAGAIN || errno == EWOULDBLOCK);
    lw_fail(err, LW_EAGAIN, "redis %s: %s", r->where,
            slow ? "no answer within the timeout" : r->ctx->errstr);
    lw_conn_drop(r);
    return -1;
}

redisReply *lw_conn_exchange(struct lw_redis *r, const struct lw_cmd *prefix,
                             const struct lw_cmd *c, struct lw_err *err) {
    char head[32];
    size_t argc = c->argc + (prefix ? prefix->argc : 0);
    int n = snprintf(head, sizeof head, "*%zu\r\n", argc);
    redisAppendFormattedCommand(r->ctx, head, (size_t)n);
    if (prefix)
        redisAppendFormattedCommand(r->ctx, (const char *)prefix->body.data,
                                    prefix->body.len);
    redisAppendFormattedCommand(r->ctx, (const char *)c->body.data, c->body.len);
    void *reply = NULL;
    if (redisGetReply(r->ctx, &reply) == REDIS_OK && reply)
        return reply;
    lw_conn_lost(r, err);
    return NULL;
}

/* A command of the handshake: 0 when the reply is not an error. */
static int greet(struct lw_redis *r, const char *const *argv, size_t argc,
                 struct lw_err *err) {
    struct lw_cmd c = {0};
    for (size_t i = 0; i < argc; i++)
        lw_cmd_str(&c, argv[i]);
    redisReply *reply = lw_conn_exchange(r, NULL, &c, err);
    lw_buf_fini(&c.body);
    int rc = reply ? 0 : -1;
    if (reply && reply->type == REDIS_REPLY_ERROR)
        rc = lw_fail(err, strcmp(argv[0], "AUTH") ? lw_conn_errc(reply->str) : LW_EAGAIN,
                     "redis %s: %s: %s", r->where, argv[0], reply->str);
    if (reply)
        freeReplyObject(reply);
    return rc;
}

#ifdef LW_HAVE_HIREDIS_SSL
static int secure(struct lw_redis *r, struct lw_err *err) {
    redisSSLContextError why = REDIS_SSL_CTX_NONE;
    if (!r->url.tls)
        return 0;
    redisSSLContext *ssl = redisCreateSSLContext(
        NULL, "/etc/ssl/certs", NULL, NULL,
        r->ctx->connection_type == REDIS_CONN_TCP ? r->ctx->tcp.host : NULL, &why);
    if (!ssl)
        return lw_fail(err, LW_ESTOP, "redis %s: TLS: %s", r->where,
                       redisSSLContextGetError(why));
    int rc = redisInitiateSSLWithContext(r->ctx, ssl) == REDIS_OK
                 ? 0
                 : lw_fail(err, LW_EAGAIN, "redis %s: TLS: %s", r->where, r->ctx->errstr);
    redisFreeSSLContext(ssl);
    return rc;
}
#else
static int secure(struct lw_redis *r, struct lw_err *err) {
    (void)r, (void)err;
    return 0; /* rediss:// was refused when the URL was parsed */
}
#endif

/* Opens the socket to one address; ctx is set only on success. */
static int dial(struct lw_redis *r, const struct lw_url_seed *to, struct lw_err *err) {
    struct timeval tv = timeval_of(r->timeout_ms);
    if (to) {
        snprintf(r->where, sizeof r->where, strchr(to->host, ':') ? "[%s]:%d" : "%s:%d",
                 to->host, to->port);
        r->ctx = redisConnectWithTimeout(to->host, to->port, tv);
    } else {
        snprintf(r->where, sizeof r->where, "unix:%s", r->url.path);
        r->ctx = redisConnectUnixWithTimeout(r->url.path, tv);
    }
    if (!r->ctx)
        return lw_fail(err, LW_EAGAIN, "redis %s: out of memory for a connection",
                       r->where);
    r->nloaded = 0;
    r->dials++;
#if HIREDIS_MAJOR >= 1
    r->ctx->reader->maxelements = 1 << 24;
#endif
    if (r->ctx->err) {
        lw_fail(err, LW_EAGAIN, "redis %s: %s", r->where, r->ctx->errstr);
        lw_conn_drop(r);
        return -1;
    }
    redisSetTimeout(r->ctx, tv);
    if (to)
        redisEnableKeepAlive(r->ctx);
    return 0;
}

int lw_conn_password(struct lw_redis *r, struct lw_err *err) {
    const char *path = r->password_file;
    if (!*path)
        return 0;
    size_t len;
    struct lw_err why = {0};
    char *text = lw_read_file(path, 4096, &len, &why);
    if (!text)
        return lw_fail(err, LW_ECONFIG, "redis password file: %s", why.msg);
    text[strcspn(text, "\r\n")] = '\0';
    int rc = 0;
    if (!*text || strlen(text) >= sizeof r->url.password)
        rc = lw_fail(err, LW_ECONFIG,
                     "redis password file %s: the first line must hold 1 to 255 bytes",
                     path);
    else
        lw_copy(r->url.password, sizeof r->url.password, text);
    free(text);
    return rc;
}

/* The password is read anew for each connection, so that a rotated one is in use from the
 * next on; until both sides have the same, the server counts as away. */
static int log_in(struct lw_redis *r, struct lw_err *err) {
    struct lw_err why = {0};
    if (lw_conn_password(r, &why))
        return lw_fail(err, LW_EAGAIN, "%s", why.msg);
    const struct lw_url *u = &r->url;
    char db[16];
    snprintf(db, sizeof db, "%d", u->db);
    const char *auth[3] = {"AUTH", u->user, u->password};
    const char *only[2] = {"AUTH", u->password};
    const char *choose[2] = {"SELECT", db};
    if (*u->password && *u->user && greet(r, auth, 3, err))
        return -1;
    if (*u->password && !*u->user && greet(r, only, 2, err))
        return -1;
    return u->db && greet(r, choose, 2, err) ? -1 : 0;
}

/* The master's address as this sentinel knows it. */
static int ask_sentinel(struct lw_redis *r, struct lw_url_seed *out, struct lw_err *err) {
    struct lw_cmd c = {0};
    lw_cmd_str(&c, "SENTINEL");
    lw_cmd_str(&c, "get-master-addr-by-name");
    lw_cmd_str(&c, r->url.master);
    redisReply *reply = lw_conn_exchange(r, NULL, &c, err);
    lw_buf_fini(&c.body);
    if (!reply)
        return -1;
    int rc = 0;
    const struct lw_reply *answer = (const struct lw_reply *)(const void *)reply;
    const char *host = lw_reply_text(lw_reply_at(answer, 0), NULL);
    int64_t port = lw_reply_int(lw_reply_at(answer, 1));
    if (host && *host && port > 0 && port <= UINT16_MAX) {
        lw_copy(out->host, sizeof out->host, host);
        out->port = (int)port;
    } else {
        rc =
            lw_fail(err, LW_EAGAIN, "sentinel %s does not know a master \"%s\"%s%s",
                    r->where, r->url.master, reply->type == REDIS_REPLY_ERROR ? ": " : "",
                    reply->type == REDIS_REPLY_ERROR ? reply->str : "");
    }
    freeReplyObject(reply);
    lw_conn_drop(r);
    return rc;
}

/* A replica that is taken for the master would refuse each write. */
static int must_be_master(struct lw_redis *r, struct lw_err *err) {
    struct lw_cmd c = {0};
    lw_cmd_str(&c, "ROLE");
    redisReply *reply = lw_conn_exchange(r, NULL, &c, err);
    lw_buf_fini(&c.body);
    if (!reply)
        return -1;
    const char *role =
        lw_reply_text(lw_reply_at((const struct lw_reply *)(const void *)reply, 0), NULL);
    bool master = role && strcmp(role, "master") == 0;
    freeReplyObject(reply);
    return master
               ? 0
               : lw_fail(err, LW_EAGAIN, "redis %s: not a master (any more)", r->where);
}

static int open_one(struct lw_redis *r, struct lw_err *err) {
    const struct lw_url *u = &r->url;
    if (u->kind == LW_URL_UNIX)
        return dial(r, NULL, err) || log_in(r, err);
    if (r->moved.port) {
        struct lw_url_seed to = r->moved;
        r->moved.port = 0; /* once: if it fails, the seeds know better */
        return dial(r, &to, err) || secure(r, err) || log_in(r, err);
    }
    const struct lw_url_seed *seed = &u->seed[r->next_seed++ % u->nseeds];
    if (u->kind == LW_URL_TCP)
        return dial(r, seed, err) || secure(r, err) || log_in(r, err);
    struct lw_url_seed master;
    return dial(r, seed, err) || ask_sentinel(r, &master, err) || dial(r, &master, err) ||
           log_in(r, err) || must_be_master(r, err);
}

int lw_conn_ensure(struct lw_redis *r, struct lw_err *err) {
    if (r->ctx)
        return 0;
    int64_t now = lw_mono_ms();
    if (now < r->next_try_ms)
        return lw_fail(err, LW_EAGAIN, "redis %s: away; next try in %lld ms", r->where,
                       (long long)(r->next_try_ms - now));
    size_t tries = r->url.nseeds ? r->url.nseeds + (r->moved.port ? 1 : 0) : 1;
    struct lw_err why = {0};
    for (size_t i = 0; i < tries; i++) {
        lw_err_clear(&why);
        if (open_one(r, &why) == 0) {
            r->next_try_ms = r->backoff_ms = 0;
            return 0;
        }
        lw_conn_drop(r);
    }
    r->backoff_ms = r->backoff_ms ? r->backoff_ms * 2 : BACKOFF_FIRST_MS;
    if (r->backoff_ms > r->retry_max_ms)
        r->backoff_ms = r->retry_max_ms;
    r->next_try_ms = lw_mono_ms() + r->backoff_ms;
    return lw_fail(err, why.code, "%s", why.msg);
}
