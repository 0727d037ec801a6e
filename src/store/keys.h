/* Names of the keys, all with the hash tag {stream}, and helpers that the files of
 * store/ share. docs/redis.md lists the keys. */
#ifndef LW_STORE_KEYS_H
#define LW_STORE_KEYS_H

#include "core/spec.h"
#include "store/conn.h"

#define LW_KEY_MAX 640

/* Appends "leeway:{stream}:" and the formatted rest as one argument. */
void lw_key_arg(struct lw_cmd *c, const struct lw_spec *spec, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The same as text; out has LW_KEY_MAX bytes. */
char *lw_key(char *out, const struct lw_spec *spec, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The connection's own command and its byte buffer, both emptied. */
struct lw_cmd *lw_cmd_scratch(struct lw_redis *r);
struct lw_buf *lw_cmd_bytes(struct lw_redis *r);

/* Scans numbers such as "17 4 2", at most max; returns how many. */
size_t lw_scan_versions(const char *text, uint32_t *out, size_t max);

/* n commands in one round trip. _fini frees all replies. */
struct lw_batch {
    size_t n;
    struct lw_cmd **cmd;
    struct lw_reply **reply;
};
void lw_batch_init(struct lw_batch *b, size_t n);
void lw_batch_fini(struct lw_batch *b);
int lw_batch_send(struct lw_redis *r, struct lw_batch *b, struct lw_err *err);

#endif
