/* When a training is requested, and what follows from its result. */
#include "support/core_fixture.h"

#include "core/policy.h"
#include "core/train.h"

#define T0 CORE_START

struct fixture {
    struct lw_spec *spec;
    struct lw_policy p;
    struct lw_pane *pane;
};

static int setup(void **state) {
    struct fixture *f = lw_calloc(1, sizeof *f);
    f->spec = core_spec_new();
    f->pane = lw_pane_new(f->spec, T0, 1);
    lw_policy_init(&f->p, f->spec);
    *state = f;
    return 0;
}

static int teardown(void **state) {
    struct fixture *f = *state;
    lw_pane_free(f->pane);
    core_spec_free(f->spec);
    free(f);
    return 0;
}

static void rows(struct fixture *f, uint64_t good) {
    lw_pane_reset(f->pane, T0, 1);
    f->pane->events = good + 7;
    f->pane->reason[LW_GOOD] = good;
    f->pane->reason[LW_REJECTED_NO_TARGET] = 7;
    lw_policy_pane(&f->p, f->spec, f->pane, false);
}

static int request(struct fixture *f, int64_t at, const char *trigger) {
    return lw_policy_request(&f->p, f->spec, at, trigger, false);
}

static struct lw_decision trained(struct fixture *f, uint32_t version, bool passed,
                                  int64_t at) {
    struct lw_training t = {.gate = {.passed = passed, .reason = "gate's words"}};
    struct lw_decision d;
    const struct lw_training_outcome outcome = {version, &t, NULL, at};
    lw_policy_trained(&f->p, f->spec, &outcome, &d);
    assert_int_equal(d.kind, passed ? LW_DECIDED_PROMOTE : LW_DECIDED_REJECT);
    assert_string_equal(d.reason, "gate's words");
    if (passed)
        lw_policy_champion(&f->p, f->spec, version, at);
    return d;
}

/* Version 1 is champion since T0 + 2 days, and there are enough fresh rows. */
static void bootstrapped(struct fixture *f) {
    rows(f, 500);
    assert_int_equal(request(f, T0 + 2 * LW_DAY, NULL), 1);
    trained(f, 1, true, T0 + 2 * LW_DAY);
    assert_int_equal(f->p.champion, 1);
    assert_int_equal(f->p.probation_until_ms, 0); /* there is no previous version */
    rows(f, 500);
}

static void bootstrap_by_time(void **state) {
    struct fixture *f = *state;
    rows(f, 1000000);
    assert_int_equal(request(f, T0 + 2 * LW_DAY - 1, "a rule"), 0);
    assert_int_equal(lw_policy_request(&f->p, f->spec, T0 + 2 * LW_DAY, NULL, true), 0);
    assert_int_equal(request(f, T0 + 2 * LW_DAY, NULL), 1);
    assert_true(f->p.pending.bootstrap);
    assert_int_equal(f->p.pending.id, 1);
    assert_int_equal(f->p.pending.as_of_ms, T0 + 2 * LW_DAY);
    assert_int_equal(request(f, T0 + 3 * LW_DAY, NULL), 0); /* one at a time */
}

static void bootstrap_by_rows(void **state) {
    struct fixture *f = *state;
    f->spec->retrain.bootstrap_until_ms = 0;
    f->spec->retrain.bootstrap_rows = 1000;
    rows(f, 999); /* rejected events do not count */
    assert_int_equal(request(f, T0 + 99 * LW_DAY, NULL), 0);
    rows(f, 1);
    assert_int_equal(request(f, T0 + 12 * LW_HOUR, NULL), 0); /* all in the hold-out */
    assert_int_equal(request(f, T0 + 13 * LW_HOUR, NULL), 1);
    assert_true(f->p.pending.bootstrap);
}

static void a_failed_bootstrap_is_retried_after_its_cooldown(void **state) {
    struct fixture *f = *state;
    struct lw_decision d;
    int64_t at = T0 + 2 * LW_DAY;
    rows(f, 500);
    assert_int_equal(request(f, at, NULL), 1);
    const struct lw_training_outcome outcome = {0, NULL, "no rows", at};
    lw_policy_trained(&f->p, f->spec, &outcome, &d);
    assert_int_equal(d.kind, LW_DECIDED_REJECT);
    assert_string_equal(d.reason, "no rows");
    rows(f, 500);
    assert_int_equal(request(f, at + 2 * LW_DAY - 1, NULL), 0);
    assert_int_equal(request(f, at + 2 * LW_DAY, NULL), 1);
    assert_int_equal(f->p.pending.id, 2);
}

