/* What only the leader writes: the lease with its fencing token, evaluations, alerts with
 * their outbox, models with their aliases, the audit trail. Every such write checks the
 * token in the same Lua step. Thread: the one of the connection. Texts are UTF-8. */
#ifndef LW_LEADER_H
#define LW_LEADER_H

#include "core/monitor.h"
#include "core/alert_status.h"
#include "store/state.h"

struct lw_lease {
    char who[128];  /* host:pid */
    uint64_t token; /* 0: not the leader */
    int64_t ttl_ms;
};
/* Takes or renews the lease; token stays the same while it was held without a gap and
 * grows with each new holder (it is larger than any before, also if Redis was emptied or
 * put back to an older snapshot). Returns 1 when held, 0 when another holds it (token
 * becomes 0), -1 on error (token is kept: the writes will tell whether it still counts).
 */
int lw_lease_hold(struct lw_redis *r, const struct lw_spec *spec, struct lw_lease *lease,
                  struct lw_err *err);
/* Gives it up at once; no-op when not held. */
int lw_lease_release(struct lw_redis *r, const struct lw_spec *spec,
                     struct lw_lease *lease, struct lw_err *err);

/* The detector's state as last written: sealed_until (INT64_MIN when none) and the
 * monitor's bytes (NULL when none). */
struct lw_detector_state {
    int64_t sealed_until_ms;
    int64_t updated_ms; /* wall clock of the last step; 0: none */
    void *state;        /* free() */
    size_t len;
    /* Messages known when the last one came in, and when that was (wall; 0: not known).
     */
    uint64_t heard;
    int64_t heard_ms;
    char damaged[64]; /* sealed_until as it stands there, when it is none; see _mend */
};
int lw_detector_load(struct lw_redis *r, const struct lw_spec *spec,
                     struct lw_detector_state *out, struct lw_err *err);
/* sealed_until is damaged (state->damaged): sets it aside and puts back what the newest
 * entry of the history says of it, for the two are written together. LW_EFENCED. */
int lw_detector_mend(struct lw_redis *r, const struct lw_spec *spec,
                     const struct lw_lease *lease, struct lw_detector_state *state,
                     struct lw_err *err);
/* Notes that messages came in, for the next leader's rules on `silence`. LW_EFENCED. */
int lw_detector_heard(struct lw_redis *r, const struct lw_spec *spec,
                      const struct lw_lease *lease, uint64_t heard, int64_t heard_ms,
                      struct lw_err *err);

/* Its stamp only: whether what is there is what was written last. */
int lw_detector_stamp(struct lw_redis *r, const struct lw_spec *spec,
                      int64_t *sealed_until_ms, int64_t *updated_ms, struct lw_err *err);

/* One alert as it goes to the outbox: formed by the caller (alert/alert.h) as our JSON.
 */
struct lw_outgoing {
    char id[96];    /* idempotency key: incident-transition@receiver */
    uint64_t alert; /* fingerprint: deliveries about one alert keep their order */
    const char *json;
    size_t len;
};
/* A field of `alerts:message` (fingerprint, the newest message of an alert) or of
 * `alerts:told` (fingerprint@receiver, what it was told); text NULL: it goes. */
struct lw_page_field {
    char name[64];
    const char *text;
    size_t len;
};
/* What goes out with a step, or by itself, all at once: deliveries, what was said to whom
 * by that, alerts that change their state otherwise than by the evaluation, and lines for
 * the audit. */
struct lw_pages {
    size_t noutgoing, nmessages, ntold, nalerts, nlines;
    const struct lw_outgoing *outgoing;
    const struct lw_page_field *message, *told;
    const struct lw_alert *alert;
    const struct lw_page_line {
        char what[16];
        char detail[416];
    } * line;
};
/* By itself, outside a step; now_ms becomes the detector's stamp. LW_EFENCED; after
 * LW_EAGAIN its fate is unknown: load what was told again. */
int lw_pages_write(struct lw_redis *r, const struct lw_spec *spec,
                   const struct lw_lease *lease, const struct lw_pages *pages,
                   int64_t now_ms, struct lw_err *err);
/* What a new leader must know of alerts; each calls back once a field, in no order.
 * `told` gets the field's name and its text. One round trip. */
struct lw_pages_reader {
    void *arg;
    void (*alert)(void *arg, const struct lw_alert_status *alert);
    void (*message)(void *arg, const char *fingerprint, const char *json, size_t len);
    void (*told)(void *arg, const char *name, const char *text);
};
int lw_pages_load(struct lw_redis *r, const struct lw_spec *spec,
                  const struct lw_pages_reader *reader, struct lw_err *err);
/* The silences that have not ended; free() them. -1 on error. */
int lw_silences_load(struct lw_redis *r, const struct lw_spec *spec, int64_t now_ms,
                     struct lw_silence **out, size_t *n, struct lw_err *err);

