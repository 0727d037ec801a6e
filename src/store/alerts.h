/* Alerts as readers see them. The leader writes them (notifications.h); people add
 * silences (silences.h) and retry deliveries that were given up (parked.h).
 *
 * None of this needs the lease. Thread: the connection's. */
#ifndef LW_STORE_ALERTS_H
#define LW_STORE_ALERTS_H

#include "core/alert_status.h"
#include "store/redis.h"

/* All alerts of a stream, firing first (lw_alert_status_sort), with silenced_by and
 * inhibited_by set; the silences that have not ended, soonest end first; and the
 * number of pending and parked deliveries. Owned: lw_alerts_fini frees. */
struct lw_alerts {
    size_t nalerts;
    struct lw_alert_status *alert;
    size_t nsilences;
    struct lw_silence *silence;
    uint64_t waiting, parked;
};
/* now_ms: wall clock, to filter silences. Unreadable entries are left out. One round
 * trip. */
int lw_alerts_read(struct lw_redis *r, const struct lw_spec *spec, int64_t now_ms,
                   struct lw_alerts *out, struct lw_err *err);
void lw_alerts_fini(struct lw_alerts *a);
size_t lw_alerts_firing(const struct lw_alerts *a);

/* Parses an entry of `alerts`; false: it is unreadable. */
bool lw__alerts_entry(const char *fingerprint, const struct lw_reply *value,
                      struct lw_alert_status *out);
/* The silences in the hash that have not ended, soonest end first; free(). */
size_t lw__alerts_silences(const struct lw_reply *hash, int64_t now_ms,
                           struct lw_silence **out);

#endif