static void rejections_double_the_cooldown_and_a_promotion_resets_it(void **state) {
    struct fixture *f = *state;
    int64_t at = T0 + 2 * LW_DAY, wait = LW_DAY;
    bootstrapped(f);
    static const int64_t then[] = {2 * LW_DAY, 4 * LW_DAY, 8 * LW_DAY, 8 * LW_DAY};
    for (int i = 0; i < 4; i++) {
        assert_int_equal(request(f, at + wait - 1, "drift"), 0);
        assert_int_equal(request(f, at + wait, "drift"), 1);
        assert_string_equal(f->p.pending.reason, "drift");
        at += wait;
        trained(f, (uint32_t)i + 2, false, at);
        rows(f, 500);
        wait = then[i];
        assert_int_equal(f->p.cooldown_ms, wait);
    }
    assert_int_equal(request(f, at + wait, "drift"), 1);
    trained(f, 9, true,
            at + wait); /* without a probation, a promotion counts as confirmed */
    assert_int_equal(f->p.cooldown_ms,
                     f->spec->retrain.probation_ms ? 8 * LW_DAY : 4 * LW_DAY);
}

static void min_fresh_counts_since_the_last_training(void **state) {
    struct fixture *f = *state;
    bootstrapped(f);
    int64_t at = T0 + 3 * LW_DAY;
    assert_int_equal(request(f, at, "drift"), 1);
    trained(f, 2, false, at);
    at += 30 * LW_DAY;
    rows(f, 99);
    assert_int_equal(request(f, at, "drift"), 0);
    rows(f, 1);
    assert_int_equal(request(f, at, "drift"), 1);
}

static void no_more_than_max_per_week(void **state) {
    struct fixture *f = *state;
    f->spec->retrain.max_per_week = 2;
    f->spec->retrain.cooldown_max_ms = f->spec->retrain.cooldown_ms;
    bootstrapped(f); /* the first at T0 + 2 days */
    assert_int_equal(request(f, T0 + 3 * LW_DAY, "drift"), 1);
    trained(f, 2, false, T0 + 3 * LW_DAY);
    rows(f, 500);
    assert_int_equal(request(f, T0 + 9 * LW_DAY - 1, "drift"), 0);
    assert_int_equal(request(f, T0 + 9 * LW_DAY, "drift"), 1);
}

static void without_an_alert_only_age_requests_a_training(void **state) {
    struct fixture *f = *state;
    bootstrapped(f);
    assert_int_equal(request(f, T0 + 400 * LW_DAY, NULL), 0);
    f->spec->retrain.max_age_ms = 30 * LW_DAY;
    assert_int_equal(request(f, T0 + 32 * LW_DAY - 1, NULL), 0);
    assert_int_equal(request(f, T0 + 32 * LW_DAY, NULL), 1);
    assert_non_null(strstr(f->p.pending.reason, "30d"));
    assert_false(f->p.pending.bootstrap);
    trained(f, 2, false, T0 + 32 * LW_DAY); /* it won, so its age starts again */
    rows(f, 500);
    assert_int_equal(request(f, T0 + 62 * LW_DAY - 1, NULL), 0);
    assert_int_equal(request(f, T0 + 62 * LW_DAY, NULL), 1);
}

/* A version that became champion before the first pane is as old as the stream. */
static void a_champion_older_than_the_stream_ages_with_it(void **state) {
    struct fixture *f = *state;
    lw_policy_champion(&f->p, f->spec, 3, 0);
    f->spec->retrain.max_age_ms = 30 * LW_DAY;
    rows(f, 1000000);
    assert_int_equal(f->p.champion_since_ms, T0);
    lw_pane_reset(f->pane, T0 + LW_DAY, 1);
    lw_policy_pane(&f->p, f->spec, f->pane, false);
    assert_int_equal(f->p.champion_since_ms, T0); /* only the first pane sets it */
    assert_int_equal(request(f, T0 + 30 * LW_DAY - 1, NULL), 0);
    assert_int_equal(request(f, T0 + 30 * LW_DAY, NULL), 1);
}

