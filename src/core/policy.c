/* See policy.h. */
#include "core/policy.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "base/time.h"
#include "core/task.h"
#include "core/train.h"

#define PROBATION_PANES 24U /* before that, a difference is noise */
#define PROBATION_EARLY 2.0 /* factor on z for ending a probation early */

void lw_policy_init(struct lw_policy *p, const struct lw_spec *spec) {
    *p = (struct lw_policy){.trained_ms = INT64_MIN,
                            .cooldown_ms = spec->retrain.cooldown_ms,
                            .next_request = 1};
    lw_supply_init(&p->supply);
}

static void compare_in_probation(struct lw_policy *p, const struct lw_pane *pane) {
    const struct lw_scores *now = lw_pane_scores(pane, p->champion);
    const struct lw_scores *old = lw_pane_scores(pane, p->previous);
    if (!now || !old || now->losses.n == 0 || now->losses.n != old->losses.n)
        return; /* not the same events: the pane of the change of champion */
    lw_moments_add(&p->probation,
                   lw_losses_difference(lw_scores_served(old), lw_scores_served(now)));
}

static struct lw_day *day_of(struct lw_policy *p, int64_t day) {
    if (p->ndays && p->day[p->ndays - 1].day == day)
        return &p->day[p->ndays - 1];
    if (p->ndays == LW_LEVEL_DAYS)
        memmove(p->day, p->day + 1, --p->ndays * sizeof *p->day);
    p->day[p->ndays] = (struct lw_day){.day = day};
    return &p->day[p->ndays++];
}

void lw_policy_level(const struct lw_policy *p, const struct lw_zone *zone,
                     const struct lw_quarantine *q, struct lw_losses *out) {
    *out = (struct lw_losses){0};
    for (size_t i = 0; i < p->ndays; i++) {
        int64_t day = p->day[i].day;
        if (lw_quarantine_touches(q, lw_zone_day_start(zone, day),
                                  lw_zone_day_start(zone, day + 1)))
            continue;
        out->n += p->day[i].n;
        out->loss += p->day[i].loss;
    }
}

void lw_policy_pane(struct lw_policy *p, const struct lw_spec *spec,
                    const struct lw_pane *pane, bool quarantined) {
    uint64_t good = quarantined ? 0 : pane->reason[LW_GOOD];
    if (p->champion && p->champion_since_ms == 0)
        p->champion_since_ms = pane->start_ms; /* it was there before the stream */
    p->fresh += good;
    p->usable += good;
    if (!p->champion)
        lw_supply_add(&p->supply, &spec->retrain, pane->start_ms,
                      pane->start_ms + spec->pane_ms, good);
    if (pane->answered.n) {
        struct lw_day *day = day_of(p, lw_zone_day(spec->zone, pane->start_ms));
        day->n += pane->answered.n;
        day->loss += pane->answered.loss;
    }
    if (p->probation_until_ms && !quarantined)
        compare_in_probation(p, pane);
}

void lw_policy_return(struct lw_policy *p, const struct lw_spec *spec, int64_t at_ms) {
    const struct lw_retrain_spec *r = &spec->retrain;
    lw_not_after(&p->champion_since_ms, at_ms);
    lw_not_after(&p->trained_ms, at_ms);
    lw_not_after(&p->pending.as_of_ms, at_ms);
    lw_not_after(&p->candidate_as_of_ms, at_ms);
    lw_not_after(&p->barred_until_ms, at_ms + 2 * r->cooldown_max_ms);
    lw_not_after(&p->probation_until_ms, at_ms + r->probation_ms);
    for (size_t i = 0; i < p->nrecent; i++)
        lw_not_after(&p->recent[i], at_ms);
    while (p->ndays && p->day[p->ndays - 1].day > lw_zone_day(spec->zone, at_ms))
        p->ndays--;
    lw_supply_return(&p->supply, at_ms);
}

static double probation_z(const struct lw_policy *p) {
    double se = lw_moments_sd(&p->probation) / sqrt((double)p->probation.n);
    return p->probation.n >= 2 && se > 0 ? p->probation.mean / se : 0;
}

static void return_previous(struct lw_policy *p, int64_t at_ms) {
    p->champion = p->previous;
    p->previous = 0;
    p->champion_since_ms = at_ms;
    p->probation_until_ms = 0;
    p->extended = false;
}

