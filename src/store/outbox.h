/* Deliveries that no receiver has confirmed, in order. Thread: the connection's. */
#ifndef LW_STORE_OUTBOX_H
#define LW_STORE_OUTBOX_H

#include "core/spec.h"
#include "store/lease.h"
#include "store/redis.h"

/* A pending delivery; the reply owns the texts. */
struct lw_delivery {
    int64_t put_ms; /* wall clock: when it was added, or retried by a person */
    char entry[40]; /* stream id */
    const char *id, *json;
    size_t len;     /* of json */
    uint64_t alert; /* fingerprint; 0: unknown */
    uint64_t attempts;
    int64_t not_before_ms; /* wall clock */
    const char *reason;    /* for lw_outbox_park: why the last attempt failed */
};
/* Reads the deliveries of one receiver, or of all (""), oldest first: at most max, *n
 * is their number. Cost: grows with the whole outbox, not with the receiver's share. */
struct lw_outbox_of {
    const char *receiver;
    size_t max;
};
struct lw_reply *lw_outbox_read(struct lw_redis *r, const struct lw_spec *spec,
                                struct lw_outbox_of of, struct lw_delivery *out,
                                size_t *n, struct lw_err *err);
/* Removes a delivered entry; records a failed attempt and the time of the next.
 * LW_EFENCED. */
int lw_outbox_done(struct lw_redis *r, const struct lw_spec *spec,
                   const struct lw_lease *lease, const char *entry, struct lw_err *err);
int lw_outbox_retry(struct lw_redis *r, const struct lw_spec *spec,
                    const struct lw_lease *lease, const struct lw_delivery *next,
                    struct lw_err *err); /* entry, attempts, not_before_ms are read */
/* Gives a delivery up: moves it to `outbox:parked` (parked.h) with a line in the
 * audit; also reads attempts and reason. LW_EFENCED. */
int lw_outbox_park(struct lw_redis *r, const struct lw_spec *spec,
                   const struct lw_lease *lease, const struct lw_delivery *d,
                   int64_t now_ms, struct lw_err *err);

#define LW_OUTBOX_CAP 10000
struct lw_outgoing;
/* One entry of the outbox. */
void lw__outbox_put(struct lw_cmd *c, const struct lw_spec *spec,
                    const struct lw_outgoing *o);

#endif
