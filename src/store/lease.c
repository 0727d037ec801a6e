/* The lease and the fencing token.
 *
 * The lease says who should lead; the fencing token decides whose writes count. A
 * leader that was suspended for an hour still believes in its lease, but its token is
 * no longer the newest, so all its writes are refused (Kleppmann, "How to do
 * distributed locking", 2016). So nothing depends on clocks that agree: a lease that
 * ends early or late only costs time. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "store/guard.h"
#include "store/lease.h"
#include "store/scripts.h"

int lw_lease_hold(struct lw_redis *r, const struct lw_spec *spec, struct lw_lease *lease,
                  struct lw_err *err) {
    struct lw_cmd *c = lw_cmd_scratch(r);
    lw_cmd_int(c, 2);
    lw_key_arg(c, spec, "lease");
    lw_key_arg(c, spec, "fence");
    lw_cmd_str(c, lease->who);
    lw_cmd_uint(c, lease->token);
    lw_cmd_int(c, lease->ttl_ms);
    struct lw_reply *reply = lw_redis_eval(r, &lw_script_lease, c, err);
    if (!reply)
        return -1;
    lease->token = (uint64_t)lw_reply_int(reply); /* '' is 0: another holds it */
    lw_reply_free(reply);
    return lease->token != 0;
}

int lw_lease_release(struct lw_redis *r, const struct lw_spec *spec,
                     struct lw_lease *lease, struct lw_err *err) {
    if (lease->token == 0)
        return 0;
    struct lw_cmd *c = lw_guard_begin(r, spec, lease, NULL, "");
    size_t slot = lw_cmd_slot(c);
    lw_cmd_str(c, "DEL");
    lw_key_arg(c, spec, "lease");
    lw_cmd_fill(c, slot);
    struct lw_err why = {0};
    int rc = lw_guard_run(r, c, "release of the lease", &why);
    if (rc && why.code != LW_EFENCED) /* fenced: the lease was lost before */
        return lw_fail(err, why.code, "%s", why.msg);
    lease->token = 0;
    return 0;
}
