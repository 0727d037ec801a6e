/* Calls: one command, several in one round trip, a script, a fact of INFO.
 *
 * A command whose answer was lost may have been executed. So nothing is sent twice
 * here, except after MOVED and NOSCRIPT, which mean that nothing was executed. All
 * other retries are the caller's, whose scripts are safe to repeat. */
#include "store/redis.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/secret.h"
#include "base/text.h"
#include "store/answer.h"
#include "store/conn.h"
#include "store/url.h"

#define REDIRECTS_MAX 5

static _Atomic uint64_t round_trips;

uint64_t lw_redis_round_trips(void) {
    return atomic_load_explicit(&round_trips, memory_order_relaxed);
}

static void count_trip(void) {
    atomic_fetch_add_explicit(&round_trips, 1, memory_order_relaxed);
}

struct lw_redis *lw_redis_new(const struct lw_redis_options *options,
                              struct lw_err *err) {
    struct lw_redis *r = lw_calloc(1, sizeof *r);
    struct lw_redis_options *o = &r->options;
    *o = *options;
    o->timeout_ms = o->timeout_ms > 0 ? o->timeout_ms : 5000;
    o->retry_max_ms = o->retry_max_ms > 0 ? o->retry_max_ms : 5000;
    int rc = lw_url_parse(o->url, &r->url, err);
    lw_secret_wipe(o->url, sizeof o->url);   /* the password with it */
    rc = rc ? rc : lw_conn_password(r, err); /* only whether it can be read */
    if (*o->password_file)
        lw_secret_wipe(r->url.password, sizeof r->url.password);
    if (!rc && r->url.tls)
        rc = lw_tls_check(o, err);
    if (rc) {
        lw_redis_free(r);
        return NULL;
    }
    if (r->url.kind == LW_URL_UNIX)
        snprintf(r->where, sizeof r->where, "unix:%s", r->url.path);
    else
        snprintf(r->where, sizeof r->where, "%s:%d", r->url.seed[0].host,
                 r->url.seed[0].port);
    return r;
}

void lw_redis_free(struct lw_redis *r) {
    if (!r)
        return;
    lw_conn_drop(r);
    lw_reply_free(r->info);
    lw_buf_fini(&r->scratch.body);
    lw_buf_fini(&r->verb.body);
    lw_buf_fini(&r->keys.body);
    lw_buf_fini(&r->bytes);
    lw_buf_fini(&r->out);
    lw_secret_free(r, sizeof *r);
}

const char *lw_redis_where(const struct lw_redis *r) {
    return r->where;
}

enum lw_redis_why lw_redis_why(const struct lw_redis *r) {
    return r->why;
}

void lw_redis_forget_why(struct lw_redis *r) {
    if (r)
        r->why = LW_REDIS_FINE;
}

uint64_t lw_redis_dials(const struct lw_redis *r) {
    return r->dials;
}

/* "MOVED 3999 127.0.0.1:6381": connect there next. An empty host means the node that
 * answered, which has no name when it is a Unix socket. A text without an address
 * remains a server error. */
static bool follow_redirect(struct lw_redis *r, const char *text) {
    const char *at = strchr(text + strlen("MOVED "), ' ');
    bool here = at && strrchr(at + 1, ':') == at + 1; /* ":6381", and not "::1:6381" */
    const char *host = here ? r->ctx->tcp.host : "";
    struct lw_url_seed to;
    char where[sizeof to.host + 8];
    if (!at || !host)
        return false;
    int len = snprintf(where, sizeof where, strchr(host, ':') ? "[%s]%s" : "%s%s", host,
                       at + 1);
    if (len < 0 || (size_t)len >= sizeof where ||
        !lw_url_seed_parse(where, (size_t)len, &to) || to.port == 0)
        return false;
    lw_conn_drop(r);
    r->moved = to;
    return true;
}

/* NULL, with err set; an error reply that is not a redirection is returned. */
static redisReply *redis_exchange(struct lw_redis *r, const struct lw_cmd *prefix,
                                  const struct lw_cmd *c, struct lw_err *err) {
    for (int i = 0; i < REDIRECTS_MAX; i++) {
        if (lw_conn_ensure(r, err))
            return NULL;
        count_trip();
        redisReply *reply = lw_conn_exchange(r, prefix, c, err);
        if (!reply || reply->type != REDIS_REPLY_ERROR ||
            strncmp(reply->str, "MOVED ", 6) != 0)
            return reply;
        bool moved = follow_redirect(r, reply->str);
        freeReplyObject(reply);
        if (!moved)
            break;
    }
    lw_fail(err, LW_EAGAIN, "redis %s: the cluster redirects in a loop", r->where);
    return NULL;
}