static void the_level_covers_the_newest_days(void **state) {
    struct fixture *f = *state;
    static const struct lw_quarantine none;
    struct lw_losses level;
    for (int day = 0; day < 40; day++)
        for (int hour = 0; hour < 24; hour++) {
            lw_pane_reset(f->pane, T0 + day * LW_DAY + hour * LW_HOUR, 1);
            f->pane->answered = (struct lw_losses){.n = 10, .loss = day < 12 ? 1e6 : 30};
            lw_policy_pane(&f->p, f->spec, f->pane, false);
        }
    lw_policy_level(&f->p, NULL, &none, &level);
    assert_int_equal(level.n, 10 * 24 * LW_LEVEL_DAYS);
    assert_true(level.loss == 30.0 * 24 * LW_LEVEL_DAYS);
}

static void a_fault_delays_a_persons_request(void **state) {
    struct fixture *f = *state;
    int64_t at = T0 + 2 * LW_DAY + LW_HOUR; /* also during the cooldown */
    bootstrapped(f);
    assert_int_equal(lw_policy_request(&f->p, f->spec, T0 + 9 * LW_DAY, "drift", true),
                     0);
    lw_copy(f->p.asked, sizeof f->p.asked, "ann");
    assert_int_equal(lw_policy_request(&f->p, f->spec, at, NULL, true), 0);
    assert_string_equal(f->p.asked, "ann"); /* the request is kept */
    assert_int_equal(lw_policy_request(&f->p, f->spec, at, NULL, false), 1);
    assert_string_equal(f->p.pending.reason, "requested by ann");
    assert_string_equal(f->p.asked, "");
    trained(f, 2, false, at);
    assert_int_equal(lw_policy_request(&f->p, f->spec, at, NULL, true), 0);
}

/* A pane in which both versions scored n events with these sums of squared errors. */
static void proven(struct fixture *f, double champion2, double previous2, uint64_t n) {
    lw_pane_reset(f->pane, T0, 1);
    f->pane->nscores = 2;
    f->pane->scores[0].version = f->p.champion;
    f->pane->scores[0].losses = (struct lw_losses){.n = n, .loss = champion2};
    f->pane->scores[1].version = f->p.previous;
    f->pane->scores[1].losses = (struct lw_losses){.n = n, .loss = previous2};
    lw_policy_pane(&f->p, f->spec, f->pane, false);
}

/* Version 2 was promoted over version 1 at T0 + 3 days. */
static void in_probation_of(struct fixture *f, int64_t length_ms) {
    bootstrapped(f);
    assert_int_equal(request(f, T0 + 3 * LW_DAY, "drift"), 1);
    trained(f, 2, true, T0 + 3 * LW_DAY);
    assert_int_equal(f->p.previous, 1);
    assert_int_equal(f->p.probation_until_ms, T0 + 3 * LW_DAY + length_ms);
}

static void in_probation(struct fixture *f) {
    in_probation_of(f, 2 * LW_DAY);
}

static void a_better_version_is_confirmed_after_its_probation(void **state) {
    struct fixture *f = *state;
    struct lw_decision d;
    in_probation(f);
    f->p.cooldown_ms = 6 * f->spec->retrain.cooldown_ms; /* after rejections */
    for (int i = 0; i < 48; i++) {
        proven(f, 100 + i % 3, 150 + i % 5, 10);
        assert_int_equal(
            lw_policy_probation(&f->p, f->spec, T0 + 3 * LW_DAY + i * LW_HOUR, &d), 0);
    }
    assert_int_equal(lw_policy_probation(&f->p, f->spec, T0 + 5 * LW_DAY, &d), 1);
    assert_int_equal(d.kind, LW_DECIDED_CONFIRM);
    assert_int_equal(d.version, 2);
    assert_int_equal(d.other, 1);
    assert_int_equal(f->p.champion, 2);
    assert_int_equal(f->p.cooldown_ms, 3 * f->spec->retrain.cooldown_ms);
    assert_int_equal(lw_policy_probation(&f->p, f->spec, T0 + 6 * LW_DAY, &d), 0);
}

