/* See access.h. A script asks the server by redis.acl_check_cmd, which needs no
 * permission and changes nothing. It is passed whole commands: Redis 7.0 crashes on
 * PUBLISH without a channel. When a command is denied, a second check finds whether
 * the command or the key is denied, so that one missing rule is reported once and not
 * for each of forty commands. */
#include "store/access.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "store/keys.h"
#include "store/scripts.h"

/* Commands on keys (K), of the scripts and of readers. */
static const char *const verbs[] = {"del K",
                                    "exists K",
                                    "get K",
                                    "hdel K f",
                                    "hexists K f",
                                    "hget K f",
                                    "hgetall K",
                                    "hkeys K",
                                    "hlen K",
                                    "hmget K f",
                                    "hset K f v",
                                    "lindex K 0",
                                    "lpop K",
                                    "ltrim K 0 1",
                                    "pexpire K 1",
                                    "pttl K",
                                    "rename K K",
                                    "rpush K v",
                                    "set K v",
                                    "type K",
                                    "unlink K",
                                    "xadd K * f v",
                                    "xdel K 1-1",
                                    "xlen K",
                                    "xrange K - +",
                                    "xrevrange K + -",
                                    "xsetid K 1-1",
                                    "zadd K 1 m",
                                    "zcard K",
                                    "zrange K 0 1",
                                    "zrangebyscore K 0 1",
                                    "zrem K m",
                                    "zremrangebyscore K 0 1",
                                    "zrevrange K 0 1"};
#define VERBS (sizeof verbs / sizeof *verbs)

/* Commands without a key. SCRIPT LOAD and EVALSHA ask for the others. */
static const char *const plain[] = {"info", "scan 0", "time"};
#define PLAIN (sizeof plain / sizeof *plain)

/* One key of each kind; %s is the topic. */
static const char *const kinds[] = {
    "meta",        "part:%s:0",      "pane:0:0",       "panes",
    "unreadable",  "unreadable:0:0", "offsets:0",      "now",
    "history",     "window:w:c",     "models",         "model:1",
    "reference:1", "alerts",         "alerts:message", "alerts:notified",
    "outbox",      "outbox:tries",   "outbox:parked",  "silences",
    "audit",       "evaluations",    "asks",           "monitor",
    "lease",       "fence",          "privacy",        "health"};
#define KINDS (sizeof kinds / sizeof *kinds)

static bool is_sentinel(const struct lw_redis *r) {
    return r->url.kind == LW_URL_SENTINEL;
}

static void put_words(const struct lw_redis *r, struct lw_cmd *c) {
    bool db = r->url.db != 0;
    lw_cmd_uint(c, PLAIN + is_sentinel(r) + db);
    for (size_t i = 0; i < PLAIN; i++)
        lw_cmd_str(c, plain[i]);
    if (is_sentinel(r))
        lw_cmd_str(c, "role");
    if (db)
        lw_cmd_str(c, "select 0");
    lw_cmd_uint(c, VERBS);
    for (size_t i = 0; i < VERBS; i++)
        lw_cmd_str(c, verbs[i]);
}

static void put_keys(struct lw_cmd *c, const struct lw_spec *spec, const char *topic) {
    for (size_t i = 0; i < KINDS; i++)
        if (strcmp(kinds[i], "part:%s:0") == 0)
            lw_key_arg(c, spec, "part:%s:0", topic);
        else
            lw_key_arg(c, spec, "%s", kinds[i]);
}

/* Appends to a list of at most size - 1 bytes; the rest is cut to "...". */
static void list_append(char *list, size_t size, const char *join, const char *text) {
    size_t used = strlen(list), n = strlen(text) + (used ? strlen(join) : 0);
    if (used + n + 5 < size)
        snprintf(list + used, size - used, "%s%s", used ? join : "", text);
    else if (used + 4 < size && strcmp(list + used - (used >= 3 ? 3 : used), "...") != 0)
        snprintf(list + used, size - used, "...");
}

struct denied_lists {
    char verbs[100], keys[100], channel[100], remedy[360];
    size_t nkeys;
};

static void sort_out(const struct lw_reply *one, const char *stream, struct lw_access *a,
                     struct denied_lists *l) {
    const char *what = lw_reply_text(lw_reply_at(one, 0), NULL);
    const char *name = lw_reply_text(lw_reply_at(one, 1), NULL);
    const char *verb = lw_reply_text(lw_reply_at(one, 2), NULL);
    char text[LW_KEY_MAX], word[40];
    if (!what || !name)
        return;
    bool needed = strcmp(what, "publish") != 0 && strcmp(what, "channel") != 0;
    a->denied |= needed;
    a->silent |= !needed;
    if (strcmp(what, "command") == 0 || strcmp(what, "publish") == 0) {
        snprintf(word, sizeof word, "%.30s", name);
        word[strcspn(word, " ")] = '\0'; /* "select 0" */
        list_append(l->verbs, sizeof l->verbs, ", ", word);
        snprintf(text, sizeof text, "+%s", word);
    } else if (strcmp(what, "channel") == 0) {
        list_append(l->channel, sizeof l->channel, ", ", name);
        snprintf(text, sizeof text, "&leeway:{%s}:models-changed", stream);
    } else {
        snprintf(text, sizeof text, "%s%s%.500s", verb ? verb : "", verb ? " on " : "",
                 name);
        list_append(l->keys, sizeof l->keys, ", ", text);
        l->nkeys += !verb;
        snprintf(text, sizeof text, "~leeway:{%s}:*", stream);
    }
    if (!strstr(l->remedy, text))
        list_append(l->remedy, sizeof l->remedy, " ", text);
}

