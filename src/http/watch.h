/* What the watcher knows of the stream, and the champion that answers; shared by reference
 * count. */
#ifndef LW_HTTP_WATCH_H
#define LW_HTTP_WATCH_H

#include <stdatomic.h>

#include "core/reference.h"
#include "core/tracking.h"
#include "http/server.h"
#include "leeway/model.h"
#include "store/models.h"

struct lw_snapshot {
    atomic_int refs;
    int64_t taken_ms; /* wall */
    struct lw_reply *now;
    struct lw_aliases aliases;
    uint32_t unusable; /* the champion that cannot be loaded, or 0 */
    int32_t npartitions;
    struct lw_partition_view *view;
    uint64_t firing[3];      /* by enum lw_severity */
    char unreadable[2][320]; /* texts of firing unreadable-* alerts */
    uint64_t outbox, parked;
    char leader[128]; /* "" nobody */
    int64_t sealed_until_ms;
    struct lw_tracking_set tracking; /* as a new pane would use it */
    int64_t tracking_since_ms;       /* event time when serving it began or ended; 0 */
    double rate; /* messages a second over the last ten seconds; NAN: unknown */
};

/* The version that answers, shared by reference count: a prediction holds a reference,
 * and a swap frees the old version when its last request is done. */
struct lw_champion {
    atomic_int refs;
    uint32_t version;
    uint64_t epoch;
    int64_t since_ms;
    struct lw_model *model;
    bool needed[LW_FIELDS_MAX]; /* fields of the spec that it reads */
};

/* References to the watcher's state (NULL: none yet); released by _put. */
struct lw_snapshot *lw_watch_snapshot(struct lw_server *s);
void lw_watch_snapshot_put(struct lw_snapshot *n);
struct lw_champion *lw_watch_champion(struct lw_server *s);
void lw_watch_champion_put(struct lw_champion *c);
/* Why Redis does not answer; false: it answers. */
bool lw_watch_redis_away(struct lw_server *s, char *out, size_t size);

/* Firing alerts of all severities. */
uint64_t lw_watch_firing(const struct lw_snapshot *n);

void *lw_watch_main(void *arg);

#endif
