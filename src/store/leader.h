/* What only the leader writes: the lease with its fencing token, evaluations, alerts with their outbox,
 * models with their aliases, the audit trail. Every write checks the token in the same Lua step. */
#ifndef LW_LEADER_H
#define LW_LEADER_H

#include "core/monitor.h"
#include "store/state.h"

struct lw_lease {
    char who[128];
    uint64_t token; /* 0: not the leader */
    int64_t ttl_ms;
};
/* Takes or renews the lease; token stays the same while it was held without a gap and grows with each new holder. Returns 1 when held, 0 when another holds it,
 * -1 on error. */
int lw_lease_hold(struct lw_redis *r, const struct lw_spec *spec, struct lw_lease *lease,
                  struct lw_err *err);
int lw_lease_release(struct lw_redis *r, const struct lw_spec *spec, struct lw_lease *lease,
                     struct lw_err *err);

/* The detector's state as last written: sealed_until (INT64_MIN when none) and the monitor's bytes. */
struct lw_detector_state {
    int64_t sealed_until_ms;
    void *state; /* free() */
    size_t len;
};
int lw_detector_load(struct lw_redis *r, const struct lw_spec *spec, struct lw_detector_state *out,
                     struct lw_err *err);

/* One alert as it goes to the outbox: formed by the caller (alert/format.h) as our JSON. */
struct lw_outgoing {
    char id[64];       /* idempotency key: incident-transition */
    const char *json;
    size_t len;
};

/* Everything one step of the detector changes, at once: detector state, now, history, windows, alert
 * states, outbox, audit, and the shadows. Fenced by the token and by the sealed_until that was loaded. LW_EFENCED when
 * somebody else has led meanwhile. */
struct lw_step {
    const struct lw_lease *lease;
    int64_t was_sealed_until_ms;
    const struct lw_monitor *monitor; /* after the step */
    const struct lw_evaluation *evaluation;
    bool sealed;                      /* a pane was sealed: now, history and windows are written */
    const struct lw_outgoing *outgoing;
    size_t noutgoing;
    int64_t now_ms;
};
int lw_step_write(struct lw_redis *r, const struct lw_spec *spec, const struct lw_step *step,
                  struct lw_err *err);

/* A model version as the registry keeps it. Texts are UTF-8; blobs are borrowed or owned as said. */
struct lw_version {
    uint32_t version, parent;
    char status[16];       /* "champion", "previous", "rejected", "rolled_back", "retired", "candidate" */
    char reason[240];      /* why it was trained */
    char verdict[240];     /* what the gate said */
    int64_t created_ms, as_of_ms, promoted_ms; /* created: wall; as_of: event time; promoted: wall, 0 never */
    const void *model;     /* Avro container */
    size_t model_len;
    const void *reference; /* lw_reference_write */
    size_t reference_len;
    const char *facts;     /* JSON: trials, gate, parameters, lineage (topic, ranges, rows, config hash, code) */
};
/* The next version number (reserved: numbers may be skipped, never reused). */
int lw_models_reserve(struct lw_redis *r, const struct lw_spec *spec, const struct lw_lease *lease,
                      uint32_t *version, struct lw_err *err);
/* Stores a version with its reference and, if promote, makes it champion (previous = the old one), in the
 * same step as `step` (whose evaluation carries the decision). Announces it on leeway:{s}:models-changed. */
int lw_models_publish(struct lw_redis *r, const struct lw_spec *spec, const struct lw_version *v,
                      bool promote, const struct lw_step *step, struct lw_err *err);
/* Makes an existing version champion (promotion by a person, rollback). step may be NULL for a person: then
 * `who` and reason go to the audit, and no lease is needed; the leader notices at its next step. */
int lw_models_promote(struct lw_redis *r, const struct lw_spec *spec, uint32_t version,
                      const char *who, const char *reason, const struct lw_step *step,
                      struct lw_err *err);

struct lw_aliases {
    uint32_t champion, previous, challenger, first, next;
    int64_t champion_since_ms; /* event time at promotion; 0 when none */
};
int lw_models_aliases(struct lw_redis *r, const struct lw_spec *spec, struct lw_aliases *out,
                      struct lw_err *err);
/* One version; the reply owns every borrowed text and blob in out. LW_ENOTFOUND. */
struct lw_reply *lw_models_get(struct lw_redis *r, const struct lw_spec *spec, uint32_t version,
                               struct lw_version *out, struct lw_err *err);

/* Deliveries not yet confirmed, oldest first; the reply owns them. Entries: stream id, outgoing id, JSON, attempts, not before (wall ms). */
struct lw_delivery {
    char entry[40];
    const char *id, *json;
    size_t len;
    uint64_t attempts;
    int64_t not_before_ms;
};
struct lw_reply *lw_outbox_read(struct lw_redis *r, const struct lw_spec *spec, size_t max,
                                struct lw_delivery *out, size_t *n, struct lw_err *err);
/* Removes a delivered entry / notes a failed attempt and when to try next. Fenced by the lease. */
int lw_outbox_done(struct lw_redis *r, const struct lw_spec *spec, const struct lw_lease *lease,
                   const char *entry, struct lw_err *err);
int lw_outbox_retry(struct lw_redis *r, const struct lw_spec *spec, const struct lw_lease *lease,
                    const char *entry, uint64_t attempts, int64_t not_before_ms, struct lw_err *err);
/* One line of the audit stream outside a step. */
int lw_audit(struct lw_redis *r, const struct lw_spec *spec, const char *what, const char *who,
             const char *detail, int64_t now_ms, struct lw_err *err);
/* Requests by people, picked up by the leader: "retrain". */
int lw_ask(struct lw_redis *r, const struct lw_spec *spec, const char *what, const char *who,
           struct lw_err *err);
int lw_asked(struct lw_redis *r, const struct lw_spec *spec, char *what, size_t size, char *who,
             size_t who_size, struct lw_err *err); /* 1: one was taken off the list, 0: none, -1 */

/* Writes `meta` (contract version, configuration hash, feature list, partitions, created). */
int lw_meta_write(struct lw_redis *r, const struct lw_spec *spec, const char *topic,
                  int32_t npartitions, const char *code_version, int64_t now_ms,
                  struct lw_err *err);

#endif
