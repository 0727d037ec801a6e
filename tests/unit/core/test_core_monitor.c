/* The loop from end to end on a synthetic stream: what fires, trains, is promoted and
 * rolled back; and a restarted monitor decides as the old one would have. */
#include "support/core_loop.h"

#include "core/rule.h"

static int setup(void **state) {
    struct core_run *f = lw_calloc(1, sizeof *f);
    f->spec = core_spec_new();
    core_rule(f->spec, "error", "rmse_ratio", LW_RULE_MODEL, 1.5)->actions =
        LW_ACTION_RETRAIN;
    f->spec->rule[0].for_count = 3;
    f->spec->rule[0].min_n = 50;
    core_loop_init(&f->loop, f->spec);
    core_stream_init(&f->stream, 11);
    *state = f;
    return 0;
}

static bool logged(struct core_run *f, const char *words) {
    return strstr(lw_buf_str(&f->loop.log), words) != NULL;
}

static void an_unchanged_stream_fires_nothing(void **state) {
    struct core_run *f = *state;
    core_run_until(f, 2);
    assert_int_equal(lw_monitor_champion_version(f->loop.monitor), 0);
    core_run_until(f, 9);
    assert_int_equal(lw_monitor_champion_version(f->loop.monitor), 1);
    assert_int_equal(f->loop.requests, 1); /* the bootstrap */
    assert_int_equal(f->loop.fired, 0);
    assert_int_equal(lw_monitor_run_summary(f->loop.monitor)->retrains, 0);
}

static void a_jump_fires_once_trains_once_and_resolves(void **state) {
    struct core_run *f = *state;
    core_run_until(f, 5);
    f->stream.level = 6;
    core_run_until(f, 9);
    const struct lw_run_summary *l = lw_monitor_run_summary(f->loop.monitor);
    assert_true(logged(f, "rule error: rmse_ratio"));
    assert_true(l->promotions >= 1);
    assert_int_equal(l->criticals, f->loop.fired);
    assert_int_equal(f->loop.fired, f->loop.resolved);
    assert_int_equal(lw_monitor_pending(f->loop.monitor), 0);
    assert_int_equal(l->retrains + 1, f->loop.requests);
    assert_int_equal(l->retrains, l->promotions + l->rejections + l->failures);
    struct lw_pane *day = lw_monitor_recent(f->loop.monitor, LW_DAY);
    uint32_t now = lw_monitor_champion_version(f->loop.monitor);
    assert_true(now >= 2);
    double managed = lw_losses_error(&lw_pane_scores(day, now)->losses);
    double frozen = lw_losses_error(&lw_pane_scores(day, 1)->losses);
    assert_true(frozen > 5 && managed < .75 * frozen);
    lw_pane_free(day);
}

/* What is usual is part of the state: a process that continues alerts as the first one. */
static void a_rule_on_a_budget_learns_across_restarts(void **state) {
    struct core_run *f = *state;
    struct lw_rule *rule = &f->spec->rule[0];
    const struct core_stream begin = f->stream;
    struct lw_buf log[2] = {{0}};
    rule->for_count = 1;
    rule->warn = rule->critical = rule->clear_below = NAN;
    rule->rate[LW_USUAL_WARN] = 1 / 30.0;
    rule->rate[LW_USUAL_CRITICAL] = 1 / 90.0;
    rule->period_ms = rule->every_ms = LW_DAY;
    for (int i = 0; i < 2; i++) {
        core_run_again(f);
        f->loop.restart_every = i;
        f->stream = begin;
        core_run_until(f, 20);
        assert_int_equal(f->loop.fired, 0);
        f->stream.level = 6;
        core_run_until(f, 23);
        assert_true(f->loop.fired > 0);
        lw_buf_put(&log[i], f->loop.log.data, f->loop.log.len);
    }
    core_assert_same(&log[0], &log[1]);
    assert_non_null(strstr(lw_buf_str(&log[0]), "Values this large usually occur"));
    lw_buf_fini(&log[0]);
    lw_buf_fini(&log[1]);
}

