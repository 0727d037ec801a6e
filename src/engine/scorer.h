/* Which models answer for a partition, and the cache of loaded models of one worker. */
#ifndef LW_SCORER_H
#define LW_SCORER_H

#include "config/config.h"
#include "leeway/model.h"
#include "store/state.h"

/* The champion first, then shadows; models borrowed from the cache. */
struct lw_lineup {
    size_t n;
    uint32_t version[LW_VERSIONS_MAX];
    const struct lw_model *model[LW_VERSIONS_MAX];
};

struct lw_model_cache;
struct lw_model_cache *lw_model_cache_new(const struct lw_spec *spec);
void lw_model_cache_free(struct lw_model_cache *c);
/* Loads what is not held and lines it up. LW_EAGAIN: Redis is away, the old line-up
 * stays. A version that cannot be used (damaged, not there) is left out, logged once;
 * without the champion nothing scores. */
int lw_model_cache_line_up(struct lw_model_cache *c, struct lw_redis *r,
                           const struct lw_force *force, struct lw_lineup *out,
                           struct lw_err *err);
/* Frees models that are in none of the line-ups. */
void lw_model_cache_sweep(struct lw_model_cache *c, const struct lw_lineup *const *inuse,
                          size_t n);

#endif