/* Turns an error reply, or an answer that Redis never gives to this command, into err.
 * A server that refuses writes is disconnected, so that the next call looks for one
 * that accepts them. */
static struct lw_reply *reply_check(struct lw_redis *r, redisReply *reply,
                                    const struct lw_cmd *c, const char *what,
                                    struct lw_err *err) {
    struct lw_reply *answer = (struct lw_reply *)(void *)reply;
    if (reply && reply->type != REDIS_REPLY_ERROR)
        r->why = LW_REDIS_FINE;
    if (!reply || reply->type != REDIS_REPLY_ERROR)
        return reply && c && !lw__answer_fits(c, answer)
                   ? lw_redis_odd(r, answer, lw__answer_verb(c), err)
                   : answer;
    enum lw_errc code;
    r->why = lw_conn_why(reply->str, &code);
    lw_fail(err, code, "redis %s: %s%s%s%s", r->where, what ? what : "", what ? ": " : "",
            reply->str,
            r->why == LW_REDIS_DENIED    ? "; `leeway check` names what is missing"
            : r->why == LW_REDIS_DAMAGED ? "; `leeway repair` shows what is damaged"
                                         : "");
    if (strstr(reply->str, "READONLY") || strncmp(reply->str, "MASTERDOWN", 10) == 0 ||
        strncmp(reply->str, "CLUSTERDOWN", 11) == 0)
        lw_conn_drop(r);
    freeReplyObject(reply);
    return NULL;
}

void *lw_redis_odd(struct lw_redis *r, struct lw_reply *reply, const char *what,
                   struct lw_err *err) {
    lw_fail(err, LW_EAGAIN,
            "redis %s: unexpected answer to %s; check that redis.url names a "
            "Redis server and that no proxy changes its answers",
            r->where, what);
    lw_reply_free(reply);
    lw_conn_drop(r); /* later bytes may answer any command */
    return NULL;
}

struct lw_reply *lw_redis_call(struct lw_redis *r, struct lw_cmd *c, struct lw_err *err) {
    lw_assert(c->argc > 0);
    return reply_check(r, redis_exchange(r, NULL, c, err), c, NULL, err);
}

/* One directive of lw_redis_do. */
static void put_directive(struct lw_cmd *c, const char *spec, size_t len, va_list *ap) {
    char word[8];
    lw_assert(len < sizeof word);
    lw_copy(word, len + 1, spec);
    if (strcmp(word, "%s") == 0)
        lw_cmd_str(c, va_arg(*ap, const char *));
    else if (strcmp(word, "%d") == 0)
        lw_cmd_int(c, va_arg(*ap, int));
    else if (strcmp(word, "%u") == 0)
        lw_cmd_uint(c, va_arg(*ap, unsigned));
    else if (strcmp(word, "%ld") == 0)
        lw_cmd_int(c, va_arg(*ap, long));
    else if (strcmp(word, "%zu") == 0)
        lw_cmd_uint(c, va_arg(*ap, size_t));
    else
        lw_assert(false); /* only %s, %d, %u, %ld and %zu are known */
}

struct lw_reply *lw_redis_do(struct lw_redis *r, struct lw_err *err, const char *fmt,
                             ...) {
    va_list ap;
    va_start(ap, fmt);
    lw_cmd_clear(&r->scratch);
    for (const char *p = fmt; *p;) {
        size_t len = strcspn(p, " ");
        if (*p == '%')
            put_directive(&r->scratch, p, len, &ap);
        else if (len)
            lw_cmd_arg(&r->scratch, p, len);
        p += len + (p[len] == ' ');
    }
    va_end(ap);
    return lw_redis_call(r, &r->scratch, err);
}

static void pipeline_append(struct lw_redis *r, const struct lw_cmd *c) {
    char head[32];
    int n = snprintf(head, sizeof head, "*%zu\r\n", c->argc);
    lw_conn_put(r, head, (size_t)n);
    lw_conn_put(r, c->body.data, c->body.len);
}

/* One reply of a pipeline: 0, or -1. A key of the wrong type counts as nil (NULL), so
 * the other replies are not lost. */
static int pipeline_accept(struct lw_redis *r, redisReply *reply, const struct lw_cmd *c,
                           struct lw_reply **out, struct lw_err *err) {
    if (reply->type == REDIS_REPLY_ERROR && strncmp(reply->str, "WRONGTYPE", 9) == 0) {
        freeReplyObject(reply);
        return 0;
    }
    *out = reply_check(r, reply, c, NULL, err);
    return *out ? 0 : -1;
}