static void a_worse_version_is_rolled_back_early(void **state) {
    struct fixture *f = *state;
    struct lw_decision d;
    in_probation(f);
    lw_copy(f->p.candidate, sizeof f->p.candidate, "hasty");
    assert_int_equal(f->p.candidate_version, 2);
    for (int i = 0; i < 23; i++) {
        proven(f, 150 + i % 3, 100 + i % 5, 10);
        assert_int_equal(lw_policy_probation(&f->p, f->spec, T0 + 3 * LW_DAY, &d), 0);
    }
    lw_pane_reset(f->pane, T0, 1); /* a pane with only one version does not count */
    lw_policy_pane(&f->p, f->spec, f->pane, false);
    assert_int_equal(lw_policy_probation(&f->p, f->spec, T0 + 3 * LW_DAY, &d), 0);
    proven(f, 150, 100, 10);
    assert_int_equal(lw_policy_probation(&f->p, f->spec, T0 + 4 * LW_DAY, &d), 1);
    assert_int_equal(d.kind, LW_DECIDED_ROLL_BACK);
    assert_int_equal(d.version, 2);
    assert_int_equal(d.other, 1);
    assert_int_equal(f->p.champion, 1);
    assert_int_equal(f->p.cooldown_ms, f->spec->retrain.cooldown_max_ms);
    int64_t until = T0 + 4 * LW_DAY + 2 * f->spec->retrain.cooldown_max_ms;
    assert_int_equal(f->p.barred_until_ms, until); /* the candidate of version 2 */
    assert_string_equal(f->p.barred, "hasty");
    lw_policy_champion(&f->p, f->spec, 1,
                       T0 + 4 * LW_DAY); /* the caller does this next */
    assert_int_equal(f->p.probation_until_ms, 0);
    assert_int_equal(f->p.previous, 0);
    lw_copy(f->p.asked, sizeof f->p.asked, "ann");
    assert_int_equal(lw_policy_request(&f->p, f->spec, until - 1, NULL, false), 1);
    assert_string_equal(f->p.pending.barred, "hasty");
    trained(f, 3, false, until - 1);
    lw_copy(f->p.asked, sizeof f->p.asked, "ann");
    assert_int_equal(lw_policy_request(&f->p, f->spec, until, NULL, false), 1);
    assert_string_equal(f->p.pending.barred, "");
}

static void a_loss_within_noise_is_confirmed(void **state) {
    struct fixture *f = *state;
    struct lw_decision d;
    in_probation(f);
    for (int i = 0; i < 48; i++) /* mean -1, sd about 20: z about -0.3 */
        proven(f, 1000 + (i % 2 ? 210 : -190), 1000, 10);
    assert_int_equal(lw_policy_probation(&f->p, f->spec, T0 + 5 * LW_DAY, &d), 1);
    assert_int_equal(d.kind, LW_DECIDED_CONFIRM);
}

/* Nobody has judged it, so it does not count as confirmed. */
static void a_probation_without_panes_waits_and_ends_unjudged(void **state) {
    struct fixture *f = *state;
    struct lw_decision d;
    for (int panes = 0; panes < 24; panes += 23) {
        teardown(state);
        setup(state);
        f = *state;
        in_probation(f);
        f->p.cooldown_ms = 6 * f->spec->retrain.cooldown_ms;
        for (int i = 0; i < panes; i++)
            proven(f, 100 + i % 3, 150 + i % 5, 10);
        int64_t over = T0 + 5 * LW_DAY;
        assert_int_equal(lw_policy_probation(&f->p, f->spec, over - 1, &d), 0);
        assert_int_equal(lw_policy_probation(&f->p, f->spec, over, &d), 1);
        assert_int_equal(d.kind, LW_DECIDED_EXTEND);
        assert_int_equal(d.version, 2);
        assert_int_equal(d.other, 1);
        assert_non_null(strstr(d.reason, panes ? "23 panes" : "0 panes"));
        assert_int_equal(f->p.probation_until_ms, over + 2 * LW_DAY);
        assert_int_equal(lw_policy_probation(&f->p, f->spec, over + LW_DAY, &d), 0);
        assert_int_equal(lw_policy_probation(&f->p, f->spec, over + 2 * LW_DAY, &d), 1);
        assert_int_equal(d.kind, LW_DECIDED_NOT_JUDGED);
        assert_string_equal(lw_decision_name(d.kind), "not_judged");
        assert_int_equal(f->p.champion, 2);
        assert_int_equal(f->p.probation_until_ms, 0);
        assert_int_equal(f->p.cooldown_ms, 6 * f->spec->retrain.cooldown_ms);
    }
}

