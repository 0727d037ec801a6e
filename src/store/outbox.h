/* Deliveries that no receiver has confirmed, in order. Thread: the one of the
 * connection. */
#ifndef LW_STORE_OUTBOX_H
#define LW_STORE_OUTBOX_H

#include "core/spec.h"
#include "store/lease.h"
#include "store/redis.h"

/* Deliveries not yet confirmed, oldest first; the reply owns the texts. */
struct lw_delivery {
    int64_t put_ms; /* wall clock: when it was put out, or put back by a person */
    char entry[40]; /* stream id */
    const char *id, *json;
    size_t len;     /* of json */
    uint64_t alert; /* fingerprint; 0: not said */
    uint64_t attempts;
    int64_t not_before_ms; /* wall clock */
    const char *reason;    /* of lw_outbox_park: why the last attempt failed */
};
/* Those of one receiver, or of all (""): out has room for max; n tells how many there
 * are. Cost: grows with all that wait, not with the receiver's own. */
struct lw_outbox_of {
    const char *receiver;
    size_t max;
};
struct lw_reply *lw_outbox_read(struct lw_redis *r, const struct lw_spec *spec,
                                struct lw_outbox_of of, struct lw_delivery *out,
                                size_t *n, struct lw_err *err);
/* Removes a delivered entry / notes a failed attempt and when to try next. LW_EFENCED. */
int lw_outbox_done(struct lw_redis *r, const struct lw_spec *spec,
                   const struct lw_lease *lease, const char *entry, struct lw_err *err);
int lw_outbox_retry(struct lw_redis *r, const struct lw_spec *spec,
                    const struct lw_lease *lease, const struct lw_delivery *next,
                    struct lw_err *err); /* entry, attempts, not_before_ms are read */
/* Gives one up: out of the outbox, into `outbox:parked` (store/alerts.h), with a line in
 * the audit; attempts and reason are read too. LW_EFENCED. */
int lw_outbox_park(struct lw_redis *r, const struct lw_spec *spec,
                   const struct lw_lease *lease, const struct lw_delivery *d,
                   int64_t now_ms, struct lw_err *err);

#endif
