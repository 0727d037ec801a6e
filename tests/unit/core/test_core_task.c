/* A second task needs one row and nothing else: the toy task passes through pane, serial
 * form, gate, segments and run summary. */
#include "support/core_fixture.h"
#include "support/toy_task.h"

#include "core/losses.h"
#include "core/run_summary.h"
#include "core/segment_regression.h"
#include "core/train.h"

static struct lw_spec *toy_spec(void) {
    struct lw_spec *spec = core_spec_new();
    spec->task = &toy_task;
    return spec;
}

/* 100 events of version 1, half of them yes, all predicted as 0.9. */
static struct lw_pane *toy_pane(const struct lw_spec *spec) {
    struct lw_pane *pane = lw_pane_new(spec, CORE_START, 1);
    for (int i = 0; i < 100; i++) {
        struct core_event e;
        struct lw_cell watched[LW_FEATURES_MAX + 1];
        struct lw_scored scored = {.version = 1, .prediction = .9};
        core_event_set(spec, &e, CORE_START, 1, 1, i % 2);
        lw_spec_watch(spec, &e.row, watched);
        const struct lw_pane_event event = {i, watched, LW_GOOD, i % 2, &scored, 1};
        lw_pane_buffer(pane, &event);
    }
    lw_pane_drain(pane);
    return pane;
}

static void close_to(double got, double want) {
    assert_true(fabs(got - want) < 1e-12);
}

static void a_pane_keeps_the_sums_of_its_task(void **state) {
    (void)state;
    struct lw_spec *spec = toy_spec();
    struct lw_pane *pane = toy_pane(spec), *back = lw_pane_new(spec, CORE_START, 1);
    struct lw_buf bytes = {0}, again = {0};
    core_pane_bytes(pane, &bytes);
    core_pane_fill(back, &bytes);
    core_pane_bytes(back, &again);
    core_assert_same(&bytes, &again);
    lw_pane_merge(pane, back);
    const struct lw_losses *s = &lw_pane_scores(pane, 1)->losses;
    assert_int_equal(s->n, 200);
    assert_int_equal(pane->answered.n, 200);
    close_to(lw_losses_error(s), (.81 + .01) / 2);
    close_to(lw_losses_figure(s, "rate"), .5);
    close_to(lw_losses_recalibration_gain(s), .25);
    assert_true(isnan(lw_losses_figure(s, "rmse")) && isnan(lw_losses_error_se(s)));
    lw_buf_fini(&bytes);
    lw_buf_fini(&again);
    lw_pane_free(pane);
    lw_pane_free(back);
    core_spec_free(spec);
}

static void the_gate_compares_by_the_task(void **state) {
    (void)state;
    struct lw_spec *spec = toy_spec();
    struct lw_dataset *ds = lw_dataset_new(spec->train);
    double champion[400], challenger[400];
    struct lw_gate gate;
    spec->retrain.gate = (struct lw_gate_spec){.z = 2, .block_ms = LW_HOUR};
    for (int i = 0; i < 400; i++) {
        struct core_event e;
        core_event_set(spec, &e, CORE_START + i * 6 * LW_MINUTE, 1, 1, i % 2);
        e.row.target = i % 2;
        lw_dataset_add(ds, &e.row);
        champion[i] = .5;
        challenger[i] = i % 2 ? .8 - i % 7 * .001 : .2;
    }
    const struct lw_gate_rows rows = {.ds = ds,
                                      .end = 400,
                                      .champion = champion,
                                      .challenger = challenger,
                                      .until_ms = lw_dataset_time(ds, 399) + 1};
    lw_gate_judge(spec, &rows, &gate);
    assert_true(gate.passed);
    close_to(gate.champion_error, .25);
    assert_true(gate.challenger_error < .05);
    assert_non_null(strstr(gate.reason, "Brier 0.04"));
    assert_null(strstr(gate.reason, "RMSE"));
    lw_dataset_free(ds);
    core_spec_free(spec);
}