/* Panes that arrive while it waits count. */
static void a_probation_that_waited_can_be_judged(void **state) {
    struct fixture *f = *state;
    struct lw_decision d;
    in_probation(f);
    assert_int_equal(lw_policy_probation(&f->p, f->spec, T0 + 5 * LW_DAY, &d), 1);
    for (int i = 0; i < 24; i++)
        proven(f, 100 + i % 3, 150 + i % 5, 10);
    assert_int_equal(lw_policy_probation(&f->p, f->spec, T0 + 7 * LW_DAY, &d), 1);
    assert_int_equal(d.kind, LW_DECIDED_CONFIRM);
    assert_false(f->p.extended);
}

/* For a short probation half the panes are enough, also to roll it back. */
static void a_short_probation_is_judged_by_half_its_panes(void **state) {
    struct fixture *f = *state;
    struct lw_decision d;
    f->spec->retrain.probation_ms = 12 * LW_HOUR;
    for (int panes = 5; panes <= 6; panes++) {
        bootstrapped(f);
        lw_policy_champion(&f->p, f->spec, 2 + (uint32_t)panes, T0 + 3 * LW_DAY);
        for (int i = 0; i < panes; i++)
            proven(f, 150 + i % 3, 100 + i % 5, 10);
        int64_t over = T0 + 3 * LW_DAY + 12 * LW_HOUR;
        assert_int_equal(lw_policy_probation(&f->p, f->spec, over - 1, &d), 0);
        assert_int_equal(lw_policy_probation(&f->p, f->spec, over, &d), 1);
        assert_int_equal(d.kind, panes == 6 ? LW_DECIDED_ROLL_BACK : LW_DECIDED_EXTEND);
        lw_policy_init(&f->p, f->spec);
    }
}

/* d alternates between 4 and 6 per event, 48 times: mean 5, standard error 1.0106 /
 * sqrt(48). */
static void the_reason_gives_mean_and_z(void **state) {
    struct fixture *f = *state;
    struct lw_decision d;
    in_probation(f);
    for (int i = 0; i < 48; i++)
        proven(f, 100, i % 2 ? 140 : 160, 10);
    assert_int_equal(lw_policy_probation(&f->p, f->spec, T0 + 5 * LW_DAY, &d), 1);
    assert_string_equal(d.reason, "probation of version 2: squared error below version "
                                  "1's by 5.000 an event over 48 panes (z 34.28)");
}

/* A spread needs at least two panes. */
static void a_probation_needs_at_least_two_panes(void **state) {
    struct fixture *f = *state;
    struct lw_decision d;
    f->spec->retrain.probation_ms = 4 * LW_HOUR;
    in_probation_of(f, 4 * LW_HOUR);
    proven(f, 150, 100, 10);
    proven(f, 151, 100, 10);
    assert_int_equal(
        lw_policy_probation(&f->p, f->spec, T0 + 3 * LW_DAY + 4 * LW_HOUR, &d), 1);
    assert_int_equal(d.kind, LW_DECIDED_ROLL_BACK);
    assert_non_null(strstr(d.reason, "above"));
}

static void a_young_champion_is_not_dated_by_panes(void **state) {
    struct fixture *f = *state;
    rows(f, 10);
    assert_int_equal(f->p.champion_since_ms, 0); /* there is no date */
}

static void panes_of_different_events_do_not_count(void **state) {
    struct fixture *f = *state;
    in_probation(f);
    proven(f, 100, 150, 10);
    f->pane->scores[1].losses.n = 9;
    lw_policy_pane(&f->p, f->spec, f->pane, false);
    f->pane->scores[1].losses.n = f->pane->scores[0].losses.n = 0;
    lw_policy_pane(&f->p, f->spec, f->pane, false);
    f->pane->nscores = 1;
    f->pane->scores[0].losses.n = 10;
    lw_policy_pane(&f->p, f->spec, f->pane, false);
    f->pane->scores[0].version = f->p.previous;
    lw_policy_pane(&f->p, f->spec, f->pane, false);
    assert_int_equal(f->p.probation.n, 1);
    assert_true(f->p.probation.mean == 5);
}

