/* Connecting and reconnecting.
 *
 * Calls do not wait for a lost connection: the call that finds it missing tries once.
 * Until the next attempt is due (back-off doubles from 50 ms to retry_max_ms), calls
 * fail at once with LW_EAGAIN. So a caller with other work (a worker must keep polling
 * Kafka) never waits longer than timeout_ms; callers without other work sleep between
 * calls.
 *
 * The server is found in one of three ways: the hosts of the URL in turn; the node
 * that a cluster's MOVED named (all keys of a stream are in one slot, so one node
 * serves them all; if it cannot be reached, the hosts of the URL are asked again); the
 * master that a sentinel names. That master must confirm its role, because a
 * sentinel's knowledge lags behind a failover. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "base/mem.h"
#include "base/secret.h"
#include "base/text.h"
#include "base/time.h"
#include "store/conn.h"
#include "store/url.h"

#define BACKOFF_FIRST_MS 50

void lw_conn_drop(struct lw_redis *r) {
    lw_tls_close(r->tls);
    lw_buf_clear(&r->out);
    if (r->ctx)
        redisFree(r->ctx);
    r->tls = NULL;
    r->ctx = NULL;
    r->nloaded = 0;
}

/* The errors of servers by their first word, and what they mean; any other is
 * LW_ESTOP. A script wraps the error of a failing call ("ERR ... -OOM ..."), so the
 * word is also looked for inside the text. */
static const struct {
    const char *begins;
    enum lw_redis_why why;
    bool lasts; /* a retry would fail too: LW_EINPUT */
} known[] = {
    {"NOPERM", LW_REDIS_DENIED, false},     {"NOAUTH", LW_REDIS_DENIED, false},
    {"WRONGPASS", LW_REDIS_DENIED, false},  {"OOM", LW_REDIS_FULL, false},
    {"MISCONF", LW_REDIS_LOCKED, false},    {"READONLY", LW_REDIS_LOCKED, false},
    {"NOREPLICAS", LW_REDIS_LOCKED, false}, {"LOADING", LW_REDIS_AWAY, false},
    {"MASTERDOWN", LW_REDIS_AWAY, false},   {"TRYAGAIN", LW_REDIS_AWAY, false},
    {"CLUSTERDOWN", LW_REDIS_AWAY, false},  {"BUSY", LW_REDIS_AWAY, false},
    {"UNBLOCKED", LW_REDIS_AWAY, false},    {"ASK", LW_REDIS_AWAY, false},
    {"MOVED", LW_REDIS_AWAY, false},        {"WRONGTYPE", LW_REDIS_DAMAGED, true},
};

static bool error_says(const char *text, const char *word) {
    char within[24];
    size_t n = strlen(word);
    if (strncmp(text, word, n) == 0 && (text[n] == ' ' || text[n] == '\0'))
        return true;
    snprintf(within, sizeof within, "-%s ", word);
    return strstr(text, within) != NULL;
}

