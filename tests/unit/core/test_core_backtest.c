/* A backtest makes the same decisions as the monitor's loop driven by hand, every
 * time. */
#include "support/core_loop.h"

#include "core/backtest.h"

struct heard {
    struct lw_buf log;
    int trained, promoted, nfollowed;
    struct lw_followed followed[16];
};

static void evaluated(void *arg, const struct lw_evaluation *e) {
    core_log(&((struct heard *)arg)->log, e);
}

static void trained(void *arg, const struct lw_request *request, uint32_t version,
                    const struct lw_training *training, const char *failure) {
    struct heard *h = arg;
    assert_true(request->id != 0);
    assert_true(training ? version > 0 && !failure : failure != NULL);
    double shift = 0;
    for (size_t i = 0; training && training->tracked && i < training->ndays; i++)
        shift += fabs(training->day[i].shift);
    assert_true(shift > 0 || !training || !training->tracked);
    h->trained++;
    h->promoted += training && training->gate.passed;
}

static void followed(void *arg, const struct lw_followed *f) {
    struct heard *h = arg;
    assert_true(h->nfollowed < 16);
    h->followed[h->nfollowed++] = *f;
}

static struct lw_spec *make_spec(void) {
    struct lw_spec *spec = core_spec_new();
    core_rule(spec, "error", "rmse_ratio", LW_RULE_MODEL, 1.4)->actions =
        LW_ACTION_RETRAIN;
    core_rule(spec, "psi", "psi", LW_RULE_EACH, .2);
    core_rule(spec, "target", "psi", LW_RULE_TARGET, .2);
    struct lw_rule *fault = core_rule(spec, "fault", "fault", LW_RULE_EACH, 1);
    fault->actions = LW_ACTION_BLOCK;
    fault->every_ms = 4 * LW_HOUR;
    fault->clear_below = .9;
    spec->rule[0].for_count = 2;
    return spec;
}

/* The same thirteen days each time; returns false at the end. */
static bool next(struct core_stream *s, const struct lw_spec *spec,
                 struct core_event *e) {
    double day = (double)(s->now_ms - CORE_START) / LW_DAY;
    s->level = day < 5 ? 0 : day < 8 ? 6 : day < 10.5 ? 2 : 9;
    s->nulls = day > 9 && day < 9.5;
    if (day >= 13)
        return false;
    core_stream_next(s, spec, e);
    return true;
}

static void run(const struct lw_spec *spec, struct heard *h, struct lw_buf *state) {
    struct lw_backtest_hooks hooks = {
        .arg = h, .evaluated = evaluated, .trained = trained, .followed = followed};
    struct lw_backtest *b = lw_backtest_new(spec, &hooks);
    struct core_stream s;
    struct core_event e;
    struct lw_err err = {0};
    core_stream_init(&s, 3);
    while (next(&s, spec, &e))
        assert_int_equal(lw_backtest_event(b, &e.row, e.reason, &err), 0);
    assert_int_equal(lw_backtest_end(b, &err), 0);
    const struct lw_run_summary *l = lw_backtest_run_summary(b);
    assert_int_equal(l->retrains + 1, h->trained);
    /* tracking follows the level where a new model would be needed without it */
    assert_true(l->promotions >= 2 || spec->tracking.time_constant_ms);
    assert_non_null(strstr(lw_buf_str(&h->log), "span begins x"));
    assert_non_null(strstr(lw_buf_str(&h->log), "span ends x"));
    lw_monitor_write(lw_backtest_monitor(b), state);
    lw_backtest_free(b);
}

static void a_second_run_gives_the_same_result(void **state) {
    (void)state;
    struct lw_spec *spec = make_spec();
    struct heard one = {0}, two = {0};
    struct lw_buf a = {0}, b = {0};
    run(spec, &one, &a);
    run(spec, &two, &b);
    assert_string_equal(lw_buf_str(&one.log), lw_buf_str(&two.log));
    core_assert_same(&a, &b);
    lw_buf_fini(&one.log);
    lw_buf_fini(&two.log);
    lw_buf_fini(&a);
    lw_buf_fini(&b);
    core_spec_free(spec);
}