static void roll_back(struct lw_policy *p, const struct lw_spec *spec, int64_t at_ms) {
    if (p->candidate_version == p->champion) {
        lw_copy(p->barred, sizeof p->barred, p->candidate);
        p->barred_until_ms = at_ms + 2 * spec->retrain.cooldown_max_ms;
    }
    return_previous(p, at_ms);
    p->cooldown_ms =
        /* do not promote the same candidate again at once */
        spec->retrain.cooldown_max_ms;
}

static struct lw_decision of_champion(const struct lw_policy *p,
                                      enum lw_decision_kind kind, int64_t at_ms) {
    return (struct lw_decision){
        .kind = kind, .version = p->champion, .other = p->previous, .at_ms = at_ms};
}

int lw_policy_spoiled(struct lw_policy *p, const struct lw_span *span, int64_t at_ms,
                      struct lw_decision *out) {
    char from[32];
    if (span->from_ms < at_ms)
        p->probation = (struct lw_moments){0};
    if (!p->previous || p->candidate_version != p->champion ||
        p->candidate_as_of_ms <= span->broken_ms)
        return 0;
    *out = of_champion(p, LW_DECIDED_ROLL_BACK, at_ms);
    snprintf(out->reason, sizeof out->reason,
             "version %u was trained on rows of the fault in %.60s (from %s on), which "
             "was not recognised then; the training is repeated without them",
             p->champion, span->feature,
             lw_format_time(from, sizeof from, span->broken_ms));
    return_previous(p, at_ms);
    p->again = true;
    return 1;
}

static void shorten_cooldown(struct lw_policy *p, const struct lw_spec *spec) {
    int64_t half = p->cooldown_ms / 2;
    p->cooldown_ms = half > spec->retrain.cooldown_ms ? half : spec->retrain.cooldown_ms;
}

/* Half the panes of a probation, but at most PROBATION_PANES. */
static uint64_t panes_needed(const struct lw_spec *spec) {
    uint64_t half = (uint64_t)(spec->retrain.probation_ms / spec->pane_ms / 2);
    return half > PROBATION_PANES ? PROBATION_PANES : half < 2 ? 2 : half;
}

/* Both versions scored too few events for a verdict: the probation is extended once by
 * its own length, and then ends. A version without a verdict is not confirmed. */
static void too_little(struct lw_policy *p, const struct lw_spec *spec, int64_t at_ms,
                       struct lw_decision *out) {
    char text[40];
    bool extends = !p->extended;
    *out = of_champion(p, extends ? LW_DECIDED_EXTEND : LW_DECIDED_NOT_JUDGED, at_ms);
    lw_format_duration(text, sizeof text, spec->retrain.probation_ms);
    snprintf(out->reason, sizeof out->reason,
             "probation of version %u %s%s: %zu panes were scored by version %u too, "
             "%zu are needed",
             p->champion,
             extends ? "is extended by "
                     : "ends without a verdict, and the version stays",
             extends ? text : "", (size_t)p->probation.n, p->previous,
             (size_t)panes_needed(spec));
    p->extended = extends;
    p->probation_until_ms = extends ? at_ms + spec->retrain.probation_ms : 0;
}

int lw_policy_probation(struct lw_policy *p, const struct lw_spec *spec, int64_t at_ms,
                        struct lw_decision *out) {
    if (!p->probation_until_ms)
        return 0;
    bool over = at_ms >= p->probation_until_ms;
    uint64_t needed = over ? panes_needed(spec) : PROBATION_PANES;
    if (over && p->probation.n < needed) {
        too_little(p, spec, at_ms, out);
        return 1;
    }
    double z = probation_z(p), limit = spec->retrain.probation_z;
    bool worse = p->probation.n >= needed && z < -limit * (over ? 1 : PROBATION_EARLY);
    if (!over && !worse)
        return 0;
    *out = of_champion(p, worse ? LW_DECIDED_ROLL_BACK : LW_DECIDED_CONFIRM, at_ms);
    snprintf(
        out->reason, sizeof out->reason,
        "probation of version %u: %s %s version %u's by %s an event over %zu panes (z %s)",
        p->champion, spec->task->loss, p->probation.mean < 0 ? "above" : "below",
        p->previous, lw_digits(fabs(p->probation.mean), 3).text, (size_t)p->probation.n,
        lw_digits(z, 2).text);
    p->probation_until_ms = 0;
    p->extended = false;
    if (!worse) /* the training was right: the next may come sooner */
        shorten_cooldown(p, spec);
    if (worse)
        roll_back(p, spec, at_ms);
    return 1;
}

