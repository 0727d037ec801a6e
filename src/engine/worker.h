/* A worker: it consumes its partitions, scores and accumulates (worker.c). */
#ifndef LW_ENGINE_WORKER_H
#define LW_ENGINE_WORKER_H

#include "engine/engine_private.h"

struct lw_worker *lw__worker_new(struct lw_engine *e, int number, struct lw_err *err);
void lw__worker_free(struct lw_worker *w);
void *lw__worker_main(void *worker);
struct lw_worker_status {
    struct lw_process_counts counts;
    int owned;
    int64_t polled_ms;
    bool stalled;
    int npaused;
    bool flow_flushed;
};
struct lw_worker_status lw__worker_status(const struct lw_worker *w);
/* Troubles of a worker, for health: text ("": none), since when and when last reported
 * (monotonic). */
enum lw_worker_trouble_kind {
    LW_WORKER_TROUBLE_GROUP,       /* no partition is assigned or claimed */
    LW_WORKER_TROUBLE_LETTERS,     /* dead letters are rejected or not acknowledged */
    LW_WORKER_TROUBLE_PREDICTIONS, /* predictions likewise */
    LW_WORKER_TROUBLE_STALLED,     /* consuming is paused */
    LW_WORKER_TROUBLES
};
struct lw_worker_trouble {
    int64_t since_ms, heard_ms;
    enum lw_errc code;
    char text[256];
};
void lw__worker_troubles(struct lw_worker *w,
                         struct lw_worker_trouble out[LW_WORKER_TROUBLES]);

#endif
