/* The audit trail. */
#ifndef LW_STORE_AUDIT_H
#define LW_STORE_AUDIT_H

#include "core/spec.h"
#include "store/redis.h"

/* Adds one line to the audit stream, outside a step. */
int lw_audit_write(struct lw_redis *r, const struct lw_spec *spec, const char *what,
                   const char *who, const char *detail, int64_t now_ms,
                   struct lw_err *err);

#endif