static void a_firing_alert_notifies_once_and_requests_once(void **state) {
    struct core_run *f = *state;
    f->spec->retrain.cooldown_ms = f->spec->retrain.cooldown_max_ms; /* no training */
    core_run_again(f);
    core_run_until(f, 5);
    f->stream.level = 6;
    core_run_until(f, 9);
    assert_int_equal(f->loop.fired, 1);
    assert_int_equal(f->loop.resolved, 0);
    assert_int_equal(f->loop.requests, 1);
    core_run_until(f, 13); /* the cooldown has passed at day 10 */
    assert_int_equal(f->loop.requests, 2);
    assert_int_equal(f->loop.fired, 1);
    assert_int_equal(f->loop.resolved, 1); /* by the promotion */
    assert_int_equal(f->loop.promoted, 2);
    assert_int_equal(f->loop.confirmed, 1);
}

static void the_run_summary_has_months_and_the_first_model(void **state) {
    struct core_run *f = *state;
    f->stream.step_ms = 6 * LW_MINUTE;
    f->spec->retrain.bootstrap_until_ms = CORE_START + 25 * LW_DAY;
    core_run_again(f);
    core_run_until(f, 27);
    f->stream.level = 6;
    core_run_until(f, 34); /* into April */
    core_loop_end(&f->loop);
    const struct lw_run_summary *l = lw_monitor_run_summary(f->loop.monitor);
    struct lw_month all;
    assert_int_equal(l->nmonths, 2);
    assert_int_equal(l->month[0].year, 2020);
    assert_int_equal(l->month[0].month, 3);
    assert_int_equal(l->month[1].month, 4);
    lw_run_summary_totals(l, &all);
    assert_int_equal(all.events, l->month[0].events + l->month[1].events);
    const uint64_t *c = lw_partition_counters(f->loop.partition);
    assert_int_equal(all.events, c[LW_COUNT_MESSAGES] - c[LW_COUNT_LATE]);
    assert_true(all.answered.n > 500 && all.answered.n < all.events);
    assert_int_equal(all.answered.n, all.first.n);
    assert_true(all.answered.loss < .85 * all.first.loss);
}

/* Drift below every rule's threshold is still a reason not to wait for max_age. */
static void a_stale_champion_is_challenged_before_its_time(void **state) {
    struct core_run *f = *state;
    f->spec->rule[0].actions = 0;
    f->spec->retrain.max_age_ms = 20 * LW_DAY;
    f->spec->retrain.stale_age_ms = 4 * LW_DAY;
    f->spec->retrain.stale_gain = 0.1;
    core_run_again(f);
    core_run_until(f, 9); /* it has had that age for days, and nothing has changed */
    assert_int_equal(f->loop.requests, 1);
    f->stream.level = 3;
    core_run_until(f, 12);
    assert_true(f->loop.requests >= 2);
    assert_true(logged(f, "old and recalibration_gain"));
    f->spec->retrain.stale_age_ms = 15 * LW_DAY; /* too young: no request */
    core_loop_fini(&f->loop);
    core_stream_init(&f->stream, 11);
    core_loop_init(&f->loop, f->spec);
    core_run_until(f, 9);
    f->stream.level = 3;
    core_run_until(f, 12);
    assert_int_equal(f->loop.requests, 1);
}

static void a_bad_promotion_is_rolled_back(void **state) {
    struct core_run *f = *state;
    f->loop.bad_version = 2;
    core_run_until(f, 4);
    core_loop_ask(&f->loop, "ann");
    assert_true(logged(f, "requested by ann"));
    assert_int_equal(lw_monitor_champion_version(f->loop.monitor), 2);
    uint32_t shadow[LW_VERSIONS_MAX];
    assert_int_equal(lw_monitor_shadows(f->loop.monitor, shadow), 1);
    assert_int_equal(shadow[0], 1); /* the first and the previous champion are the same */
    f->spec->rule[0].actions = 0;
    core_run_until(f, 7);
    assert_int_equal(f->loop.rollbacks, 1);
    assert_int_equal(lw_monitor_champion_version(f->loop.monitor), 1);
    assert_int_equal(lw_monitor_run_summary(f->loop.monitor)->rollbacks, 1);
    assert_true(logged(f, "alert rollback/"));
    assert_int_equal(lw_monitor_reference(f->loop.monitor)->version, 1);
    assert_int_equal(lw_monitor_shadows(f->loop.monitor, shadow), 0);
    /* An immediate repetition of the request does not train a similar version again. */
    assert_int_equal(f->loop.version[1].model ? 1 : 0, 1);
    int before = f->loop.promoted;
    core_loop_ask(&f->loop, "bob");
    assert_true(f->loop.barred > 0);
    assert_true(before == f->loop.promoted ||
                lw_monitor_champion_version(f->loop.monitor) == 3);
}