enum lw_redis_why lw_conn_why(const char *text, enum lw_errc *code) {
    /* Errors without a code of their own: a slot that moves, a server at its client
     * limit. */
    static const char *const passing[] = {
        "access a non local key", "while the cluster is down", "max number of clients"};
    /* Older texts for NOPERM inside a script; a command that the server has renamed. */
    static const char *const denied[] = {
        "The user executing the script can't", "ACL failure in script", "unknown command",
        "Unknown Redis command", "Invalid command passed"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (error_says(text, known[i].begins)) {
            *code = known[i].lasts ? LW_EINPUT : LW_EAGAIN;
            return known[i].why;
        }
    *code = LW_EAGAIN;
    for (size_t i = 0; i < sizeof passing / sizeof *passing; i++)
        if (strstr(text, passing[i]))
            return LW_REDIS_AWAY;
    for (size_t i = 0; i < sizeof denied / sizeof *denied; i++)
        if (strstr(text, denied[i]))
            return LW_REDIS_DENIED;
    *code = LW_ESTOP;
    return LW_REDIS_OTHER;
}

static struct timeval timeval_of(int64_t ms) {
    return (struct timeval){.tv_sec = (time_t)(ms / 1000),
                            .tv_usec = (suseconds_t)(ms % 1000 * 1000)};
}

int lw_conn_lost(struct lw_redis *r, struct lw_err *err) {
    lw_assert(r->ctx);
    r->why = LW_REDIS_AWAY;
    bool slow = !r->tls && r->ctx->err == REDIS_ERR_IO &&
                (errno == EAGAIN || errno == EWOULDBLOCK);
    lw_fail(err, LW_EAGAIN, "redis %s: %s", r->where,
            slow ? "no answer within the timeout" : r->ctx->errstr);
    lw_conn_drop(r);
    return -1;
}

void lw_conn_put(struct lw_redis *r, const void *data, size_t len) {
    if (r->tls)
        lw_buf_put(&r->out, data, len);
    else
        redisAppendFormattedCommand(r->ctx, data, len);
}

/* Reads the next reply over TLS, as hiredis does over a plain socket. */
static int get_secured(struct lw_redis *r, void **reply) {
    char bytes[16384];
    redisContext *c = r->ctx;
    long n = lw_tls_write(r->tls, r->out.data, r->out.len, c->errstr, sizeof c->errstr);
    lw_buf_clear(&r->out);
    while (n >= 0) {
        if (redisReaderGetReply(c->reader, reply) != REDIS_OK) {
            lw_copy(c->errstr, sizeof c->errstr, c->reader->errstr);
            return -1;
        }
        if (*reply)
            return 0;
        n = lw_tls_read(r->tls, bytes, sizeof bytes, c->errstr, sizeof c->errstr);
        if (n > 0)
            redisReaderFeed(c->reader, bytes, (size_t)n);
    }
    return -1;
}

redisReply *lw_conn_get(struct lw_redis *r, struct lw_err *err) {
    void *reply = NULL;
    int rc = r->tls ? get_secured(r, &reply) : redisGetReply(r->ctx, &reply);
    if (rc == REDIS_OK && reply)
        return reply;
    lw_conn_lost(r, err);
    return NULL;
}

redisReply *lw_conn_exchange(struct lw_redis *r, const struct lw_cmd *prefix,
                             const struct lw_cmd *c, struct lw_err *err) {
    char head[32];
    size_t argc = c->argc + (prefix ? prefix->argc : 0);
    int n = snprintf(head, sizeof head, "*%zu\r\n", argc);
    lw_conn_put(r, head, (size_t)n);
    if (prefix)
        lw_conn_put(r, prefix->body.data, prefix->body.len);
    lw_conn_put(r, c->body.data, c->body.len);
    return lw_conn_get(r, err);
}

/* A command of the handshake: 0 unless the reply is an error. */
static int conn_greet(struct lw_redis *r, const char *const *argv, size_t argc,
                      struct lw_err *err) {
    struct lw_cmd c = {0};
    for (size_t i = 0; i < argc; i++)
        lw_cmd_str(&c, argv[i]);
    redisReply *reply = lw_conn_exchange(r, NULL, &c, err);
    lw_buf_wipe(&c.body);
    int rc = reply ? 0 : -1;
    if (reply && reply->type == REDIS_REPLY_ERROR) {
        enum lw_errc code;
        bool auth = strcmp(argv[0], "AUTH") == 0;
        r->why = lw_conn_why(reply->str, &code);
        r->why = auth ? LW_REDIS_DENIED : r->why;
        rc = lw_fail(err, auth ? LW_EAGAIN : code, "redis %s: %s: %s", r->where, argv[0],
                     reply->str);
    }
    if (reply)
        freeReplyObject(reply);
    return rc;
}

/* TLS over the open socket, if the URL asks for it. */
static int conn_secure(struct lw_redis *r, const char *host, struct lw_err *err) {
    struct lw_err why = {0};
    if (!r->url.tls)
        return 0;
    r->tls = lw_tls_open(&r->options, r->ctx->fd, host, &why);
    return r->tls ? 0 : lw_fail(err, why.code, "redis %s: %s", r->where, why.msg);
}

/* Opens the socket to one address; ctx is set only on success. */
static int conn_dial(struct lw_redis *r, const struct lw_url_seed *to,
                     struct lw_err *err) {
    struct timeval tv = timeval_of(r->options.timeout_ms);
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
    return to ? conn_secure(r, to->host, err) : 0;
}

int lw_conn_password(struct lw_redis *r, struct lw_err *err) {
    const char *source = r->options.password_file;
    if (*source && lw_secret_copy(source, r->url.password, sizeof r->url.password, err))
        return lw_err_context(err, "redis.password_file");
    return 0;
}

/* The password file is read for each connection, so that a rotated password is used
 * from the next connection on. Until server and file agree, the server counts as
 * unavailable. */
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
    int rc = 0;
    if (*u->password)
        rc = *u->user ? conn_greet(r, auth, 3, err) : conn_greet(r, only, 2, err);
    if (*r->options.password_file)
        lw_secret_wipe(r->url.password, sizeof r->url.password);
    if (rc)
        return -1;
    return u->db && conn_greet(r, choose, 2, err) ? -1 : 0;
}