static void decides_as_the_loop_does(int64_t time_constant_ms, const char *zone) {
    struct lw_spec *spec = make_spec();
    spec->tracking.time_constant_ms = time_constant_ms;
    spec->zone = zone ? lw_zone_new(zone, NULL) : NULL;
    if (zone)
        spec->rule[1].every_ms = LW_DAY;
    struct heard h = {0};
    struct lw_buf a = {0}, b = {0};
    struct core_loop *loop = lw_malloc(sizeof *loop);
    struct core_stream s;
    struct core_event e;
    run(spec, &h, &a);
    core_loop_init(loop, spec);
    loop->restart_every = 10;
    core_stream_init(&s, 3);
    while (next(&s, spec, &e))
        core_loop_event(loop, &e);
    core_loop_end(loop);
    assert_string_equal(lw_buf_str(&h.log), lw_buf_str(&loop->log));
    lw_monitor_write(loop->monitor, &b);
    core_assert_same(&a, &b);
    core_loop_fini(loop);
    free(loop);
    lw_buf_fini(&h.log);
    lw_buf_fini(&a);
    lw_buf_fini(&b);
    lw_zone_free(spec->zone);
    core_spec_free(spec);
}

static void a_backtest_decides_as_the_loop_does(void **state) {
    (void)state;
    decides_as_the_loop_does(0, NULL);
    decides_as_the_loop_does(2 * LW_HOUR, NULL);
}

/* Clocks change on 8 March, in the first week. */
static void so_it_does_in_a_time_zone(void **state) {
    (void)state;
    decides_as_the_loop_does(2 * LW_HOUR, "America/New_York");
}

/* Both versions of a promotion are compared on the same events, for a week or until the
 * end; after a jump of the level the new version is better. */
static void promotions_are_compared_with_the_previous_champion(void **state) {
    (void)state;
    struct lw_spec *spec = make_spec();
    struct heard h = {0};
    struct lw_buf a = {0};
    run(spec, &h, &a);
    assert_true(h.nfollowed > 0);
    assert_int_equal(h.nfollowed, h.promoted - 1); /* the first version replaced none */
    for (int i = 0; i < h.nfollowed; i++) {
        const struct lw_followed *f = &h.followed[i];
        assert_true(f->previous > 0 && f->previous < f->version);
        assert_int_equal(f->until_ms - f->from_ms, LW_FOLLOW_MS);
        assert_int_equal(f->now.n, f->before.n);
        assert_true(f->now.n > 0 &&
                    f->now.errors.target.mean == f->before.errors.target.mean);
    }
    assert_true(h.followed[0].now.loss < h.followed[0].before.loss);
    lw_buf_fini(&h.log);
    lw_buf_fini(&a);
    core_spec_free(spec);
}

static void follow_hours(struct lw_follow *f, int from, int until, double target) {
    for (int h = from; h < until; h++) {
        struct lw_row row = {.time_ms = CORE_START + h * LW_HOUR + LW_MINUTE,
                             .target = target + h % 3};
        lw_follow_row(f, &row, 12, 11);
    }
}

/* Events of panes in quarantine neither count nor move tracking. */
static void quarantined_events_do_not_count(void **state) {
    (void)state;
    struct lw_spec *spec = core_spec_new();
    const struct lw_replacement promotion = {2, 1, CORE_START, true};
    spec->tracking.time_constant_ms = 2 * LW_HOUR;
    struct lw_followed with, without;
    for (int spoiled = 0; spoiled < 2; spoiled++) {
        struct lw_follow *f = lw_follow_new(spec, &promotion);
        follow_hours(f, 0, 40, 10);
        if (spoiled) {
            follow_hours(f, 40, 60, 40);
            for (int h = 40; h < 60; h++)
                lw_follow_quarantined(f,
                                      lw_spec_pane_start(spec, CORE_START + h * LW_HOUR));
        }
        follow_hours(f, 60, 100, 10);
        lw_follow_judge(f, spoiled ? &with : &without);
        lw_follow_free(f);
    }
    assert_int_equal(without.now.n, 80);
    assert_int_equal(with.now.n, without.now.n);
    assert_true(with.now.loss == without.now.loss);
    assert_true(with.difference == without.difference && with.se == without.se);
    core_spec_free(spec);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_second_run_gives_the_same_result),
        cmocka_unit_test(a_backtest_decides_as_the_loop_does),
        cmocka_unit_test(so_it_does_in_a_time_zone),
        cmocka_unit_test(promotions_are_compared_with_the_previous_champion),
        cmocka_unit_test(quarantined_events_do_not_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