static void put_into_words(const struct lw_redis *r, const struct denied_lists *l,
                           struct lw_access *a) {
    char *out = a->refused;
    size_t size = sizeof a->refused;
    int n = 0;
    if (!*l->remedy)
        return;
    if (*l->verbs)
        n += snprintf(out, size, "may not run %s", l->verbs);
    if (*l->keys)
        n += snprintf(out + n, size - (size_t)n, "%smay not touch %s", n ? "; " : "",
                      l->keys);
    if (*l->channel)
        snprintf(out + n, size - (size_t)n, "%smay not publish on %s", n ? "; " : "",
                 l->channel);
    snprintf(a->remedy, sizeof a->remedy, "ACL SETUSER %s %s",
             r->url.user[0] ? r->url.user : "default", l->remedy);
}

/* The user may not even ask. */
static int access_refused(const struct lw_redis *r, const struct lw_err *why,
                          struct lw_access *out, struct lw_err *err) {
    struct denied_lists l = {.remedy = ""};
    if (!strstr(why->msg, "NOPERM"))
        return lw_fail(err, why->code, "%s", why->msg);
    bool load = strstr(why->msg, "script|load") || strstr(why->msg, "'script'");
    const char *verb = load ? "script|load" : "evalsha";
    lw_copy(l.verbs, sizeof l.verbs, verb);
    snprintf(l.remedy, sizeof l.remedy, "+%s", verb);
    *out = (struct lw_access){.asked = true, .denied = true};
    put_into_words(r, &l, out);
    return 0;
}

int lw_access_look(struct lw_redis *r, const struct lw_spec *spec, const char *topic,
                   struct lw_access *out, struct lw_err *err) {
    struct denied_lists l = {.remedy = ""};
    struct lw_err why = {0};
    struct lw_cmd *c = lw_cmd_scratch(r);
    char channel[LW_KEY_MAX];
    *out = (struct lw_access){.asked = true};
    /* In a cluster the script must run on the stream's node; TYPE may be denied too. */
    struct lw_reply *type =
        lw_redis_do(r, &why, "TYPE %s", lw_key(channel, spec, "meta"));
    lw_reply_free(type);
    if (!type && !strstr(why.msg, "NOPERM"))
        return lw_fail(err, why.code, "%s", why.msg);
    lw_err_clear(&why);
    lw_cmd_int(c, 0);
    lw_cmd_str(c, lw_key(channel, spec, "models-changed"));
    put_words(r, c);
    put_keys(c, spec, topic);
    r->nloaded = 0; /* may the user load scripts? */
    struct lw_reply *reply = lw_redis_eval(r, &lw_script_permissions, c, &why);
    if (!reply)
        return access_refused(r, &why, out, err);
    for (size_t i = 0; i < lw_reply_count(reply); i++) {
        const struct lw_reply *one = lw_reply_at(reply, i);
        const char *what = lw_reply_text(lw_reply_at(one, 0), NULL);
        out->asked &= !what || strcmp(what, "unknown") != 0;
        sort_out(one, spec->stream, out, &l);
    }
    lw_reply_free(reply);
    if (l.nkeys == KINDS)
        snprintf(l.keys, sizeof l.keys, "leeway:{%.80s}:*", spec->stream);
    put_into_words(r, &l, out);
    return 0;
}

int lw_access_fail(const struct lw_redis *r, const struct lw_access *a, enum lw_errc code,
                   struct lw_err *err) {
    return lw_fail(err, code, "redis %s: the user %s; ask an administrator to run: %s",
                   r->where, a->refused, a->remedy);
}

int lw_access_write(struct lw_redis *r, const struct lw_spec *spec, struct lw_err *err) {
    char name[64];
    struct lw_cmd *c = lw_cmd_scratch(r);
    snprintf(name, sizeof name, "check:%lld", (long long)lw_mono_ms());
    lw_cmd_int(c, 1);
    lw_key_arg(c, spec, "%s", name);
    struct lw_reply *reply = lw_redis_eval(r, &lw_script_write, c, err);
    lw_reply_free(reply);
    return reply ? 0 : -1;
}

char *lw_access_rules(const struct lw_redis *r, const char *stream) {
    struct lw_buf out = {0};
    lw_buf_printf(&out,
                  "~leeway:{%s}:* &leeway:{%s}:models-changed +evalsha +script|load",
                  stream, stream);
    for (size_t i = 0; i < PLAIN; i++)
        lw_buf_printf(&out, " +%.*s", (int)strcspn(plain[i], " "), plain[i]);
    for (size_t i = 0; i < VERBS; i++)
        lw_buf_printf(&out, " +%.*s", (int)strcspn(verbs[i], " "), verbs[i]);
    lw_buf_printf(&out, " +publish%s%s", r && r->url.db ? " +select" : "",
                  r && is_sentinel(r) ? " +role" : "");
    char *text = lw_strdup(lw_buf_str(&out));
    lw_buf_fini(&out);
    return text;
}