static void broken_data_is_not_learned(void **state) {
    struct core_run *f = *state;
    core_rule(f->spec, "fault", "fault", LW_RULE_EACH, 1)->actions = LW_ACTION_BLOCK;
    core_run_again(f);
    core_run_until(f, 4);
    f->stream.nulls = true;
    core_run_until(f, 6);
    assert_true(logged(f, "alert fault/x"));
    assert_true(logged(f, "alert error/"));
    assert_int_equal(f->loop.requests, 1);
    f->stream.nulls = false;
    f->stream.level = 6;
    core_run_until(f, 8);
    assert_true(logged(f, "alert fault/x 6h resolved"));
    assert_true(f->loop.requests >= 2);
}

/* If no value is left, the share of faulty columns is 0 of 0. */
static void a_window_without_any_value_fires(void **state) {
    struct core_run *f = *state;
    f->spec->rule[0].actions = 0;
    core_rule(f->spec, "missing", "missing", CORE_F_X, .2)->min_n = 50;
    core_rule(f->spec, "range", "out_of_range", CORE_F_X, .2)->min_n = 50;
    core_run_again(f);
    core_run_until(f, 4);
    f->stream.nulls = true;
    core_run_until(f, 5);
    assert_true(logged(f, "alert missing/x 6h firing"));
    assert_false(logged(f, "alert missing/x 6h resolved"));
    f->stream.nulls = false;
    f->stream.shift = 100;
    core_run_until(f, 6);
    assert_true(logged(f, "alert missing/x 6h resolved"));
    assert_true(logged(f, "alert range/x 6h firing"));
    assert_false(logged(f, "alert range/x 6h resolved"));
    f->stream.shift = 0;
    core_run_until(f, 7);
    assert_true(logged(f, "alert range/x 6h resolved"));
}

/* floor_psi determines the verdict in reports; a rule has a threshold of its own. */
static void a_rule_uses_its_own_threshold(void **state) {
    struct core_run *f = *state;
    static const char *const metrics[] = {"psi", "js", "ks", "w1", "energy"};
    f->spec->rule[0].actions = 0;
    f->spec->drift.floor_psi = 10;
    f->spec->feature[CORE_F_X].k = 200;
    lw_spec_columns(f->spec);
    for (size_t i = 0; i < sizeof metrics / sizeof *metrics; i++)
        core_rule(f->spec, metrics[i], metrics[i], CORE_F_X, .08)->window = 1;
    core_run_again(f);
    core_run_until(f, 3);
    assert_false(logged(f, "/x 2d firing")); /* nothing has changed */
    f->stream.shift = 3;                     /* half a standard deviation */
    core_run_until(f, 5);                    /* the reference has no weekend */
    assert_true(logged(f, "alert psi/x 2d firing"));
    assert_true(logged(f, "alert js/x 2d firing"));
    assert_true(logged(f, "alert ks/x 2d firing"));
    assert_true(logged(f, "alert w1/x 2d firing"));
    assert_true(logged(f, "alert energy/x 2d firing"));
}

/* A quarter of a standard deviation: far below drift, but certain. */
static void a_small_change_is_shifted_in_words(void **state) {
    struct core_run *f = *state;
    f->spec->rule[0].actions = 0;
    f->stream.step_ms = LW_MINUTE;
    f->spec->feature[CORE_F_X].k = 200;
    lw_spec_columns(f->spec);
    core_run_again(f);
    core_run_until(f, 2.5);
    f->stream.shift = 1.5;
    core_run_until(f, 5);
    struct lw_evaluation *e = lw_malloc(sizeof *e);
    lw_monitor_seal(f->loop.monitor,
                    lw_pane_new(f->spec, lw_monitor_sealed_until(f->loop.monitor), 1), e);
    assert_true(core_figure(e, "2d:drift:x") == 0);
    assert_true(core_figure(e, "2d:shifted:x") == 1);
    const char *text = "";
    for (size_t i = 0; i < e->nshifts; i++)
        if (strcmp(e->shift[i].name, "2d:shift:x") == 0)
            text = e->shift[i].text;
    assert_non_null(strstr(text, "below 0.1")); /* 1.0 → 0.0 % */
    free(e);
}

