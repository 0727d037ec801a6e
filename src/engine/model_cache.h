/* The models that score a partition, and one worker's cache of loaded models. */
#ifndef LW_ENGINE_MODEL_CACHE_H
#define LW_ENGINE_MODEL_CACHE_H

#include "config/config.h"
#include "leeway/model.h"
#include "store/state.h"

/* The champion first, then shadows; models borrowed from the cache. */
struct lw_loaded_models {
    size_t n;
    uint32_t version[LW_VERSIONS_MAX];
    const struct lw_model *model[LW_VERSIONS_MAX];
};

struct lw_model_cache;
struct lw_model_cache *lw_model_cache_new(const struct lw_spec *spec);
void lw_model_cache_free(struct lw_model_cache *c);
/* Loads the active versions that are not cached. LW_EAGAIN: Redis is unreachable,
 * *out is unchanged. An unusable version (damaged, missing) is left out and logged
 * once; without the champion nothing scores. */
int lw_model_cache_load(struct lw_model_cache *c, struct lw_redis *r,
                        const struct lw_active_versions *active,
                        struct lw_loaded_models *out, struct lw_err *err);
/* Frees models that are not in use. */
void lw_model_cache_sweep(struct lw_model_cache *c,
                          const struct lw_loaded_models *const *inuse, size_t n);

#endif
