/* Deliveries that were given up (`outbox:parked`). */
#ifndef LW_STORE_PARKED_H
#define LW_STORE_PARKED_H

#include "core/spec.h"
#include "store/redis.h"

/* A delivery that was given up. Texts are borrowed from the reply. */
struct lw_parked {
    char entry[40];        /* stream id, its name */
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
/* Moves a delivery back to the outbox, as a new entry under the same id. LW_ENOTFOUND.
 * LW_EINPUT: the receiver was notified of something newer since, and would take the
 * old message for a new one. */
struct lw_parked_retry_request {
    const char *entry; /* or its outbox id */
    const char *who;
    /* " name name ": receivers that identify an alert by its incident, or by its
     * labels. */
    const char *by_incident, *by_labels;
    int64_t now_ms;
};
int lw_parked_retry(struct lw_redis *r, const struct lw_spec *spec,
                    const struct lw_parked_retry_request *again, struct lw_err *err);

#endif
