/* Writes that only the holder of the newest fencing token may make: a list of commands
 * that guarded.lua checks and runs. */
#ifndef LW_STORE_GUARD_H
#define LW_STORE_GUARD_H

#include "store/evaluation.h"
#include "store/keys.h"
#include "store/lease.h"

/* Starts the list. The script checks the token and, if step is given, its sealed_until
 * and whether this step (id, <= 32 bytes) is already written. */
struct lw_cmd *lw_guard_begin(struct lw_redis *r, const struct lw_spec *spec,
                              const struct lw_lease *lease,
                              const struct lw_evaluation_step *step, const char *id);
/* Adds an operation: size_t slot = lw_cmd_slot(c); its words; lw_cmd_fill(c, slot). */
int lw_guard_run(struct lw_redis *r, struct lw_cmd *c, const char *what,
                 struct lw_err *err);

#endif
