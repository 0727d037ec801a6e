/* Replies of Redis. */
#ifndef LW_STORE_REPLY_H
#define LW_STORE_REPLY_H

#include <stddef.h>
#include <stdint.h>

enum lw_reply_kind { LW_REPLY_NIL, LW_REPLY_INT, LW_REPLY_TEXT, LW_REPLY_ARRAY };
struct lw_reply;
void lw_reply_free(struct lw_reply *reply);
/* All of these accept NULL, which is nil. */
enum lw_reply_kind lw_reply_kind(const struct lw_reply *reply);
/* A number, or a text that is a number; otherwise 0. */
int64_t lw_reply_int(const struct lw_reply *reply);
/* NUL-terminated, or NULL when the reply is not a text; len may be NULL. */
const char *lw_reply_text(const struct lw_reply *reply, size_t *len);
size_t lw_reply_count(const struct lw_reply *reply);
const struct lw_reply *lw_reply_at(const struct lw_reply *reply, size_t i);
/* The value of a field in an array such as HGETALL's, or NULL. */
const struct lw_reply *lw_reply_field(const struct lw_reply *reply, const char *field);

#endif