static void segments_and_run_summary_show_its_error(void **state) {
    (void)state;
    struct lw_spec *spec = toy_spec();
    struct lw_reference *ref = lw_reference_new(spec);
    struct lw_pane *pane = toy_pane(spec);
    struct lw_run_summary summary = {0}, back = {0};
    struct lw_segment_regression worst;
    struct lw_cell watched[LW_FEATURES_MAX + 1], none = {0};
    struct core_event e;
    struct lw_buf bytes = {0};
    core_event_set(spec, &e, CORE_START, 2, 1, 1);
    lw_spec_watch(spec, &e.row, watched);
    for (int i = 0; i < 100; i++) {
        lw_losses_add(&ref->losses, &toy_task, 1, .9);
        lw_segments_add(&ref->segments[CORE_F_ZONE], 2, 1, toy_task.loss_of(1, .9));
        lw_pane_add_loss(pane, 1, watched, &none, toy_task.loss_of(1, .5));
    }
    assert_int_equal(lw_segment_regression_find(spec, ref, pane, 1, &worst, 1), 1);
    close_to(worst.error, .25);
    close_to(worst.reference_error, .01);
    lw_run_summary_pane(&summary, pane, 1);
    lw_run_summary_write(&summary, &toy_task, &bytes);
    struct lw_reader r = lw_reader_of(bytes.data, bytes.len);
    lw_run_summary_read(&back, &toy_task, &r);
    assert_false(r.bad);
    assert_int_equal(lw_reader_left(&r), 0);
    close_to(lw_losses_error(&back.month[0].answered), .41);
    close_to(lw_run_summary_frozen_error(&back.month[0]), .41);
    lw_buf_fini(&bytes);
    lw_reference_free(ref);
    lw_pane_free(pane);
    core_spec_free(spec);
}

static void figures_of_the_error_are_named_after_it(void **state) {
    static const char *const ends[] = {"", "_se", "_expected", "_ratio", "_first"};
    (void)state;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        assert_non_null(
            lw_metric_find(lw_task_error_key(&lw_task_regression, "", ends[i]).text));
    assert_string_equal(lw_task_error_key(&toy_task, "frozen_", "_se").text,
                        "frozen_brier_se");
    assert_string_equal(lw_task_error_label(&toy_task, "managed ", "").text,
                        "managed Brier");
}

static void influences_sum_to_zero(void **state) {
    (void)state;
    const struct lw_task_figure *r2 = &lw_task_regression.figure[3];
    struct lw_losses s = {0};
    double sum = 0;
    for (int i = 0; i < 500; i++)
        lw_losses_add(&s, &lw_task_regression, i % 17, i % 13);
    for (int i = 0; i < 500; i++)
        sum += r2->influence(&s, i % 17, i % 13);
    assert_string_equal(r2->key, "r2");
    close_to(sum / 500, 0);
}

static void regression_is_the_first_task(void **state) {
    (void)state;
    struct lw_spec *spec = core_spec_new();
    assert_ptr_equal(spec->task, &lw_task_regression);
    assert_string_equal(spec->task->figure[0].label, "RMSE");
    struct lw_losses empty = {0}, s = {0};
    assert_true(isnan(lw_losses_error(&empty)) && isnan(lw_losses_mean(&empty)));
    lw_losses_add(&s, spec->task, 10, 13);
    lw_losses_add(&s, spec->task, 10, 14);
    lw_losses_merge(&s, &empty);
    close_to(s.loss, 25);
    close_to(lw_losses_error(&s), sqrt(12.5));
    close_to(lw_losses_figure(&s, "bias"), 3.5);
    assert_true(isnan(spec->task->loss_of(1e71, 0)));
    core_spec_free(spec);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(regression_is_the_first_task),
        cmocka_unit_test(figures_of_the_error_are_named_after_it),
        cmocka_unit_test(influences_sum_to_zero),
        cmocka_unit_test(a_pane_keeps_the_sums_of_its_task),
        cmocka_unit_test(the_gate_compares_by_the_task),
        cmocka_unit_test(segments_and_run_summary_show_its_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