static void a_failed_training_is_reported(void **state) {
    struct core_run *f = *state;
    for (size_t i = 0; i < f->spec->ncandidates; i++)
        f->spec->candidate[i].half_life_ms = 1; /* all weights vanish */
    core_run_again(f);
    core_run_until(f, 2.5);
    assert_true(logged(f, "alert training-failed/"));
    assert_int_equal(lw_monitor_run_summary(f->loop.monitor)->failures, 1);
    assert_int_equal(lw_monitor_champion_version(f->loop.monitor), 0);
}

/* Unreadable panes are counted, and reported once while they last; a new leader knows
 * it. */
static void unreadable_panes_are_reported_once(void **state) {
    struct core_run *f = *state;
    f->loop.restart_every = 5;
    core_run_until(f, 3);
    lw_monitor_unreadable(f->loop.monitor, 2, "Two panes cannot be read.");
    lw_monitor_unreadable(f->loop.monitor, 1, "One more.");
    lw_monitor_unreadable(f->loop.monitor, 0, "The reference cannot be read.");
    core_run_until(f, 4);
    assert_true(logged(f, "alert unreadable-pane/  firing warning"));
    assert_true(logged(f, "alert unreadable-state/  firing warning"));
    lw_monitor_unreadable(f->loop.monitor, 1, "And another.");
    core_run_until(f, 5);
    assert_int_equal(f->loop.fired, 2);
    struct lw_evaluation *e = lw_malloc(sizeof *e);
    lw_monitor_seal(f->loop.monitor,
                    lw_pane_new(f->spec, lw_monitor_sealed_until(f->loop.monitor), 1), e);
    assert_true(core_figure(e, "unreadable_panes") == 4);
    assert_int_equal(e->nalerts, 0);
    lw_monitor_crowned(f->loop.monitor, 1, e); /* with a readable reference */
    assert_int_equal(e->nalerts, 1);
    assert_string_equal(e->alert[0].name, "unreadable-state");
    assert_false(e->alert[0].firing);
    free(e);
    assert_string_equal(lw_alert_notice_name(2), "unreadable-pane");
    assert_string_equal(lw_alert_notice_name(4), "leeway-kafka");
}

static void an_unrequested_training_result_is_ignored(void **state) {
    struct core_run *f = *state;
    struct lw_evaluation *e = lw_malloc(sizeof *e);
    struct lw_training t = {.gate = {.passed = true}};
    core_run_until(f, 4);
    lw_monitor_trained(f->loop.monitor, 77, 9, &t, NULL, e);
    assert_int_equal(e->ndecisions, 0);
    assert_int_equal(lw_monitor_run_summary(f->loop.monitor)->promotions, 0);
    free(e);
}

/* Rules of every kind, a change detector, and a stream with every kind of event. */
static void everything(struct core_run *f, int restart_every) {
    static const char *const metrics[] = {"psi",   "missing",      "unseen",
                                          "fault", "out_of_range", "ks"};
    core_run_again(f);
    if (f->spec->nrules == 1) {
        for (size_t i = 0; i < sizeof metrics / sizeof *metrics; i++)
            core_rule(f->spec, metrics[i], metrics[i], LW_RULE_EACH, .2);
        f->spec->drift.alpha = 1; /* with small sketches little is significant */
        core_rule(f->spec, "target", "psi", LW_RULE_TARGET, .2);
        core_rule(f->spec, "prediction", "w1", LW_RULE_PREDICTION, .2)->window = 1;
        core_rule(f->spec, "bias", "bias", LW_RULE_MODEL, 1)->every_ms = 3 * LW_HOUR;
        core_rule(f->spec, "change", "change_point", LW_RULE_MODEL, 1);
        core_rule(f->spec, "events", "events", LW_RULE_MODEL, 60);
        lw_copy(f->spec->change.kind, sizeof f->spec->change.kind, "page_hinkley");
        f->spec->change.delta = .05;
        f->spec->change.lambda = 8;
        core_run_again(f);
    }
    core_stream_init(&f->stream, 21);
    f->loop.restart_every = restart_every;
    f->loop.bad_version = 3;
    core_run_until(f, 4.3);
    f->stream.level = 4;
    core_run_until(f, 6.1);
    f->stream.nulls = true;
    core_run_until(f, 6.6);
    f->stream.nulls = false;
    f->stream.shift = 6; /* on a weekend: the newest reference has nothing else */
    core_run_until(f, 6.95);
    f->stream.shift = 0;
    f->stream.step_ms = 20 * LW_MINUTE;
    core_run_until(f, 7.5);
    f->stream.step_ms = 2 * LW_MINUTE;
    f->stream.level = 1;
    f->stream.now_ms += 5 * LW_HOUR; /* hours without a pane */
    core_run_until(f, 9);
    f->stream.shift = 6;
    core_run_until(f, 11);
}

