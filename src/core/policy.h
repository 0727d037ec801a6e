/* When to train, and what happens to a trained model: cooldown, budget, probation.
 *
 * A rejected challenger doubles the cooldown (more data did not help), up to a limit; a
 * confirmed one halves it, down to the configured one. After a promotion the old
 * champion is scored as a shadow; for each pane the difference of the two versions'
 * losses on the same events is kept, and if the new version is significantly worse it
 * is rolled back. Its candidate is then barred for twice the longest cooldown, so that
 * the next training does not promote it again. */
#ifndef LW_CORE_POLICY_H
#define LW_CORE_POLICY_H

#include "base/buf.h"
#include "core/decision.h"
#include "core/pane.h"
#include "core/quarantine.h"
#include "core/request.h"
#include "core/supply.h"

#define LW_RECENT_MAX 32
#define LW_LEVEL_DAYS 28
#define LW_LOOKS_MAX  1000u

/* The loss of the answering versions on one local day of event time. */
struct lw_day {
    int64_t day; /* days since 1970 */
    uint64_t n;
    double loss;
};

struct lw_policy {
    uint32_t champion, previous, first; /* 0: none */
    int64_t champion_since_ms; /* 0: before the first pane, which then dates it */
    int64_t trained_ms;        /* as_of of the last finished training; INT64_MIN: never */
    int64_t cooldown_ms;       /* at present */
    uint64_t fresh, usable;    /* good events since the last training; ever */
    uint64_t wait_usable;      /* no training is requested before this many have come */
    struct lw_supply supply;   /* rows that the first training would find */
    size_t nrecent;
    int64_t recent[LW_RECENT_MAX]; /* trainings of the last week */
    uint64_t next_request;
    struct lw_request pending;
    uint32_t candidate_version;  /* the newest promoted by training, and ... */
    char candidate[LW_NAME_MAX]; /* ... its name */
    int64_t candidate_as_of_ms;  /* ... and the end of its training rows */
    /* it was rolled back because of a fault: repeat the training when nothing blocks it */
    bool again;
    char barred[LW_NAME_MAX]; /* the candidate rolled back last */
    int64_t barred_until_ms;
    char asked[LW_NAME_MAX]; /* the person who asked for a training; "": nobody */
    size_t ndays;
    struct lw_day day[LW_LEVEL_DAYS]; /* the newest ones with events, in order */
    int64_t probation_until_ms;       /* 0: not in probation */
    bool extended; /* it was extended once, with too few events for a verdict */
    struct lw_moments
        probation; /* per pane: previous' minus champion's loss, per event */
};

struct lw_training;

void lw_policy_init(struct lw_policy *p, const struct lw_spec *spec);
/* A pane was sealed: counts its fresh rows, and compares the two versions in probation;
 * neither for a pane that the quarantine touches. */
void lw_policy_pane(struct lw_policy *p, const struct lw_spec *spec,
                    const struct lw_pane *pane, bool quarantined);
/* Event time had run ahead and is at_ms now: forgets everything later. */
void lw_policy_return(struct lw_policy *p, const struct lw_spec *spec, int64_t at_ms);
/* Count and loss of the answering versions over the newest LW_LEVEL_DAYS days
 * with events, except days in quarantine; the other sums stay 0. */
void lw_policy_level(const struct lw_policy *p, const struct lw_zone *zone,
                     const struct lw_quarantine *q, struct lw_losses *out);
/* Confirms, rolls back, extends or ends the probation, when it is time; returns 1 when
 * a decision was made. */
int lw_policy_probation(struct lw_policy *p, const struct lw_spec *spec, int64_t at_ms,
                        struct lw_decision *out);
/* A fault has spoiled the span's rows: the probation no longer counts them, and a
 * champion that was trained on some of them is replaced by its predecessor until the
 * training is repeated without them. Returns 1 when that was decided. */
int lw_policy_spoiled(struct lw_policy *p, const struct lw_span *span, int64_t at_ms,
                      struct lw_decision *out);
/* Event time since the champion last proved itself: since its promotion, or since it
 * beat a challenger. */
int64_t lw_policy_unchallenged(const struct lw_policy *p, int64_t at_ms);
/* Asks for a training if there is cause (trigger: text or NULL) and nothing blocks it. */
int lw_policy_request(struct lw_policy *p, const struct lw_spec *spec, int64_t at_ms,
                      const char *trigger, bool blocked);
/* How many hold-outs a reading has had to ask for a training on, one after the other, since
 * the last training and without its cooldown: at least 1. */
uint32_t lw_policy_looks(const struct lw_policy *p, const struct lw_spec *spec,
                         int64_t at_ms);
struct lw_training_outcome {
    uint32_t version;                   /* of the challenger */
    const struct lw_training *training; /* NULL: it failed */
    const char *why_failed;             /* NULL: it did not */
    int64_t at_ms;
};
/* A training ended. With `early` it had too few rows, which costs no cooldown: the policy
 * asks for it again when about as many as it lacked have arrived. */
void lw_policy_trained(struct lw_policy *p, const struct lw_spec *spec,
                       const struct lw_training_outcome *outcome,
                       struct lw_decision *out);
void lw_policy_champion(struct lw_policy *p, const struct lw_spec *spec, uint32_t version,
                        int64_t since_ms);

void lw_policy_write(const struct lw_policy *p, struct lw_buf *out);
void lw_policy_read(struct lw_policy *p, struct lw_reader *r);

#endif
