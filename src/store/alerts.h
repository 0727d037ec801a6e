/* Alerts as everybody reads them, and what people may do about them: silences, and
 * deliveries that were given up. What the leader writes is in leader.h.
 *
 * All of this needs no lease: a person's word is one atomic step with its own line in the
 * audit, and the leader sees it within a second. Thread: the one of the connection. */
#ifndef LW_STORE_ALERTS_H
#define LW_STORE_ALERTS_H

#include "core/alert_status.h"
#include "store/redis.h"

#define LW_SILENCES_MAX 200

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

/* Adds a silence and fills its id. LW_EINPUT: it ends before it begins or before now, or
 * there are LW_SILENCES_MAX already. Silences that have ended are forgotten here. */
int lw_silence_add(struct lw_redis *r, const struct lw_spec *spec, struct lw_silence *s,
                   int64_t now_ms, struct lw_err *err);
/* Ends one at once. LW_ENOTFOUND. */
int lw_silence_end(struct lw_redis *r, const struct lw_spec *spec, const char *id,
                   const char *who, int64_t now_ms, struct lw_err *err);

/* A delivery that was given up. Texts are borrowed from the reply. */
struct lw_parked {
    char entry[40];        /* stream id, which names it */
    const char *id, *json; /* outbox id "<alert id>@<receiver>", message */
    size_t len;            /* of json */
    const char *reason;    /* why the last attempt failed */
    uint64_t attempts;
    int64_t parked_ms; /* wall clock */
};
/* Newest first, at most max. */
struct lw_reply *lw_parked_read(struct lw_redis *r, const struct lw_spec *spec,
                                size_t max, struct lw_parked *out, size_t *n,
                                struct lw_err *err);
/* Back into the outbox, as a fresh entry under the same id. LW_ENOTFOUND. LW_EINPUT: the
 * receiver was told something newer since, and would take the old message for news. */
struct lw_parked_again {
    const char *entry; /* or its outbox id */
    const char *who;
    /* " name name ": receivers that know an alert by its incident, and by its labels. */
    const char *by_incident, *by_labels;
    int64_t now_ms;
};
int lw_parked_retry(struct lw_redis *r, const struct lw_spec *spec,
                    const struct lw_parked_again *again, struct lw_err *err);

#endif