static void restarts_do_not_change_decisions(struct core_run *f) {
    static const int every[] = {1, 5, 24, 31};
    everything(f, 0);
    char *smooth = lw_strdup(lw_buf_str(&f->loop.log));
    assert_true(strstr(smooth, "change/") && strstr(smooth, "psi/") &&
                strstr(smooth, "target/") && strstr(smooth, "events/"));
    assert_true(f->loop.fired >= 8);
    assert_true(f->spec->tracking.time_constant_ms ||
                (f->loop.promoted >= 2 && f->loop.rollbacks == 1));
    for (size_t i = 0; i < sizeof every / sizeof *every; i++) {
        everything(f, every[i]);
        const char *cut = lw_buf_str(&f->loop.log);
        if (strcmp(smooth, cut) != 0) {
            size_t at = 0;
            while (smooth[at] == cut[at])
                at++;
            while (at > 0 && smooth[at - 1] != '\n')
                at--;
            fail_msg("restarting every %d panes:\n%.300s\nnot\n%.300s", every[i],
                     cut + at, smooth + at);
        }
    }
    free(smooth);
}

static void a_restart_does_not_change_decisions(void **state) {
    struct core_run *f = *state;
    restarts_do_not_change_decisions(f);
    f->spec->tracking.time_constant_ms = LW_HOUR;
    restarts_do_not_change_decisions(f);
}

/* After a restart, hours without a pane are filled with empty ones. They must not count
 * as hours that were watched, or a young stream looks like a silent one. */
static void a_young_stream_is_not_reported_as_silent(void **state) {
    struct core_run *f = *state;
    struct lw_buf bytes = {0};
    struct lw_evaluation *e = lw_malloc(sizeof *e);
    core_rule(f->spec, "events", "events", LW_RULE_MODEL, 100000)->window = 1;
    core_run_again(f);
    core_run_until(f, .5);
    lw_monitor_write(f->loop.monitor, &bytes);
    struct lw_monitor *m = lw_monitor_new(f->spec);
    assert_int_equal(lw_monitor_read(m, bytes.data, bytes.len, NULL), 0);
    int64_t end = lw_monitor_sealed_until(f->loop.monitor), at = end - 2 * LW_DAY;
    for (; at < end; at += LW_HOUR)
        lw_monitor_refill(m, lw_pane_new(f->spec, at, 0));
    for (; at < CORE_START + 2 * LW_DAY; at += LW_HOUR) {
        lw_monitor_seal(m, lw_pane_new(f->spec, at, 0), e);
        assert_int_equal(e->nalerts, at + LW_HOUR == CORE_START + 2 * LW_DAY);
    }
    lw_monitor_free(m);
    lw_buf_fini(&bytes);
    free(e);
}

static void hostile_state_is_refused_or_harmless(void **state) {
    struct core_run *f = *state;
    struct lw_buf good = {0};
    core_run_until(f, 5);
    f->stream.level = 6;
    core_run_until(f, 5.3);
    lw_monitor_write(f->loop.monitor, &good);
    for (size_t i = 0; i < good.len; i++) {
        struct lw_monitor *m = lw_monitor_new(f->spec);
        struct lw_err err = {0};
        assert_int_equal(lw_monitor_read(m, good.data, i, &err), -1);
        assert_int_equal(err.code, LW_EINPUT);
        lw_monitor_free(m);
        m = lw_monitor_new(f->spec);
        good.data[i] ^= 0x81;
        if (lw_monitor_read(m, good.data, good.len, NULL) == 0) {
            struct lw_evaluation *e = lw_malloc(sizeof *e);
            lw_monitor_seal(m, lw_pane_new(f->spec, CORE_START + 9 * LW_DAY, 1), e);
            free(e);
        }
        good.data[i] ^= 0x81;
        lw_monitor_free(m);
    }
    lw_buf_fini(&good);
}

