/* Several commands in one round trip. */
#ifndef LW_STORE_BATCH_H
#define LW_STORE_BATCH_H

#include "store/redis.h"

/* _fini frees all replies. */
struct lw_batch {
    size_t n;
    struct lw_cmd **cmd;
    struct lw_reply **reply;
};
void lw_batch_init(struct lw_batch *b, size_t n);
void lw_batch_fini(struct lw_batch *b);
int lw_batch_send(struct lw_redis *r, struct lw_batch *b, struct lw_err *err);

#endif