/* A pane in quarantine has no fresh data and does not count in a probation; its day does
 * not count in the level. */
static void quarantined_panes_do_not_count(void **state) {
    struct fixture *f = *state;
    struct lw_losses level;
    in_probation(f);
    proven(f, 100, 150, 10);
    uint64_t fresh = f->p.fresh, usable = f->p.usable;
    f->pane->reason[LW_GOOD] = 500;
    lw_policy_pane(&f->p, f->spec, f->pane, true);
    assert_int_equal(f->p.fresh, fresh);
    assert_int_equal(f->p.usable, usable);
    assert_int_equal(f->p.probation.n, 1);
    f->pane->answered = (struct lw_losses){.n = 10, .loss = 30};
    for (int day = 0; day < 4; day++) {
        f->pane->start_ms = T0 + day * LW_DAY;
        lw_policy_pane(&f->p, f->spec, f->pane, true);
    }
    struct lw_quarantine q = {.n = 1};
    q.span[0] =
        (struct lw_span){.from_ms = T0 + LW_DAY + 5, .until_ms = T0 + 2 * LW_DAY + 5};
    lw_policy_level(&f->p, NULL, &q, &level);
    assert_int_equal(level.n, 20); /* two days of four */
}

/* There is no previous version. */
static void a_first_version_is_not_recalled(void **state) {
    struct fixture *f = *state;
    struct lw_decision d;
    struct lw_span span = {.from_ms = T0, .broken_ms = T0, .feature = "km"};
    bootstrapped(f);
    assert_int_equal(f->p.candidate_version, 1);
    assert_int_equal(lw_policy_spoiled(&f->p, &span, T0 + 4 * LW_DAY, &d), 0);
    assert_int_equal(f->p.champion, 1);
}

static void a_version_trained_on_a_fault_is_recalled(void **state) {
    struct fixture *f = *state;
    struct lw_decision d;
    struct lw_span span = {.from_ms = T0 + 2 * LW_DAY, .feature = "km"};
    int64_t at = T0 + 4 * LW_DAY;
    in_probation(f); /* trained as of T0 + 3 days */
    proven(f, 100, 150, 10);
    span.broken_ms = T0 + 3 * LW_DAY; /* the fault began just after the training */
    assert_int_equal(lw_policy_spoiled(&f->p, &span, at, &d), 0);
    assert_int_equal(f->p.probation.n, 0); /* but its panes no longer count */
    assert_int_equal(f->p.champion, 2);
    int64_t cooldown = f->p.cooldown_ms;
    span.broken_ms--;
    assert_int_equal(lw_policy_spoiled(&f->p, &span, at, &d), 1);
    assert_int_equal(d.kind, LW_DECIDED_ROLL_BACK);
    assert_int_equal(d.version, 2);
    assert_int_equal(d.other, 1);
    assert_int_equal(d.at_ms, at);
    assert_non_null(strstr(d.reason, "fault in km"));
    assert_int_equal(f->p.champion, 1);
    assert_int_equal(f->p.previous, 0);
    assert_int_equal(f->p.champion_since_ms, at);
    assert_int_equal(f->p.probation_until_ms, 0);
    assert_int_equal(f->p.cooldown_ms, cooldown); /* not the candidate's fault */
    assert_string_equal(f->p.barred, "");
    assert_int_equal(lw_policy_spoiled(&f->p, &span, at, &d), 0); /* only once */
    assert_int_equal(lw_policy_request(&f->p, f->spec, at, NULL, true), 0);
    assert_int_equal(lw_policy_request(&f->p, f->spec, at, NULL, false), 1);
    assert_non_null(strstr(f->p.pending.reason, "rows of a fault"));
    assert_false(f->p.pending.bootstrap);
    trained(f, 3, false, at);
    assert_int_equal(request(f, at + 1, NULL), 0); /* only once, whatever the result */
}

