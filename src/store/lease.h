/* The lease, which names the leader, and its fencing token. Thread: the one of the
 * connection. */
#ifndef LW_STORE_LEASE_H
#define LW_STORE_LEASE_H

#include "core/spec.h"
#include "store/redis.h"

struct lw_lease {
    char who[128];  /* host:pid */
    uint64_t token; /* 0: not the leader */
    int64_t ttl_ms;
};
/* Takes or renews the lease; token stays the same while it was held without a gap and
 * grows with each new holder (it is larger than any before, also if Redis was emptied or
 * put back to an older snapshot). Returns 1 when held, 0 when another holds it (token
 * becomes 0), -1 on error (token is kept: the writes will tell whether it still counts).
 */
int lw_lease_hold(struct lw_redis *r, const struct lw_spec *spec, struct lw_lease *lease,
                  struct lw_err *err);
/* Gives it up at once; no-op when not held. */
int lw_lease_release(struct lw_redis *r, const struct lw_spec *spec,
                     struct lw_lease *lease, struct lw_err *err);

#endif
