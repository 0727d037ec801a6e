/* Silences. People add and end them without the lease, each time with a line in the
 * audit; the leader sees the change within a second. */
#ifndef LW_STORE_SILENCES_H
#define LW_STORE_SILENCES_H

#include "core/alert_status.h"
#include "store/redis.h"

#define LW_SILENCES_MAX 200

/* The silences that have not ended; free() them. -1 on error. */
int lw_silences_load(struct lw_redis *r, const struct lw_spec *spec, int64_t now_ms,
                     struct lw_silence **out, size_t *n, struct lw_err *err);

/* Adds a silence and sets its id. LW_EINPUT: it ends before it begins or before now,
 * or there are already LW_SILENCES_MAX. Silences that have ended are deleted. */
int lw_silences_add(struct lw_redis *r, const struct lw_spec *spec, struct lw_silence *s,
                    int64_t now_ms, struct lw_err *err);
/* Ends one at once. LW_ENOTFOUND. */
int lw_silences_end(struct lw_redis *r, const struct lw_spec *spec, const char *id,
                    const char *who, int64_t now_ms, struct lw_err *err);

#endif
