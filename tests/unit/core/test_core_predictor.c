/* Streams whose predictions come with the events, or from nobody, and streams whose truth
 * never comes. */
#include "support/core_loop.h"

#include "core/backtest.h"

#define DAYS 8
#define SHIFTS                                                                           \
    5 /* the day from which on the distribution of x, or the level of y, is another */

struct watched {
    const struct lw_spec *spec;
    struct lw_buf log;
    double loss, tracked_apart;
    uint64_t scored;
    int trainings, fired[LW_RULES_MAX];
    bool figures_of_errors, figures_of_target, figures_of_prediction;
};

static void on_evaluated(void *arg, const struct lw_evaluation *e) {
    struct watched *w = arg;
    core_log(&w->log, e);
    for (size_t i = 0; i < e->nfigures; i++) {
        const char *name = e->figure[i].name;
        w->figures_of_errors |= strstr(name, ":rmse") || strstr(name, ":mae") ||
                                strstr(name, ":bias") || strstr(name, ":r2") ||
                                strstr(name, ":recalibration") || strstr(name, ":n");
        w->figures_of_target |= strstr(name, ":target") != NULL;
        w->figures_of_prediction |= strstr(name, ":prediction") != NULL;
    }
    for (size_t i = 0; i < e->nalerts; i++)
        if (e->alert[i].rule && e->alert[i].firing)
            w->fired[e->alert[i].rule - w->spec->rule]++;
}

static void on_trained(void *arg, const struct lw_request *request, uint32_t version,
                       const struct lw_training *t, const char *failure) {
    struct watched *w = arg;
    assert_null(failure);
    assert_true(t->gate.passed);
    assert_true(request->bootstrap);
    assert_int_equal(version, 1);
    w->trainings++;
}

/* x is what the events carry as prediction. */
static void on_scored(void *arg, const struct lw_row *row, const struct lw_cell *watched,
                      const struct lw_scored *scored, size_t n) {
    struct watched *w = arg;
    double x = row->cells[CORE_X].num;
    (void)watched;
    assert_int_equal(n, 1);
    assert_true(scored[0].prediction == x);
    assert_true(scored[0].served == x); /* tracking is measured, never served */
    if (isfinite(row->target))
        w->loss += (x - row->target) * (x - row->target);
    w->scored++;
}

/* `labelled`: the truth comes. */
static struct lw_spec *spec_of(enum lw_predictor predictor, bool labelled) {
    struct lw_spec *spec = core_spec_new();
    spec->predictor = predictor;
    spec->tracking.time_constant_ms =
        labelled && predictor == LW_PREDICTOR_EVENTS ? LW_HOUR : 0;
    if (predictor != LW_PREDICTOR_MODELS) {
        spec->ncandidates = 1;
        spec->candidate[0] = (struct lw_fit_spec){.name = "external",
                                                  .kind = LW_FIT_EXTERNAL,
                                                  .intercept = true,
                                                  .clip_lo = -INFINITY,
                                                  .clip_hi = INFINITY};
    }
    if (predictor == LW_PREDICTOR_EVENTS) {
        spec->event.predicted = true;
        spec->event.prediction_field = CORE_X;
        spec->candidate[0].terms[spec->candidate[0].nterms++] = 1; /* x */
    }
    if (!labelled) {
        spec->event.target = LW_TARGET_NONE;
        spec->event.target_a = -1;
        spec->event.target_lo = -INFINITY;
        spec->event.target_hi = INFINITY;
        lw_spec_columns(spec);
    }
    return spec;
}

static void watch(struct watched *w, const struct lw_spec *spec, double shift,
                  double level, const struct lw_run_summary **summary,
                  struct lw_backtest **out) {
    struct lw_backtest_hooks hooks = {
        .arg = w, .evaluated = on_evaluated, .trained = on_trained, .scored = on_scored};
    struct core_stream s;
    struct core_event e;
    struct lw_err err = {0};
    *w = (struct watched){.spec = spec};
    *out = lw_backtest_new(spec, &hooks);
    core_stream_init(&s, 11);
    while (s.now_ms < CORE_START + DAYS * LW_DAY) {
        bool later = s.now_ms >= CORE_START + SHIFTS * LW_DAY;
        s.shift = later ? shift : 0;
        s.level = later ? level : 0;
        core_stream_next(&s, spec, &e);
        assert_int_equal(lw_backtest_event(*out, &e.row, e.reason, &err), 0);
    }
    assert_int_equal(lw_backtest_end(*out, &err), 0);
    *summary = lw_backtest_run_summary(*out);
    assert_int_equal(w->trainings, 1);
    assert_int_equal((*summary)->retrains, 0);
}

static void done(struct watched *w, struct lw_spec *spec, struct lw_backtest *b) {
    lw_buf_fini(&w->log);
    lw_backtest_free(b);
    core_spec_free(spec);
}