/* A new champion resets the probation of the old one. */
static void a_new_champion_resets_the_probation(void **state) {
    struct fixture *f = *state;
    struct lw_decision d;
    in_probation(f);
    assert_int_equal(f->p.champion_since_ms, T0 + 3 * LW_DAY);
    proven(f, 100, 150, 10);
    assert_int_equal(lw_policy_probation(&f->p, f->spec, T0 + 5 * LW_DAY, &d), 1);
    assert_true(f->p.extended);
    lw_policy_champion(&f->p, f->spec, 3, T0 + 6 * LW_DAY);
    assert_int_equal(f->p.probation.n, 0);
    assert_false(f->p.extended);
    assert_int_equal(f->p.champion_since_ms, T0 + 6 * LW_DAY);
    assert_int_equal(f->p.probation_until_ms, T0 + 8 * LW_DAY);
    lw_policy_champion(&f->p, f->spec, 2, T0 + 7 * LW_DAY); /* a person rolls back */
    assert_int_equal(f->p.probation_until_ms, 0);
    f->spec->retrain.probation_ms = 0;
    lw_policy_champion(&f->p, f->spec, 4, T0 + 8 * LW_DAY);
    assert_int_equal(f->p.probation_until_ms, 0);
    assert_int_equal(f->p.first, 1);
}

static void without_a_probation_a_promotion_counts_as_confirmed(void **state) {
    struct fixture *f = *state;
    f->spec->retrain.probation_ms = 0;
    bootstrapped(f);
    f->p.cooldown_ms = 6 * f->spec->retrain.cooldown_ms;
    lw_copy(f->p.asked, sizeof f->p.asked, "ann");
    assert_int_equal(request(f, T0 + 3 * LW_DAY, NULL), 1);
    assert_false(f->p.pending.bootstrap); /* there is a champion */
    trained(f, 2, true, T0 + 3 * LW_DAY);
    assert_int_equal(f->p.cooldown_ms, 3 * f->spec->retrain.cooldown_ms);
}

static void a_person_can_request_the_first_training(void **state) {
    struct fixture *f = *state;
    lw_copy(f->p.asked, sizeof f->p.asked, "ann");
    assert_int_equal(request(f, T0, NULL), 1);
    assert_true(f->p.pending.bootstrap);
}

static bool refused(struct fixture *f) {
    struct lw_buf bytes = {0};
    struct lw_policy back;
    lw_policy_write(&f->p, &bytes);
    struct lw_reader r = lw_reader_of(bytes.data, bytes.len);
    lw_policy_read(&back, &r);
    lw_buf_fini(&bytes);
    return r.bad;
}

/* Times whose sums could overflow, counts beyond their arrays, impossible sums. */
static void impossible_states_are_refused(void **state) {
    struct fixture *f = *state;
    const int64_t limit = INT64_C(1) << 61;
    assert_false(refused(f)); /* trained_ms: never */
    f->p.champion_since_ms = INT64_MIN;
    assert_true(refused(f));
    f->p.champion_since_ms = -limit - 1;
    assert_true(refused(f));
    f->p.champion_since_ms = limit + 1;
    assert_true(refused(f));
    f->p.champion_since_ms = -limit;
    assert_false(refused(f));
    f->p.cooldown_ms = INT64_MIN;
    assert_true(refused(f));
    f->p.cooldown_ms = 0;
    f->p.ndays = 1;
    f->p.day[0].loss = 0;
    assert_false(refused(f));
    f->p.day[0].loss = -1;
    assert_true(refused(f));
    f->p.day[0].loss = INFINITY;
    assert_true(refused(f));
    f->p.day[0].loss = NAN;
    assert_true(refused(f));
    f->p.day[0] = (struct lw_day){.day = limit / LW_DAY + 1};
    assert_true(refused(f));
    f->p.ndays = LW_LEVEL_DAYS;
    memset(f->p.day, 0, sizeof f->p.day);
    assert_false(refused(f));
}

static void a_rich_policy(struct fixture *f) {
    in_probation(f);
    proven(f, 120, 100, 10);
    f->pane->answered = (struct lw_losses){.n = 10, .loss = 90};
    lw_policy_pane(&f->p, f->spec, f->pane, false);
    f->p.probation = (struct lw_moments){0};
    proven(f, 120, 100, 10);
    proven(f, 90, 100, 10);
    rows(f, 321);
    assert_int_equal(request(f, T0 + 9 * LW_DAY, "drift of zone"), 1);
    lw_copy(f->p.asked, sizeof f->p.asked, "bob");
}

