/* Model versions and their aliases. Thread: the connection's. */
#ifndef LW_STORE_MODELS_H
#define LW_STORE_MODELS_H

#include "core/spec.h"
#include "store/evaluation.h"

/* A model version in the registry. Blobs are borrowed or owned as stated. */
struct lw_version {
    uint32_t version, parent;
    /* "candidate" (stored, not promoted), "rejected", "champion", "previous" (replaced
     * by the champion), "retired" (replaced earlier), "rolled_back" (replaced by its
     * predecessor) */
    char status[16];
    char reason[240];                          /* why it was trained */
    char verdict[240];                         /* the gate's verdict */
    int64_t created_ms, as_of_ms, promoted_ms; /* wall; event time; wall, 0: never */
    const void *model;                         /* Avro container */
    size_t model_len;
    const void *reference; /* lw_reference_write */
    size_t reference_len;
    /* JSON: trials, gate, parameters, lineage (topic, ranges, rows, config hash, code) */
    const char *facts;
    bool imported; /* it was the alias `imported`, which ends in the same step */
};
/* Reserves the next version number: numbers may be skipped, never reused. LW_EFENCED. */
int lw_models_reserve(struct lw_redis *r, const struct lw_spec *spec,
                      const struct lw_lease *lease, uint32_t *version,
                      struct lw_err *err);
/* Stores a version with its reference in the same step as `step` (whose evaluation has
 * the decision). With promote it becomes champion, and the old one previous; otherwise
 * it becomes the alias challenger. */
int lw_models_publish(struct lw_redis *r, const struct lw_spec *spec,
                      const struct lw_version *v, bool promote,
                      const struct lw_evaluation_step *step, struct lw_err *err);
/* Whether a version can be decoded and scores this stream's events, as a version must
 * that a person promotes. LW_ENOTFOUND, or the reason. */
int lw_models_usable(struct lw_redis *r, const struct lw_spec *spec, uint32_t version,
                     struct lw_err *err);
/* Makes an existing version champion (promotion by a person, rollback); no-op if it
 * is. A person passes no step and needs no lease: `who` and reason go to the audit,
 * and the leader sees the change at its next step. LW_ENOTFOUND: no such version. */
struct lw_promotion {
    uint32_t version;
    const char *who, *reason;
    const struct lw_evaluation_step *step; /* NULL: by a person */
};
int lw_models_promote(struct lw_redis *r, const struct lw_spec *spec,
                      const struct lw_promotion *to, struct lw_err *err);

/* A written change of the champion is announced on the channel
 * leeway:{s}:models-changed by a separate command; nothing depends on it. Why the last
 * announcement failed, or "". */
const char *lw_models_unheard(const struct lw_redis *r);

struct lw_aliases { /* 0: none */
    uint32_t champion, previous, challenger, first, next;
    uint32_t imported;         /* waits to be tested */
    int64_t champion_since_ms; /* event time at promotion */
    uint64_t epoch;            /* grows with every change of the champion */
    bool damaged;              /* champion is 0: the alias is not a version */
};
int lw_models_aliases(struct lw_redis *r, const struct lw_spec *spec,
                      struct lw_aliases *out, struct lw_err *err);
/* Restores a damaged or missing alias `champion`, whose value the leader knows, with a
 * line in the audit. LW_EFENCED. */
int lw_models_restore(struct lw_redis *r, const struct lw_spec *spec,
                      const struct lw_lease *lease, uint32_t champion, uint32_t first,
                      struct lw_err *err);
/* Reads one version; the reply owns every borrowed text and blob in out. LW_ENOTFOUND;
 * LW_EINPUT: the key is not a version, and lw_redis_why is LW_REDIS_DAMAGED. */
struct lw_reply *lw_models_get(struct lw_redis *r, const struct lw_spec *spec,
                               uint32_t version, struct lw_version *out,
                               struct lw_err *err);
/* The same without model and reference (both NULL), for lists. */
struct lw_reply *lw_models_head(struct lw_redis *r, const struct lw_spec *spec,
                                uint32_t version, struct lw_version *out,
                                struct lw_err *err);

#endif
