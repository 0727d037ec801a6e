/* Requests by people, a list that the leader empties. */
#ifndef LW_STORE_REQUESTS_H
#define LW_STORE_REQUESTS_H

#include "core/spec.h"
#include "store/redis.h"

/* Requests by people, picked up by the leader: what is one word ("retrain"). */
int lw_requests_add(struct lw_redis *r, const struct lw_spec *spec, const char *what,
                    const char *who, struct lw_err *err);
/* 1: the oldest of them, 0: there is none, -1. It stays until a step that answers it has
 * been written (lw_evaluation_step.asked), so that a leader who dies over it loses nothing. */
int lw_requests_first(struct lw_redis *r, const struct lw_spec *spec, char *what,
                      size_t size, char *who, size_t who_size, struct lw_err *err);

#endif
