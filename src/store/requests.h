/* Requests by people, a list that the leader empties. */
#ifndef LW_STORE_REQUESTS_H
#define LW_STORE_REQUESTS_H

#include "core/spec.h"
#include "store/redis.h"

#define LW_REQUESTS_CAP 100 /* kept while no process leads */

/* Queues a request for the leader; what: one word ("retrain"). */
int lw_requests_add(struct lw_redis *r, const struct lw_spec *spec, const char *what,
                    const char *who, struct lw_err *err);
struct lw_requested {
    char what[LW_NAME_MAX + 16], who[LW_NAME_MAX];
};
/* Reads the oldest request: 1: there is one; 0: none; -1: error. It stays queued until
 * a step that answers it is written (lw_evaluation_step.asked), so that no crash of a
 * leader loses it. */
int lw_requests_first(struct lw_redis *r, const struct lw_spec *spec,
                      struct lw_requested *out, struct lw_err *err);

#endif