static void errors_are_those_of_the_events_own_predictions(void **state) {
    (void)state;
    struct lw_spec *spec = spec_of(LW_PREDICTOR_EVENTS, true);
    const struct lw_run_summary *summary;
    struct lw_backtest *b;
    struct lw_month all;
    struct watched w;
    core_rule(spec, "error", "rmse_ratio", LW_RULE_MODEL, 1.2);
    watch(&w, spec, 0, 6, &summary, &b);
    lw_run_summary_totals(summary, &all);
    assert_true(w.scored > 2000);
    assert_int_equal(all.answered.n, w.scored);
    double rmse = sqrt(w.loss / (double)w.scored);
    assert_true(fabs(lw_losses_error(&all.answered) - rmse) < 1e-9 * rmse);
    assert_int_equal(w.fired[0], 1); /* the level rose, and nobody retrained */
    assert_true(w.figures_of_errors && w.figures_of_target && w.figures_of_prediction);
    done(&w, spec, b);
}

static void without_truth_no_error_has_a_figure(void **state) {
    (void)state;
    for (int predictor = LW_PREDICTOR_EVENTS; predictor <= LW_PREDICTOR_NONE;
         predictor++) {
        struct lw_spec *spec = spec_of((enum lw_predictor)predictor, false);
        bool predicted = predictor == LW_PREDICTOR_EVENTS;
        const struct lw_run_summary *summary;
        struct lw_backtest *b;
        struct watched w;
        core_rule(spec, "x", "psi", CORE_F_X, .2);
        core_rule(spec, "zone", "psi", CORE_F_ZONE, .2);
        if (predicted)
            core_rule(spec, "prediction", "psi", LW_RULE_PREDICTION, .2);
        watch(&w, spec, 8, 0, &summary, &b);
        assert_int_equal(w.fired[0], 1);
        assert_int_equal(w.fired[1], 0);
        assert_int_equal(w.fired[2], predicted);
        assert_int_equal(w.scored > 0, predicted);
        assert_false(w.figures_of_errors);
        assert_false(w.figures_of_target);
        assert_int_equal(w.figures_of_prediction, predicted);
        done(&w, spec, b);
    }
}

static void a_target_that_nobody_predicts_is_watched(void **state) {
    (void)state;
    struct lw_spec *spec = spec_of(LW_PREDICTOR_NONE, true);
    const struct lw_run_summary *summary;
    struct lw_backtest *b;
    struct watched w;
    core_rule(spec, "target", "psi", LW_RULE_TARGET, .2);
    watch(&w, spec, 0, 6, &summary, &b);
    assert_int_equal(w.fired[0], 1);
    assert_int_equal(w.scored, 0);
    assert_false(w.figures_of_errors);
    assert_true(w.figures_of_target);
    done(&w, spec, b);
}

static void an_event_without_its_prediction_is_rejected(void **state) {
    (void)state;
    struct lw_spec *spec = spec_of(LW_PREDICTOR_EVENTS, false);
    struct core_event e;
    const double none[] = {NAN, INFINITY, -INFINITY, 1e300};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        core_event_set(spec, &e, CORE_START, 1, none[i], 5);
        assert_int_equal(e.reason, LW_REJECTED_NO_PREDICTION);
    }
    core_event_set(spec, &e, CORE_START, 1, -3, NAN);
    assert_int_equal(e.reason, LW_GOOD);
    assert_true(isnan(e.row.target));
    core_spec_free(spec);
}

static void a_person_renews_the_reference(void **state) {
    (void)state;
    struct lw_spec *spec = spec_of(LW_PREDICTOR_NONE, false);
    struct core_run *r = lw_calloc(1, sizeof *r);
    core_rule(spec, "x", "psi", CORE_F_X, .2);
    r->spec = spec;
    core_loop_init(&r->loop, spec);
    core_stream_init(&r->stream, 5);
    core_run_until(r, 4);
    assert_int_equal(lw_monitor_champion_version(r->loop.monitor), 1);
    r->stream.shift = 8;
    core_run_until(r, 6);
    int fired = r->loop.fired;
    assert_true(fired > 0);
    assert_int_equal(lw_monitor_champion_version(r->loop.monitor),
                     1); /* by nobody else */
    core_loop_ask(&r->loop, "ann");
    core_run_until(r, 8);
    assert_int_equal(lw_monitor_champion_version(r->loop.monitor), 2);
    assert_int_equal(r->loop.fired, fired); /* the shifted x is usual now */
    assert_int_equal(r->loop.rollbacks, 0);
    void *run = r;
    core_run_teardown(&run);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_are_those_of_the_events_own_predictions),
        cmocka_unit_test(without_truth_no_error_has_a_figure),
        cmocka_unit_test(a_target_that_nobody_predicts_is_watched),
        cmocka_unit_test(an_event_without_its_prediction_is_rejected),
        cmocka_unit_test(a_person_renews_the_reference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