/* Everything one step of the detector changes, at once: detector state, now, history,
 * windows, alert states, outbox, audit, and the shadows. Fenced by the token and by the
 * sealed_until that was loaded: LW_EFENCED when somebody else has led meanwhile (then
 * give up the lease's token and load again). After LW_EAGAIN the same step may be sent
 * again: one that is in already is recognised by its content and answers as success. */
struct lw_step {
    const struct lw_lease *lease;
    int64_t was_sealed_until_ms;
    struct lw_monitor *monitor; /* after the step */
    const struct lw_evaluation *evaluation;
    bool sealed; /* a pane was sealed: now, history and windows are written */
    bool asked;  /* answers the oldest request of a person, which is taken off */
    const struct lw_pages *pages;        /* or NULL */
    const struct lw_unreadables *unread; /* panes left out of this step, or NULL */
    int64_t now_ms;
};
int lw_step_write(struct lw_redis *r, const struct lw_spec *spec,
                  const struct lw_step *step, struct lw_err *err);

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
                      const struct lw_step *step, struct lw_err *err);
/* Whether a version can be decoded and scores this stream's events: what a person
 * promotes must. LW_ENOTFOUND, or what is wrong with it. */
int lw_models_usable(struct lw_redis *r, const struct lw_spec *spec, uint32_t version,
                     struct lw_err *err);
/* Makes an existing version champion (promotion by a person, rollback); no-op if it is.
 * step may be NULL for a person: then `who` and reason go to the audit, and no lease is
 * needed; the leader notices at its next step. LW_ENOTFOUND: no such version. */
int lw_models_promote(struct lw_redis *r, const struct lw_spec *spec, uint32_t version,
                      const char *who, const char *reason, const struct lw_step *step,
                      struct lw_err *err);

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

/* Deliveries not yet confirmed, oldest first; the reply owns the texts. */
struct lw_delivery {
    int64_t put_ms; /* wall clock: when it was put out, or put back by a person */
    char entry[40]; /* stream id */
    const char *id, *json;
    size_t len;     /* of json */
    uint64_t alert; /* fingerprint; 0: not said */
    uint64_t attempts;
    int64_t not_before_ms; /* wall clock */
    const char *reason;    /* of lw_outbox_park: why the last attempt failed */
};
/* Those of one receiver, or of all (""): out has room for max; n tells how many there
 * are. Cost: grows with all that wait, not with the receiver's own. */
struct lw_outbox_of {
    const char *receiver;
    size_t max;
};
struct lw_reply *lw_outbox_read(struct lw_redis *r, const struct lw_spec *spec,
                                struct lw_outbox_of of, struct lw_delivery *out,
                                size_t *n, struct lw_err *err);
/* Removes a delivered entry / notes a failed attempt and when to try next. LW_EFENCED. */
int lw_outbox_done(struct lw_redis *r, const struct lw_spec *spec,
                   const struct lw_lease *lease, const char *entry, struct lw_err *err);
int lw_outbox_retry(struct lw_redis *r, const struct lw_spec *spec,
                    const struct lw_lease *lease, const struct lw_delivery *next,
                    struct lw_err *err); /* entry, attempts, not_before_ms are read */
/* Gives one up: out of the outbox, into `outbox:parked` (store/alerts.h), with a line in
 * the audit; attempts and reason are read too. LW_EFENCED. */
int lw_outbox_park(struct lw_redis *r, const struct lw_spec *spec,
                   const struct lw_lease *lease, const struct lw_delivery *d,
                   int64_t now_ms, struct lw_err *err);

/* One line of the audit stream outside a step. */
int lw_audit(struct lw_redis *r, const struct lw_spec *spec, const char *what,
             const char *who, const char *detail, int64_t now_ms, struct lw_err *err);
/* Requests by people, picked up by the leader: what is one word ("retrain"). */
int lw_ask(struct lw_redis *r, const struct lw_spec *spec, const char *what,
           const char *who, struct lw_err *err);
/* 1: the oldest of them, 0: there is none, -1. It stays until a step that answers it has
 * been written (lw_step.asked), so that a leader who dies over it loses nothing. */
int lw_asked(struct lw_redis *r, const struct lw_spec *spec, char *what, size_t size,
             char *who, size_t who_size, struct lw_err *err);

/* What is in quarantine, as JSON: an array of {id, feature, from, until (0: open), why}.
 * The reply owns the text ("[]" before the first evaluation). */
struct lw_reply *lw_quarantine_get(struct lw_redis *r, const struct lw_spec *spec,
                                   const char **json, struct lw_err *err);

/* Writes `meta` (contract version, configuration hash, feature list, partitions,
 * created), after lw_meta_check. */
int lw_meta_write(struct lw_redis *r, const struct lw_spec *spec, const char *topic,
                  int32_t npartitions, const char *code_version, int64_t now_ms,
                  struct lw_err *err);

#endif