/* A firing alert and a pending request from a store whose panes have expired. */
static void a_promotion_works_without_any_panes(void **state) {
    struct core_run *f = *state;
    struct lw_buf bytes = {0};
    struct lw_evaluation *e = lw_malloc(sizeof *e);
    struct lw_training t = {.gate = {.passed = true}};
    core_rule(f->spec, "bias", "bias", LW_RULE_MODEL, 1);
    core_rule(f->spec, "psi", "psi", LW_RULE_TARGET, .1);
    f->spec->rule[0].actions = 0;
    core_run_again(f);
    core_run_until(f, 4);
    f->stream.level = 6;
    core_run_until(f, 5);
    lw_monitor_ask(f->loop.monitor, "ann", e);
    lw_monitor_write(f->loop.monitor, &bytes);
    struct lw_monitor *m = lw_monitor_new(f->spec);
    assert_int_equal(lw_monitor_read(m, bytes.data, bytes.len, NULL), 0);
    lw_monitor_trained(m, lw_monitor_pending(m), 2, &t, NULL, e);
    assert_int_equal(e->ndecisions, 1);
    assert_int_equal(e->nalerts, 3);
    lw_monitor_free(m);
    lw_buf_fini(&bytes);
    free(e);
}

/* A level that is wrong on two days of every week, which are in a calendar. */
static void run_with_bad_days(struct core_run *f, int except) {
    const int32_t day[] = {18323 + 5, 18323 + 6, 18323 + 12, 18323 + 13};
    assert_int_equal(
        lw_calendars_add(&f->spec->calendars, "off", day, sizeof day / sizeof *day, NULL),
        0);
    f->spec->rule[0].except = except;
    f->spec->rule[0].actions = 0;
    f->spec->rule[0].every_ms = LW_DAY;
    f->spec->rule[0].for_count = 1;
    f->spec->rule[0].window = 1;
    core_run_again(f);
    for (int d = 0; d < 14; d++) {
        f->stream.level = d % 7 >= 5 ? 6 : 0;
        core_run_until(f, d + 1);
    }
    f->stream.level = 0;
    core_run_until(f, 17);
    lw_calendars_fini(&f->spec->calendars);
}

static void days_of_a_calendar_fire_nothing(void **state) {
    struct core_run *f = *state;
    run_with_bad_days(f, 1);
    assert_int_equal(f->loop.fired, 0);
}

static void without_the_calendar_they_fire(void **state) {
    struct core_run *f = *state;
    run_with_bad_days(f, 0);
    assert_true(f->loop.fired > 0);
}

/* Errors that last beyond the calendar's days are found. */
static void other_days_still_fire(void **state) {
    struct core_run *f = *state;
    const int32_t day[] = {18323 + 5, 18323 + 6};
    lw_calendars_add(&f->spec->calendars, "off", day, 2, NULL);
    f->spec->rule[0].except = 1;
    f->spec->rule[0].actions = 0;
    f->spec->rule[0].window = 1;
    core_run_again(f);
    core_run_until(f, 5);
    f->stream.level = 6;
    core_run_until(f, 7);
    assert_int_equal(f->loop.fired, 0);
    core_run_until(f, 9);
    assert_int_equal(f->loop.fired, 1);
    lw_calendars_fini(&f->spec->calendars);
}

static struct lw_pane *some_pane(const struct lw_spec *spec, int64_t start) {
    struct lw_pane *pane = lw_pane_new(spec, start, (uint64_t)start);
    for (int i = 0; i < 30; i++) {
        struct core_event e;
        struct lw_cell watched[LW_FEATURES_MAX + 1];
        core_event_set(spec, &e, start, i % 5, i, 20 + i % 7);
        lw_spec_watch(spec, &e.row, watched);
        const struct lw_pane_event event = {i, watched, e.reason, 20 + i % 7, NULL, 0};
        lw_pane_buffer(pane, &event);
    }
    lw_pane_drain(pane);
    return pane;
}

