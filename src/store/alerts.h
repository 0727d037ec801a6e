/* Alerts as everybody reads them, and what people may do about them: silences, and
 * deliveries that were given up. What the leader writes is in leader.h.
 *
 * All of this needs no lease: a person's word is one atomic step with its own line in the
 * audit, and the leader sees it within a second. Thread: the one of the connection. */
#ifndef LW_STORE_ALERTS_H
#define LW_STORE_ALERTS_H

#include "core/alert_status.h"
#include "store/redis.h"

/* How all alerts of a stream stand: firing first (lw_alert_status_sort), with silenced_by
 * and inhibited_by filled; the silences that have not ended, soonest end first; and how
 * many deliveries wait or were given up. Everything owned; lw_alerts_fini frees. */
struct lw_alerts {
    size_t nalerts;
    struct lw_alert_status *alert;
    size_t nsilences;
    struct lw_silence *silence;
    uint64_t waiting, parked;
};
/* now_ms: wall clock, for the silences. An entry that cannot be read is left out. One
 * round trip. */
int lw_alerts_read(struct lw_redis *r, const struct lw_spec *spec, int64_t now_ms,
                   struct lw_alerts *out, struct lw_err *err);
void lw_alerts_fini(struct lw_alerts *a);
size_t lw_alerts_firing(const struct lw_alerts *a);

#endif