static void the_state_survives_its_bytes(void **state) {
    struct fixture *f = *state;
    struct lw_buf one = {0}, two = {0};
    struct lw_policy back;
    a_rich_policy(f);
    lw_policy_write(&f->p, &one);
    lw_policy_init(&back, f->spec);
    struct lw_reader r = lw_reader_of(one.data, one.len);
    lw_policy_read(&back, &r);
    assert_false(r.bad);
    assert_int_equal(lw_reader_left(&r), 0);
    lw_policy_write(&back, &two);
    core_assert_same(&one, &two);
    assert_int_equal(back.champion, 2);
    assert_int_equal(back.previous, 1);
    assert_int_equal(back.first, 1);
    assert_int_equal(back.fresh, f->p.fresh);
    assert_int_equal(back.usable, f->p.usable);
    assert_int_equal(back.nrecent, 1); /* the bootstrap is more than a week ago */
    assert_int_equal(back.pending.id, 3);
    assert_string_equal(back.pending.reason, "drift of zone");
    assert_string_equal(back.asked, "bob");
    assert_int_equal(back.probation.n, 2);
    assert_true(back.probation.mean == f->p.probation.mean);
    lw_buf_fini(&one);
    lw_buf_fini(&two);
}

/* Everything that is not refused must be safe to continue with (UBSan checks it). */
static void go_on(struct fixture *f, struct lw_policy *p) {
    struct lw_decision d;
    struct lw_training t = {0};
    lw_policy_probation(p, f->spec, T0 + 9 * LW_DAY, &d);
    const struct lw_training_outcome outcome = {3, &t, NULL, T0 + 9 * LW_DAY};
    lw_policy_trained(p, f->spec, &outcome, &d);
    p->asked[0] = '\0';
    lw_policy_request(p, f->spec, T0 + 90 * LW_DAY, "drift", false);
    assert_true(p->cooldown_ms >= 0);
}

static void hostile_bytes(void **state) {
    struct fixture *f = *state;
    struct lw_buf good = {0};
    struct lw_policy back;
    size_t refused = 0;
    a_rich_policy(f);
    lw_policy_write(&f->p, &good);
    for (size_t i = 0; i < good.len; i++) {
        struct lw_reader r = lw_reader_of(good.data, i);
        lw_policy_read(&back, &r);
        assert_true(r.bad);
    }
    for (size_t i = 0; i < good.len; i++)
        for (int bit = 0; bit < 8; bit++) {
            good.data[i] ^= (uint8_t)(1 << bit);
            struct lw_reader r = lw_reader_of(good.data, good.len);
            lw_policy_init(&back, f->spec);
            lw_policy_read(&back, &r);
            if (r.bad)
                refused++;
            else
                go_on(f, &back);
            good.data[i] ^= (uint8_t)(1 << bit);
        }
    assert_true(refused > 50);
    lw_buf_fini(&good);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(bootstrap_by_time),
        TEST(bootstrap_by_rows),
        TEST(a_failed_bootstrap_is_retried_after_its_cooldown),
        TEST(rejections_double_the_cooldown_and_a_promotion_resets_it),
        TEST(min_fresh_counts_since_the_last_training),
        TEST(no_more_than_max_per_week),
        TEST(without_an_alert_only_age_requests_a_training),
        TEST(a_champion_older_than_the_stream_ages_with_it),
        TEST(the_level_covers_the_newest_days),
        TEST(a_fault_delays_a_persons_request),
        TEST(a_better_version_is_confirmed_after_its_probation),
        TEST(a_worse_version_is_rolled_back_early),
        TEST(a_loss_within_noise_is_confirmed),
        TEST(a_probation_without_panes_waits_and_ends_unjudged),
        TEST(a_probation_that_waited_can_be_judged),
        TEST(a_short_probation_is_judged_by_half_its_panes),
        TEST(the_reason_gives_mean_and_z),
        TEST(a_probation_needs_at_least_two_panes),
        TEST(a_young_champion_is_not_dated_by_panes),
        TEST(panes_of_different_events_do_not_count),
        TEST(quarantined_panes_do_not_count),
        TEST(a_first_version_is_not_recalled),
        TEST(a_version_trained_on_a_fault_is_recalled),
        TEST(a_new_champion_resets_the_probation),
        TEST(without_a_probation_a_promotion_counts_as_confirmed),
        TEST(a_person_can_request_the_first_training),
        TEST(impossible_states_are_refused),
        TEST(the_state_survives_its_bytes),
        TEST(hostile_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
