/* The audit trail. */
#ifndef LW_STORE_AUDIT_H
#define LW_STORE_AUDIT_H

#include "core/spec.h"
#include "store/redis.h"

#define LW_AUDIT_CAP       50000
#define LW_EVALUATIONS_CAP 10000
struct lw_audit_line {
    const char *what, *who, *detail;
    int64_t event_ms, now_ms;
};
/* Adds one line to the audit stream, outside a step. */
int lw_audit_write(struct lw_redis *r, const struct lw_spec *spec,
                   const struct lw_audit_line *line, struct lw_err *err);
/* The words of one XADD to the audit stream. */
void lw__audit_words(struct lw_cmd *c, const struct lw_spec *spec,
                     const struct lw_audit_line *line);
/* The same for the stream of evaluations, which is separate so that frequent
 * evaluations do not push decisions out of the audit. */
void lw__audit_evaluation_words(struct lw_cmd *c, const struct lw_spec *spec,
                                const struct lw_audit_line *line);

#endif
