/* The lease, which names the leader, and its fencing token. Thread: the connection's. */
#ifndef LW_STORE_LEASE_H
#define LW_STORE_LEASE_H

#include "core/spec.h"
#include "store/redis.h"

struct lw_lease {
    char who[128];  /* host:pid */
    uint64_t token; /* 0: not the leader */
    int64_t ttl_ms;
};
/* Takes or renews the lease. The token stays the same while the lease is held without
 * a gap, and grows with each new holder (also after Redis was emptied or restored to
 * an older snapshot). Returns 1 when held; 0 when another process holds it (token
 * becomes 0); -1 on error (the token is kept: writes show whether it is still valid). */
int lw_lease_hold(struct lw_redis *r, const struct lw_spec *spec, struct lw_lease *lease,
                  struct lw_err *err);
/* Releases the lease; no-op when not held. */
int lw_lease_release(struct lw_redis *r, const struct lw_spec *spec,
                     struct lw_lease *lease, struct lw_err *err);

#endif