/* Replies 1 .. n - 1 of a pipeline whose first has arrived. */
static int pipeline_collect(struct lw_redis *r, struct lw_cmd **cmds, size_t n,
                            struct lw_reply **replies, struct lw_err *err) {
    int rc = 0;
    for (size_t i = 1; i < n; i++) {
        redisReply *reply = lw_conn_get(r, err);
        if (!reply) {
            rc = -1;
            break;
        }
        if (pipeline_accept(r, reply, cmds[i], &replies[i], err))
            rc = -1;
        if (!r->ctx) /* reply_check disconnected */
            break;
    }
    return rc;
}

int lw_redis_pipeline(struct lw_redis *r, struct lw_cmd **cmds, size_t n,
                      struct lw_reply **replies, struct lw_err *err) {
    memset(replies, 0, n * sizeof *replies);
    if (n == 0)
        return 0;
    for (int i = 0; i < REDIRECTS_MAX; i++) {
        if (lw_conn_ensure(r, err))
            return -1;
        count_trip();
        for (size_t k = 0; k < n; k++)
            pipeline_append(r, cmds[k]);
        redisReply *head = lw_conn_get(r, err);
        if (!head)
            return -1;
        if (head->type == REDIS_REPLY_ERROR && strncmp(head->str, "MOVED ", 6) == 0 &&
            follow_redirect(r, head->str)) {
            freeReplyObject(head);
            continue;
        }
        int rc = pipeline_accept(r, head, cmds[0], &replies[0], err);
        return r->ctx && pipeline_collect(r, cmds, n, replies, err) ? -1 : rc;
    }
    return lw_fail(err, LW_EAGAIN, "redis %s: the cluster redirects in a loop", r->where);
}

/* The script's SHA-1 as returned by this connection's server. */
static const char *sha_of(struct lw_redis *r, const struct lw_script *script,
                          struct lw_err *err) {
    for (size_t i = 0; i < r->nloaded; i++)
        if (r->loaded[i].script == script)
            return r->loaded[i].sha;
    struct lw_reply *reply = lw_redis_do(r, err, "SCRIPT LOAD %s", script->text);
    if (!reply) {
        lw_err_context(err, "script %s", script->name);
        return NULL;
    }
    size_t len;
    const char *sha = lw_reply_text(reply, &len);
    if (!sha || len != 40)
        return lw_redis_odd(r, reply, "SCRIPT LOAD", err);
    lw_assert(r->nloaded < LW_SCRIPTS_MAX);
    struct lw_loaded *slot = &r->loaded[r->nloaded++];
    slot->script = script;
    lw_copy(slot->sha, sizeof slot->sha, sha);
    lw_reply_free(reply);
    return slot->sha;
}

struct lw_reply *lw_redis_eval_keys(struct lw_redis *r, const struct lw_script *script,
                                    const struct lw_cmd *keys, struct lw_cmd *c,
                                    struct lw_err *err) {
    for (int i = 0; i < 3; i++) {
        const char *sha = sha_of(r, script, err);
        if (!sha)
            return NULL;
        lw_cmd_clear(&r->scratch);
        lw_cmd_str(&r->scratch, "EVALSHA");
        lw_cmd_str(&r->scratch, sha);
        if (keys) {
            lw_cmd_uint(&r->scratch, keys->argc);
            lw_buf_put(&r->scratch.body, keys->body.data, keys->body.len);
            r->scratch.argc += keys->argc;
        }
        redisReply *reply = redis_exchange(r, &r->scratch, c, err);
        if (!reply || reply->type != REDIS_REPLY_ERROR ||
            strncmp(reply->str, "NOSCRIPT", 8) != 0) {
            struct lw_reply *answer = reply_check(r, reply, NULL, script->name, err);
            return answer && !lw__answer_script_fits(script->name, answer)
                       ? lw_redis_odd(r, answer, script->name, err)
                       : answer;
        }
        freeReplyObject(reply);
        r->nloaded = 0; /* SCRIPT FLUSH, or another node of the cluster */
    }
    lw_fail(err, LW_EAGAIN, "redis %s: script %s is repeatedly unloaded", r->where,
            script->name);
    return NULL;
}

struct lw_reply *lw_redis_eval(struct lw_redis *r, const struct lw_script *script,
                               struct lw_cmd *c, struct lw_err *err) {
    return lw_redis_eval_keys(r, script, NULL, c, err);
}

const char *lw_redis_info(struct lw_redis *r, const char *field, struct lw_err *err) {
    lw_reply_free(r->info);
    r->info = lw_redis_do(r, err, "INFO");
    const char *line = lw_reply_text(r->info, NULL);
    size_t n = strlen(field);
    while (line) {
        if (strncmp(line, field, n) == 0 && line[n] == ':') {
            lw_copy(r->info_value, sizeof r->info_value, line + n + 1);
            r->info_value[strcspn(r->info_value, "\r\n")] = '\0';
            return r->info_value;
        }
        line = strchr(line, '\n');
        line = line ? line + 1 : NULL;
    }
    return NULL;
}
