/* Whatever numbers a stream has, the written state can be read again, merged, and written
 * as the same bytes, and no figure becomes infinite. Numbers are random bit patterns, so
 * that every double can occur: infinities, NaN, subnormal ones, both zeros, the largest.
 *
 *     SEED=... build/dev/tests/unit/core/test_core_any_numbers      # repeats a run */
#include "support/core_loop.h"

#include <float.h>
#include <time.h>

static uint64_t seed;

static double any_double(struct lw_rng *rng) {
    static const double special[] = {0.0,
                                     -0.0,
                                     5e-324,
                                     -5e-324,
                                     DBL_MIN,
                                     DBL_MAX,
                                     -DBL_MAX,
                                     INFINITY,
                                     -INFINITY,
                                     NAN,
                                     LW_SUMMABLE_MAX,
                                     -LW_SUMMABLE_MAX,
                                     1.0000000000000002e70,
                                     1e-162,
                                     1e154,
                                     9007199254740993.0};
    uint64_t bits = lw_rng_next(rng);
    double v;
    switch (lw_rng_below(rng, 6)) {
    case 0:
        return special[bits % (sizeof special / sizeof *special)];
    case 1:
        memcpy(&v, &bits, sizeof v); /* any bit pattern */
        return v;
    case 2:
        bits &= UINT64_C(0x800fffffffffffff); /* subnormal */
        memcpy(&v, &bits, sizeof v);
        return v;
    case 3:
        return LW_SUMMABLE_MAX * (2 * lw_rng_unit(rng) - 1);
    case 4:
        return 1e8 + lw_rng_normal(rng);
    default:
        return 10 * lw_rng_normal(rng);
    }
}

/* Every number that can be summed is in range. */
static struct lw_spec *open_spec(void) {
    struct lw_spec *spec = core_spec_new();
    spec->event.target_lo = -INFINITY;
    spec->event.target_hi = INFINITY;
    spec->feature[CORE_F_X].lo = -INFINITY;
    spec->feature[CORE_F_X].hi = INFINITY;
    lw_spec_columns(spec);
    return spec;
}

static void pour(struct lw_pane *pane, const struct lw_spec *spec, struct lw_rng *rng,
                 int n) {
    for (int i = 0; i < n; i++) {
        struct lw_cell watched[LW_FEATURES_MAX + 1];
        struct core_event e;
        core_event_set(spec, &e, CORE_START, (int)lw_rng_below(rng, 9), any_double(rng),
                       any_double(rng));
        struct lw_scored scored[] = {{1, any_double(rng), 0}, {2, any_double(rng), 0}};
        lw_spec_watch(spec, &e.row, watched);
        const struct lw_pane_event event = {i,      watched, e.reason, e.row.target,
                                            scored, 2};
        lw_pane_buffer(pane, &event);
    }
    lw_pane_drain(pane);
}

static struct lw_pane *read_back(struct lw_pane *pane, const struct lw_spec *spec) {
    struct lw_buf bytes = {0}, again = {0};
    struct lw_pane *back = lw_pane_new(spec, pane->start_ms, pane->profile->seed);
    core_pane_bytes(pane, &bytes);
    core_pane_fill(back, &bytes);
    core_pane_bytes(back, &again);
    core_assert_same(&bytes, &again);
    lw_buf_fini(&bytes);
    lw_buf_fini(&again);
    return back;
}

static void finite_or_unknown(double v) {
    assert_true(isinf(v) == 0);
}

static void figures_are_finite(const struct lw_losses *s) {
    for (const struct lw_task_figure *f = s->task ? s->task->figure : NULL; f && f->key;
         f++) {
        finite_or_unknown(f->value(s));
        finite_or_unknown(f->se ? f->se(s) : NAN);
    }
    finite_or_unknown(lw_losses_recalibration_gain(s));
}

static void panes_of_any_numbers_read_back(void **state) {
    (void)state;
    struct lw_spec *spec = open_spec();
    struct lw_rng rng;
    lw_rng_seed(&rng, seed);
    struct lw_pane *window = lw_pane_new(spec, CORE_START, seed);
    for (int i = 0; i < 300; i++) {
        struct lw_pane *pane = lw_pane_new(spec, CORE_START, lw_mix64((uint64_t)i));
        int n = (int)lw_rng_below(&rng, i % 10 ? 30u : 800u);
        pour(pane, spec, &rng, n);
        struct lw_pane *back = read_back(pane, spec);
        const struct lw_losses *s = &back->answered;
        assert_int_equal(s->n + s->unsummed, back->reason[LW_GOOD]);
        const struct lw_numeric *x = &back->profile->members[CORE_F_X].num;
        assert_int_equal(x->n + x->missing, back->events);
        lw_pane_merge(window, back);
        lw_pane_free(read_back(window, spec));
        figures_are_finite(&window->answered);
        lw_pane_free(pane);
        lw_pane_free(back);
    }
    for (int i = 0; i < 30; i++) { /* more than a year of them */
        struct lw_pane *half = read_back(window, spec);
        lw_pane_merge(window, half);
        lw_pane_free(half);
        lw_pane_free(read_back(window, spec));
        figures_are_finite(&window->answered);
    }
    lw_pane_free(window);
    core_spec_free(spec);
}