static void forget_old_trainings(struct lw_policy *p, int64_t at_ms) {
    size_t keep = 0;
    for (size_t i = 0; i < p->nrecent; i++)
        if (p->recent[i] > at_ms - LW_WEEK)
            p->recent[keep++] = p->recent[i];
    p->nrecent = keep;
}

static bool may_train(struct lw_policy *p, const struct lw_spec *spec, int64_t at_ms) {
    const struct lw_retrain_spec *r = &spec->retrain;
    forget_old_trainings(p, at_ms);
    if (p->usable < p->wait_usable)
        return false;
    if (r->max_per_week && p->nrecent >= (size_t)r->max_per_week)
        return false;
    if (p->trained_ms == INT64_MIN)
        return true;
    return at_ms - p->trained_ms >= p->cooldown_ms && p->fresh >= r->min_fresh;
}

static int policy_ask(struct lw_policy *p, int64_t at_ms, bool bootstrap,
                      const char *reason) {
    p->pending = (struct lw_request){
        .id = p->next_request++, .as_of_ms = at_ms, .bootstrap = bootstrap, .looks = 1};
    lw_copy(p->pending.reason, sizeof p->pending.reason, reason);
    if (at_ms < p->barred_until_ms)
        lw_copy(p->pending.barred, sizeof p->pending.barred, p->barred);
    p->asked[0] = '\0';
    p->again = false;
    return 1;
}

/* Only rows older than the hold-out can be fitted, and rows older than the window never
 * come back: a slow stream that has filled the window need not wait for more than
 * min_rows. */
static int policy_bootstrap(struct lw_policy *p, const struct lw_spec *spec,
                            int64_t at_ms) {
    const struct lw_retrain_spec *r = &spec->retrain;
    uint64_t rows = lw_supply_rows(&p->supply, r, at_ms);
    if (rows < r->min_rows || (r->bootstrap_until_ms && at_ms < r->bootstrap_until_ms))
        return 0;
    if (!r->bootstrap_until_ms && rows < r->bootstrap_rows &&
        !lw_supply_full(&p->supply, r, at_ms))
        return 0;
    return may_train(p, spec, at_ms)
               ? policy_ask(p, at_ms, true,
                            lw_spec_trains(spec) ? "bootstrap: no model yet"
                                                 : "bootstrap: no reference yet")
               : 0;
}

int64_t lw_policy_unchallenged(const struct lw_policy *p, int64_t at_ms) {
    return at_ms -
           (p->trained_ms > p->champion_since_ms ? p->trained_ms : p->champion_since_ms);
}

uint32_t lw_policy_looks(const struct lw_policy *p, const struct lw_spec *spec,
                         int64_t at_ms) {
    int64_t watched = lw_policy_unchallenged(p, at_ms) - p->cooldown_ms;
    int64_t holdout = spec->retrain.holdout_ms;
    int64_t looks = watched > 0 && holdout > 0 ? 1 + watched / holdout : 1;
    return looks < LW_LOOKS_MAX ? (uint32_t)looks : LW_LOOKS_MAX;
}

int lw_policy_request(struct lw_policy *p, const struct lw_spec *spec, int64_t at_ms,
                      const char *trigger, bool blocked) {
    char reason[LW_NAME_MAX * 2], age[32];
    if (p->pending.id || blocked)
        return 0;
    if (p->asked[0]) { /* a person's request overrides the cooldown */
        snprintf(reason, sizeof reason, "requested by %s", p->asked);
        return policy_ask(p, at_ms, p->champion == 0, reason);
    }
    if (!p->champion)
        return policy_bootstrap(p, spec, at_ms);
    if (p->again)
        return policy_ask(p, at_ms, false, "the last training used rows of a fault");
    if (!lw_spec_trains(spec)) /* a reference is renewed by a person only */
        return 0;
    int64_t old = lw_policy_unchallenged(p, at_ms);
    if (!trigger && spec->retrain.max_age_ms && old >= spec->retrain.max_age_ms) {
        snprintf(reason, sizeof reason, "champion has not been challenged for %s",
                 lw_format_duration(age, sizeof age, old / LW_HOUR * LW_HOUR));
        trigger = reason;
    }
    return trigger && may_train(p, spec, at_ms) ? policy_ask(p, at_ms, false, trigger)
                                                : 0;
}

