/* Names of the keys, all of one stream with the hash tag {stream}, and small helpers that
 * the store's verbs share. docs/redis.md lists the keys. */
#ifndef LW_STORE_KEYS_H
#define LW_STORE_KEYS_H

#include "core/spec.h"
#include "store/conn.h"

#define LW_KEY_MAX 640

/* "leeway:{stream}:" + the printed rest, appended as one argument. */
void lw_key_arg(struct lw_cmd *c, const struct lw_spec *spec, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The same as text; out has LW_KEY_MAX bytes. */
char *lw_key(char *out, const struct lw_spec *spec, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The connection's own command for verbs, emptied, and its byte buffer, emptied. */
struct lw_cmd *lw_cmd_scratch(struct lw_redis *r);
struct lw_buf *lw_cmd_bytes(struct lw_redis *r);

/* Scans "17 4 2" into at most max numbers; returns how many. */
size_t lw_scan_versions(const char *text, uint32_t *out, size_t max);

/* n commands of the store's own, in one round trip. All replies are freed by _fini. */
struct lw_batch {
    size_t n;
    struct lw_cmd **cmd;
    struct lw_reply **reply;
};
void lw_batch_init(struct lw_batch *b, size_t n);
void lw_batch_fini(struct lw_batch *b);
int lw_batch_send(struct lw_redis *r, struct lw_batch *b, struct lw_err *err);

#endif
