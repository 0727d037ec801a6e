/* See batch.h. */
#include "store/batch.h"

#include <stdlib.h>

#include "base/mem.h"

void lw_batch_init(struct lw_batch *b, size_t n) {
    b->n = n;
    b->cmd = lw_calloc(n ? n : 1, sizeof *b->cmd);
    b->reply = lw_calloc(n ? n : 1, sizeof *b->reply);
    for (size_t i = 0; i < n; i++)
        b->cmd[i] = lw_cmd_new();
}

void lw_batch_fini(struct lw_batch *b) {
    for (size_t i = 0; i < b->n; i++) {
        lw_cmd_free(b->cmd[i]);
        lw_reply_free(b->reply[i]);
    }
    free(b->cmd);
    free(b->reply);
}

int lw_batch_send(struct lw_redis *r, struct lw_batch *b, struct lw_err *err) {
    return lw_redis_pipeline(r, b->cmd, b->n, b->reply, err);
}
