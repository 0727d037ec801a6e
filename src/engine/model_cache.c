/* See model_cache.h. A worker has its own copies of the models: a few MB each, and no
 * lock.
 *
 * A version never changes, but its number can be reused: in a Redis that was emptied
 * or restored to an older state, the next training takes the same number. So a cached
 * model is used only if its creation time matches, which is checked at each load. */
#include "engine/model_cache.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "store/models.h"
#include "store/state.h"

struct cached_model {
    uint32_t version;
    int64_t created_ms;
    struct lw_model *model; /* NULL: known to be unusable */
};

struct lw_model_cache {
    const struct lw_spec *spec;
    struct cached_model *entry;
    size_t n;
};

struct lw_model_cache *lw_model_cache_new(const struct lw_spec *spec) {
    struct lw_model_cache *c = lw_calloc(1, sizeof *c);
    c->spec = spec;
    return c;
}

void lw_model_cache_free(struct lw_model_cache *c) {
    if (!c)
        return;
    for (size_t i = 0; i < c->n; i++)
        lw_model_free(c->entry[i].model);
    free(c->entry);
    free(c);
}

static struct lw_model *model_decode(const struct lw_spec *spec,
                                     const struct lw_version *v, struct lw_err *err) {
    struct lw_model *model = lw_model_decode(v->model, v->model_len, err);
    if (model && lw_model_bind(model, &spec->event.fields, err)) {
        lw_model_free(model);
        return NULL;
    }
    return model;
}

static int cache_load(struct lw_model_cache *c, struct lw_redis *r, uint32_t version,
                      struct lw_err *err) {
    struct lw_version v;
    struct lw_err why = {0};
    struct lw_reply *reply = lw_models_get(r, c->spec, version, &v, &why);
    if (!reply && why.code == LW_EAGAIN)
        return lw_fail(err, LW_EAGAIN, "%s", why.msg);
    struct lw_model *model = reply ? model_decode(c->spec, &v, &why) : NULL;
    lw_reply_free(reply);
    if (!model) {
        lw_log(model_unusable, version, LW_QUOTE(why.msg));
    }
    c->entry = lw_realloc(c->entry, c->n + 1, sizeof *c->entry);
    c->entry[c->n++] = (struct cached_model){
        .version = version, .created_ms = v.created_ms, .model = model};
    return 0;
}

static struct cached_model *cache_find(const struct lw_model_cache *c, uint32_t version,
                                       int64_t created_ms) {
    for (size_t i = 0; i < c->n; i++)
        if (c->entry[i].version == version && c->entry[i].created_ms == created_ms)
            return &c->entry[i];
    return NULL;
}

/* Its key is damaged or missing, but the cached copy keeps scoring. */
static struct cached_model *cache_find_any(const struct lw_model_cache *c,
                                           uint32_t version) {
    for (size_t i = c->n; i-- > 0;)
        if (c->entry[i].version == version && c->entry[i].model)
            return &c->entry[i];
    return NULL;
}

static int cache_add_version(struct lw_model_cache *c, struct lw_redis *r,
                             uint32_t version, struct lw_loaded_models *out,
                             struct lw_err *err) {
    struct lw_version head = {0};
    struct lw_err why = {0};
    struct lw_reply *reply = lw_models_head(r, c->spec, version, &head, &why);
    bool known = reply != NULL;
    lw_reply_free(reply);
    if (!known && why.code == LW_EAGAIN)
        return lw_fail(err, LW_EAGAIN, "%s", why.msg);
    const struct cached_model *e =
        known ? cache_find(c, version, head.created_ms) : cache_find_any(c, version);
    if (!e) {
        if (cache_load(c, r, version, err))
            return -1;
        e = &c->entry[c->n - 1];
    }
    if (!e->model || out->n == LW_VERSIONS_MAX)
        return 0;
    out->version[out->n] = version;
    out->model[out->n++] = e->model;
    return 0;
}

int lw_model_cache_load(struct lw_model_cache *c, struct lw_redis *r,
                        const struct lw_active_versions *active,
                        struct lw_loaded_models *out, struct lw_err *err) {
    struct lw_loaded_models next = {0};
    if (active->champion && cache_add_version(c, r, active->champion, &next, err))
        return -1;
    bool champion = next.n > 0;
    for (size_t i = 0; champion && i < active->nshadows; i++)
        if (cache_add_version(c, r, active->shadow[i], &next, err))
            return -1;
    *out = next;
    return 0;
}

static bool model_used(const struct lw_model *model,
                       const struct lw_loaded_models *const *inuse, size_t n) {
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < inuse[i]->n; k++)
            if (inuse[i]->model[k] == model)
                return true;
    return false;
}

void lw_model_cache_sweep(struct lw_model_cache *c,
                          const struct lw_loaded_models *const *inuse, size_t n) {
    size_t keep = 0;
    for (size_t i = 0; i < c->n; i++) {
        if (model_used(c->entry[i].model, inuse, n))
            c->entry[keep++] = c->entry[i];
        else
            lw_model_free(c->entry[i].model);
    }
    c->n = keep;
}
