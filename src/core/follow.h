/* Was a promotion right? The new version and the one that it replaced, on the same events
 * of the first week after it, as they would be served.
 *
 * Errors of one day share their weather, so the days are the sample: the difference of the
 * mean losses is judged by Student's t with one degree of freedom less than days. */
#ifndef LW_CORE_FOLLOW_H
#define LW_CORE_FOLLOW_H

#include "core/losses.h"
#include "core/spec.h"

#define LW_FOLLOW_MS (7 * INT64_C(86400000))

/* Which promotion. tracked: predictions are served tracked. */
struct lw_replacement {
    uint32_t version, previous;
    int64_t at_ms;
    bool tracked;
};

struct lw_followed {
    uint32_t version, previous;
    int64_t from_ms, until_ms;
    struct lw_losses now, before; /* of the same events */
    size_t days;                  /* with events */
    double difference; /* new version's mean loss less the previous one's, ... */
    double se;         /* ... and its standard error; NAN with fewer than two days */
    bool worse;        /* the difference is above 0 with 95 % confidence */
};

struct lw_follow;
/* Borrows the spec. */
struct lw_follow *lw_follow_new(const struct lw_spec *spec,
                                const struct lw_replacement *promotion);
void lw_follow_free(struct lw_follow *f);
const struct lw_replacement *lw_follow_replacement(const struct lw_follow *f);
/* An event and both versions' predictions; one outside the week is ignored. */
void lw_follow_row(struct lw_follow *f, const struct lw_row *row, double now,
                   double before);
/* The pane that begins then was sealed in quarantine: as for tracking and a probation, its
 * events do not count. */
void lw_follow_quarantined(struct lw_follow *f, int64_t pane_ms);
void lw_follow_judge(const struct lw_follow *f, struct lw_followed *out);

#endif