static bool has_figure(const struct lw_evaluation *e, const char *name) {
    for (size_t i = 0; i < e->nfigures; i++)
        if (strcmp(e->figure[i].name, name) == 0)
            return true;
    return false;
}

/* A shortest window of a day is published each hour. A monitor that continues from the
 * state of another publishes the same. */
static void short_panes_publish_columns_at_fixed_times(void **state) {
    struct core_run *f = *state;
    struct lw_spec *spec = f->spec;
    struct lw_evaluation *e = lw_malloc(sizeof *e), *same = lw_malloc(sizeof *same);
    spec->pane_ms = 15 * LW_MINUTE;
    spec->window[0].length_ms = LW_DAY;
    struct lw_monitor *m = lw_monitor_new(spec), *other = lw_monitor_new(spec);
    for (int64_t at = CORE_START; at < CORE_START + 30 * LW_HOUR; at += spec->pane_ms) {
        lw_monitor_seal(m, some_pane(spec, at), e);
        bool hour = (at + spec->pane_ms) % LW_HOUR == 0;
        assert_int_equal(e->columns, hour);
        assert_int_equal(has_figure(e, "2d:missing:x"), hour);
        assert_true(core_figure(e, "2d:events") > 0);
        if (at < CORE_START + 28 * LW_HOUR) {
            lw_monitor_refill(other, some_pane(spec, at));
            continue;
        }
        lw_monitor_seal(other, some_pane(spec, at), same);
        assert_int_equal(e->nfigures, same->nfigures);
        for (size_t i = 0; i < e->nfigures; i++) {
            assert_string_equal(e->figure[i].name, same->figure[i].name);
            assert_true(e->figure[i].value == same->figure[i].value);
        }
    }
    lw_monitor_free(m);
    lw_monitor_free(other);
    free(e);
    free(same);
}

static void columns_are_published_with_a_24th_of_the_shortest_window(void **state) {
    struct core_run *f = *state;
    static const struct {
        int pane, window, want; /* minutes */
    } cases[] = {{15, 1440, 60}, {60, 1440, 60},  {60, 360, 60}, {15, 360, 15},
                 {10, 1440, 60}, {1, 60, 2},      {1, 720, 30},  {25, 2400, 25},
                 {5, 2880, 120}, {1, 34560, 1440}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        f->spec->pane_ms = cases[i].pane * LW_MINUTE;
        f->spec->window[1].length_ms = cases[i].window * LW_MINUTE;
        f->spec->window[0].length_ms = 2 * cases[i].window * LW_MINUTE;
        assert_int_equal(lw_spec_publish_ms(f->spec), cases[i].want * LW_MINUTE);
    }
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, core_run_teardown)
    const struct CMUnitTest tests[] = {
        TEST(an_unchanged_stream_fires_nothing),
        TEST(a_jump_fires_once_trains_once_and_resolves),
        TEST(a_rule_on_a_budget_learns_across_restarts),
        TEST(a_firing_alert_notifies_once_and_requests_once),
        TEST(the_run_summary_has_months_and_the_first_model),
        TEST(a_stale_champion_is_challenged_before_its_time),
        TEST(a_bad_promotion_is_rolled_back),
        TEST(broken_data_is_not_learned),
        TEST(a_window_without_any_value_fires),
        TEST(a_rule_uses_its_own_threshold),
        TEST(a_small_change_is_shifted_in_words),
        TEST(a_failed_training_is_reported),
        TEST(unreadable_panes_are_reported_once),
        TEST(an_unrequested_training_result_is_ignored),
        TEST(a_restart_does_not_change_decisions),
        TEST(a_young_stream_is_not_reported_as_silent),
        TEST(hostile_state_is_refused_or_harmless),
        TEST(a_promotion_works_without_any_panes),
        TEST(days_of_a_calendar_fire_nothing),
        TEST(without_the_calendar_they_fire),
        TEST(other_days_still_fire),
        TEST(short_panes_publish_columns_at_fixed_times),
        TEST(columns_are_published_with_a_24th_of_the_shortest_window),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