/* The whole loop, as `run` drives it: panes, windows, trainings, references, monitors.
 * The result is the same with and without changes of leader. */
static void put_event(struct core_loop *loop, const struct lw_spec *spec,
                      struct lw_rng *rng, struct core_stream *s, int share) {
    struct core_event e;
    core_stream_next(s, spec, &e);
    if (lw_rng_below(rng, 1000) < (uint64_t)share) {
        double x = lw_rng_below(rng, 2) ? any_double(rng) : e.cell[CORE_X].num;
        double y = lw_rng_below(rng, 2) ? any_double(rng) : e.cell[CORE_Y].num;
        core_event_set(spec, &e, e.row.time_ms, (int)lw_rng_below(rng, 5), x, y);
    }
    core_loop_event(loop, &e);
}

static void run_loop(struct core_loop *loop, const struct lw_spec *spec, int share,
                     int restart_every) {
    struct core_stream s;
    struct lw_rng rng;
    lw_rng_seed(&rng, seed + (uint64_t)share);
    core_loop_init(loop, spec);
    loop->restart_every = restart_every;
    core_stream_init(&s, seed);
    while (s.now_ms < CORE_START + 6 * LW_DAY)
        put_event(loop, spec, &rng, &s, share);
    core_loop_end(loop);
}

static void a_loop_on_any_numbers_continues(void **state) {
    (void)state;
    static const int shares[] = {1, 30, 1000}; /* of a thousand events */
    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++) {
        struct lw_spec *spec = open_spec();
        core_rule(spec, "error", "rmse_ratio", LW_RULE_MODEL, 1.5)->actions =
            LW_ACTION_RETRAIN;
        core_rule(spec, "drift", "psi", LW_RULE_EACH, .2);
        struct core_loop smooth, stumbling;
        run_loop(&smooth, spec, shares[i], 0);
        run_loop(&stumbling, spec, shares[i], 7);
        assert_true(smooth.nsealed > 100);
        assert_int_equal(smooth.nsealed, stumbling.nsealed);
        assert_true(smooth.requests > 0);
        core_assert_same(&smooth.log, &stumbling.log);
        core_loop_fini(&smooth);
        core_loop_fini(&stumbling);
        core_spec_free(spec);
    }
}

/* A training on such rows gives a result that can be read again, or an error. */
static void trainings_on_any_numbers_read_back(void **state) {
    (void)state;
    struct lw_spec *spec = open_spec();
    struct lw_rng rng;
    int made = 0;
    lw_rng_seed(&rng, seed);
    for (int round = 0; round < 12; round++) {
        struct lw_dataset *ds = lw_dataset_new(spec->train);
        struct lw_training t = {0};
        struct lw_err err = {0};
        for (int i = 0; i < 1500; i++) {
            struct core_event e;
            bool odd = lw_rng_below(&rng, 1 + 200 * (uint64_t)(round % 3)) == 0;
            double x = lw_rng_unit(&rng), y = 3 * x + lw_rng_normal(&rng);
            core_event_set(spec, &e, CORE_START + i * 2 * LW_MINUTE, i % 5,
                           odd ? any_double(&rng) : x, odd ? any_double(&rng) : y);
            if (e.reason == LW_GOOD)
                lw_dataset_add(ds, &e.row);
        }
        int64_t as_of = CORE_START + 1500 * 2 * LW_MINUTE;
        t.as_of_ms = as_of;
        if (lw_train(spec, ds, NULL, NULL, &t, &err) == 0) {
            struct lw_buf one = {0}, two = {0}, bytes = {0};
            lw_reference_write(t.reference, &one);
            struct lw_reference *back = lw_reference_read(spec, one.data, one.len, &err);
            if (!back)
                fail_msg("%s", err.msg);
            lw_reference_write(back, &two);
            core_assert_same(&one, &two);
            lw_reference_free(back);
            assert_int_equal(lw_model_encode(t.model, &bytes, &err), 0);
            struct lw_model *model = lw_model_decode(bytes.data, bytes.len, &err);
            if (!model)
                fail_msg("%s", err.msg);
            lw_model_free(model);
            lw_buf_fini(&one);
            lw_buf_fini(&two);
            lw_buf_fini(&bytes);
            made++;
        } else {
            assert_true(err.msg[0] != '\0');
        }
        lw_training_fini(&t);
        lw_dataset_free(ds);
    }
    print_message("%d of 12 trainings ended with a model\n", made);
    core_spec_free(spec);
}

int main(void) {
    const char *given = getenv("SEED");
    seed = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
    printf("SEED=%llu\n", (unsigned long long)seed);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(panes_of_any_numbers_read_back),
        cmocka_unit_test(a_loop_on_any_numbers_continues),
        cmocka_unit_test(trainings_on_any_numbers_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