/* The master's address according to this sentinel. */
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

/* Checks the role: a replica would refuse every write. */
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
    return master ? 0
                  : lw_fail(err, LW_EAGAIN, "redis %s: not a master, or no longer one",
                            r->where);
}

static int open_one(struct lw_redis *r, struct lw_err *err) {
    const struct lw_url *u = &r->url;
    if (u->kind == LW_URL_UNIX)
        return conn_dial(r, NULL, err) || log_in(r, err);
    if (r->moved.port) {
        struct lw_url_seed to = r->moved;
        r->moved.port = 0; /* once: if it fails, the hosts of the URL are asked */
        return conn_dial(r, &to, err) || log_in(r, err);
    }
    lw_assert(u->nseeds > 0); /* or the URL would not have been accepted */
    const struct lw_url_seed *seed = &u->seed[r->next_seed++ % u->nseeds];
    if (u->kind == LW_URL_TCP)
        return conn_dial(r, seed, err) || log_in(r, err);
    struct lw_url_seed master = {0};
    return conn_dial(r, seed, err) || ask_sentinel(r, &master, err) ||
           conn_dial(r, &master, err) || log_in(r, err) || must_be_master(r, err);
}

int lw_conn_ensure(struct lw_redis *r, struct lw_err *err) {
    if (r->ctx)
        return 0;
    int64_t now = lw_mono_ms();
    if (now < r->next_try_ms)
        return lw_fail(err, LW_EAGAIN, "%s; next try in %lld ms", r->away,
                       (long long)(r->next_try_ms - now));
    size_t tries = r->url.nseeds ? r->url.nseeds + (r->moved.port ? 1 : 0) : 1;
    struct lw_err why = {0};
    for (size_t i = 0; i < tries; i++) {
        lw_err_clear(&why);
        r->why = LW_REDIS_AWAY;
        if (open_one(r, &why) == 0) {
            r->next_try_ms = r->backoff_ms = 0;
            return 0;
        }
        lw_conn_drop(r);
    }
    r->backoff_ms = r->backoff_ms ? r->backoff_ms * 2 : BACKOFF_FIRST_MS;
    if (r->backoff_ms > r->options.retry_max_ms)
        r->backoff_ms = r->options.retry_max_ms;
    r->next_try_ms = lw_mono_ms() + r->backoff_ms;
    lw_copy(r->away, sizeof r->away, why.msg);
    return lw_fail(err, why.code, "%s", why.msg);
}
