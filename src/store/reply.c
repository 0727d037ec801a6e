/* Replies: hiredis replies under another name. */
#include <string.h>

#include "base/text.h"
#include "store/conn.h"

static const redisReply *reply_inner(const struct lw_reply *reply) {
    return (const redisReply *)(const void *)reply;
}

void lw_reply_free(struct lw_reply *reply) {
    if (reply)
        freeReplyObject(reply);
}

enum lw_reply_kind lw_reply_kind(const struct lw_reply *reply) {
    if (!reply)
        return LW_REPLY_NIL;
    switch (reply_inner(reply)->type) {
    case REDIS_REPLY_INTEGER:
        return LW_REPLY_INT;
    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS:
        return LW_REPLY_TEXT;
    case REDIS_REPLY_ARRAY:
        return LW_REPLY_ARRAY;
    default: /* nil; an error inside an array counts as nil */
        return LW_REPLY_NIL;
    }
}

int64_t lw_reply_int(const struct lw_reply *reply) {
    if (lw_reply_kind(reply) == LW_REPLY_INT)
        return reply_inner(reply)->integer;
    int64_t v = 0;
    const char *text = lw_reply_text(reply, NULL);
    return text && lw_parse_i64(text, &v) ? v : 0;
}

const char *lw_reply_text(const struct lw_reply *reply, size_t *len) {
    bool text = lw_reply_kind(reply) == LW_REPLY_TEXT;
    if (len)
        *len = text ? reply_inner(reply)->len : 0;
    return text ? reply_inner(reply)->str : NULL;
}

size_t lw_reply_count(const struct lw_reply *reply) {
    return lw_reply_kind(reply) == LW_REPLY_ARRAY ? reply_inner(reply)->elements : 0;
}

const struct lw_reply *lw_reply_at(const struct lw_reply *reply, size_t i) {
    if (i >= lw_reply_count(reply))
        return NULL;
    return (const struct lw_reply *)(const void *)reply_inner(reply)->element[i];
}

const struct lw_reply *lw_reply_field(const struct lw_reply *reply, const char *field) {
    size_t n = lw_reply_count(reply);
    for (size_t i = 0; i + 1 < n; i += 2) {
        const char *name = lw_reply_text(lw_reply_at(reply, i), NULL);
        if (name && strcmp(name, field) == 0)
            return lw_reply_at(reply, i + 1);
    }
    return NULL;
}