static void lengthen_cooldown(struct lw_policy *p, const struct lw_spec *spec) {
    int64_t twice = p->cooldown_ms * 2;
    p->cooldown_ms =
        twice < spec->retrain.cooldown_max_ms ? twice : spec->retrain.cooldown_max_ms;
}

/* Missing rows come with later events, not with a cooldown. */
static void wait_for_rows(struct lw_policy *p, const struct lw_spec *spec,
                          const struct lw_training *t) {
    uint64_t want = spec->retrain.min_rows, had = t->rows - t->holdout_rows;
    uint64_t lacks = had < want ? want - had : 1;
    p->wait_usable = p->usable + (lacks > want / 10 ? lacks : want / 10 + 1);
    p->pending = (struct lw_request){0};
}

void lw_policy_trained(struct lw_policy *p, const struct lw_spec *spec,
                       const struct lw_training_outcome *outcome,
                       struct lw_decision *out) {
    const struct lw_training *training = outcome->training;
    bool early = training && training->early;
    bool promote = training && !early && training->gate.passed;
    *out = (struct lw_decision){.kind = promote ? LW_DECIDED_PROMOTE : LW_DECIDED_REJECT,
                                .version = outcome->version,
                                .other = p->champion,
                                .at_ms = outcome->at_ms};
    lw_copy(out->reason, sizeof out->reason,
            training && !early ? training->gate.reason : outcome->why_failed);
    if (early) {
        wait_for_rows(p, spec, training);
        return;
    }
    p->trained_ms = p->pending.as_of_ms;
    p->fresh = 0;
    if (p->nrecent < LW_RECENT_MAX)
        p->recent[p->nrecent++] = outcome->at_ms;
    p->pending = (struct lw_request){0};
    if (promote) {
        p->candidate_version = outcome->version;
        p->candidate_as_of_ms = p->trained_ms;
        lw_copy(p->candidate, sizeof p->candidate,
                training->trial[training->chosen].name);
    }
    if (!promote)
        lengthen_cooldown(p, spec);
    else if (!spec->retrain.probation_ms) /* nothing will confirm it */
        shorten_cooldown(p, spec);
}

void lw_policy_champion(struct lw_policy *p, const struct lw_spec *spec, uint32_t version,
                        int64_t since_ms) {
    if (version == p->champion)
        return;
    p->previous = p->champion;
    p->champion = version;
    p->champion_since_ms = since_ms;
    if (!p->first)
        p->first = version;
    p->probation = (struct lw_moments){0};
    p->extended = false;
    bool proves = lw_spec_trains(spec) && p->previous && spec->retrain.probation_ms &&
                  version > p->previous;
    p->probation_until_ms = proves ? since_ms + spec->retrain.probation_ms : 0;
}

