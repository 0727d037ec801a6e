/* The form of Redis's answer to each command.
 *
 * A server that is not Redis, or a proxy that mixes up answers, must not be trusted:
 * "+OK" to an HMGET would read as missing state, and the next write would replace the
 * real state. So each answer is checked before it is used. An answer of another form
 * is treated as a lost connection. */
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "store/answer.h"
#include "store/conn.h"

enum answer_shape {
    NUMBER, /* an integer */
    WORD,   /* a text */
    VALUE,  /* a text or nil */
    VALUES, /* an array of texts or nils */
    PAIRS,  /* an array of an even number of texts */
    ENTRIES /* entries of a stream: an array of {id, {field, value...}} */
};

static const struct {
    const char *verb;
    enum answer_shape shape;
} answers[] = {
    {"DEL", NUMBER},
    {"EXISTS", NUMBER},
    {"HDEL", NUMBER},
    {"HLEN", NUMBER},
    {"HSET", NUMBER},
    {"HSETNX", NUMBER},
    {"RPUSH", NUMBER},
    {"XLEN", NUMBER},
    {"ZADD", NUMBER},
    {"ZCARD", NUMBER},
    {"INFO", WORD},
    {"LTRIM", WORD},
    {"SCRIPT", WORD},
    {"TYPE", WORD},
    {"XADD", WORD},
    {"GET", VALUE},
    {"HGET", VALUE},
    {"LINDEX", VALUE},
    {"HKEYS", VALUES},
    {"HMGET", VALUES},
    {"LRANGE", VALUES},
    {"ZRANGE", VALUES},
    {"ZRANGEBYSCORE", VALUES},
    {"ZREVRANGE", VALUES},
    {"HGETALL", PAIRS},
    {"XRANGE", ENTRIES},
    {"XREVRANGE", ENTRIES},
};

const char *lw__answer_verb(const struct lw_cmd *c) {
    static _Thread_local char verb[24];
    const char *body = (const char *)c->body.data, *end = body + c->body.len;
    const char *from = memchr(body, '\n', (size_t)(end - body)); /* "$5\r\nHMGET\r\n" */
    from = from ? from + 1 : end;
    const char *until = memchr(from, '\r', (size_t)(end - from));
    size_t n = until ? (size_t)(until - from) : 0;
    lw_copy(verb, n + 1 < sizeof verb ? n + 1 : sizeof verb, from);
    return verb;
}

static bool is_text(const struct lw_reply *reply) {
    return lw_reply_kind(reply) == LW_REPLY_TEXT;
}

static bool each_is_value(const struct lw_reply *reply, bool nil) {
    if (lw_reply_kind(reply) != LW_REPLY_ARRAY)
        return false;
    for (size_t i = 0; i < lw_reply_count(reply); i++) {
        const struct lw_reply *one = lw_reply_at(reply, i);
        if (!is_text(one) && !(nil && lw_reply_kind(one) == LW_REPLY_NIL))
            return false;
    }
    return true;
}

static bool are_entries(const struct lw_reply *reply) {
    for (size_t i = 0; i < lw_reply_count(reply); i++) {
        const struct lw_reply *entry = lw_reply_at(reply, i);
        if (!is_text(lw_reply_at(entry, 0)) || lw_reply_count(entry) != 2 ||
            !each_is_value(lw_reply_at(entry, 1), false))
            return false;
    }
    return lw_reply_kind(reply) == LW_REPLY_ARRAY;
}

bool lw__answer_fits(const struct lw_cmd *c, const struct lw_reply *reply) {
    const char *verb = lw__answer_verb(c);
    size_t i = 0;
    while (i < sizeof answers / sizeof *answers && strcasecmp(answers[i].verb, verb) != 0)
        i++;
    if (i == sizeof answers / sizeof *answers)
        return true;
    switch (answers[i].shape) {
    case NUMBER:
        return lw_reply_kind(reply) == LW_REPLY_INT;
    case WORD:
        return is_text(reply);
    case VALUE:
        return is_text(reply) || lw_reply_kind(reply) == LW_REPLY_NIL;
    case VALUES:
        return each_is_value(reply, true) &&
               (strcasecmp(verb, "HMGET") != 0 || lw_reply_count(reply) + 2 == c->argc);
    case PAIRS:
        return each_is_value(reply, false) && lw_reply_count(reply) % 2 == 0;
    default:
        return are_entries(reply);
    }
}

/* The shortest answer of each script. */
static const struct {
    const char *script;
    enum lw_reply_kind kind;
    size_t least; /* elements */
} of_script[] = {
    {"move_unreadable", LW_REPLY_INT, 0},
    {"claim", LW_REPLY_ARRAY, 7},
    {"drop", LW_REPLY_INT, 0},
    {"fill", LW_REPLY_INT, 0},
    {"reread", LW_REPLY_INT, 0},
    {"fetch", LW_REPLY_ARRAY, 1},
    {"flush", LW_REPLY_ARRAY, 2},
    {"guarded", LW_REPLY_ARRAY, 1},
    {"history", LW_REPLY_ARRAY, 0},
    {"lease", LW_REPLY_TEXT, 0},
    {"mend", LW_REPLY_ARRAY, 0},
    {"outbox", LW_REPLY_ARRAY, 0},
    {"parked_retry", LW_REPLY_INT, 0},
    {"promote", LW_REPLY_INT, 0},
    {"rebuild", LW_REPLY_INT, 0},
    {"reserve", LW_REPLY_INT, 0},
    {"restart", LW_REPLY_ARRAY, 1},
    {"silence_add", LW_REPLY_INT, 0},
    {"silence_end", LW_REPLY_INT, 0},
};

bool lw__answer_script_fits(const char *script, const struct lw_reply *reply) {
    for (size_t i = 0; i < sizeof of_script / sizeof *of_script; i++)
        if (strcmp(of_script[i].script, script) == 0)
            return lw_reply_kind(reply) == of_script[i].kind &&
                   lw_reply_count(reply) >= of_script[i].least;
    return true;
}
