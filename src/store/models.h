/* Model versions and their aliases. Thread: the one of the connection. */
#ifndef LW_STORE_MODELS_H
#define LW_STORE_MODELS_H

#include "core/spec.h"
#include "store/evaluation.h"

/* A model version as the registry keeps it. Blobs are borrowed or owned as said. */
struct lw_version {
    uint32_t version, parent;
    /* "candidate" (stored, not promoted), "rejected", "champion", "previous" (gave way to
     * the champion), "retired" (gave way before), "rolled_back" (gave way to its
     * predecessor) */
    char status[16];
    char reason[240];                          /* why it was trained */
    char verdict[240];                         /* what the gate said */
    int64_t created_ms, as_of_ms, promoted_ms; /* wall; event time; wall, 0: never */
    const void *model;                         /* Avro container */
    size_t model_len;
    const void *reference; /* lw_reference_write */
    size_t reference_len;
    /* JSON: trials, gate, parameters, lineage (topic, ranges, rows, config hash, code) */
    const char *facts;
};
/* The next version number (reserved: numbers may be skipped, never reused). LW_EFENCED.
 */
int lw_models_reserve(struct lw_redis *r, const struct lw_spec *spec,
                      const struct lw_lease *lease, uint32_t *version,
                      struct lw_err *err);
/* Stores a version with its reference and, if promote, makes it champion (previous = the
 * old one), in the same step as `step` (whose evaluation carries the decision). Not
 * promoted, it becomes the alias challenger. */
int lw_models_publish(struct lw_redis *r, const struct lw_spec *spec,
                      const struct lw_version *v, bool promote,
                      const struct lw_evaluation_step *step, struct lw_err *err);
/* Whether a version can be decoded and scores this stream's events: what a person
 * promotes must. LW_ENOTFOUND, or what is wrong with it. */
int lw_models_usable(struct lw_redis *r, const struct lw_spec *spec, uint32_t version,
                     struct lw_err *err);
/* Makes an existing version champion (promotion by a person, rollback); no-op if it is.
 * step may be NULL for a person: then `who` and reason go to the audit, and no lease is
 * needed; the leader notices at its next step. LW_ENOTFOUND: no such version. */
int lw_models_promote(struct lw_redis *r, const struct lw_spec *spec, uint32_t version,
                      const char *who, const char *reason,
                      const struct lw_evaluation_step *step, struct lw_err *err);

/* A change of the champion is announced on the channel leeway:{s}:models-changed when it
 * stands, by a command of its own: nothing depends on it. Why the last one could not be,
 * or "". */
const char *lw_models_unheard(const struct lw_redis *r);

struct lw_aliases { /* 0: none */
    uint32_t champion, previous, challenger, first, next;
    int64_t champion_since_ms; /* event time at promotion */
    uint64_t epoch;            /* grows with every change of the champion */
    bool damaged;              /* champion is 0: what is there is no version */
};
int lw_models_aliases(struct lw_redis *r, const struct lw_spec *spec,
                      struct lw_aliases *out, struct lw_err *err);
/* The alias `champion` is damaged or gone, and who leads knows what it was: put back,
 * with a line in the audit. LW_EFENCED. */
int lw_models_restore(struct lw_redis *r, const struct lw_spec *spec,
                      const struct lw_lease *lease, uint32_t champion, uint32_t first,
                      struct lw_err *err);
/* One version; the reply owns every borrowed text and blob in out. LW_ENOTFOUND;
 * LW_EINPUT: there is something that is no version, and lw_redis_why says "damaged". */
struct lw_reply *lw_models_get(struct lw_redis *r, const struct lw_spec *spec,
                               uint32_t version, struct lw_version *out,
                               struct lw_err *err);
/* The same without model and reference (both NULL), for lists. */
struct lw_reply *lw_models_head(struct lw_redis *r, const struct lw_spec *spec,
                                uint32_t version, struct lw_version *out,
                                struct lw_err *err);

#endif