void lw_policy_write(const struct lw_policy *p, struct lw_buf *out) {
    lw_buf_u32(out, p->champion);
    lw_buf_u32(out, p->previous);
    lw_buf_u32(out, p->first);
    lw_buf_i64(out, p->champion_since_ms);
    lw_buf_i64(out, p->trained_ms);
    lw_buf_i64(out, p->cooldown_ms);
    lw_buf_u64(out, p->fresh);
    lw_buf_u64(out, p->usable);
    lw_buf_u64(out, p->wait_usable);
    lw_supply_write(&p->supply, out);
    lw_buf_u8(out, (uint8_t)p->nrecent);
    for (size_t i = 0; i < p->nrecent; i++)
        lw_buf_i64(out, p->recent[i]);
    lw_buf_u64(out, p->next_request);
    lw_buf_u64(out, p->pending.id);
    lw_buf_i64(out, p->pending.as_of_ms);
    lw_buf_u8(out, p->pending.bootstrap);
    lw_buf_u8(out, p->pending.tracked);
    lw_buf_u32(out, p->pending.looks);
    lw_buf_blob(out, p->pending.reason, strlen(p->pending.reason));
    lw_buf_blob(out, p->pending.barred, strlen(p->pending.barred));
    lw_buf_blob(out, p->asked, strlen(p->asked));
    lw_buf_u32(out, p->candidate_version);
    lw_buf_blob(out, p->candidate, strlen(p->candidate));
    lw_buf_i64(out, p->candidate_as_of_ms);
    lw_buf_u8(out, p->again);
    lw_buf_blob(out, p->barred, strlen(p->barred));
    lw_buf_i64(out, p->barred_until_ms);
    lw_buf_u8(out, (uint8_t)p->ndays);
    for (size_t i = 0; i < p->ndays; i++) {
        lw_buf_i64(out, p->day[i].day);
        lw_buf_u64(out, p->day[i].n);
        lw_buf_f64(out, p->day[i].loss);
    }
    lw_buf_i64(out, p->probation_until_ms);
    lw_buf_u8(out, p->extended);
    lw_buf_u64(out, p->probation.n);
    lw_buf_f64(out, p->probation.mean);
    lw_buf_f64(out, p->probation.m2);
}

static void read_days(struct lw_policy *p, struct lw_reader *r) {
    const int64_t limit = LW_STORED_MS_MAX / LW_DAY;
    p->ndays = lw_reader_u8(r);
    if (p->ndays > LW_LEVEL_DAYS) {
        r->bad = true;
        p->ndays = 0;
    }
    for (size_t i = 0; i < p->ndays; i++) {
        p->day[i].day = lw_reader_i64(r);
        r->bad |= p->day[i].day < -limit || p->day[i].day > limit;
        p->day[i].n = lw_reader_u64(r);
        p->day[i].loss = lw_reader_f64(r);
        r->bad |= !(p->day[i].loss >= 0) || !isfinite(p->day[i].loss);
    }
}

void lw_policy_read(struct lw_policy *p, struct lw_reader *r) {
    p->champion = lw_reader_u32(r);
    p->previous = lw_reader_u32(r);
    p->first = lw_reader_u32(r);
    p->champion_since_ms = lw_reader_ms(r, 0);
    p->trained_ms = lw_reader_ms(r, INT64_MIN);
    p->cooldown_ms = lw_reader_ms(r, 0);
    r->bad |= p->cooldown_ms < 0;
    p->fresh = lw_reader_u64(r);
    p->usable = lw_reader_u64(r);
    p->wait_usable = lw_reader_u64(r);
    lw_supply_read(&p->supply, r);
    p->nrecent = lw_reader_u8(r);
    if (p->nrecent > LW_RECENT_MAX) {
        r->bad = true;
        p->nrecent = 0;
    }
    for (size_t i = 0; i < p->nrecent; i++)
        p->recent[i] = lw_reader_ms(r, 0);
    p->next_request = lw_reader_u64(r);
    p->pending.id = lw_reader_u64(r);
    p->pending.as_of_ms = lw_reader_ms(r, 0);
    p->pending.bootstrap = lw_reader_u8(r) != 0;
    p->pending.tracked = lw_reader_u8(r) != 0;
    p->pending.looks = lw_reader_u32(r);
    r->bad |= p->pending.looks > LW_LOOKS_MAX;
    lw_reader_text(r, p->pending.reason, sizeof p->pending.reason);
    lw_reader_text(r, p->pending.barred, sizeof p->pending.barred);
    lw_reader_text(r, p->asked, sizeof p->asked);
    p->candidate_version = lw_reader_u32(r);
    lw_reader_text(r, p->candidate, sizeof p->candidate);
    p->candidate_as_of_ms = lw_reader_ms(r, 0);
    p->again = lw_reader_u8(r) != 0;
    lw_reader_text(r, p->barred, sizeof p->barred);
    p->barred_until_ms = lw_reader_ms(r, 0);
    read_days(p, r);
    p->probation_until_ms = lw_reader_ms(r, 0);
    p->extended = lw_reader_u8(r) != 0;
    p->probation.n = lw_reader_u64(r);
    p->probation.mean = lw_reader_f64(r);
    p->probation.m2 = lw_reader_f64(r);
    r->bad |= !isfinite(p->probation.mean) || !(p->probation.m2 >= 0);
}
